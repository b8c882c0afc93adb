# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of `podman run` about memory, on a unit's command line or in a quadlet's PodmanArgs=.

Pure. Settings have the shape of the facts' `memory.declared`: {limit, swap_limit, reservation, oom_group}.
"""

from typing import Dict, Optional, Sequence

from .._system.sizes import parse_size

# {limit, swap_limit, reservation}: bytes, None for none; swap_limit counts memory and swap together.
# oom_group: bool, None for not set.
MemorySettings = Dict[str, Optional[int]]

OOM_GROUP = "memory.oom.group"
_SETTINGS = {"--memory": "limit", "-m": "limit", "--memory-swap": "swap_limit", "--memory-reservation": "reservation"}


def parse_run_options(words: Sequence[str]) -> Dict[str, str]:
    """Return {setting: its value as text}: of each setting the last value, as for Podman.

    :param words: with options as --name=value or --name value; others are skipped.
    """
    values = {}
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if not equals:
            value = words[index + 1] if index + 1 < len(words) else ""
        if name in _SETTINGS:
            values[_SETTINGS[name]] = value
        elif name == "--cgroup-conf" and value.partition("=")[0] == OOM_GROUP:
            values["oom_group"] = value.partition("=")[2].strip()
    return values


def memory_settings(values: Dict[str, str]) -> MemorySettings:
    """Return the settings of a container that is started with these options.

    :param values: from parse_run_options.
    :raises ValueError: a value is no size, such as a variable.
    """
    limit, swap_limit, reservation = (_parse_bytes(values.get(key)) for key in ("limit", "swap_limit", "reservation"))
    if limit is None:
        swap_limit = None
    elif "swap_limit" not in values:
        swap_limit = 2 * limit  # podman-run(1), --memory-swap
    oom_group = values["oom_group"] == "1" if "oom_group" in values else None
    return {"limit": limit, "swap_limit": swap_limit, "reservation": reservation, "oom_group": oom_group}


def _parse_bytes(value: Optional[str]) -> Optional[int]:
    """None for what Podman takes as no limit."""
    return None if value in (None, "", "0", "-1") else parse_size(value)
