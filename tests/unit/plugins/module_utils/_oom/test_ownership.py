# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The users of services, and what is told of doubtful records."""

from types import SimpleNamespace

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.kernel_oom import DOUBTS, DoubtfulRecord, Kill, Victim
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom import ownership
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.attribution import HostRecords
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.journals import Period
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.systemctl import SystemctlError

ID = "ab" * 32
ALICE = "/user.slice/user-4321.slice/user@4321.service/x"


class Manager:
    """In place of the system's manager."""

    calls = []
    shown = {}
    problem = None

    def __init__(self, _identity, _timeout):
        pass

    def show(self, units, properties, partial):
        self.calls.append(sorted(units))
        if self.problem:
            raise SystemctlError(self.problem)
        return self.shown


@pytest.fixture
def manager(monkeypatch):
    monkeypatch.setattr(ownership, "Systemctl", Manager)
    monkeypatch.setattr(ownership, "read_service_writers", lambda services, _period: {
        (service, ident): 1000 for service, idents in services.items() for ident in idents})
    Manager.calls, Manager.shown, Manager.problem = [], {}, None
    return Manager


def found(uids, path="/system.slice/test.service/libpod-payload-%s" % ID):
    kill = Kill(at=1, boot="b", constraint="C", oom_memcg=path, task_memcg=path, victims=[Victim(1, "x", 1, None)], group=False)
    records = HostRecords(kills=[kill], unattributed=[], unit_ooms=[], oomd_kills=[], events=[], kernel_since=0, oomd_active=False)
    answers = [SimpleNamespace(user=SimpleNamespace(identity=SimpleNamespace(uid=uid)), listed=[]) for uid in uids]
    found = ownership.find_ownership(records, answers, Period(0, 5, 5))
    assert set(found.writers) == ({("test.service", ID)} if Manager.calls and not found.services else set())
    return found.services


def test_the_manager_is_asked_only_where_it_matters(manager):
    assert found([0]) == {} and found([0, 1000], "/machine.slice/libpod-%s.scope" % ID) == {} and manager.calls == []


@pytest.mark.parametrize("properties, services", [
    ({"User": "root", "LoadState": "loaded"}, {"test.service": 0}), ({"User": "", "LoadState": "loaded"}, {"test.service": 0}),
    ({"User": "1001", "LoadState": "loaded"}, {"test.service": 1001}), ({"User": "", "LoadState": "not-found"}, {}),
    ({"User": "nobody-here", "LoadState": "loaded"}, {}), ({}, {}),
])
def test_the_user_of_a_service(manager, properties, services):
    manager.shown = {"test.service": properties}
    assert found([0, 1000]) == services and manager.calls == [["test.service"]]


def test_without_systemctl_it_is_not_known(manager):
    manager.problem = "not there"
    assert found([0, 1000]) == {}


def test_all_users_are_wanted_by_root_who_names_none(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert ownership.are_all_wanted([]) and ownership.are_all_wanted(["all", "x"]) and not ownership.are_all_wanted(["root"])
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert not ownership.are_all_wanted([])


def test_doubtful_records_are_told_once_for_each_kind_and_user():
    records = [DoubtfulRecord(at, "foreign id", ALICE, "x\x1b\n" + "y" * 9999) for at in (10, 30, 20)]
    records += [DoubtfulRecord(10, "foreign id", ALICE.replace("4321", "4322"), ""), DoubtfulRecord(10, "forged", None, ""),
                DoubtfulRecord(10, "incomplete", ALICE, ""), DoubtfulRecord(1, "forged", None, "")]
    entries = ownership.describe_doubts(records, 5)
    assert [entry["user"] for entry in entries] == ["4321", "4322", None, "4321"]
    assert all(entry["source"] == "kernel_log" for entry in entries)
    assert entries[0]["message"] == "suspicious record: %s (3 record(s), the last at 1970-01-01T00:00:00.000030Z): x\ufffd\ufffd%s" % (
        DOUBTS["foreign id"], "y" * 197)
    assert [entry["message"].startswith("suspicious record: ") for entry in entries] == [True, True, True, False]
    assert entries[2]["message"].startswith("suspicious record: " + DOUBTS["forged"] + " (1 record(s)")
