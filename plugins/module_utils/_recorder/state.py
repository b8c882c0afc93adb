# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Since when the recorder's history is complete, from one run to the next.

Pure. Times are microseconds since the epoch. Two things are followed: the kernel's records, which can be proven
against the kernel's own count, and the journal, whose entries are read one after the other.
"""

from typing import NamedTuple, Optional

from .._system.times import SECOND, to_iso

# Corrections of the clock stay below that, and so does a run that waited for another one.
_STEP_BACK = 5 * SECOND


class HistoryState(NamedTuple):
    """What is kept from run to run, in the table meta."""

    boot: str  # id of the last run's boot
    until: int  # time of the last run: everything up to there was read
    kernel_since: int  # all OOM kills from here to `until` are recorded
    missing: int  # kills of this boot that are counted but not recorded: they were before kernel_since
    journal_since: int  # all of the journal's entries from here to `until` were read
    backlog: bool  # some of them up to `until` are still to be read

    def extend_coverage(self, since: Optional[int], boot: Optional[str], counted: Optional[int], known: int) -> Optional[int]:
        """Return since when the kernel's log and the history together are complete up to now; None: unknown.

        :param since: since when the log alone is complete, None: unknown.
        :param boot: id of this boot; counted: the kernel's count now, None: unknown.
        :param known: killed processes of this boot that are known from both.
        """
        if counted is not None and boot == self.boot:
            complete = counted - self.missing <= known
        else:
            complete = since is not None and since <= self.until and not self.backlog
        if not complete:
            return since
        return self.kernel_since if since is None else min(since, self.kernel_since)


class Observation(NamedTuple):
    """What one run has read."""

    now: int  # when the kernel's count was read, before the journal
    boot: str
    counted: Optional[int]  # the kernel's count of killed processes of this boot, None: unknown
    recorded: int  # killed processes of this boot that are recorded
    continued: bool  # the entry at which the run before had ended was still there
    complete: bool  # the journal was read to its end without a problem
    kernel_since: Optional[int]  # since when the logs hold every kill, needed where is_proven() is false; None: unknown
    journal_head: Optional[int]  # time of the journal's oldest entry, needed where it was not continued; None: unreadable

    @property
    def missing(self) -> Optional[int]:
        """Killed processes of this boot that are not recorded, None: unknown."""
        return None if self.counted is None else max(0, self.counted - self.recorded)


def next_state(state: Optional[HistoryState], observation: Observation) -> HistoryState:
    """Return the state after a run; `state` is the one before it, None at the first run."""
    kernel_since = _next_kernel_since(state, observation)
    if kernel_since is None:
        if state is not None:  # known when the rest of the journal is read
            return state
        kernel_since = observation.now
    return HistoryState(boot=observation.boot, until=observation.now, kernel_since=kernel_since, missing=observation.missing or 0,
                        journal_since=_next_journal_since(state, observation), backlog=not observation.complete)


def _next_kernel_since(state: Optional[HistoryState], observation: Observation) -> Optional[int]:
    """Since when all kills are recorded up to now, None when the journal has to be read on first."""
    if state is not None and _was_set_back(state, observation):
        # The same time comes twice: records of the first time must not count for the second.
        return observation.now
    if state is not None and is_proven(state, observation):
        return state.kernel_since
    if not observation.complete:
        return None
    # A kill got lost. What the logs hold now may still be complete; if not, the history begins now.
    return observation.now if observation.kernel_since is None else min(observation.kernel_since, observation.now)


def _next_journal_since(state: Optional[HistoryState], observation: Observation) -> int:
    if state is not None and _was_set_back(state, observation):
        return observation.now
    if state is not None and (observation.continued or not observation.complete):
        return state.journal_since
    return observation.now if observation.journal_head is None else min(observation.journal_head, observation.now)


def is_proven(state: Optional[HistoryState], observation: Observation) -> bool:
    """Whether nothing got lost since the run before; otherwise Observation.kernel_since is needed."""
    if state is None:
        return False
    missing = observation.missing
    if state.boot == observation.boot and missing is not None:
        return missing <= state.missing
    # The count of the boot before is gone: its end is known only from the journal. A vacuum takes the oldest entries.
    head = observation.journal_head
    reaches = observation.continued or (head is not None and head <= state.until)
    return reaches and observation.complete and not missing


def describe_loss(state: Optional[HistoryState], observation: Observation) -> Optional[str]:
    """Return a sentence about what got lost since the run before, None when nothing did."""
    if state is None or not observation.complete:
        return None
    begin, end = to_iso(state.until), to_iso(observation.now)
    if _was_set_back(state, observation):
        return ("the clock was set back from %s to %s: what was recorded before does not count for the time that comes twice"
                % (begin, end))
    if is_proven(state, observation):
        return None
    if state.boot == observation.boot and observation.missing is not None:
        return ("between %s and %s the kernel killed %d process(es) that are no longer in the journal or in the kernel's buffer"
                % (begin, end, observation.missing - state.missing))
    return "the journal between %s and %s was gone before it was read, so kills may be missing" % (begin, end)


def _was_set_back(state: HistoryState, observation: Observation) -> bool:
    return observation.now < state.until - _STEP_BACK
