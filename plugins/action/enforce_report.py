# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Show what policy_enforce did on all hosts of this run so far, and hand the counts to workflows."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.utils.display import Display

from ..plugin_utils._ansible.controller import has_human_output, open_run_dir, output_width, show_lines
from ..plugin_utils._ansible.controller_action import ControllerAction
from ..plugin_utils._enforce.host_plan import HostPlan
from ..plugin_utils._enforce.result import count_results
from ..plugin_utils._enforce.summary import EnforcementSummary
from ..plugin_utils._text import plural

display = Display()


class ActionModule(ControllerAction):
    """Runs on the controller, once for each batch of the play."""

    SPEC = {"summary": {"type": "bool", "default": True}}

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return the counts of all hosts so far."""
        run, check_mode = open_run_dir(self._task, "enforce"), self._task.check_mode
        if not run.exists():
            raise AnsibleActionFail("policy_enforce did nothing in this run, so there is nothing to report. enforce_report "
                                    "needs it before itself in the same play: leave --tags out.")
        batch, active = set(task_vars["ansible_play_batch"]), set(task_vars["ansible_play_hosts"])
        summary, unfinished, waiting = EnforcementSummary(everything=display.verbosity > 0), 0, 0
        refused = run.get_state().get("refused", {})
        for host, record in run.records([str(name) for name in task_vars["ansible_play_hosts_all"]]):
            if record is None and host in active and host not in batch and host not in refused:
                waiting += 1
                continue
            record = record or _lost(host, host in active, refused.get(host))
            summary.add(record)
            unfinished += host in batch and record["problem"] is not None
        result: dict[str, Any] = dict(
            changed=False, complete=not waiting, unfinished_in_batch=unfinished,
            msg="%s, %s %s" % (plural(summary.hosts, "host"), plural(summary.sums["changed"], "container"),
                               "would be changed" if check_mode else "changed"),
            ansible_stats={"per_host": False, "aggregate": False, "data": summary.stats(check_mode)})
        if options["summary"] and has_human_output():
            # when all of a batch is lost, the play may end here
            self._show(summary, waiting, may_be_last=not waiting or unfinished > 0)
        if not waiting:
            run.remove()
        return result

    def _show(self, summary: EnforcementSummary, waiting: int, may_be_last: bool) -> None:
        if waiting:
            display.display("So far: %s, %s changed; %s to come" % (
                plural(summary.hosts, "host"), plural(summary.sums["changed"], "container"), plural(waiting, "host")))
        if may_be_last:
            show_lines(summary.lines(self._task.check_mode, max(40, min(output_width(display.columns), 200))))


def _lost(host: str, is_active: bool, refused: str | None) -> dict[str, Any]:
    """A record for a host that policy_enforce could not even begin with, or was not to.

    :param refused: why it was not to.
    """
    kind, message = "failed", "its task ended before it could be asked; Ansible's output says why"
    if refused:
        kind, message = "bad_facts", refused
    elif not is_active:
        kind, message = "earlier", "failed or unreachable before it could be asked; Ansible's output says why"
    return {"host": host, "problem": {"kind": kind, "message": message}, "counts": count_results(HostPlan(), []), "rows": [], "skipped": []}
