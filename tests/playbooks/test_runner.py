# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks as AWX runs them: ansible-runner, a private data directory, extra variables, artifacts, exit codes."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

runner = pytest.importorskip("ansible_runner")
yaml = pytest.importorskip("yaml")

ROOT = pathlib.Path(__file__).parents[2]
# What a survey asks for, as far as it exists. (prepare ends as failed on a machine whose boot is not its own.)
PLAYBOOKS = [name for name in ("audit", "enforce") if (ROOT / "playbooks" / (name + ".yml")).exists()]
SURVEYS = {name: json.loads((ROOT / "roles" / "awx" / "files" / "surveys" / (name + ".json")).read_text(encoding="utf-8"))["spec"]
           for name in PLAYBOOKS}
ROLES = {"audit": "oom_audit", "enforce": "memory_policy"}
# Nobody listens at port 1: refused at once.
INVENTORY = """
all:
  hosts:
    here: {ansible_connection: local, ansible_python_interpreter: "%s"}
    gone: {ansible_host: 127.0.0.1, ansible_port: 1, ansible_user: root}
""" % sys.executable


class Private:
    """A private data directory with the collection's playbooks as the project."""

    def __init__(self, path):
        self.path = path / "private"
        self.home = path / "home"
        self.temporary = path / "tmp"
        for each in (self.home, self.temporary, self.path / "env"):
            each.mkdir(parents=True)
        shutil.copytree(ROOT / "playbooks", self.path / "project" / "playbooks")
        (self.path / "inventory").mkdir()
        (self.path / "inventory" / "hosts.yml").write_text(INVENTORY, encoding="ascii")
        tree = path / "tree" / "ansible_collections" / "podman_fleet"
        tree.mkdir(parents=True)
        (tree / "memory").symlink_to(ROOT)
        self.environment = {
            "ANSIBLE_COLLECTIONS_PATH": str(path / "tree"), "HOME": str(self.home), "TMPDIR": str(self.temporary),
            "ANSIBLE_HOME": str(self.home / ".ansible"), "PATH": os.path.dirname(sys.executable) + ":" + os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1", "ANSIBLE_LOCALHOST_WARNING": "false"}

    def settle(self, extra):
        """Write env/extravars."""
        told = {"podman_memory_become": False, "oom_audit_since": "1m", "memory_policy_since": "1m", **extra}
        (self.path / "env" / "extravars").write_text(json.dumps(told), encoding="ascii")

    def run(self, playbook, extra=None, **how):
        """Return runner's result."""
        self.settle(extra or {})
        # a terminal that nobody sits at: a question would wait for an answer until the time is over
        return runner.run(private_data_dir=str(self.path), playbook="playbooks/%s.yml" % playbook, quiet=True,
                          envvars=self.environment, timeout=600, **how)

    def output(self, done):
        return pathlib.Path(done.config.artifact_dir, "stdout").read_text(encoding="utf-8")


def artifacts(events):
    """What set_stats gives to a workflow: AWX takes it from this event."""
    events = [each for each in events if each["event"] == "playbook_on_stats"]
    assert len(events) == 1
    return events[0]["event_data"].get("artifact_data", {})


@pytest.fixture
def private(tmp_path):
    return Private(tmp_path)


def test_an_audit_has_artifacts_an_exit_code_and_stays_in_its_directory(private):
    done = private.run("audit")
    # a host that could not be reached
    assert (done.status, done.rc) == ("failed", 4)
    told = artifacts(done.events)
    assert all(key.startswith("podman_memory_") for key in told), "they become extra variables of what comes next"
    assert (told["podman_memory_audit_hosts"], told["podman_memory_audit_not_checked"], told["podman_memory_audit_unreachable"]) == (2, 1, 1)
    report = pathlib.Path(told["podman_memory_audit_report"])
    assert report.is_file() and private.path in report.parents
    assert {each["name"] for each in json.loads(report.read_text(encoding="ascii"))["hosts"]} == {"here", "gone"}
    output = private.output(done)
    assert "Podman memory audit" in output
    assert list(private.temporary.iterdir()) == [], "nothing is left elsewhere"
    # each result is a row in AWX's database
    largest = max(len(json.dumps(each["event_data"].get("res", {}))) for each in done.events)
    assert largest < 20000


def test_artifacts_of_one_job_change_nothing_in_the_next(private):
    """In a workflow they are its extra variables."""
    handed = {}
    for playbook in ("audit", "enforce", "audit", "enforce"):
        done = private.run(playbook, extra=dict(handed), limit="here", cmdline="--check")
        assert (done.status, done.rc) == ("successful", 0), private.output(done)
        stats = next(each["event_data"] for each in done.events if each["event"] == "playbook_on_stats")
        assert set(stats["ok"]) | {"localhost"} == {"here", "localhost"}, "its hosts, with all artifacts of those before it"
        told = artifacts(done.events)
        assert told["podman_memory_%s_hosts" % playbook] == 1
        handed.update(told)
    assert {name.split("_")[2] for name in handed} == {"audit", "enforce"}


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_check_and_limit(private, playbook):
    done = private.run(playbook, limit="here", cmdline="--check --diff")
    output = private.output(done)
    assert (done.status, done.rc) == ("successful", 0), output
    assert {each["event_data"].get("host") for each in done.events} - {None} <= {"here", "localhost"}
    assert not (private.path / "project" / "reports").exists()


def options_of(role):
    return yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))[
        "argument_specs"]["main"]["options"]


