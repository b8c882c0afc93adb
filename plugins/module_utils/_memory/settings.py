# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""A container's memory settings, and how the others write them: Podman's API and options, the kernel's files.

Pure. Settings are dicts with some of KEYS: bytes, None for none; swap_limit is memory and swap together; oom_group
is a bool, None for not said.
"""

from .._system.sizes import format_size

GROUP = "memory.oom.group"
KEYS = ("limit", "swap_limit", "reservation", "oom_group")


def differs(target, settings):
    return any(not _same(key, value, settings.get(key)) for key, value in target.items())


def _same(key, value, other):
    """Whether two values of a setting mean the same: memory.oom.group is off where nothing is said."""
    return bool(value) == bool(other) if key == "oom_group" else value == other


def declared(record, unit):
    """Return the result's `declared`: what the next start has, so for a quadlet what its unit says."""
    source = record if unit is None else unit
    return {key: source.get(key) for key in KEYS}


def resources(settings, present=None):
    """Return the part of a LinuxResources (OCI runtime spec) that makes Podman set these settings.

    :param present: all that is there, for a Podman that forgets what isn't sent.

    -1 removes a limit; for the reservation it would be memory.low=max, all protected, so that is 0.
    """
    sent = dict(present or {})
    memory = dict(sent.get("memory") or {})
    for key, name, none in (("limit", "limit", -1), ("swap_limit", "swap", -1), ("reservation", "reservation", 0)):
        if key in settings:
            memory[name] = none if settings[key] is None else settings[key]
    if memory:
        sent["memory"] = memory
    if "oom_group" in settings:
        sent["unified"] = dict(sent.get("unified") or {}, **{GROUP: "1" if settings["oom_group"] else "0"})
    return sent


def options(settings):
    """Return the settings as options of podman run, create and (but for oom_group) update."""
    words = []
    for key, name, none in (("limit", "--memory", "0"), ("swap_limit", "--memory-swap", "-1"),
                            ("reservation", "--memory-reservation", "0")):
        if key in settings:
            words.append("%s=%s" % (name, none if settings[key] is None else format_size(settings[key])))
    if settings.get("oom_group") is not None:
        words.append("--cgroup-conf=%s=%d" % (GROUP, settings["oom_group"]))
    return words


def leaf_files(settings):
    """Return [(file, text)] to write into the leaf on cgroup v2."""
    files = []
    limit, swap = settings.get("limit"), settings.get("swap_limit")
    if "limit" in settings:
        files.append(("memory.max", "max" if limit is None else str(limit)))
    if "swap_limit" in settings:
        files.append(("memory.swap.max", "max" if swap is None or limit is None else str(swap - limit)))
    if "reservation" in settings:
        files.append(("memory.low", str(settings["reservation"] or 0)))
    if "oom_group" in settings:
        files.append((GROUP, "1" if settings["oom_group"] else "0"))
    return files


def recorded(found):
    """Return the settings in a LinuxResources that Podman keeps."""
    memory = found.get("memory") or {}
    group = (found.get("unified") or {}).get(GROUP)
    some = {key: memory.get(name) for key, name in (("limit", "limit"), ("swap_limit", "swap"), ("reservation", "reservation"))}
    settings = {key: value if value and value > 0 else None for key, value in some.items()}
    return dict(settings, oom_group=None if group is None else group.strip() == "1")
