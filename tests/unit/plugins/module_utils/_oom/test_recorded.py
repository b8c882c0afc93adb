# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the bytes that the sources gave on real hosts to the verdict, without a host.

The fixtures are recorded (tests/unit/fixtures/README.md). The counters of running containers are
left out here: what is decided is decided from the records.
"""

import pytest
from recorded_host import HOSTS, UIDS, Recorded

from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.attribution import RecordsByContainer

# scenario: (killed, cause, lethal)
EXPECTED = {
    "pid1-kill": (True, "container_limit", True),
    "child-kill": (True, "container_limit", False),
    "child-kill-running": (True, "container_limit", False),
    "group-kill": (True, "container_limit", True),
    "exec-kill": (True, "container_limit", False),
    "exec-kill-user-kill": (True, "container_limit", False),
    "exec-group-kill": (True, "container_limit", True),
    "no-subgroup": (True, "container_limit", True),
    "limit-lowered": (True, "container_limit", True),
    "host-oom": (True, "host_oom", True),
    "pod-limit": (True, "ancestor_limit", True),
    "pod-limit-sibling": (False, "none", False),
    "pod-limit-infra": (False, "none", False),
    "slice-limit": (True, "ancestor_limit", True),
    "restart-after-kill": (False, "none", False),
    "restart-after-kill-exit": (False, "application_exit", False),
    "restart-loop": (True, "container_limit", True),
    "restart-recovers": (False, "none", False),
    "user-kill": (False, "stopped_by_user", False),
    "stop-timeout": (False, "stopped_by_user", False),
    "stop-term": (False, "stopped_by_user", False),
    "external-sigkill": (False, "external_sigkill", False),
    "app-exit-137": (False, "external_sigkill", False),
    "exit-0": (False, "application_exit", False),
    "exit-1": (False, "application_exit", False),
    "never-started": (False, "none", False),
    "running-clean": (False, "none", False),
    "running-unlimited": (False, "none", False),
}
# lowering a limit goes on until the use is below it: there tail had to die, and then sleep
COUNTS_OF_HOST = {("testing-podman5.8.6", "alice", "limit-lowered"): 2}
COUNTS = {"restart-loop": 3, "restart-after-kill": 1, "restart-after-kill-exit": 1, "restart-recovers": 1}


@pytest.fixture(scope="module", params=HOSTS)
def recorded(request):
    return Recorded(request.param)


def test_there_are_recordings():
    assert HOSTS


def test_every_scenario_that_was_recorded(recorded):
    """One host's containers of root and alice, each against what the scenario does."""
    wrong, checked = [], 0
    for user, container in recorded.containers:
        expected = EXPECTED.get(container.facts["name"])
        if expected is None:
            continue
        checked += 1
        oom = recorded.verdict(user, container)
        result = (oom["killed"], oom["cause"], oom["lethal"])
        name = container.facts["name"]
        count = COUNTS_OF_HOST.get((recorded.host, user, name), COUNTS.get(name, 1 if expected[0] else 0))
        if result != expected or oom["count"] != count:
            wrong.append((user, container.facts["name"], result, oom["count"], expected, oom["evidence"]))
    assert not wrong
    assert checked >= 20


def test_without_the_kernels_log_nothing_is_called_clean(recorded):
    """The same hosts, as an ordinary user sees them: systemd's record stands in, silence does not."""
    blind = recorded.records._replace(kills=[], unattributed=[], kernel_since=None)
    for user, container in recorded.containers:
        oom = recorded.verdict(user, container, blind)
        truth = recorded.verdict(user, container)
        if oom["killed"] is False:
            assert not container.ran
        elif oom["killed"]:
            assert truth["killed"] and (oom["confidence"] != "certain" or oom["cause"] == "systemd_oomd")
        else:
            assert "kernel_log" in oom["missing"] and oom["cause"] == "unknown"


def test_systemds_record_finds_the_kills_of_scopes(recorded):
    blind = recorded.records._replace(kills=[], unattributed=[], kernel_since=None)
    found = [(user, container.facts["name"]) for user, container in recorded.containers
             if recorded.verdict(user, container, blind)["killed"]]
    assert ("root", "pid1-kill") in found and ("alice", "pid1-kill") in found


def test_each_line_of_a_kill_is_understood(recorded):
    """As many kills as summary lines whose victim did not end by itself, and a size for each victim."""
    summaries = recorded.kernel.count(b"oom-kill:constraint=") - recorded.kernel.count(b"is already exiting")
    assert len(recorded.log.kills) == summaries > 0 and not recorded.log.doubtful
    assert all(victim.rss is not None for kill in recorded.log.kills for victim in kill.victims)


def test_killed_containers_that_are_gone_have_a_name(recorded):
    gone = [key for key in recorded.index.killed_containers() if key not in recorded.known]
    names = {event.name for ident, uid in gone for event in recorded.index.events(ident, uid)}
    assert "rm" in names
    for ident, uid in gone:
        oom = recorded.verdict_of_removed(ident, uid)
        assert oom["killed"] is True and oom["cause"] != "unknown"


def test_a_removed_container_that_systemd_oomd_killed_is_still_told(recorded):
    """The same host, had its container been removed."""
    oomd = [(user, container) for user, container in recorded.containers if container.facts["name"] == "oomd"]
    for user, container in oomd:
        key = (container.ident, UIDS[user])
        index = RecordsByContainer(recorded.records, recorded.ownership_of(recorded.known - {key}))
        assert key in index.killed_containers()
        oom = recorded.verdict_of_removed(container.ident, UIDS[user], index)
        assert (oom["killed"], oom["cause"], oom["confidence"], oom["count"]) == (True, "systemd_oomd", "certain", 1)
    assert oomd or not any(record.cgroup for record in recorded.records.oomd_kills)


def test_nothing_secret_or_bulky_gets_into_the_facts(recorded):
    """Only named parts of inspect are taken."""
    for _user, container in recorded.containers:
        text = str(container.facts)
        assert "CreateCommand" not in text and "Env" not in text and "/dev/zero" not in text
