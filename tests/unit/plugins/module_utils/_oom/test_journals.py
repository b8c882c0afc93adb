# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each user's journal in a call of its own; whose containers were in services that are gone."""

import os

import pytest
from recorded_host import FIXTURES

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.journal import JournalEntries
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.records import parse_entries
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom import journals

PERIOD = journals.Period(since=0, timeout=60, users_timeout=100)
SERVICE = "w12-split.service"


@pytest.fixture
def recorded():
    """Podman's events of a container in a service with User=alice, recorded on Debian 13 with Podman 5.4.2."""
    with open(os.path.join(FIXTURES, "system_service", "podman-debian13-podman5.4.2.json"), "rb") as stream:
        return parse_entries(stream.read())[0]


def writers(monkeypatch, entries, problem=None):
    monkeypatch.setattr(journals, "read_service_events", lambda *_request: JournalEntries(entries, 0, problem))
    ident = entries[0]["PODMAN_ID"]
    return list(journals.read_service_writers({SERVICE: {ident}}, PERIOD).items()), ident


def test_who_wrote_the_events_in_the_service(recorded, monkeypatch):
    found, ident = writers(monkeypatch, recorded)
    assert found == [((SERVICE, ident), 1000)]
    kinds = {entry["PODMAN_EVENT"] for entry in recorded}
    assert {"init", "died"} <= kinds


@pytest.mark.parametrize("change", [
    {"_UID": "0"}, {"_UID": "1001"}, {"_SYSTEMD_CGROUP": "/user.slice/user-1000.slice/session-1.scope"},
    {"_SYSTEMD_CGROUP": "/system.slice/%s/libpod-payload-%s" % (SERVICE, "ab" * 32)},  # a process in a container
])
def test_with_another_writer_it_is_not_known(recorded, monkeypatch, change):
    assert writers(monkeypatch, recorded + [dict(recorded[0], **change)])[0] == []


def test_what_was_not_read_whole_proves_nothing(recorded, monkeypatch):
    assert writers(monkeypatch, recorded, "too many entries")[0] == []


def test_each_has_a_share_of_the_time(monkeypatch):
    """And root's share does not depend on how many users there are when they are quick."""
    asked = {}
    monkeypatch.setattr(journals, "read_user_unit_records",
                        lambda _since, uid, timeout: asked.setdefault(uid, timeout) and JournalEntries([], 0, None))
    assert sorted(journals.read_unit_records_of(range(1000, 1040), PERIOD)) == list(range(1000, 1040))
    assert len(asked) == 40 and all(5 < timeout <= 60 for timeout in asked.values())