def is_text(option):
    """Whether a survey asks for it as text: what has choices, numbers and switches have a default in a survey."""
    return option["type"] in ("str", "path", "list", "raw") and "choices" not in option


@pytest.mark.parametrize("playbook", [each for each in PLAYBOOKS if each in ROLES])
def test_empty_text_stands_for_the_default(private, playbook):
    """It is what a survey gives for a question that nobody answered."""
    empty = {name: "" for name, option in options_of(ROLES[playbook]).items() if is_text(option)}
    assert {question["variable"] for question in SURVEYS[playbook] if question["type"] == "text"} <= set(empty)
    playbook_text = (ROOT / "playbooks" / (playbook + ".yml")).read_text(encoding="utf-8")
    empty.update({name: "" for name in ("podman_memory_hosts", "podman_memory_serial", "podman_memory_max_fail_percentage")
                  if name in playbook_text})
    done = private.run(playbook, extra=empty, limit="here", cmdline="--check")
    assert (done.status, done.rc) == ("successful", 0), private.output(done)


def test_what_is_wrong_is_said_before_any_host_is_asked(private):
    done = private.run("audit", extra={"oom_audit_timeout": "soon", "oom_audit_summary": "perhaps"}, limit="here")
    output = " ".join(private.output(done).split())
    assert done.rc == 2 and "oom_audit_timeout" in output and "oom_audit_summary" in output
    assert "Collect the facts" not in output


def test_slices_side_by_side_make_a_report_each(tmp_path):
    """AWX runs each slice as a job; with one directory of reports, none takes another's."""
    reports = tmp_path / "reports"
    slices = [Private(tmp_path / name) for name in ("one", "two", "three")]
    for each in slices:
        each.settle({"oom_audit_reports": str(reports), "oom_audit_summary": False})
    running = [subprocess.Popen(
        [sys.executable, "-m", "ansible_runner", "run", str(each.path), "-p", "playbooks/audit.yml", "--limit", "here", "--ident", "1", "-q"],
        env=dict(os.environ, **each.environment), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) for each in slices]
    assert [process.wait(timeout=600) for process in running] == [0, 0, 0]
    told = set()
    for each in slices:
        events = [json.loads(path.read_text(encoding="utf-8")) for path in (each.path / "artifacts" / "1" / "job_events").glob("*.json")]
        told.add(artifacts(events)["podman_memory_audit_report"])
    assert len(told) == 3 and all(pathlib.Path(each).is_file() for each in told)
    assert {each.name for each in reports.iterdir()} == {pathlib.Path(each).parent.name for each in told} | {"latest"}
