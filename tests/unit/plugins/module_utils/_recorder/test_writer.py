# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose the kills are that the recorder counts: a rootless container in a system service with User=."""

import collections
import os
from contextlib import closing

import pytest
from recorded_host import FIXTURES

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.records import parse_entries
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.database import open_history
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.writer import add_entries, rebuild_kills


@pytest.fixture
def recorded():
    """(the kernel's entries, Podman's) of a container in a service with User=alice, on Debian 13 with Podman 5.4.2."""
    answers = []
    for kind in ("kernel", "podman"):
        with open(os.path.join(FIXTURES, "system_service", kind + "-debian13-podman5.4.2.json"), "rb") as stream:
            answers.append(parse_entries(stream.read())[0])
    return answers


def owners(folder, *entries):
    with closing(open_history(str(folder))) as database:
        rebuild_kills(database, add_entries(database, [entry for part in entries for entry in part], collections.Counter()))
        return database.execute("SELECT ident, uid FROM kills").fetchall()


def test_the_user_of_the_service_is_the_owner(recorded, tmp_path):
    kernel, podman = recorded
    ident = podman[0]["PODMAN_ID"]
    assert owners(tmp_path, podman, kernel) == [(ident, 1000)]


@pytest.mark.parametrize("change", [
    {"_UID": "0", "_SYSTEMD_CGROUP": "/machine.slice/x"}, {"_UID": "1001"},
])
def test_with_another_writer_it_is_root_s(recorded, tmp_path, change):
    kernel, podman = recorded
    assert [uid for _ident, uid in owners(tmp_path, podman, [dict(podman[0], **change)], kernel)] == [0]


def test_events_from_elsewhere_prove_nothing(recorded, tmp_path):
    kernel, podman = recorded
    elsewhere = [dict(entry, _SYSTEMD_CGROUP="/user.slice/user-1000.slice/session-1.scope") for entry in podman]
    assert [uid for _ident, uid in owners(tmp_path, elsewhere, kernel)] == [0]


def test_a_process_of_roots_was_in_a_container_of_roots(recorded, tmp_path):
    kernel, podman = recorded
    changed = [dict(entry, MESSAGE=entry["MESSAGE"].replace("uid=1000", "uid=0")) for entry in kernel]
    assert [uid for _ident, uid in owners(tmp_path, podman, changed)] == [0]
