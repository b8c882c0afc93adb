# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host answers becomes facts or a problem of that host; what is left behind is ended with all below it."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import pytest

pytest.importorskip("ansible")

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._ansible import host_task  # noqa: E402


def test_a_process_and_all_below_it_end():
    with subprocess.Popen(["sleep", "100"]) as other:
        before = host_task.child_pids()
        assert other.pid in before
        tree = subprocess.Popen(["sh", "-c", "sleep 100 & echo $!; wait"], stdout=subprocess.PIPE, text=True)
        below = int(tree.stdout.readline())
        assert host_task.child_pids() - before == {tree.pid} and host_task.child_pids(tree.pid) == {below}
        host_task.terminate(host_task.child_pids() - before)
        # the pipe ends when both are gone
        assert tree.stdout.read() == "" and tree.wait(timeout=10) == -signal.SIGTERM
        tree.stdout.close()
        assert other.poll() is None
        other.kill()


def test_processes_that_are_gone_are_no_error():
    with subprocess.Popen(["true"]) as process:
        pass
    assert host_task.child_pids(process.pid) == set()
    host_task.terminate({process.pid})


class Action:
    """An action plugin whose module gives this result."""

    class _connection:  # noqa: N801
        become = None

    class _task:  # noqa: N801
        timeout = None

    def __init__(self, result):
        self._result = result

    def _get_remote_user(self):
        return "root"

    def _execute_module(self, **_arguments):
        return self._result


def collected(result):
    return host_task.collect_facts(Action(result), {}, {})


def test_facts_pass_the_door(recorded):
    facts = recorded("debian13-root")
    assert collected({"facts_json": json.dumps(facts)}) == {"run_as": "root", "problem": None, "facts": facts}


def test_one_integer_of_400_digits_costs_its_container(recorded):
    facts = recorded("debian13-root")
    others = facts["containers"][1:]
    facts["containers"][0]["memory"]["declared"]["limit"] = 7777777
    text = json.dumps(facts).replace("7777777", "9" * 5000)
    answer = collected({"facts_json": text})
    assert answer["problem"] is None and answer["facts"]["containers"] == others
    assert [error["container"] for error in answer["facts"]["errors"]] == [facts["containers"][0]["name"]]


@pytest.mark.parametrize("result, kind, message", [
    ({}, "failed", "no facts came back"),
    ({"facts_json": None}, "bad_facts", "its answer is a NoneType, not a text"),
    ({"facts_json": {"schema": "podman_fleet.memory/facts/v1"}}, "bad_facts", "its answer is a dict, not a text"),
    ({"facts_json": "[" * 100000}, "bad_facts", "its answer is nested too deeply"),
    ({"facts_json": " " * (65 << 20)}, "bad_facts", "its answer is larger than 64 MiB"),
    ({"facts_json": "{}"}, "bad_facts", "its answer is not podman_fleet.memory/facts/v1: schema is missing"),
    ({"failed": True, "msg": [[[]]]}, "failed", "(a value of type list)"),
])
def test_an_answer_that_is_no_facts_is_this_host_s_problem(result, kind, message):
    assert collected(result) == {"run_as": "root", "problem": {"kind": kind, "message": message}, "facts": None}


def test_a_message_of_any_length_is_a_short_one_soon():
    began = time.perf_counter()
    problem = collected({"failed": True, "msg": "missing " * (1 << 20), "module_stdout": "x" * (8 << 20)})["problem"]
    assert len(problem["message"]) < 5000 and time.perf_counter() - began < 2
