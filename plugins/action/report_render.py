# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Render a report.json again: its first screen, and the formats that are asked for."""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils._ansible import conclusion as _conclusion
from ..plugin_utils._ansible.controller import has_human_output
from ..plugin_utils._formats import render as _render
from ..plugin_utils._report import reader as _reader

_SPEC = {
    "dest": {"type": "path"},
    "formats": {"type": "list", "elements": "str", "choices": list(_render.FORMATS), "default": []},
    "report": {"type": "path", "required": True},
    "summary": {"type": "bool", "default": True},
}


class ActionModule(ActionBase):
    """Runs on the controller, once; opens no connection."""

    _requires_connection = False
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the paths of the files that were written."""
        result = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=_SPEC)
        path = _reader.path_of(options["report"])
        try:
            head = _reader.head(path)
            tally = _render.count_report(path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
            raise AnsibleActionFail("%s cannot be read as a report: %s" % (path, exc)) from exc
        files = {}
        if not self._task.check_mode:
            try:
                files = _render.render_report(path, options["formats"], tally, os.path.abspath(options["dest"]) if options["dest"] else None)
            except OSError as exc:
                raise AnsibleActionFail("The report cannot be rendered: %s" % exc) from exc
        if options["summary"] and has_human_output():
            trend = head.get("trend") or []
            _conclusion.show_summary(tally, head["generated_at"], path, bool(head["run"].get("previous")),
                             trend[-2]["generated_at"] if len(trend) > 1 else None)
        result.update(changed=bool(files), files=files, counts=tally.summary())
        return result
