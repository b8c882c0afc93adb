# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the report of all that audit_collect left in this run, and show its first screen."""

from __future__ import annotations

import datetime
import gc
import os
import shutil
import socket
from typing import Any, Iterator

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.podman_fleet.memory.plugins.plugin_utils import _alert, _failing, _publish, _settings, _summary
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit import Audit, Outcome
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._controller import (
    columns, has_human_output, painted, policy_of, run_dir)
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report import FILE
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rundir import RunDir
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._text import plural
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._version import collection_version

_SPEC = {
    "alert": {"type": "str"},  # these three are checked by _settings, which knows "" too
    "fail_on": {"type": "str", "default": "never"},
    "formats": {"type": "list", "elements": "str", "default": []},
    "policy": {"type": "dict"},
    "reports": {"type": "path", "required": True},
    "summary": {"type": "bool", "default": True},
}
display = Display()


class ActionModule(ActionBase):
    """Runs on the controller, once for each batch of the play; opens no connection."""

    _requires_connection = False
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the path of the report and counts."""
        gc.disable()  # this process ends with the task; each look would be at all that Ansible has loaded
        result = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=_SPEC)
        options.update(policy=policy_of(self, options["policy"], task_vars or {}), **_settings_of(options))
        play = _Play(task_vars or {})
        run = run_dir(self._task)
        if not run.exists():
            raise AnsibleActionFail(
                "Nothing was collected in this run, so there is nothing to report. audit_report needs audit_collect "
                "before it in the same play: leave --tags out, or use --tags collect,report.")
        state = run.state()
        asked = sorted({*state.get("asked", []), *play.batch})
        waiting = set(play.active) - set(asked)
        unchecked = [host for host in play.batch if not run.checked(host)]
        result.update(changed=False, complete=not waiting, not_checked_in_batch=len(unchecked), report=None, failing=0,
                      failing_message=None, alert=None)
        if waiting and not unchecked:
            # this batch cannot end the play, so a later one will report
            run.keep({**state, "asked": asked})
            result["msg"] = "%s asked, %d still to come" % (plural(len(asked), "host"), len(waiting))
            return result
        self._report(run, {**state, "asked": asked}, play, options, result)
        if not waiting:
            run.remove()
        return result

    def _report(self, run: RunDir, state: dict[str, Any], play: _Play, options: dict[str, Any],
                result: dict[str, Any]) -> None:
        reports = os.path.abspath(options["reports"])
        if "previous" not in state:
            # looked up once: a batch is not compared with the batch before it
            before = _publish.latest(reports)
            state["previous"] = os.path.join(before, FILE) if before else None
        audit = Audit(reports, state["previous"], datetime.datetime.now(datetime.timezone.utc), options["policy"],
                      options["formats"])
        records = _records(run, play, set(state["asked"]))
        if self._task.check_mode:
            outcome = audit.count(records)
        else:
            try:
                outcome = audit.write(records, play.about(state, self._task.check_mode))
            except OSError as exc:
                raise AnsibleActionFail("The report cannot be written: %s" % exc) from exc
            # a report of some batches is replaced by that of more of them
            if state.get("written"):
                shutil.rmtree(os.path.dirname(state["written"]), ignore_errors=True)
            state["written"] = outcome.path
        run.keep(state)
        _fill(result, outcome)
        if result["complete"]:
            _consequences(result, outcome, options)
        for warning in outcome.warnings:
            display.warning(warning)
        # when all of a batch is gone, the play may end here
        last_word = result["complete"] or result["not_checked_in_batch"] == len(play.batch)
        if options["summary"] and has_human_output():
            _show(outcome, last_word)


class _Play:
    """What the report has to know of the play."""

    def __init__(self, task_vars: dict[str, Any]) -> None:
        self.all = [str(host) for host in task_vars["ansible_play_hosts_all"]]
        self.active = [str(host) for host in task_vars["ansible_play_hosts"]]
        self.batch = [str(host) for host in task_vars["ansible_play_batch"]]
        self._vars = task_vars

    def about(self, state: dict[str, Any], check_mode: bool) -> dict[str, Any]:
        """Return the report's `run`."""
        limit = self._vars.get("ansible_limit")
        return {
            "collection_version": collection_version(),
            "ansible_version": str(self._vars["ansible_version"]["full"]),
            "check_mode": check_mode,
            "limit": str(limit) if limit else None,
            "controller": socket.gethostname(),
            "started_at": state["started_at"],
            "previous": state["previous"],
        }


