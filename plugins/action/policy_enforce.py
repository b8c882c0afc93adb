# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring the containers of one host to what the policy wants: oom_facts, plan, container_memory.

What is seen and planned stays on the controller and out of Ansible's output, but for the plan with --diff.
"""

from __future__ import annotations

import datetime
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.podman_fleet.memory.plugins.plugin_utils import _enforced, _plan, _plan_table
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._controller import policy_of, run_dir
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._findings import FACTS_SCHEMA
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._host_task import ask, facts_of
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._text import iso, plural, shown

_FACTS_SPEC = {
    "users": {"type": "list", "elements": "str"},
    "containers": {"type": "list", "elements": "str"},
    "since": {"type": "str"},
    "executable": {"type": "str"},
    "timeout": {"type": "int"},
    "state_dir": {"type": "path"},
}
_PLAN_SPEC = {
    "enforce": {"type": "str", "choices": list(_plan.PARTS), "default": "both"},
    "persist": {"type": "bool", "default": True},
    "allow_below_usage": {"type": "bool", "default": False},
}
_CHANGE_SPEC = {
    "backend": {"type": "str", "choices": ["auto", "libpod_api", "cli", "cgroupfs"]},
    "restart": {"type": "str", "choices": ["never", "if_needed"]},
}
_SPEC = {"policy": {"type": "dict"}, **_FACTS_SPEC, **_PLAN_SPEC, **_CHANGE_SPEC}
_MODULE = "podman_fleet.memory.container_memory"
_MOST_CALLS = 4  # containers may grow between the plan and the change, but not for ever
_LONGEST = 500  # characters of a message in the task's result


class ActionModule(ActionBase):
    """Runs on the controller for each host."""

    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what was done in a few counts; with --diff, the plan as a table."""
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _checked, options = self.validate_argument_spec(argument_spec=_SPEC)
        policy = policy_of(self, options["policy"], task_vars)
        now = datetime.datetime.now(datetime.timezone.utc)
        run = run_dir(self._task, "enforce")
        run.begin(iso(now))
        host = task_vars["inventory_hostname"]
        answer = facts_of(self, _given(options, _FACTS_SPEC), task_vars)
        problem, plan, rows = answer["problem"], None, []
        if problem is None:
            try:
                plan = _planned(host, answer, policy, now.date(), options)
            except (AttributeError, KeyError, TypeError, ValueError) as exc:
                problem = {"kind": "bad_facts", "message": "its facts are not whole: %s: %s" % (type(exc).__name__, exc)}
        if plan and plan.changes:
            results, problem = self._change(plan, options, task_vars)
            rows = _enforced.rows(plan, results)
        skipped = [{**each._asdict(), "name": each.name} for each in plan.skipped] if plan else []
        run.put({"host": host, "problem": problem, "counts": _enforced.counts(plan, rows), "rows": rows, "skipped": skipped})
        result.update(_compact(problem, _enforced.counts(plan, rows), self._task.check_mode))
        if self._task.diff and rows:
            result["diff"] = {"prepared": _plan_table.table(rows, skipped, self._task.check_mode)}
        return result

    def _change(self, plan: _plan.Plan, options: dict[str, Any],
                task_vars: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, str] | None]:
        """Return (container_memory's results for each container, what went wrong).

        It refuses all when it has to refuse one: that may have grown since the plan was made. Then it is
        told to do the others.
        """
        left = {(each.user, each.ident): each.options() for each in plan.changes}
        lost: list[dict[str, Any]] = []
        for _call in range(_MOST_CALLS):
            answer, problem = ask(self, _MODULE, {
                "containers": list(left.values()), **_given(options, _PLAN_SPEC, without=("enforce",)),
                **_given(options, _CHANGE_SPEC), **_given(options, {"executable": None, "timeout": None}),
            }, task_vars)
            results = [each for each in answer.get("containers") or [] if isinstance(each, dict)]
            refused = _enforced.refused(results) if problem else []
            if not refused or len(refused) == len(left):
                break
            lost += [each for each in results if (each["user"], each["id"]) in refused]
            for key in refused:
                left.pop(key, None)
        results += lost
        if lost and problem is None:
            problem = {"kind": "failed", "message": "%s refused: %s" % (
                plural(len(lost), "container"), "; ".join(str(each.get("message")) for each in lost))}
        return results, problem


def _given(options: dict[str, Any], spec: dict[str, Any], without: tuple[str, ...] = ()) -> dict[str, Any]:
    return {key: options[key] for key in spec if options[key] is not None and key not in without}


def _planned(host: str, answer: dict[str, Any], policy: Any, today: datetime.date, options: dict[str, Any]) -> _plan.Plan:
    facts = answer["facts"]
    if not isinstance(facts, dict) or facts.get("schema") != FACTS_SCHEMA:
        raise ValueError("its answer is not %s" % FACTS_SCHEMA)
    wanted = _plan.Options(options["enforce"], options["persist"], options["allow_below_usage"])
    return _plan.of_host(host, facts, answer["run_as"], policy, today, wanted)


def _compact(problem: dict[str, str] | None, counts: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The task's result; `checked` and `problem` are what audit_hand_back reads."""
    text = "%s of %s %s, %s left as %s" % (
        counts["changed"], plural(counts["containers"], "container"), "would be changed" if check_mode else "changed",
        plural(sum(counts["skipped"].values()), "setting"), "it is" if sum(counts["skipped"].values()) == 1 else "they are")
    if problem:
        problem = {"kind": problem["kind"], "message": shown(problem["message"], _LONGEST)}
        text = "%s: %s; %s" % (problem["kind"], problem["message"], text)
    return {"changed": counts["changed"] > 0, "checked": problem is None, "problem": problem, "counts": counts, "msg": text}
