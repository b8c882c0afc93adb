# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A container's memory settings, and how Podman's API, its options and the kernel's files spell them.

Pure. Settings are MemorySettings, dicts with some of SETTING_KEYS.
"""

from typing import Any, Dict, List, Optional, Tuple

from .._podman.run_options import OOM_GROUP, MemorySettings
from .._system.sizes import format_size

SETTING_KEYS = ("limit", "swap_limit", "reservation", "oom_group")


def differs(target: MemorySettings, settings: MemorySettings) -> bool:
    """Whether any setting of the target has another value in these settings."""
    return any(not _same(key, value, settings.get(key)) for key, value in target.items())


def _same(key: str, value: Optional[int], other: Optional[int]) -> bool:
    """Whether two values of a setting mean the same: memory.oom.group is off where it is not set."""
    return bool(value) == bool(other) if key == "oom_group" else value == other


def declared_settings(record: MemorySettings, unit: Optional[MemorySettings]) -> MemorySettings:
    """Return the result's `declared`: what the next start has, so for a quadlet what its unit says."""
    source = record if unit is None else unit
    return {key: source.get(key) for key in SETTING_KEYS}


def to_resources(settings: MemorySettings, present: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
    """Return the part of a LinuxResources (OCI runtime spec) that makes Podman set these settings.

    -1 removes a limit; for the reservation it would be memory.low=max, all protected, so that is 0.

    :param present: all resources that the container has, for a Podman that forgets what isn't sent.
    """
    resources = dict(present or {})
    memory = dict(resources.get("memory") or {})
    for key, name, none in (("limit", "limit", -1), ("swap_limit", "swap", -1), ("reservation", "reservation", 0)):
        if key in settings:
            memory[name] = none if settings[key] is None else settings[key]
    if memory:
        resources["memory"] = memory
    if "oom_group" in settings:
        resources["unified"] = dict(resources.get("unified") or {}, **{OOM_GROUP: "1" if settings["oom_group"] else "0"})
    return resources


def from_resources(resources: Dict[str, Any]) -> MemorySettings:
    """Return the settings in a LinuxResources that Podman keeps."""
    memory = resources.get("memory") or {}
    sizes = {"limit": memory.get("limit"), "swap_limit": memory.get("swap"), "reservation": memory.get("reservation")}
    settings: MemorySettings = {key: size if size and size > 0 else None for key, size in sizes.items()}
    group = (resources.get("unified") or {}).get(OOM_GROUP)
    settings["oom_group"] = None if group is None else group.strip() == "1"
    return settings


def to_run_options(settings: MemorySettings) -> List[str]:
    """Return the settings as options of podman run, create and (except for oom_group) update."""
    options = []
    for key, name, none in (("limit", "--memory", "0"), ("swap_limit", "--memory-swap", "-1"),
                            ("reservation", "--memory-reservation", "0")):
        if key in settings:
            options.append("%s=%s" % (name, none if settings[key] is None else format_size(settings[key])))
    if settings.get("oom_group") is not None:
        options.append("--cgroup-conf=%s=%d" % (OOM_GROUP, bool(settings["oom_group"])))
    return options


def to_leaf_files(settings: MemorySettings) -> List[Tuple[str, str]]:
    """Return [(file, text)] to write into a container's leaf on cgroup v2."""
    files = []
    limit, swap_limit = settings.get("limit"), settings.get("swap_limit")
    if "limit" in settings:
        files.append(("memory.max", "max" if limit is None else str(limit)))
    if "swap_limit" in settings:
        files.append(("memory.swap.max", "max" if swap_limit is None or limit is None else str(swap_limit - limit)))
    if "reservation" in settings:
        files.append(("memory.low", str(settings["reservation"] or 0)))
    if "oom_group" in settings:
        files.append((OOM_GROUP, "1" if settings["oom_group"] else "0"))
    return files
