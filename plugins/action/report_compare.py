# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare two reports, and show what changed from the older one to the newer one."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.utils.display import Display

from ..plugin_utils._ansible.controller import has_human_output
from ..plugin_utils._ansible.controller_action import ControllerAction
from ..plugin_utils._audit.compare import compare_reports, comparison_lines
from ..plugin_utils._report.report_file import Report, report_path

_SPEC = {
    "older": {"type": "path"},
    "report": {"type": "path", "required": True},
}
_MAX_SHOWN = 10  # findings of each list
display = Display()


class ActionModule(ControllerAction):
    """Runs on the controller, once."""

    SPEC = _SPEC

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return counts and lists of findings."""
        newer = Report(report_path(options["report"]))
        older = options["older"] or newer.head["run"]["previous"]
        if not older:
            raise AnsibleActionFail("%s was compared with no report before it: name one as `older`" % newer.path)
        comparison = compare_reports(newer, Report(report_path(older)))
        if has_human_output():
            text = "\n".join(comparison_lines(comparison, None if display.verbosity > 0 else _MAX_SHOWN))
            display.display("\n" + text + "\n")
        return {"changed": False, "older_at": comparison.older, "newer_at": comparison.newer, "counts": comparison.counts,
                **comparison.lists}
