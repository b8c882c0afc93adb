# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recommend memory limits for the containers of a report, and say what each of them risks."""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.utils.display import Display

from ..plugin_utils._ansible.controller import has_human_output
from ..plugin_utils._ansible.controller_action import ControllerAction
from ..plugin_utils._report.report_file import Report, report_path
from ..plugin_utils._rightsize.estimate import DEFAULT_RISK
from ..plugin_utils._rightsize.output import table_lines, write_rows
from ..plugin_utils._rightsize.sizing import Sizing
from ..plugin_utils._text import printable

_SPEC = {
    "dest": {"type": "path"},
    "report": {"type": "path", "required": True},
    "risk": {"type": "float", "default": DEFAULT_RISK},
}
_MAX_SHOWN = 15
display = Display()


class ActionModule(ControllerAction):
    """Runs on the controller, once."""

    SPEC = _SPEC

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return counts, the most urgent recommendations, and the paths of the files."""
        if not 0 < options["risk"] < 1:
            raise AnsibleActionFail("risk is %s: give a probability between 0 and 1, such as 0.02" % options["risk"])
        report = Report(report_path(options["report"]))
        sizing = Sizing(report, options["risk"])
        dest = os.path.abspath(options["dest"]) if options["dest"] else os.path.dirname(report.path)
        head = {"generated_at": report.head["generated_at"], "risk": options["risk"]}
        try:
            written = write_rows(sizing.rows(), None if self._task.check_mode else dest, head)
        except OSError as exc:
            raise AnsibleActionFail("Recommendations could not be written: %s" % printable(exc)) from exc
        short = sizing.short_hosts()
        if has_human_output():
            display.display("\n" + "\n".join(table_lines(written, short, _MAX_SHOWN)) + "\n")
        return {"changed": bool(written.files), "counts": written.counts, "recommendations": written.rows, "files": written.files,
                "hosts_too_small": [{"host": row.host, **row.fit._asdict()} for row in short]}
