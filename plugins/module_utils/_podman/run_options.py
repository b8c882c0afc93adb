# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of `podman run`: where they end, and what they say about memory; on a unit's command line or in a quadlet's PodmanArgs=.

Pure. Settings have the shape of the facts' `memory.declared`: {limit, swap_limit, reservation, oom_group}.
"""

import csv
import re
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from .._system.sizes import parse_podman_size

# {limit, swap_limit, reservation}: bytes, None for none; swap_limit counts memory and swap together.
# oom_group: bool, None for not set.
MemorySettings = Dict[str, Optional[int]]

OOM_GROUP = "memory.oom.group"
_SETTINGS = {"--memory": "limit", "-m": "limit", "--memory-swap": "swap_limit", "--memory-reservation": "reservation"}
# The options that take no value of the next word; all others do. Podman 3.0 to 5.8: cmd/podman/common/create.go, netflags.go,
# containers/run.go, and those of all commands in root.go (from --noout on). A value can only be joined: --init=false.
_SWITCHES = frozenset("--" + name for name in """
    detach disable-content-trust env-host help http-proxy init interactive no-healthcheck no-hostname no-hosts oom-kill-disable passwd
    privileged publish-all quiet read-only read-only-tmpfs replace rm rmi rootfs sig-proxy tls-verify tty unsetenv-all
    noout remote syslog trace transient-store""".split())
_SHORT_SWITCHES = "diPqrt"
# What systemd replaces by any number of words: systemd.service(5), "Command lines".
_VARIABLE = re.compile(r"\$(\w+|\{\w+\})\Z")


class RunOptions(NamedTuple):
    """The words of a command line of Podman, read as Podman does."""

    options: List[Tuple[str, str]]  # (name as "--memory" or "-m", value) in their order; value "" for a switch without one
    arguments: Sequence[str]  # the words from the first one on that is neither an option nor the value of one


def split_options(words: Sequence[str]) -> RunOptions:
    """Return options and arguments; the first argument of `podman run` is the image, what follows is the application's.

    As github.com/spf13/pflag reads them with SetInterspersed(false): `-m512m`, `-m=512m` and `-m 512m` are the same, short
    options may be joined as in `-itm512m`, and `--` ends them.
    """
    options: List[Tuple[str, str]] = []
    index = 0
    while index < len(words) and words[index].startswith("-") and words[index] != "-":
        word = words[index]
        index += 1
        if word == "--":
            break
        found = [_long(word)] if word.startswith("--") else _short(word)
        name, value = found[-1]
        if value is None and index < len(words):
            found[-1] = (name, words[index])
            index += 1
        options += [(name, value or "") for name, value in found]
    return RunOptions(options, words[index:])


def _long(word: str) -> Tuple[str, Optional[str]]:
    """Return (name, value); value None: it is the next word."""
    name, equals, value = word.partition("=")
    return name, value if equals else "" if name in _SWITCHES else None


def _short(word: str) -> List[Tuple[str, Optional[str]]]:
    """Return (name, value) of each option in a word such as "-itm512m"; the last one's None: it is the next word."""
    found: List[Tuple[str, Optional[str]]] = []
    for index, letter in enumerate(word[1:], 1):
        rest = word[index + 1:]
        if rest.startswith("=") and len(rest) > 1:
            return found + [("-" + letter, rest[1:])]
        if letter not in _SHORT_SWITCHES:
            return found + [("-" + letter, rest or None)]
        found.append(("-" + letter, ""))
    return found


def parse_run_options(words: Sequence[str]) -> Dict[str, str]:
    """Return {setting: its value as text}: of each setting the last value, as for Podman.

    :param words: options, other ones too. What stands between them and is none, the rest of a value that was split, is skipped.
    :raises ValueError: a variable stands where an option could: it may be any.
    """
    values = {}
    options, rest = split_options(words)
    while rest:
        if _VARIABLE.match(rest[0]):
            raise ValueError("%s may be any option" % rest[0])
        more, rest = split_options(rest[1:])
        options += more
    for name, value in options:
        if name in _SETTINGS:
            values[_SETTINGS[name]] = value
        elif name == "--cgroup-conf":
            for key, group in _cgroup_settings(value):
                if key == OOM_GROUP:
                    values["oom_group"] = group.strip()
    return values


def _cgroup_settings(value: str) -> List[Tuple[str, str]]:
    """Return (file, text) of the value of a --cgroup-conf: comma-separated, each may be quoted (pflag's StringSlice)."""
    fields = [field.partition("=") for row in csv.reader([value]) for field in row]
    return [(name, text) for name, _equals, text in fields]


def memory_settings(values: Dict[str, str]) -> MemorySettings:
    """Return the settings of a container that is started with these options.

    :param values: from parse_run_options.
    :raises ValueError: a value is no size, such as a variable.
    """
    limit, swap_limit, reservation = (_parse_bytes(values.get(key)) for key in ("limit", "swap_limit", "reservation"))
    if limit is None:
        swap_limit = None
    elif not values.get("swap_limit"):
        swap_limit = 2 * limit  # podman-run(1), --memory-swap
    group = values.get("oom_group")
    if group not in (None, "0", "1"):
        raise ValueError("%s is %r, not 0 or 1" % (OOM_GROUP, group))
    return {"limit": limit, "swap_limit": swap_limit, "reservation": reservation,
            "oom_group": None if group is None else group == "1"}


def _parse_bytes(value: Optional[str]) -> Optional[int]:
    """None for what Podman takes as no limit."""
    return None if value in (None, "", "-1") else parse_podman_size(value) or None
