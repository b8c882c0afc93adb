# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small container of oom_facts, for single rules."""

from __future__ import annotations

MIB = 1024 * 1024


def make_container(**changes):
    """Return one running container with a limit and memory.oom.group on; keys such as state__status change parts of it."""
    ident = "c" * 64
    container = {
        "id": ident, "name": "web", "user": "root", "labels": {}, "pod": None, "is_infra": False,
        "manager": {"kind": "none", "unit": None},
        "state": {"status": "running", "exit_code": None, "oom_killed_flag": False},
        "memory": {
            "declared": {"limit": 64 * MIB, "swap_limit": 128 * MIB, "reservation": None, "oom_group": True},
            "effective": {"limit": 64 * MIB, "swap_limit": 128 * MIB, "high": None, "oom_group": True,
                          "source": "/machine.slice/libpod-%s.scope" % ident},
            "usage": {"current": 10 * MIB, "working_set": 10 * MIB, "peak": 20 * MIB},
        },
        "oom": {"killed": False, "cause": "none", "scope": None, "lethal": False, "confidence": "certain", "count": 0,
                "last_at": None, "victims": [], "flag_trust": "agrees", "evidence": [], "missing": [], "group": False,
                "history": []},
    }
    for path, value in changes.items():
        where = container
        *parents, last = path.split("__")
        for part in parents:
            where = where[part]
        where[last] = value
    return container
