# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring the containers of one host to what the policy wants: oom_facts, plan, container_memory.

Facts and plan stay on the controller and out of Ansible's output, but for the plan with --diff.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterable
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._ansible.controller import load_policy, open_run_dir
from ..plugin_utils._ansible.host_task import FACTS_SPEC, collect_facts, run_checked, users_time
from ..plugin_utils._ansible.inventory import Inventory
from ..plugin_utils._enforce.host_plan import HostPlan, without_gone
from ..plugin_utils._enforce.plan import Options, plan_host
from ..plugin_utils._enforce.result import Row, count_results, refused_containers, result_rows
from ..plugin_utils._enforce.table import render_table
from ..plugin_utils._model.rules import SETTINGS
from ..plugin_utils._text import format_iso, plural, printable

_PLAN_SPEC = {
    "settings": {"type": "list", "elements": "str", "choices": list(SETTINGS), "default": list(SETTINGS)},
    "persist": {"type": "bool", "default": True},
    "allow_below_usage": {"type": "bool", "default": False},
}
_CHANGE_SPEC = {
    "backend": {"type": "str", "choices": ["auto", "libpod_api", "cli", "cgroupfs"]},
    "restart": {"type": "str", "choices": ["never", "if_needed"]},
}
_SPEC = {"policy": {"type": "dict"}, **FACTS_SPEC, **_PLAN_SPEC, **_CHANGE_SPEC}
MAX_CALLS = 4  # containers may grow between the plan and the change, but not all of them
MAX_CHARS = 500  # of a message in the task's result


class ActionModule(ActionBase):
    """Runs on the controller for each host."""

    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what was done in a few counts; with --diff, the plan as a table."""
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _validation, options = self.validate_argument_spec(argument_spec=_SPEC)
        policy = load_policy(self, options["policy"], task_vars)
        now = datetime.datetime.now(datetime.timezone.utc)
        run = open_run_dir(self._task, "enforce")
        run.begin(format_iso(now))
        host = task_vars["inventory_hostname"]
        work = _Work(self, task_vars, host, policy, now.date(), options)
        problem = work.do()
        counts = count_results(work.plan, work.rows())
        run.put_record({"host": host, "problem": problem, "counts": counts, "rows": work.rows(), "skipped": work.skipped()})
        result.update(_compact(problem, counts, self._task.check_mode))
        result["changed"] = any(row["changed"] for row in work.rows())
        if self._task.diff and work.rows():
            result["diff"] = {"prepared": render_table(work.rows(), work.skipped(), self._task.check_mode)}
        return result


class _Work:
    """What is to be done on one host, and what has been."""

    def __init__(self, action: ActionBase, task_vars: dict[str, Any], host: str, policy: Any, today: datetime.date,
                 options: dict[str, Any]) -> None:
        self._action, self._task_vars, self._host = action, task_vars, host
        self._began = time.monotonic()
        self._policy, self._today, self._options = policy, today, options
        self._inventory = Inventory(action, task_vars, policy.host_variables).find(host)
        self.plan = HostPlan()
        self._results: list[dict[str, Any]] = []

    def rows(self) -> list[Row]:
        """Return a row for each step of the plan."""
        return result_rows(self.plan, self._results)

    def skipped(self) -> list[dict[str, Any]]:
        """Return what the plan skips."""
        return [skipped._asdict() for skipped in self.plan.skipped]

    def do(self) -> dict[str, str] | None:
        """Plan and change; return {kind, message} of what went wrong, None when nothing did."""
        problem = self._make_plan()
        return self._apply(self.plan) if problem is None and self.plan.changes else problem

    def _make_plan(self) -> dict[str, str] | None:
        answer = collect_facts(self._action, _given(self._options, FACTS_SPEC), self._task_vars)
        if answer["problem"]:
            return answer["problem"]
        options = self._options
        try:
            self.plan = plan_host(
                self._host, answer["facts"], answer["run_as"], self._policy, self._today,
                Options(tuple(options["settings"]), options["persist"], options["allow_below_usage"]), self._inventory)
        except Exception as exc:  # this host's facts must not end the run of the others
            return {"kind": "bad_facts", "message": "its facts could not be evaluated: %s: %s" % (type(exc).__name__, exc)}
        return None

    def _apply(self, plan: HostPlan) -> dict[str, str] | None:
        """Apply the plan; a container that is refused (it may use more by now), or that is gone, does not stop the others.

        container_memory changes those of other users at once. Those of the same user are tried again without it.
        """
        pending = list(plan.changes)
        done: list[dict[str, Any]] = []
        gone: list[dict[str, Any]] = []
        problem = None
        for call in range(MAX_CALLS):
            answer, problem = run_checked(self._action, "container_memory",
                                          self._arguments([change.module_options() for change in pending]), self._task_vars)
            results = _results(answer.get("containers", []))
            gone += [result for result in results if result.get("gone")]
            refused = refused_containers(results) if problem else []
            users = {result["user"] for result in refused}
            again = [change for change in pending if change.user in users
                     and not any(change.is_of(result["user"], result.get("name"), result["id"]) for result in refused)]
            if not again or call == MAX_CALLS - 1:
                done += results
                break
            done += [result for result in results if result["user"] not in users or result in refused]
            pending = again
        self._results = [result for result in done if not result.get("gone")]
        self.plan = without_gone(plan, gone)
        failed = [result for result in self._results if result.get("failed")]
        if problem and problem["kind"] == "failed" and gone and not failed:
            problem = None
        if failed and problem is None:
            problem = {"kind": "failed", "message": "; ".join(
                "%s/%s: %s" % (result["user"], result["name"], result.get("message")) for result in failed)}
        return problem

    def _arguments(self, containers: list[dict[str, Any]]) -> dict[str, Any]:
        names = ("persist", "allow_below_usage", "executable", "timeout", *_CHANGE_SPEC)
        return {"containers": containers, **_given(self._options, names), **users_time(self._action, self._began)}


def _results(answered: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What container_memory says of each container, in words that do nothing to a terminal."""
    return [{**result, "name": printable(result["name"], MAX_CHARS), "message": printable(result["message"], MAX_CHARS)}
            for result in answered]


def _given(options: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: options[name] for name in names if options[name] is not None}


def _compact(problem: dict[str, str] | None, counts: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The task's result; `checked` and `problem` are what host_outcome reads."""
    text = "%s of %s %s, %s skipped" % (
        counts["changed"], plural(counts["containers"], "container"), "would be changed" if check_mode else "changed",
        plural(sum(counts["skipped"].values()), "setting"))
    if problem:
        problem = {"kind": problem["kind"], "message": printable(problem["message"], MAX_CHARS)}
        text = "%s: %s; %s" % (problem["kind"], problem["message"], text)
    return {"checked": problem is None, "problem": problem, "counts": counts, "msg": text}
