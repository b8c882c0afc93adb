# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a module on a host from an action plugin, so that whatever goes wrong is an answer.

Knows Ansible's connections and time limits; nothing of what the modules say.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from ansible.plugins.action import ActionBase

from ...module_utils._door.document import DoorError
from ...module_utils._door.door import parse_facts
from ...module_utils._door.results import check_result
from ...module_utils._system.processes import child_pids
from ...module_utils._system.times import SECOND
from .controller import is_timeout, problem_from_error, problem_from_result, run_as

_USERS_SHARE = 0.8  # of a task's time limit: the rest is for the connection and for the other sources
COLLECTION = "podman_fleet.memory."
FACTS_MODULE = COLLECTION + "oom_facts"
# Its options, for the argument_spec of an action.
FACTS_SPEC = {
    "users": {"type": "list", "elements": "str"},
    "containers": {"type": "list", "elements": "str"},
    "since": {"type": "str"},
    "executable": {"type": "str"},
    "timeout": {"type": "int"},
    "users_timeout": {"type": "int"},
    "state_dir": {"type": "path"},
}


def run_module(action: ActionBase, module: str, options: dict[str, Any],
               task_vars: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str] | None]:
    """Return (the module's result, {kind, message} of what went wrong or None).

    Raises nothing that a host can cause. The result of a module that failed is returned as well; it
    is empty when there was no answer.
    """
    before = child_pids()
    try:
        result = action._execute_module(module_name=module, module_args=options, task_vars=task_vars)
    except Exception as exc:  # become, connection, interpreter, …: each has its own
        return {}, problem_from_error(exc)
    except BaseException as exc:
        if not is_timeout(exc):
            raise
        # Ansible would remove the temporary directory next, on a host that does not answer,
        # and now without a time limit.
        action._connection._shell.tmpdir = None
        # It would also leave its ssh behind, for as long as the host hangs: one more each night.
        terminate(child_pids() - before)
        return {}, {**problem_from_error(exc), "message": "gave no answer in %s seconds" % action._task.timeout}
    return result, problem_from_result(result) if result.get("failed") or result.get("unreachable") else None


def run_checked(action: ActionBase, module: str, options: dict[str, Any],
                task_vars: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str] | None]:
    """Return (what passes of the module's own keys, the problem); see run_module.

    What does not pass is a problem as well: the host did not do what it was asked, or does not say so.

    :param module: one that has a description in _door/results.py, without the collection's name.
    """
    result, problem = run_module(action, COLLECTION + module, options, task_vars)
    try:
        passed, wrong = check_result(module, result)
    except DoorError as exc:
        passed, wrong = {}, "it %s" % exc
    if wrong:
        message = "its answer to %s: %s" % (module, wrong)
        problem = {"kind": "bad_facts", "message": message if problem is None else "%s; %s" % (problem["message"], message)}
    return passed, problem


def users_time(action: ActionBase, began: float) -> dict[str, int]:
    """Return a module's option users_timeout, so that a user who hangs is an entry in its answer before Ansible gives up the host.

    :param began: when the task did (time.monotonic()), whose time limit it is; without one there is no such option.
    """
    limit = action._task.timeout
    return {"users_timeout": max(1, int((limit - (time.monotonic() - began)) * _USERS_SHARE))} if limit else {}


def collect_facts(action: ActionBase, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
    """Return {run_as, problem, facts} of one host; raises nothing that a host can cause.

    :returns: run_as: user or None; problem: {kind, message} or None; facts: podman_oom as the schema says, None when there is a
        problem. What of it did not pass is told in its `errors`.
    """
    try:
        user = run_as(action)
    except Exception as exc:
        return {"run_as": None, "problem": problem_from_error(exc), "facts": None}
    if not options.get("users_timeout"):
        options = {**options, **users_time(action, time.monotonic())}
    result, problem = run_module(action, FACTS_MODULE, {**options, "as_json": True}, task_vars)
    facts = None
    if problem is None and "facts_json" not in result:
        problem = problem_from_result(result)
    if problem is None:
        try:
            facts = parse_facts(_as_text(result["facts_json"]), int(time.time() * SECOND))
        except DoorError as exc:
            problem = {"kind": "bad_facts", "message": "its answer %s" % exc}
    return {"run_as": user, "problem": problem, "facts": facts}


def _as_text(value: Any) -> str:
    if not isinstance(value, str):
        raise DoorError("is a %s, not a text" % type(value).__name__)
    return value


def terminate(pids: set[int]) -> None:
    """Ask processes and all below them to end (SIGTERM: sudo hands it on to those that are not ours)."""
    for pid in pids:
        below = child_pids(pid)
        try:
            os.kill(pid, signal.SIGTERM)
        except OSError:
            pass  # gone, or of another user
        terminate(below)
