# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare two reports, and show what changed from the older one to the newer one."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils._ansible.controller import has_human_output
from ..plugin_utils._audit import compare as _compare
from ..plugin_utils._report import reader as _reader

_SPEC = {
    "older": {"type": "path"},
    "report": {"type": "path", "required": True},
}
_SHOWN = 10
display = Display()


class ActionModule(ActionBase):
    """Runs on the controller, once; opens no connection."""

    _requires_connection = False
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return counts and lists of findings."""
        result = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=_SPEC)
        path = _reader.path_of(options["report"])
        try:
            older = options["older"] or _reader.head(path)["run"].get("previous")
            if not older:
                raise AnsibleActionFail("%s knows no report before it: give one as `older`" % path)
            found = _compare.compare_reports(path, _reader.path_of(older))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
            raise AnsibleActionFail("%s cannot be compared: %s" % (path, exc)) from exc
        if has_human_output():
            text = "\n".join(_compare.comparison_lines(found, None if display.verbosity > 0 else _SHOWN))
            display.display("\n" + text + "\n")
        result.update(changed=False, older_at=found.older, newer_at=found.newer, counts=found.counts, **found.lists)
        return result
