# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quadlet files: which memory settings a unit declares, and our own drop-in for it.

Pure. The generated unit has the merged [Container] section of the file and all its drop-ins as [X-Container],
in the order in which the generator read them (podman-systemd.unit(5)).
"""

import re
from typing import List, Optional, Tuple

from .._podman.run_options import MemorySettings, memory_settings, parse_run_options
from .._system.sizes import format_size
from .settings import to_run_options

DROP_IN = "50-podman-fleet-memory.conf"
# blanks, an escape, or a character
_PARTS = re.compile(r"\s+|\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[0-3][0-7]{2}|.)|.", re.S)
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " ", "\\": "\\", '"': '"', "'": "'"}
_HEADER = "# Written by podman_fleet.memory.container_memory; changes here are overwritten.\n[Container]\n"


class UnreadableUnit(ValueError):
    """A value in the unit is no size."""


def unit_settings(text: str) -> MemorySettings:
    """Return the settings that a generated unit declares.

    :raises UnreadableUnit: a value is no size, such as a variable.
    """
    memory, arguments = _parse_section(text)
    # the generator puts PodmanArgs= behind Memory= on the command line, so they win
    options = (["--memory=" + memory] if memory else []) + arguments
    try:
        return memory_settings(parse_run_options(options))
    except ValueError as exc:
        raise UnreadableUnit("in its quadlet unit: %s" % exc)


def arguments_set_memory(text: str) -> bool:
    """Whether a PodmanArgs= of a generated unit sets the memory limit: it would override Memory=."""
    return "limit" in parse_run_options(_parse_section(text)[1])


def _parse_section(text: str) -> Tuple[Optional[str], List[str]]:
    """Return (the last Memory=, the words of all PodmanArgs=) of [X-Container]."""
    memory, inside = None, False
    arguments: List[str] = []
    for line in _logical_lines(text):
        if line.startswith("["):
            inside = line == "[X-Container]"
            continue
        name, equals, value = line.partition("=")
        if not inside or not equals:
            continue
        if name.rstrip() == "Memory":
            memory = _expand(value.strip())
        elif name.rstrip() == "PodmanArgs":
            words = split_words(value)
            # an empty one resets those before (systemd.syntax(7))
            arguments = arguments + [_expand(word) for word in words] if words else []
    return memory, arguments


def _logical_lines(text: str) -> List[str]:
    """The lines of a unit, joined where one ends with a backslash; comments, also those between them, left out (systemd.syntax(7))."""
    lines, begun = [], ""
    for line in text.splitlines():
        if line.lstrip().startswith(("#", ";")):
            continue
        if line.endswith("\\"):
            begun += line[:-1] + " "
        else:
            lines.append((begun + line).strip())
            begun = ""
    return lines + ([begun.strip()] if begun else [])


def _expand(word: str) -> str:
    """What systemd makes of a word as far as it is sure: a specifier stays, and is no size then (systemd.unit(5))."""
    return word.replace("%%", "%")


def split_words(text: str) -> List[str]:
    """Return the words of a value as quadlet splits it: at blanks, without quotes, escapes resolved (systemd.syntax(7), "Quoting")."""
    words: List[str] = []
    word: Optional[str] = None
    quote = ""
    for part in _PARTS.findall(text):
        if not quote and part.isspace():
            words += [] if word is None else [word]
            word = None
            continue
        word = word or ""
        if part == quote:
            quote = ""
        elif part in ("'", '"') and not quote:
            quote = part
        else:
            word += _unescape(part) if part.startswith("\\") else part
    return words + ([] if word is None else [word])


def _unescape(part: str) -> str:
    """One escape; what is none stays as it is."""
    if part[1:2] in ("x", "u") and len(part) > 2:
        return chr(int(part[2:], 16))
    if len(part) == 4:
        return chr(int(part[1:], 8))
    return _ESCAPES.get(part[1:], part)


def render_drop_in(settings: MemorySettings, memory_key: bool) -> str:
    """Return the text of our drop-in for these settings.

    :param memory_key: whether the limit can be given as Memory= (Podman 5.5).
    """
    lines, rest = [], dict(settings)
    if memory_key and rest.get("limit") is not None:
        lines.append("Memory=%s\n" % format_size(rest.pop("limit")))
    options = to_run_options(rest)
    if options:
        lines.append("PodmanArgs=%s\n" % " ".join(options))
    return _HEADER + "".join(lines)


def drop_in_settings(text: str) -> MemorySettings:
    """Return the settings in our own drop-in as it is now, only those that it gives.

    :raises UnreadableUnit: somebody else has written to it.
    """
    unit = text.replace("[Container]", "[X-Container]")
    settings = unit_settings(unit)
    memory, arguments = _parse_section(unit)
    given = set(parse_run_options(arguments)) | ({"limit"} if memory else set())
    return {key: value for key, value in settings.items() if key in given}
