# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch what a guest says by itself: the kernel's record, Podman's inspect and events."""

from __future__ import annotations

import json

from fleet.vm import Host

from .provoke import REMOTE


def fetch(name, users=("root", "alice")):
    """Return {kernel, created, inspect} of one host (see guest/evidence.py)."""
    done = Host(name).run(f"python3 {REMOTE}/evidence.py {' '.join(users)}", timeout=180)
    return json.loads(done.stdout)
