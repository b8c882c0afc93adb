# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Which file a variable's value was read from, as far as Ansible still knows it.

Ansible has no public interface for it, so it is asked for with care: without an answer there is none.
"""

from __future__ import annotations

from typing import Any


def source_file(value: Any) -> str | None:
    """Return the path of the file, None when it is not known (a value of the command line, of a template)."""
    position = getattr(value, "ansible_pos", None)  # up to ansible-core 2.18
    if isinstance(position, tuple) and position and isinstance(position[0], str):
        return position[0]
    try:
        from ansible._internal._datatag._tags import Origin
    except ImportError:
        return None
    origin = Origin.get_tag(value)
    path = getattr(origin, "path", None)
    return path if isinstance(path, str) else None