def _records(run: RunDir, play: _Play, asked: set[str]) -> Iterator[dict[str, Any]]:
    """Yield a record for each host of the play, also for those that never answered."""
    active = set(play.active)
    for host, record in run.records(play.all):
        if record is None:
            if host not in active:
                kind, message = "earlier", "failed or unreachable before it could be asked; Ansible's output says why"
            elif host in asked:
                kind, message = "failed", "its task ended before it could be asked; Ansible's output says why"
            else:
                kind, message = "waiting", "its batch had not come yet when this report was written"
            record = {"host": host, "run_as": None, "only": None, "facts": None, "problem": {"kind": kind, "message": message}}
        yield record


def _fill(result: dict[str, Any], outcome: Outcome) -> None:
    """Put the outcome into the task's result, and hand it to workflows as set_stats does."""
    counts = outcome.tally.summary()
    result.update(
        changed=outcome.path is not None,
        report=outcome.path,
        counts=counts,
        msg="%s; report: %s" % (plural(counts["findings"]["total"], "finding"),
                                outcome.path or "none is written in check mode"),
        ansible_stats={
            "per_host": False,
            "aggregate": False,
            "data": {
                "podman_memory_report": outcome.path,
                "podman_memory_findings": counts["findings"]["by_severity"],
                "podman_memory_findings_new": counts["findings"]["new"],
                "podman_memory_findings_resolved": counts["findings"]["resolved"],
                "podman_memory_findings_waived": counts["findings"]["waived"],
                "podman_memory_oom_killed": counts["oom"]["killed"],
                "podman_memory_near_limit": counts["findings"]["by_rule"]["near-limit"],
                "podman_memory_unprotected": counts["unprotected"],
                "podman_memory_hosts": counts["hosts"]["total"],
                "podman_memory_not_checked": counts["hosts"]["not_checked"],
                "podman_memory_partly_checked": counts["hosts"]["partial"],
                "podman_memory_unreachable": counts["not_checked"].get("unreachable", 0),
                "podman_memory_errors": counts["hosts"]["not_checked"] - counts["not_checked"].get("unreachable", 0),
            },
        },
    )


def _settings_of(options: dict[str, Any]) -> dict[str, Any]:
    try:
        return {name: getattr(_settings, name)(options[name], name) for name in ("alert", "fail_on", "formats")}
    except ValueError as exc:
        raise AnsibleActionFail(str(exc)) from exc


def _consequences(result: dict[str, Any], outcome: Outcome, options: dict[str, Any]) -> None:
    """What the role does next: an alert to be sent, and a play to be failed."""
    tally, severity = outcome.tally, options["fail_on"]
    failing = _failing.count(tally, severity)
    result.update(failing=failing, failing_message=_failing.message(tally, severity, outcome.path) if failing else None,
                  alert=None)
    if options["alert"] and outcome.path:
        result["alert"] = _alert.body(options["alert"], tally, outcome.generated_at, socket.gethostname(), outcome.path)


def _show(outcome: Outcome, last_word: bool) -> None:
    """Show the first screen; of a report that later batches replace, one line."""
    if not last_word:
        display.display("Report so far: %s" % (outcome.path or "none is written in check mode"))
        return
    context = _summary.Context(
        now=outcome.generated_at, report=outcome.path, has_previous=outcome.has_previous, previous_at=outcome.previous_at,
        width=columns(display.columns), everything=display.verbosity > 0)
    lines = _summary.lines(outcome.tally, context)
    # the log file gets no colours
    display.display("\n" + painted(lines) + "\n", screen_only=True)
    display.display(_summary.plain(lines), log_only=True)
