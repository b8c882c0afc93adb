# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What silence proves: the log against the kernel's own count."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.coverage import kernel_coverage
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.times import SECOND

BOOT = 1000000 * SECOND
WEEK = BOOT - 500000 * SECOND  # asked for more than this boot
LATER = BOOT + 5000 * SECOND


def test_a_log_with_all_counted_kills_is_complete():
    assert kernel_coverage(WEEK, BOOT, WEEK - 1, 0, 3, 3)[:2] == (WEEK, "ok")


def test_a_log_with_fewer_kills_than_counted_proves_nothing():
    assert kernel_coverage(WEEK, BOOT, WEEK - 1, 0, 3, 2)[:2] == (None, "partial")


def test_a_young_journal_with_all_kills_of_the_boot_is_complete_since_the_boot():
    assert kernel_coverage(WEEK, BOOT, LATER, None, 2, 2)[:2] == (BOOT, "ok")


def test_a_young_journal_without_all_kills_begins_where_it_begins():
    assert kernel_coverage(WEEK, BOOT, LATER, None, 2, 1)[:2] == (LATER, "partial")


def test_the_ring_buffer_makes_up_for_a_vacuumed_journal():
    assert kernel_coverage(WEEK, BOOT, LATER, 0, 2, 2)[:2] == (BOOT, "ok")


def test_a_wrapped_ring_buffer_alone():
    assert kernel_coverage(WEEK, BOOT, None, LATER, 2, 1)[:2] == (LATER, "partial")


def test_no_log_but_a_count_of_zero_is_a_proof_for_this_boot():
    assert kernel_coverage(WEEK, BOOT, None, None, 0, 0)[:2] == (BOOT, "partial")


@pytest.mark.parametrize("counted", [1, None])
def test_no_log_and_no_zero_is_nothing(counted):
    assert kernel_coverage(WEEK, BOOT, None, None, counted, 0)[:2] == (None, "unavailable")


def test_an_unknown_count_leaves_the_log_uncompared():
    assert kernel_coverage(WEEK, BOOT, WEEK - 1, None, None, 0)[:2] == (WEEK, "partial")


def test_what_was_not_asked_for_was_not_read():
    assert kernel_coverage(LATER, BOOT, WEEK, None, 2, 1)[:2] == (LATER, "partial")
