# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""From when on the recorder's history is whole, from one run to the next.

Pure. Times are microseconds since the epoch. Two things are followed: the kernel's records, which can be
proven against the kernel's own count, and the journal, whose entries are read one after the other.
"""

from collections import namedtuple

from .._system.times import SECOND, to_iso

# What is kept from run to run, in the table meta:
#   boot, until     the boot and the time of the last run: everything up to there was read
#   kernel_since    all OOM kills from here to `until` are recorded
#   missing         kills of this boot that are counted and not recorded: they were before kernel_since
#   journal_since   all of the journal's entries from here to `until` were seen
#   behind          whether some of them up to `until` are still to be read
State = namedtuple("State", "boot until kernel_since missing journal_since behind")

# One run. now: when the kernel's count was read, before the journal; counted: that count, None unknown;
# seen: killed processes of this boot that are recorded; continued: the entry at which the run before had
# ended was still there; complete: the journal was read to its end and nothing was said against it; kernel:
# _coverage.Coverage.since of what the logs hold now; journal_head: the journal's oldest entry, needed where it
# was not continued, None unreadable.
Observation = namedtuple("Seen", "now boot counted seen continued complete kernel journal_head")

# Corrections of the clock stay below that, and a run that waited for another one.
_STEP_BACK = 5 * SECOND


def next_state(state, seen):
    """Return the State after a run.

    :param state: the one before, None at the first run.
    """
    missing = _missing(seen)
    if state is not None and _went_back(state, seen):
        # The same time comes twice: records of the first time must not count for the second.
        return State(seen.boot, seen.now, seen.now, missing or 0, seen.now, not seen.complete)
    kernel = _kernel(state, seen)
    if kernel is None:  # can't be said yet: what is read next will tell
        return state
    return State(seen.boot, seen.now, kernel, missing or 0, _journal(state, seen), not seen.complete)


def _kernel(state, seen):
    """Return from when on all kills are recorded up to now, None when the journal has to be read on first."""
    if is_proven(state, seen):
        return state.kernel_since
    if not seen.complete:
        return None if state is not None else seen.now
    # A kill got lost. What the logs hold now may still be whole; if not, the new beginning is now.
    return seen.now if seen.kernel is None else min(seen.kernel, seen.now)


def _missing(seen):
    return None if seen.counted is None else max(0, seen.counted - seen.seen)


def is_proven(state, seen):
    """Whether nothing got lost since the run before; otherwise Seen.kernel is needed.

    :param state: None at the first run.
    """
    if state is None:
        return False
    missing = _missing(seen)
    same_boot = state.boot == seen.boot
    if same_boot and missing is not None:
        return missing <= state.missing
    # The count of the boot before is gone: its end is known only from the journal. A vacuum takes the oldest entries.
    reaches = seen.continued or (seen.journal_head is not None and seen.journal_head <= state.until)
    return reaches and seen.complete and not missing


def describe_loss(state, seen):
    """Return in words what a reader has to know that got lost since the run before, None when nothing did."""
    if state is None or not seen.complete:
        return None
    span = (to_iso(state.until), to_iso(seen.now))
    if _went_back(state, seen):
        return "the clock was set back from %s to %s: what was recorded before does not count for the time that comes twice" % span
    if is_proven(state, seen):
        return None
    if state.boot == seen.boot and _missing(seen) is not None:
        return "between %s and %s the kernel killed %d process(es) that neither its journal nor its buffer tells of any more" % (
            span + (_missing(seen) - state.missing,))
    return "the journal of between %s and %s was gone before it was read, so kills may be missing" % span


def _went_back(state, seen):
    return seen.now < state.until - _STEP_BACK


def _journal(state, seen):
    if state is not None and (seen.continued or not seen.complete):
        return state.journal_since
    return seen.now if seen.journal_head is None else min(seen.journal_head, seen.now)


def complete_since(since, state, boot, counted, seen):
    """Return from when on kernel's log and history together are whole up to now; None: that can't be said.

    :param since: _coverage.Coverage.since of the log alone.
    :param state: State of the recorder, None without one.
    :param counted: the kernel's count now; seen: killed processes of this boot that are known from both.
    """
    if state is None:
        return since
    if counted is not None and boot == state.boot:
        whole = counted - state.missing <= seen
    else:
        whole = since is not None and since <= state.until and not state.behind
    if not whole:
        return since
    return state.kernel_since if since is None else min(since, state.kernel_since)
