# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Render a report.json again: its summary, and the formats that are asked for."""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleActionFail

from ..plugin_utils._ansible.conclusion import SPEC, show_summary
from ..plugin_utils._ansible.controller import has_human_output
from ..plugin_utils._ansible.controller_action import ControllerAction
from ..plugin_utils._formats.render import RenderError, count_report, render_report
from ..plugin_utils._report.report_file import Report, report_path
from ..plugin_utils._text import printable

_SPEC = {
    "dest": {"type": "path"},
    "formats": SPEC["formats"],
    "report": {"type": "path", "required": True},
    "summary": SPEC["summary"],
}


class ActionModule(ControllerAction):
    """Runs on the controller, once."""

    SPEC = _SPEC

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return the paths of the files that were written."""
        files: dict[str, str] = {}
        try:
            report = Report(report_path(options["report"]))
            tally = count_report(report)
            if not self._task.check_mode:
                files = render_report(report, options["formats"], tally, options["dest"] and os.path.abspath(options["dest"]))
        except RenderError as exc:
            raise AnsibleActionFail("Formats of the report could not be written: %s" % printable(exc)) from exc
        if options["summary"] and has_human_output():
            head, trend = report.head, report.head["trend"]
            show_summary(tally, head["generated_at"], report.path, bool(head["run"]["previous"]),
                         trend[-2]["generated_at"] if len(trend) > 1 else None)
        return {"changed": bool(files), "files": files, "counts": tally.summary()}
