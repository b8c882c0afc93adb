# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Lines of styled pieces for a terminal, and what every part of the first screen says in the same way.

Pure.
"""

from __future__ import annotations

from typing import NamedTuple

from .._model.finding import Finding, owner_suffix
from .._report.tally import Tally
from .._text import printable


class Context(NamedTuple):
    """What the summary has to know beside the counts."""

    now: str  # generated_at
    report: str | None  # path; None in check mode
    has_previous: bool  # without an earlier report everything is new, and nobody has to be told
    previous_at: str | None  # when that one was made
    width: int
    everything: bool  # all of every list


def where(finding: Finding) -> str:
    """Return a finding's host and container."""
    return "%s %s" % (printable(finding["host"], 60), who(finding))


def who(finding: Finding) -> str:
    """Return a finding's container, and its owner where it is not root's."""
    user = owner_suffix(finding["user"])
    return printable(finding["container"] or "", 60) + user


def answered(tally: Tally) -> int:
    """Return how many hosts gave an answer."""
    return tally.hosts["total"] - tally.hosts["not_checked"]


def is_whole(tally: Tally) -> bool:
    """Whether "none" can be believed of all hosts that answered."""
    unknown = sum(group.count for key, group in tally.gaps.items() if key[0] == "container")
    return bool(answered(tally)) and not unknown and not tally.hosts["partial"]
