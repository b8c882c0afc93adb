# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the parts of the terminal's summary share.

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
    has_previous: bool  # False: without an earlier report everything is new, so nothing is marked as NEW
    previous_at: str | None  # when that one was made
    width: int  # columns
    everything: bool  # all of every list, not 25 lines


def describe_host_container(finding: Finding) -> str:
    """Return a finding's host and container."""
    return "%s %s" % (printable(finding["host"], 60), describe_container(finding))


def describe_container(finding: Finding) -> str:
    """Return a finding's container, and its owner where it is not root's."""
    return printable(finding["container"] or "", 60) + owner_suffix(finding["user"])


def answered_hosts(tally: Tally) -> int:
    """Return how many hosts gave an answer."""
    return tally.hosts["total"] - tally.hosts["not_checked"]


def is_complete(tally: Tally) -> bool:
    """Whether "none" holds for all hosts that answered."""
    unknown = sum(group.count for key, group in tally.gaps.items() if key[0] == "container")
    return bool(answered_hosts(tally)) and not unknown and not tally.hosts["partial"]
