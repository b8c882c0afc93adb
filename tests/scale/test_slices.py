# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Slices of one fleet under ansible-runner, side by side, and their reports merged: the report of one run.

An AWX job slice has each n-th host of the inventory, and runs as ansible-runner runs it here.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from bench import _fleet
from bench.audit import audit_command

HOSTS, SLICES = 13, 3
DOWN = _fleet.name(4)
OWN = {DOWN: "ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1"}
PLAYBOOK = Path(__file__).resolve().parents[2] / "playbooks" / "audit.yml"


def start(simulated, directory, listing):
    """Start the audit of an inventory under ansible-runner; its reports will be in directory/reports."""
    files = {
        "env/envvars": {"ANSIBLE_CONFIG": str(_fleet.CONFIG),
                        "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"]},
        "env/extravars": {"podman_memory_become": False, "oom_audit_since": "2026-11-01T00:00:00Z",
                          "oom_audit_reports": str(directory / "reports")},
    }
    for name, content in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(json.dumps(content), encoding="utf-8")
    return subprocess.Popen(
        simulated.command(["ansible-runner", "run", str(directory), "--playbook", str(PLAYBOOK), "--inventory", str(listing),
                           "--forks", "3", "--quiet"]),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def merge(slices, reports, listing):
    """Run report_merge as people do, and return its result."""
    done = subprocess.run(
        ["ansible", "localhost", "-i", str(listing), "-m", "podman_fleet.memory.report_merge",
         "-a", json.dumps({"slices": [str(each) for each in slices], "reports": str(reports)})],
        env=dict(os.environ, ANSIBLE_STDOUT_CALLBACK="ansible.builtin.minimal", ANSIBLE_NOCOLOR="1"),
        capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL)
    # "localhost | FAILED! => {…}"; ansible-core 2.19 says more of an error before it
    return done.returncode, json.loads(done.stdout[done.stdout.index("=> {") + 3:]), done.stdout + done.stderr


def but_for_the_run(reports):
    """A report without its run and its times."""
    report = json.loads((reports / "latest" / "report.json").read_text(encoding="ascii"))
    now = report.pop("generated_at")
    del report["run"]
    for entry in report["hosts"]:
        if entry["facts"]:
            del entry["facts"]["host"]["collected_at"]
    for finding in report["findings"]:
        assert finding.pop("first_seen") == now
    for point in report["trend"]:
        del point["generated_at"]
    return report


@pytest.fixture(scope="module")
def fleet(simulated, tmp_path_factory):
    """(Directory with one run's `one`, and `slice0` …; the inventory of all)."""
    directory = tmp_path_factory.mktemp("slices")
    listing = _fleet.inventory(directory / "fleet.ini", HOSTS, simulated.podman, OWN)
    head, hosts = listing.read_text(encoding="utf-8").split("[fleet]\n")
    runs = []
    for number in range(SLICES):
        part = directory / f"part{number}.ini"
        part.write_text(head + "[fleet]\n" + "\n".join(hosts.splitlines()[number::SLICES]) + "\n", encoding="utf-8")
        runs.append(start(simulated, directory / f"slice{number}", part))
    for number, run in enumerate(runs):
        output, _none = run.communicate(timeout=300)
        # the slice with the host that is down ends as Ansible ends then
        assert run.returncode == (4 if number == int(DOWN[3:]) % SLICES else 0), output
    _fleet.run(audit_command(simulated, listing, reports=directory / "one"), forks=3, timeout=300, codes=(4,))
    return directory, listing


def test_merged_slices_are_one_run(fleet):
    directory, listing = fleet
    code, result, output = merge([directory / f"slice{number}" / "reports" for number in range(SLICES)],
                                 directory / "fleet", listing)
    assert code == 0, output
    assert result["hosts"] == HOSTS and result["missing"] == [] and "warnings" not in result
    assert result["counts"]["hosts"]["not_checked"] == 1
    assert but_for_the_run(directory / "fleet") == but_for_the_run(directory / "one")


def test_a_slice_that_is_missing_stops_it(fleet):
    directory, listing = fleet
    code, result, output = merge([directory / "slice0" / "reports", directory / "slice9" / "reports"],
                                 directory / "half", listing)
    assert code == 2 and result["msg"].startswith(f"slices: {directory}/slice9/reports: there is no report"), output
    assert not (directory / "half").exists()


def test_a_slice_that_was_forgotten_is_missed(fleet):
    directory, listing = fleet
    code, result, output = merge([directory / f"slice{number}" / "reports" for number in (0, 1)], directory / "part", listing)
    assert code == 0, output
    assert result["missing"] == [_fleet.name(number) for number in range(2, HOSTS, SLICES)]
    assert "4 hosts of the inventory in no slice" in output
