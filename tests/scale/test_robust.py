# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet in which something is always broken: the audit ends in time, and says of each host what it was.

Of 100 hosts, 5 are unreachable (one of them so that ssh waits for it), 3 do not answer any more, one has a Podman that does
not, and one a label of 20 MiB.
"""

import json
import os
import signal

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._door.facts import LABEL_LENGTH
from bench import _fleet
from bench._simulate import CONTAINERS
from bench.audit import audit_command

HOSTS = 100
UNREACHABLE = [_fleet.name(number) for number in range(0, HOSTS, 20)]
SILENT = UNREACHABLE[-1]
HANGING = [_fleet.name(number) for number in (1, 31, 61)]
STUCK, HUGE = _fleet.name(50), _fleet.name(99)
LABEL = 20 << 20
HOST_TIMEOUT, TIMEOUT = 40, 10  # seconds: for a host, for a command on it
BOUND = HOST_TIMEOUT + HOSTS  # what the run may take on a busy machine; to wait for one after the other would take longer
MEMORY = 1 << 30


@pytest.fixture(scope="module")
def audit(simulated, tmp_path_factory):
    """(Cost of the run, {name: the report's entry}, the report)."""
    directory = tmp_path_factory.mktemp("robust")
    pids = directory / "pids"
    hangs = simulated.stand_in("hangs", f"#!/bin/sh\necho $$ >>{pids}\nexec sleep 100000\n")
    simulated.stand_in("huge", "#!/bin/sh\ncase \"$*\" in \"container inspect\"*) exec cat {here}/huge.json ;; esac\n"
                               "exec {here}/podman \"$@\"\n")
    inspect = json.loads((simulated.directory / "inspect").read_text(encoding="utf-8"))
    inspect[0]["Config"]["Labels"] = {"huge": "x" * LABEL}
    (simulated.directory / "huge.json").write_text(json.dumps(inspect), encoding="utf-8")
    own = {**{host: "ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1" for host in UNREACHABLE},
           SILENT: f"ansible_connection=ssh ansible_ssh_common_args='-o ProxyCommand={hangs}'",
           **{host: f"ansible_python_interpreter={hangs}" for host in HANGING},
           STUCK: f"oom_audit_executable={hangs}",
           HUGE: f"oom_audit_executable={simulated.directory}/huge"}
    listing = _fleet.inventory(directory / "fleet.ini", HOSTS, simulated.podman, own)
    cost = _fleet.run(audit_command(simulated, listing, "-e", f"oom_audit_host_timeout={HOST_TIMEOUT}",
                                    "-e", f"oom_audit_timeout={TIMEOUT}", reports=directory),
                      forks=10, timeout=2 * BOUND, codes=(2, 4), sample=True)
    left = [int(pid) for pid in pids.read_text(encoding="ascii").split() if os.path.exists(f"/proc/{pid}")]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    report = json.loads((directory / "latest" / "report.json").read_text(encoding="ascii"))
    return cost, {each["name"]: each for each in report["hosts"]}, report, left


def test_it_ends_in_time(audit):
    assert audit[0].seconds < BOUND


def test_every_host_is_in_the_report_in_order(audit):
    assert list(audit[1]) == [_fleet.name(number) for number in range(HOSTS)]


def test_unreachable_hosts_are_said_to_be(audit):
    assert {name for name, each in audit[1].items() if each["kind"] == "unreachable"} == set(UNREACHABLE)
    assert audit[2]["summary"]["not_checked"] == {"timeout": len(HANGING), "unreachable": len(UNREACHABLE)}


def test_a_host_that_hangs_costs_its_own_time(audit):
    for host in HANGING:
        entry = audit[1][host]
        assert (entry["status"], entry["kind"], entry["facts"]) == ("not_checked", "timeout", None)
        assert f"gave no answer in {HOST_TIMEOUT} seconds" in entry["reason"]


def test_nothing_of_it_is_left_on_the_controller(audit):
    assert audit[3] == []


def test_a_podman_that_hangs_is_a_source_that_was_not_read(audit):
    entry = audit[1][STUCK]
    podman = [each for each in entry["facts"]["sources"] if each["name"] == "podman"]
    assert entry["status"] == "partial" and "did not answer in time" in entry["reason"]
    assert [each["status"] for each in podman] == ["unavailable"]


def test_a_large_label_is_cut(audit):
    entry = audit[1][HUGE]
    assert entry["status"] in ("checked", "partial") and len(entry["facts"]["containers"]) == CONTAINERS
    assert [len(each["labels"]["huge"]) for each in entry["facts"]["containers"] if "huge" in each["labels"]] == [LABEL_LENGTH]


def test_all_others_are_checked(audit):
    others = [each for name, each in audit[1].items() if name not in (*UNREACHABLE, *HANGING, STUCK)]
    assert {len(each["facts"]["containers"]) for each in others} == {CONTAINERS}
    assert audit[2]["summary"]["containers"]["total"] == CONTAINERS * (HOSTS - len(UNREACHABLE) - len(HANGING) - 1)


def test_its_memory_is_bounded(audit):
    assert 0 < audit[0].controller < MEMORY


def test_what_was_not_checked_is_handed_back(audit):
    recap = audit[0].output.partition("PLAY RECAP")[2].splitlines()
    ended = {line.split()[0]: line for line in recap if " : " in line}
    assert all("unreachable=1" in ended[host] for host in UNREACHABLE)
    assert all("failed=1" in ended[host] for host in HANGING)
