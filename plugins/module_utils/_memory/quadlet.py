# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Quadlet files: what a unit says about memory, and our own drop-in beside it.

Pure. The generated unit has the merged [Container] section of the file and all its drop-ins as [X-Container],
in the order in which the generator read them (podman-systemd.unit(5)).
"""

import re

from .._system.sizes import format_size, parse_size
from .settings import GROUP, options

DROP_IN = "50-podman-fleet-memory.conf"
_HEADER = "# Written by podman_fleet.memory.container_memory; changes here are overwritten.\n[Container]\n"
_FLAGS = {"--memory": "limit", "-m": "limit", "--memory-swap": "swap_limit", "--memory-reservation": "reservation"}


class Unreadable(ValueError):
    """A value in the unit can't be told."""


def settings(text):
    """Return {limit, swap_limit, reservation, oom_group} that a generated unit declares; None for none.

    PodmanArgs= are put behind Memory= on the command line, so they win.

    :raises Unreadable: a value is no size, such as a variable.
    """
    found = {"limit": None, "swap_limit": None, "reservation": None, "oom_group": None}
    memory, arguments = _section(text)
    if memory:
        found["limit"] = _size(memory)
    swap_said = False
    for name, value in _options(arguments):
        if name in _FLAGS:
            found[_FLAGS[name]] = _size(value)
            swap_said = swap_said or name == "--memory-swap"
        elif name == "--cgroup-conf" and value.partition("=")[0] == GROUP:
            found["oom_group"] = value.partition("=")[2].strip() == "1"
    if found["limit"] is None:
        found["swap_limit"] = None
    elif not swap_said:
        found["swap_limit"] = 2 * found["limit"]  # podman-run(1), --memory-swap
    return found


def uses_arguments(text):
    """Whether a PodmanArgs= gives the memory: then Memory= would be overridden by it."""
    return any(_FLAGS.get(name) == "limit" for name, _value in _options(_section(text)[1]))


def _section(text):
    """Return (the last Memory=, the words of all PodmanArgs=) of [X-Container]."""
    memory, arguments, inside = None, [], False
    for line in re.sub(r"\\\n", " ", text).splitlines():
        line = line.strip()
        if line.startswith("["):
            inside = line == "[X-Container]"
        elif inside and line.startswith("Memory="):
            memory = line.partition("=")[2].strip()
        elif inside and line.startswith("PodmanArgs="):
            words = line.partition("=")[2].split()
            # an empty one forgets those before (systemd.syntax(7))
            arguments = arguments + [word.strip("\"'") for word in words] if words else []
    return memory, arguments


def _options(words):
    """Return [(name, value)] of the options that are about memory, given as --name=value or --name value."""
    found = []
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in _FLAGS or name == "--cgroup-conf":
            found.append((name, value if equals else (words[index + 1] if index + 1 < len(words) else "")))
    return found


def _size(text):
    if text in ("0", "-1"):
        return None
    try:
        return parse_size(text)
    except ValueError as exc:
        raise Unreadable("in its quadlet unit: %s" % exc)


def drop_in(wanted, memory_key):
    """Return the text of our drop-in for these settings.

    :param wanted: dict with some of limit, swap_limit, reservation, oom_group.
    :param memory_key: whether the limit can be given as Memory= (Podman 5.5).
    """
    lines, rest = [], dict(wanted)
    if memory_key and rest.get("limit") is not None:
        lines.append("Memory=%s\n" % format_size(rest.pop("limit")))
    words = options(rest)
    if words:
        lines.append("PodmanArgs=%s\n" % " ".join(words))
    return _HEADER + "".join(lines)


def kept(text):
    """Return the settings in our own drop-in as it is now, only those that it gives.

    :raises Unreadable: somebody else has written to it.
    """
    unit = text.replace("[Container]", "[X-Container]")
    memory, arguments = _section(unit)
    given = {_FLAGS[name] for name, _value in _options(arguments) if name in _FLAGS}
    given |= {"limit"} if memory else set()
    given |= {"oom_group"} if any(name == "--cgroup-conf" for name, _value in _options(arguments)) else set()
    return {key: value for key, value in settings(unit).items() if key in given}
