# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""enforce.yml as people run it, with stand-ins for the two modules that need Podman.

The stand-in of container_memory does as the real one is documented to: all or none, and {containers, changed}.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._door.facts import FACTS_SCHEMA

pytest.importorskip("ansible")

ROOT = pathlib.Path(__file__).parents[2]
MIB = 1024 * 1024
# A host's name reaches the stand-ins as the name of its Podman.
HOSTS = ("nopython", "one", "two", "nothing", "refuses", "users", "went", "fails", "lasts_not", "lies", "fat", "other", "broken", "empty", "says_no", "gone")
INVENTORY = {"all": {
    "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable,
             "memory_policy_executable": "{{ inventory_hostname }}"},
    "hosts": {
        **dict.fromkeys(HOSTS, {}), "nopython": {"ansible_python_interpreter": "/nonexistent/python"},
        "gone": {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_user": "root"}}}}
# Both read what the test has written for them, for each host one answer for each call.
STAND_IN = '''#!/usr/bin/python
DOCUMENTATION = """
module: %(name)s
short_description: stand-in
description: Stand-in.
options: {}
"""
import json, os
from ansible.module_utils.basic import AnsibleModule
FOLDER = %(folder)r
def main():
    module = AnsibleModule(argument_spec=json.loads(%(spec)r), supports_check_mode=True)
    calls = os.path.join(FOLDER, module.params["executable"] + ".%(name)s.calls")
    with open(calls, "a") as stream:
        stream.write(json.dumps(dict(module.params, check_mode=module.check_mode)) + "\\n")
    with open(calls) as stream:
        number = len(stream.readlines()) - 1
    with open(os.path.join(FOLDER, "answers.json")) as stream:
        answers = json.load(stream)["%(name)s"].get(module.params["executable"])
    answer = answers[min(number, len(answers) - 1)] if answers else %(usual)s
    if answer == "do":
        done = [{"user": each["user"], "id": each["name"], "name": "c" + each["name"][0], "changed": True, "applied_live": True,
                 "persistent": True, "method": "libpod_api", "restart_required": False, "message": "set", "before": None, "after": None}
                for each in module.params["containers"]]
        module.exit_json(changed=True, containers=done)
    if answer.get("failed"):
        module.fail_json(**answer)
    module.exit_json(**answer)
main()
'''
DEFAULTS_FAIL = '''#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
AnsibleModule(argument_spec={"state": {}, "executable": {}, "timeout": {"type": "int"}}).fail_json(msg="no defaults here")
'''
FACTS_OPTIONS = {"users": {"type": "list"}, "containers": {"type": "list"}, "since": {}, "executable": {},
                 "timeout": {"type": "int"}, "users_timeout": {"type": "int"}, "state_dir": {}, "as_json": {"type": "bool"}}
CHANGE_OPTIONS = {"containers": {"type": "list", "elements": "dict"}, "persist": {"type": "bool"},
                  "allow_below_usage": {"type": "bool"}, "backend": {}, "restart": {}, "executable": {}, "timeout": {"type": "int"},
                  "users_timeout": {"type": "int"}}


def container(letter, user="root", **memory):
    ident = letter * 64
    return {
        "id": ident, "name": "c" + letter, "user": user, "labels": {}, "pod": None, "is_infra": False,
        "manager": {"kind": "none", "unit": None}, "state": {"status": "running", "oom_killed_flag": False},
        "oom": {"killed": False, "cause": "none", "scope": None, "lethal": False, "confidence": "certain", "count": 0, "last_at": None,
                "victims": [], "flag_trust": "agrees", "evidence": [], "missing": []},
        "memory": {"declared": {"limit": None, "swap_limit": None, "reservation": None, "oom_group": None},
                   "effective": {"limit": None, "swap_limit": None, "high": None, "oom_group": False, "source": None},
                   "usage": {"working_set": 10 * MIB}, **memory}}


def facts(*containers):
    return {"facts_json": json.dumps({
        "schema": FACTS_SCHEMA, "sources": [{"name": "podman", "user": "root", "status": "ok"}], "removed": [], "errors": [],
        "host": {"cgroup_version": 2, "swap_total": 0, "controllers": ["memory"], "podman": {"version": "5.4.2"}},
        "containers": list(containers)})}


def entry(letter, **changes):
    return {"user": "root", "id": letter * 64, "name": "c" + letter, "changed": False, "applied_live": False, "persistent": False,
            "method": "none", "restart_required": False, "message": "not touched, because of others", "before": None, "after": None, **changes}


POLICY = {"rules": [{"name": "a", "match": "true", "memory": {"required": True, "default": "64m"}, "oom_group": True}]}
# Call by call; the last one is for all that come after. Other hosts have one container, and do as they are told.
ANSWERS = {
    "oom_facts": {
        "nothing": [facts()], "refuses": [facts(container("a"), container("b"))],
        "users": [facts(container("a"), container("b", user="alice"), container("c", user="alice"))],
        "went": [facts(container("a"), container("b"))],
        "lies": [facts(container("a"), container("b"))],
        "fat": [facts(container("a", usage={"working_set": 100 * MIB}))],
        "other": [{"facts_json": '{"schema": "other/v9"}'}], "broken": [{"facts_json": '{"schema"'}], "empty": [{}],
        "says_no": [{"failed": True, "msg": "users: there is no user 'x'"}]},
    "container_memory": {
        "refuses": [{"failed": True, "msg": "1 of 2 containers can't be changed", "changed": False, "containers": [
            entry("a"), entry("b", failed=True, message="memory: 64m is less than it needs now")]}, "do"],
        "users": [{"failed": True, "msg": "1 of 2 containers can't be changed", "changed": True, "containers": [
            entry("a", changed=True, applied_live=True, persistent=True, message="set"), entry("b", user="alice"),
            entry("c", user="alice", failed=True, message="Podman refused it")]}, "do"],
        "went": [{"failed": True, "msg": "containers[1].name: root has no container", "changed": False, "containers": [
            entry("a"), entry("b", failed=True, gone=True, message="root has no container")]}, "do"],
        "fails": [{"failed": True, "msg": "executable: no such thing", "changed": False, "containers": []}],
        "lies": [{"changed": True, "containers": [entry("a", changed=True, applied_live=True, persistent=True, message="set"), entry(
            "b", changed="yes", applied_live=10, persistent=True, message="set")]}],
        "lasts_not": [{"changed": True, "containers": [entry(
            "a", changed=True, applied_live=True, message="set; compose recreates the container: write it there")]}]},
}


class Enforce:
    """Runs the playbook with a copy of the collection in which two modules are stand-ins."""

    def __init__(self, path):
        self.path = path
        tree = path / "tree" / "ansible_collections" / "podman_fleet" / "memory"
        tree.mkdir(parents=True)
        for part in ("meta", "roles", "playbooks", "galaxy.yml"):
            (tree / part).symlink_to(ROOT / part)
        shutil.copytree(ROOT / "plugins", tree / "plugins", ignore=shutil.ignore_patterns("__pycache__"))
        for name, spec, usual in (("oom_facts", FACTS_OPTIONS, repr(facts(container("a")))),
                                  ("container_memory", CHANGE_OPTIONS, "'do'")):
            (tree / "plugins" / "modules" / (name + ".py")).write_text(
                STAND_IN % {"name": name, "folder": str(path), "spec": json.dumps(spec), "usual": usual}, encoding="ascii")
        (path / "inventory.json").write_text(json.dumps(INVENTORY), encoding="ascii")
        (path / "answers.json").write_text(json.dumps(ANSWERS), encoding="ascii")

    def calls(self, host, module="container_memory"):
        """Return the options of each call of a stand-in."""
        path = self.path / ("%s.%s.calls" % (host, module))
        return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()] if path.exists() else []

    def environment(self):
        """Return the environment for Ansible: nothing of the person's own configuration."""
        env = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        env.update(ANSIBLE_COLLECTIONS_PATH=str(self.path / "tree"), ANSIBLE_HOME=str(self.path / "home"), COLUMNS="160",
                   ANSIBLE_LOCALHOST_WARNING="false", PYTHONDONTWRITEBYTECODE="1", ANSIBLE_SHOW_CUSTOM_STATS="true")
        return env

    def run(self, *arguments, **variables):
        """Return (exit code, standard output)."""
        done = subprocess.run(
            [sys.executable, "-m", "ansible", "playbook", "-i", "inventory.json", "-f", "14", "podman_fleet.memory.enforce",
             "-e", json.dumps({"podman_memory_become": False, "podman_memory_policy": POLICY, **variables}), *arguments],
            cwd=str(self.path), env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=180, check=False)
        return done.returncode, done.stdout.decode()


@pytest.fixture
def enforce(tmp_path):
    return Enforce(tmp_path)


@pytest.fixture(scope="module")
def all_hosts(tmp_path_factory):
    """One run over all hosts: (Enforce, exit code, output)."""
    made = Enforce(tmp_path_factory.mktemp("enforce"))
    return (made, *made.run("--diff", "--limit", "all:!users:!lies"))


def told(output):
    """The output with each run of spaces and line breaks as one space."""
    return " ".join(output.split())


def test_the_plan_is_shown_and_handed_on_in_check_mode(enforce):
    code, output = enforce.run("--limit", "one", "--check", "--diff")
    assert code == 0, output
    (call,) = enforce.calls("one")
    assert 700 < call.pop("users_timeout") <= 720  # 0.8 of what the host has left of 900 s
    assert call == {
        "containers": [{"name": "a" * 64, "user": "root", "memory": "64m", "memory_swap": "64m", "oom_group": True}],
        "persist": True, "allow_below_usage": False, "backend": "auto", "restart": "never", "executable": "one",
        "timeout": 60, "check_mode": True}
    lines = [told(line) for line in output.splitlines()]
    assert "container user what from to how why result" in lines
    assert "ca root memory none 64 MiB live + persistent memory-limit-missing (rule 1 'a') would change" in lines
    assert "ca root oom.group off on live + persistent oom-group-mismatch (rule 1 'a') would change" in lines
    assert "WOULD CHANGE 1 container" in lines and 'podman_memory_enforce_changed": 1' in told(output)
    # the facts do not get into Ansible's output
    assert FACTS_SCHEMA not in output
    assert not list((enforce.path / "home" / "tmp").iterdir())


def test_a_run_passes_its_options_on(enforce):
    output = enforce.run(
        "--limit", "one", memory_policy_settings=["oom_group"], memory_policy_persist=False, memory_policy_users=["root"],
        memory_policy_allow_below_usage=True, memory_policy_backend="cgroupfs", memory_policy_restart="if_needed",
        memory_policy_summary=False)[1]
    call = enforce.calls("one")[0]
    assert call["containers"] == [{"name": "a" * 64, "user": "root", "oom_group": True}]
    assert (call["persist"], call["allow_below_usage"], call["backend"], call["restart"], call["check_mode"]) == (
        False, True, "cgroupfs", "if_needed", False)
    assert enforce.calls("one", "oom_facts")[0]["users"] == ["root"]
    assert "Podman memory policy" not in output


def test_where_nothing_is_to_be_done_nothing_is_called(all_hosts):
    made, _code, output = all_hosts
    assert not made.calls("nothing") and re.search(r"^nothing +: ok=\d+ +changed=0 .*failed=0", output, re.M)


def test_one_users_refusal_takes_nothing_back_from_others(enforce):
    """H8: root's container is changed once, and once only."""
    _code, output = enforce.run("--diff", "--limit", "users")
    assert [[each["name"][0] for each in call["containers"]] for call in enforce.calls("users")] == [["a", "b", "c"], ["b"]]
    assert re.search(r"^users +: ok=\d+ +changed=1 .*failed=1", output, re.M)
    assert "cc alice memory none 64 MiB - memory-limit-missing (rule 1 'a') FAILED: Podman refused it" in told(output)
    assert "ca root memory none 64 MiB live + persistent memory-limit-missing (rule 1 'a') changed" in told(output)
    assert "cb alice memory none 64 MiB live + persistent memory-limit-missing (rule 1 'a') changed" in told(output)


def test_a_refused_container_does_not_stop_the_others(all_hosts):
    made, _code, output = all_hosts
    assert [[each["name"][0] for each in call["containers"]] for call in made.calls("refuses")] == [["a", "b"], ["a"]]
    assert "cb root memory none 64 MiB - memory-limit-missing (rule 1 'a') FAILED: memory: 64m is less than it needs now" in told(output)
    assert "ca root memory none 64 MiB live + persistent memory-limit-missing (rule 1 'a') changed" in told(output)
    assert "refuses: failed: root/cb: memory: 64m is less" in output
    assert re.search(r"^refuses +: ok=\d+ +changed=1 .*failed=1", output, re.M)


def test_a_container_that_went_meanwhile_is_left_out(all_hosts):
    made, _code, output = all_hosts
    assert [len(call["containers"]) for call in made.calls("went")] == [2, 1] and len(made.calls("went", "oom_facts")) == 1
    assert re.search(r"^went +: ok=\d+ +changed=1 .*failed=0", output, re.M)


def test_what_goes_on_failing_is_said(all_hosts):
    made, _code, output = all_hosts
    assert len(made.calls("fails")) == 1 and "fails: failed: executable: no such thing" in output


def test_what_does_not_last_is_said(all_hosts):
    output = told(all_hosts[2])
    assert "live memory-limit-missing (rule 1 'a') changed; compose recreates the container" in output
    assert "NOT PERSISTENT 1 of them lasts_not: ca: compose recreates the container: write it there" in output
    assert 'podman_memory_enforce_not_persistent": 1' in output


def test_an_answer_with_other_types_is_the_host_s_problem(enforce):
    _code, written = enforce.run("--diff", "--limit", "lies")
    output = told(written)
    assert "lies: bad facts: its answer to container_memory: containers.1.changed is not true or false" in output
    assert "cb root memory none 64 MiB - memory-limit-missing (rule 1 'a') FAILED: no result came back for it" in output
    assert re.search(r"^lies +: ok=\d+ +changed=1 .*failed=1", written, re.M)


def test_what_is_left_alone_is_said_and_is_no_failure(all_hosts):
    made, _code, output = all_hosts
    assert [sorted(each["containers"][0]) for each in made.calls("fat")] == [["name", "oom_group", "user"]]
    assert "SKIPPED" in output and "fat: ca: memory-limit-missing: it uses 100 MiB now" in told(output) and '"below_usage": 1' in output
    assert re.search(r"^fat +: ok=\d+ +changed=1 .*failed=0", output, re.M)


@pytest.mark.parametrize("line", [
    "gone: unreachable: ", "nopython: failed: ", "other: bad facts: its answer is not podman_fleet.memory/facts/v1",
    "broken: bad facts: its answer is not JSON", "empty: failed: no facts came back",
    "says_no: failed: users: there is no user 'x'"])
def test_hosts_without_facts_are_said(all_hosts, line):
    made, _code, output = all_hosts
    assert line in output and not made.calls(line.split(":", maxsplit=1)[0])


def test_they_are_handed_back_after_all_is_said(all_hosts):
    _made, code, output = all_hosts
    assert code & 6, code
    assert "FAILED 8 hosts, 2 containers" in told(output) and "CHANGED 6 containers" in told(output)
    assert 'podman_memory_enforce_unreachable": 1' in output and 'podman_memory_enforce_errors": 7' in output
    assert 'podman_memory_enforce_hosts": 14' in output
    assert output.index("Podman memory policy") < output.index("Mark hosts with a problem as failed or unreachable")


def test_a_bad_policy_ends_it_before_any_host_is_asked(enforce):
    bad = {"rules": [{"name": "a", "match": "true", "memory": {"defualt": 1}}]}
    code, output = enforce.run("--limit", "one,gone", podman_memory_policy=bad)
    assert code == 2 and not enforce.calls("one", "oom_facts") and "UNREACHABLE" not in output
    assert "rule 1 'a': memory: unknown key 'defualt'" in told(output)


@pytest.mark.parametrize("name, value", [
    ("memory_policy_settings", "all"), ("memory_policy_backend", "api"), ("memory_policy_restart", "yes"),
    ("memory_policy_default_oom_group", "on"), ("memory_policy_timeout", "soon"), ("memory_policy_persist", "perhaps"),
])
def test_a_bad_setting_ends_it_before_any_host_is_asked(enforce, name, value):
    code, output = enforce.run("--limit", "one,gone", **{name: value})
    assert code == 2 and not enforce.calls("one", "oom_facts") and "UNREACHABLE" not in output
    # of a number or a switch ansible-core 2.16 says what it can't be converted to, and not what it is
    assert name in told(output) and (value in told(output) or "unable to convert to" in told(output))


def test_serial_and_the_share_of_hosts_that_may_fail(enforce):
    # nopython and one, then two
    code, output = enforce.run("--limit", "nopython,one,two", podman_memory_serial=2)
    assert code == 2 and output.count("PLAY [Enforce") == 2, output
    assert "So far: 2 hosts, 1 container changed; 1 host to come" in output
    assert "Podman memory policy  3 hosts, 2 containers" in output
    code, output = enforce.run("--limit", "nopython,one,two", podman_memory_serial=2, podman_memory_max_fail_percentage=0)
    assert code == 2 and output.count("PLAY [Enforce") == 1 and len(enforce.calls("two")) == 1, output


def test_one_at_a_time_no_host_that_fails_stops_the_others(enforce):
    """Ansible ends a play when all hosts of a batch have failed."""
    code, output = enforce.run("--limit", "nopython,refuses,gone,one", podman_memory_serial=1)
    assert output.count("PLAY [Enforce") == 4 and len(enforce.calls("one")) == 1, output
    # each of them fails in the end, as itself
    assert code == 4, output
    for host, failed, unreachable in (("nopython", 1, 0), ("refuses", 1, 0), ("gone", 0, 1), ("one", 0, 0)):
        assert re.search(r"^%s +: ok=\d+ .*unreachable=%d +failed=%d " % (host, unreachable, failed), output, re.M), output
    assert "Podman memory policy  4 hosts, 3 containers" in output and "refuses: failed: root/cb: memory: 64m is less" in output


def test_nor_does_one_whose_new_containers_get_no_default(enforce):
    folder = enforce.path / "tree" / "ansible_collections" / "podman_fleet" / "memory" / "plugins" / "modules"
    (folder / "container_defaults.py").write_text(DEFAULTS_FAIL, encoding="ascii")
    code, output = enforce.run("--limit", "nopython,one,two", podman_memory_serial=1, memory_policy_default_oom_group="present")
    assert code == 2 and output.count("PLAY [Enforce") == 3 and len(enforce.calls("two")) == 1, output
    assert len(re.findall(r"^\w+ +: ok=\d+ .*failed=1 ", output, re.M)) == 3, output
    # nothing is set on a host with a problem
    assert re.search(r"\[one\].*no defaults here", output) and not re.search(r"\[nopython\].*no defaults here", output), output


def test_under_ansible_runner(enforce):
    runner = pytest.importorskip("ansible_runner")
    (enforce.path / "runner").mkdir()
    done = runner.run(
        private_data_dir=str(enforce.path / "runner"), playbook="podman_fleet.memory.enforce", quiet=True,
        inventory=str(enforce.path / "inventory.json"), limit="one,lasts_not", cmdline="--diff",
        extravars={"podman_memory_become": False, "podman_memory_policy": POLICY}, envvars=enforce.environment())
    assert (done.status, done.rc) == ("successful", 0)
    ended = {each["event_data"]["host"]: each["event_data"]["res"] for each in done.events
             if each["event"] == "runner_on_ok" and each["event_data"]["task_action"] == "podman_fleet.memory.policy_enforce"}
    assert {host: res["counts"]["not_persistent"] for host, res in ended.items()} == {"one": 0, "lasts_not": 1}
    assert all("podman_oom" not in json.dumps(res) for res in ended.values())
    artifact = [each["event_data"]["artifact_data"] for each in done.events if each["event"] == "playbook_on_stats"][0]
    assert artifact["podman_memory_enforce_changed"] == 2
