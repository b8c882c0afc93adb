# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run oom_facts on one host, and keep its answer in a file for audit_report.

Whatever goes wrong with the host becomes part of the report instead of ending it.
"""

from __future__ import annotations

import datetime
import gc
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._ansible.controller import open_run_dir
from ..plugin_utils._ansible.host_task import FACTS_SPEC, collect_facts
from ..plugin_utils._text import format_iso, plural, printable

_MAX_CHARS = 500  # of a message in the task's result; the report has all of it


class ActionModule(ActionBase):
    """Runs on the controller for each host."""

    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return a few counts, never the facts: each result is an event in AWX's database."""
        gc.disable()  # this process ends with the task; each collection would visit all that Ansible has loaded
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        self._add_variables(task_vars)
        _validation, options = self.validate_argument_spec(argument_spec={**FACTS_SPEC, "prefix": {"type": "str"}})
        run = open_run_dir(self._task)
        run.begin(format_iso(datetime.datetime.now(datetime.timezone.utc)))
        given = {key: options[key] for key in FACTS_SPEC if options[key] is not None}
        answer = collect_facts(self, given, task_vars)
        record = {"host": task_vars["inventory_hostname"], "only": options["containers"] or None, **answer}
        run.put_record(record)
        result.update(_compact(record["problem"], record["facts"]))
        return result

    def _add_variables(self, task_vars: dict[str, Any]) -> None:
        """Add options that are not given from the variables that begin with `prefix`.

        Empty text, as surveys give it for an unanswered question, stands for the module's default.
        Here and not by templates in the role: Ansible compiles each of those again for each host, which takes 1 ms.
        """
        args = self._task.args
        if args.get("prefix"):
            names = [name for name in FACTS_SPEC if name not in args and name != "users_timeout"]  # that follows the task's own
            variables = {name: task_vars.get(args["prefix"] + name, "") for name in names}
            values = self._templar.template(variables)
            self._task.args = {**args, **{name: value for name, value in values.items() if value != ""}}


def _compact(problem: dict[str, str] | None, facts: dict[str, Any] | None) -> dict[str, Any]:
    if problem or facts is None:
        problem = problem or {"kind": "failed", "message": "no facts came back"}
        short = {"kind": problem["kind"], "message": printable(problem["message"], _MAX_CHARS)}
        return {"changed": False, "checked": False, "problem": short,
                "msg": "not checked (%s): %s" % (short["kind"], short["message"])}
    containers, removed = facts["containers"], facts["removed"]
    killed = sum(bool(container["oom"]["killed"]) for container in containers + removed)
    return {
        "changed": False,
        "checked": True,
        "problem": None,
        "containers": len(containers),
        "removed": len(removed),
        "oom_killed": killed,
        "msg": "%s, %d OOM killed" % (plural(len(containers), "container"), killed),
    }
