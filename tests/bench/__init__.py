# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the collection costs, as ratios: what it does beside the least that could be done.

A part is a file here with `add_arguments(parser)` and `main(options)`, which returns a list of Rows and raises
BenchError when it cannot measure. Its docstring's first line is its help. `__main__` finds it by that.
"""

from typing import NamedTuple


class BenchError(Exception):
    """Something could not be measured; the message says why."""


class Row(NamedTuple):
    """One line of the table."""

    what: str  # what was measured, with its size: "oom_facts, 200 containers"
    cost: str  # of it, with its unit: "5.1 s"
    beside: str  # what it is compared with, and its cost: "podman container inspect 4.4 s"; "" for nothing
    figure: str  # the ratio, or what else counts: "1.16"
    target: str = ""  # what it has to be: "≤ 1.3"; "" for none
    holds: bool = True
