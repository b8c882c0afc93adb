# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the report of all that audit_collect left in this run, and show its summary."""

from __future__ import annotations

import datetime
import gc
import os
import shutil
import socket
from collections.abc import Iterator
from typing import Any

from ansible import context
from ansible.errors import AnsibleActionFail
from ansible.utils.display import Display

from ..plugin_utils._ansible.conclusion import SPEC, prune, set_alert_and_gate, set_counts, show_outcome
from ..plugin_utils._ansible.controller import has_human_output, load_policy, open_run_dir
from ..plugin_utils._ansible.controller_action import ControllerAction
from ..plugin_utils._ansible.inventory import Inventory
from ..plugin_utils._ansible.run_dir import RunDir
from ..plugin_utils._audit.audit import Audit
from ..plugin_utils._report.publish import latest_report
from ..plugin_utils._report.report_file import FILE, ReportError
from ..plugin_utils._text import plural
from ..plugin_utils._version import collection_version

_SPEC = {
    **SPEC,
    "policy": {"type": "dict"},
    "reports": {"type": "path", "required": True},
}
display = Display()


class ActionModule(ControllerAction):
    """Runs on the controller, once for each batch of the play."""

    SPEC = _SPEC

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return the path of the report and counts."""
        gc.disable()  # this process ends with the task; each collection would visit all that Ansible has loaded
        options["policy"] = load_policy(self, options["policy"], task_vars)
        play = _Play(task_vars)
        run = open_run_dir(self._task)
        if not run.exists():
            raise AnsibleActionFail(
                "Nothing was collected in this run, so there is nothing to report. audit_report needs audit_collect "
                "before it in the same play: leave --tags out, or use --tags collect,report.")
        state = run.get_state()
        asked = sorted({*state.get("asked", []), *play.batch})
        refused = set(state.get("refused", {}))
        waiting = set(play.active) - set(asked) - refused
        unchecked = [host for host in play.batch if not run.is_checked(host)]
        result: dict[str, Any] = dict(changed=False, complete=not waiting, not_checked_in_batch=len(unchecked), report=None,
                                      violations=0, violation_message=None, alert=None, failed_formats={})
        if waiting and not unchecked and not refused & set(play.active):
            # neither this batch nor one of refused hosts alone can end the play, so a later one will report
            run.set_state({**state, "asked": asked})
            result["msg"] = "%s asked, %d still to come" % (plural(len(asked), "host"), len(waiting))
            return result
        self._report(run, {**state, "asked": asked}, play, options, result, Inventory(self, task_vars, options["policy"].host_variables))
        if not waiting:
            run.remove()
        return result

    def _report(self, run: RunDir, state: dict[str, Any], play: _Play, options: dict[str, Any],
                result: dict[str, Any], inventory: Inventory) -> None:
        reports = os.path.abspath(options["reports"])
        if "previous" not in state:
            # looked up once: a batch is not compared with the batch before it
            latest = latest_report(reports)
            state["previous"] = os.path.join(latest, FILE) if latest else None
        audit = Audit(reports, state["previous"], datetime.datetime.now(datetime.timezone.utc), options["policy"],
                      options["formats"])
        records = ({**record, "inventory": inventory.find(record["host"])}
                   for record in _records(run, play, set(state["asked"]), state.get("refused", {})))
        if self._task.check_mode:
            outcome = audit.count(records)
        else:
            try:
                outcome = audit.write(records, play.about(state, self._task.check_mode))
            except (OSError, ReportError) as exc:
                raise AnsibleActionFail("The report cannot be written: %s" % exc) from exc
            # a report of some batches is replaced by that of more of them
            if state.get("written"):
                shutil.rmtree(os.path.dirname(state["written"]), ignore_errors=True)
            state["written"] = outcome.path
        run.set_state(state)
        set_counts(result, outcome)
        if result["complete"]:
            set_alert_and_gate(result, outcome, options)
            prune(result, outcome, options)
        for warning in outcome.warnings:
            display.warning(warning)
        # when all of a batch is gone, the play may end here
        may_be_last = result["complete"] or result["not_checked_in_batch"] == len(play.batch)
        if options["summary"] and has_human_output():
            if may_be_last:
                show_outcome(outcome)
            else:  # later batches replace it
                display.display("Report so far: %s" % (outcome.path or "none is written in check mode"))


class _Play:
    """What the report has to know of the play."""

    def __init__(self, task_vars: dict[str, Any]) -> None:
        self.all = [str(host) for host in task_vars["ansible_play_hosts_all"]]
        self.active = [str(host) for host in task_vars["ansible_play_hosts"]]
        self.batch = [str(host) for host in task_vars["ansible_play_batch"]]
        self._vars = task_vars

    def about(self, state: dict[str, Any], check_mode: bool) -> dict[str, Any]:
        """Return the report's `run`."""
        limit = context.CLIARGS.get("subset")  # without --limit, ansible_limit may be a fact of the first host
        return {
            "collection_version": collection_version(),
            "ansible_version": str(self._vars["ansible_version"]["full"]),
            "check_mode": check_mode,
            "limit": str(limit) if limit else None,
            "controller": socket.gethostname(),
            "started_at": state["started_at"],
            "previous": state["previous"],
        }


def _records(run: RunDir, play: _Play, asked: set[str], refused: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yield a record for each host of the play, also for those that never answered."""
    active = set(play.active)
    for host, record in run.records(play.all):
        if record is None:
            if host in refused:
                kind, message = "bad_facts", refused[host]
            elif host not in active:
                kind, message = "earlier", "failed or unreachable before it could be asked; Ansible's output says why"
            elif host in asked:
                kind, message = "failed", "its task ended before it could be asked; Ansible's output says why"
            else:
                kind, message = "waiting", "its batch had not come yet when this report was written"
            record = {"host": host, "run_as": None, "only": None, "facts": None, "problem": {"kind": kind, "message": message}}
        yield record
