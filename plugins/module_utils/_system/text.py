# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that others chose, in text that people read. Pure."""


def inert(text: str) -> str:
    """Return a name with a replacement character for each one that does something where it is shown: line ends, escapes …"""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
