# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From when on the history is whole, run by run."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.state import (
    HistoryState,
    Observation,
    describe_loss,
    is_proven,
    next_state,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.times import SECOND

T = 1000000 * SECOND
MINUTE = 60 * SECOND


def observe(**changes):
    """A run a minute later in which nothing happened."""
    usual = Observation(now=T + MINUTE, boot="b", counted=0, recorded=0, continued=True, complete=True, kernel_since=None,
                        journal_head=None)
    return usual._replace(**changes)


BEFORE = HistoryState(boot="b", until=T, kernel_since=T - 100 * MINUTE, missing=0, journal_since=T - 50 * MINUTE, backlog=False)


def test_the_first_run_takes_over_what_the_logs_hold():
    first = next_state(None, observe(kernel_since=T - 9 * MINUTE, journal_head=T - 7 * MINUTE))
    assert first == HistoryState(
        boot="b", until=T + MINUTE, kernel_since=T - 9 * MINUTE, missing=0, journal_since=T - 7 * MINUTE, backlog=False)


def test_the_first_run_on_a_host_whose_logs_lack_kills_begins_now():
    first = next_state(None, observe(counted=3, recorded=1, kernel_since=None))
    assert (first.kernel_since, first.missing) == (T + MINUTE, 2)


def test_a_minute_with_all_kills_recorded_goes_on():
    state = next_state(BEFORE, observe(counted=4, recorded=4))
    assert (state.kernel_since, state.until, state.journal_since) == (BEFORE.kernel_since, T + MINUTE, BEFORE.journal_since)


def test_kills_that_were_missing_before_stay_missing_and_prove_nothing_against_today():
    state = next_state(BEFORE._replace(missing=2), observe(counted=5, recorded=3))
    assert (state.kernel_since, state.missing) == (BEFORE.kernel_since, 2)


def test_one_more_that_is_missing_is_a_gap():
    state = next_state(BEFORE._replace(missing=2), observe(counted=6, recorded=3))
    assert (state.kernel_since, state.missing) == (T + MINUTE, 3)


def test_after_a_gap_the_logs_may_still_hold_everything():
    assert next_state(BEFORE, observe(counted=6, recorded=3, kernel_since=T - MINUTE)).kernel_since == T - MINUTE


def test_a_vacuumed_journal_is_no_gap_as_long_as_the_count_agrees():
    state = next_state(BEFORE, observe(counted=4, recorded=4, continued=False, journal_head=T + SECOND))
    assert (state.kernel_since, state.journal_since) == (BEFORE.kernel_since, T + SECOND)


@pytest.mark.parametrize("changes, proven", [
    ({}, True),
    ({"counted": 2, "recorded": 2}, True),
    ({"continued": False, "journal_head": T - SECOND}, True),  # vacuumed before the last run
    ({"continued": False, "journal_head": T + SECOND}, False),
    ({"continued": False}, False),  # who knows what was between the last run and the boot
    ({"complete": False}, False),
    ({"counted": 2, "recorded": 1}, False),
    ({"counted": None}, True),
])
def test_over_a_boot_only_the_journal_can_tell(changes, proven):
    assert is_proven(BEFORE, observe(boot="c", **changes)) is proven


def test_without_the_kernels_count_the_journal_has_to_go_on():
    assert is_proven(BEFORE, observe(counted=None))
    assert not is_proven(BEFORE, observe(counted=None, continued=False))


def test_a_journal_that_could_not_be_read_leaves_open_what_may_be_in_it():
    assert next_state(BEFORE, observe(counted=1, recorded=0, complete=False)) == BEFORE


def test_a_journal_that_could_not_be_read_in_a_minute_without_kills():
    state = next_state(BEFORE, observe(complete=False))
    assert (state.kernel_since, state.until, state.backlog) == (BEFORE.kernel_since, T + MINUTE, True)


def test_a_clock_that_is_set_back_begins_anew():
    now = T - 1000 * MINUTE
    state = next_state(BEFORE, observe(now=now))
    assert (state.kernel_since, state.journal_since, state.until) == (now, now, now)


def test_a_clock_that_is_corrected_a_little_does_not():
    assert next_state(BEFORE, observe(now=T - SECOND)).kernel_since == BEFORE.kernel_since


@pytest.mark.parametrize("since, state, boot, counted, known, expected", [
    # the journal was vacuumed, the count agrees with what both have
    (T + 5 * MINUTE, BEFORE, "b", 3, 3, BEFORE.kernel_since),
    (None, BEFORE._replace(missing=1), "b", 3, 2, BEFORE.kernel_since),
    # a kill since the last run that nobody has
    (None, BEFORE, "b", 3, 2, None),
    (T + 5 * MINUTE, BEFORE, "b", 3, 2, T + 5 * MINUTE),
    # another boot: the log has to begin before the last run
    (T - MINUTE, BEFORE, "c", 0, 0, BEFORE.kernel_since),
    (T + MINUTE, BEFORE, "c", 0, 0, T + MINUTE),
    (T - MINUTE, BEFORE._replace(backlog=True), "c", 0, 0, T - MINUTE),
    (None, BEFORE, "c", 1, 0, None),
    # the log alone reaches further back
    (T - 500 * MINUTE, BEFORE, "b", 0, 0, T - 500 * MINUTE),
    # no count
    (T - MINUTE, BEFORE, "b", None, 0, BEFORE.kernel_since),
    (None, BEFORE, "b", None, 0, None),
])
def test_log_and_history_together(since, state, boot, counted, known, expected):
    assert state.extend_coverage(since, boot, counted, known) == expected


@pytest.mark.parametrize("changes, words", [
    ({}, None),
    ({"counted": 3, "recorded": 1}, "killed 2 process(es)"),
    ({"counted": 3, "recorded": 1, "complete": False}, None),  # may still be read
    ({"boot": "c", "continued": False}, "kills may be missing"),
    ({"counted": None, "continued": False}, "kills may be missing"),
    ({"now": T - MINUTE}, "the clock was set back"),
])
def test_what_got_lost_is_said(changes, words):
    sentence = describe_loss(BEFORE, observe(**changes))
    assert sentence is None if words is None else words in sentence


def test_at_the_first_run_nothing_got_lost():
    assert describe_loss(None, observe(counted=3, recorded=1)) is None
