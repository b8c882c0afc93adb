# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a systemd unit will start its container with the next time: the options of its `podman run`.

Pure: takes what `systemctl show` prints. Podman's own record says nothing of it: such a unit recreates the container.
"""

import re
from typing import Dict, NamedTuple, Optional, Sequence

from .run_options import MemorySettings, memory_settings, parse_run_options, split_options

# systemd-show-exec: "{ path=/usr/bin/podman ; argv[]=/usr/bin/podman run … ; ignore_errors=no ; …"
_ARGV = re.compile(r"^\{ path=.*? ; argv\[\]=(.*) ; ignore_errors=(?:no|yes) ; ", re.M)


class NextStart(NamedTuple):
    """What a unit will start its container with."""

    settings: Optional[MemorySettings]  # None: it can't be told
    problem: Optional[str]  # why not, None where the command is not understood at all


def podman_run_lines(units: Dict[str, Dict[str, str]]) -> Dict[str, str]:
    """Return {unit: command line} of {unit: {property: value}} with ExecStart, see Systemctl.show().

    systemd joins the words with spaces and quotes none. Units that run no `podman run` are left out.
    """
    commands = {}
    for unit, properties in units.items():
        lines = [line for line in _ARGV.findall(properties.get("ExecStart", ""))
                 if " run " in line and "podman" in line.split(" ")[0]]
        if len(lines) == 1:
            commands[unit] = lines[0]
    return commands


def played_file(unit: Dict[str, str]) -> Optional[str]:
    """Return the path of the YAML file that a unit gives to `podman kube play`, None where it does not, or it can't be told.

    :param unit: {property: value} with ExecStart. Quadlet and podman-kube@.service have the file at the end.
    """
    lines = [line for line in _ARGV.findall(unit.get("ExecStart", "")) if " kube play " in line or " play kube " in line]
    file = lines[0].rpartition(" ")[2] if len(lines) == 1 else ""
    return file if file.startswith("/") else None


def runs_container(line: str, name: str) -> bool:
    """Whether a unit's command line runs the container of this name: the label of an image may name any unit."""
    return re.search(r" --name[= ]%s( |$)" % re.escape(name), line) is not None


def next_start_settings(line: str, create_command: Sequence[str], image: str, default_oom_group: bool) -> NextStart:
    """Return what a unit will start its container with.

    :param line: the unit's command line, from podman_run_lines.
    :param create_command: words of the command that created the present container. While the unit
        is the same, they show where a word ends; a changed unit's line is split at its spaces.
    :param image: name of the container's image, where Podman's options end.
    :param default_oom_group: whether containers.conf gives every new container memory.oom.group.
    """
    is_exact = " ".join(create_command) == line
    words = _run_words(create_command if is_exact else line.split(" "))
    end = _image_index(words, None if is_exact else image)
    if end is None:
        return NextStart(None, None)
    try:
        settings = memory_settings(parse_run_options(words[:end]))
    except ValueError as exc:
        return NextStart(None, str(exc))
    if settings["oom_group"] is None and default_oom_group:
        settings["oom_group"] = True
    return NextStart(settings, None)


def _run_words(words: Sequence[str]) -> Sequence[str]:
    """Return what stands behind `podman … run` or `podman … container run`; [] for another command."""
    command = split_options(words[1:]).arguments
    if list(command[:1]) == ["container"]:
        command = command[1:]
    return command[1:] if list(command[:1]) == ["run"] else []


def _image_index(words: Sequence[str], image: Optional[str]) -> Optional[int]:
    """Return where the image stands among the words of a `podman run` behind "run", None when it can't be told.

    :param image: name of the image, where the words are split at all spaces: what stands before it and is no option is
        then the rest of a value. None: the words are exact, so the first that is no option is the image.
    """
    rest: Sequence[str] = split_options(words).arguments
    while rest and image is not None and not _names_image(rest[0], image):
        rest = split_options(rest[1:]).arguments
    return len(words) - len(rest) if rest else None


def _names_image(word: str, image: str) -> bool:
    """Whether a word names the image; on the command line it may be shorter than Podman's name for it."""
    return bool(word) and any(image == name or image.endswith("/" + name) for name in (word, word + ":latest"))
