# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""What a systemd unit will start its container with the next time: the options of its `podman run`.

Pure: takes what `systemctl show` prints, gives {limit, swap_limit, reservation, oom_group} as in the
facts' `memory.declared`. Podman's own record says nothing of it: such a unit makes the container anew.
"""

import re

from .._system.sizes import parse_size

# systemd-show-exec: "{ path=/usr/bin/podman ; argv[]=/usr/bin/podman run … ; ignore_errors=no ; …"
_ARGV = re.compile(r"^\{ path=.*? ; argv\[\]=(.*) ; ignore_errors=(?:no|yes) ; ", re.M)
_OPTIONS = {"--memory": "limit", "-m": "limit", "--memory-swap": "swap_limit", "--memory-reservation": "reservation",
            "--cgroup-conf": "conf"}
_GROUP = "memory.oom.group="


def commands(units):
    """Return {unit: command line} of {unit: {property: value}} with ExecStart, see Systemctl.show().

    systemd joins the words with spaces and quotes none. Units that run no `podman run` are left out.
    """
    found = {}
    for unit, properties in units.items():
        lines = [line for line in _ARGV.findall(properties.get("ExecStart", ""))
                 if " run " in line and "podman" in line.split(" ")[0]]
        if len(lines) == 1:
            found[unit] = lines[0]
    return found


def settings(line, created_with, image, default_group):
    """Return what a unit's container will have, None when that cannot be told.

    :param line: the unit's command line, from `commands`.
    :param created_with: words of the command that made the container that is there now. While the unit
        is the same, they tell where a word ends; a changed unit's line is split at its spaces.
    :param image: name of the container's image, where Podman's options end.
    :param default_group: whether containers.conf gives every new container memory.oom.group.
    """
    words = created_with if " ".join(created_with) == line else line.split(" ")
    given = _given(words, image)
    if given is None:
        return None
    try:
        limit = _bytes(given.get("limit"))
        swap = _bytes(given.get("swap_limit"))
        reservation = _bytes(given.get("reservation"))
    except ValueError:
        return None
    if limit is not None and "swap_limit" not in given:
        swap = 2 * limit  # podman-run(1), --memory-swap
    groups = [each[len(_GROUP):] for each in given["conf"] if each.startswith(_GROUP)]
    return {
        "limit": limit,
        "swap_limit": swap,
        "reservation": reservation,
        "oom_group": groups[-1] == "1" if groups else True if default_group else None,
    }


def _given(words, image):
    """The options that are looked for: {name: the last value}, conf: [all values]; None without the image."""
    given, index = {"conf": []}, 0
    while index < len(words):
        word = words[index]
        if _is_image(word, image) and "run" in words[:index]:
            return given
        name, equals, value = word.partition("=")
        if name in _OPTIONS:
            if not equals:
                index += 1
                value = words[index] if index < len(words) else ""
            if name == "--cgroup-conf":
                given["conf"].append(value)
            else:
                given[_OPTIONS[name]] = value
        index += 1
    return None


def _is_image(word, image):
    """Whether a word names the image; on the command line it may be shorter than Podman's name for it."""
    return bool(word) and any(image == each or image.endswith("/" + each) for each in (word, word + ":latest"))


def _bytes(value):
    """Bytes; None for what Podman takes as none."""
    return None if value in (None, "", "0", "-1") else parse_size(value)
