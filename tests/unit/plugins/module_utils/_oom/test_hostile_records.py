# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thousands of records of alice's choice change nothing in what is told of others, and end nothing. `make test-scale` has more."""

from collections import Counter

import pytest
from hostile_records import Attack, check
from recorded_host import HOSTS

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.records import parse_entry
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.database import open_history
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.writer import add_entries, rebuild_kills


@pytest.mark.parametrize("host", HOSTS)
def test_others_are_told_the_same(host):
    assert check(host, seed=14, rounds=8, size=150) >= 1200


def test_the_recorder_writes_them_all(tmp_path):
    attack = Attack(HOSTS[0], seed=15)
    lines = [attack.entry() for _number in range(1500)]
    for _number in range(300):
        lines += attack.kernel_lines()
    database = open_history(str(tmp_path))
    try:
        entries = [entry for entry in map(parse_entry, lines) if entry is not None]
        assert len(entries) > 1000
        rebuild_kills(database, add_entries(database, entries, Counter()))
        assert database.execute("SELECT count(*) FROM kills WHERE uid != 1000").fetchone() == (0,)
    finally:
        database.close()
