# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Merge the reports of slices of a fleet into one."""

from __future__ import annotations

import os
import socket
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils._ansible import conclusion as _conclusion
from ..plugin_utils._ansible.controller import has_human_output
from ..plugin_utils._audit import merge as _merge
from ..plugin_utils._audit.slices import SliceError, Slices
from ..plugin_utils._text import plural, printable

_SPEC = {
    **_conclusion.SPEC,
    "slices": {"type": "list", "elements": "path", "required": True},
    "reports": {"type": "path", "required": True},
}
_NAMED = 5  # hosts in a warning


class ActionModule(ActionBase):
    """Runs on the controller, once; opens no connection."""

    _requires_connection = False
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the path of the merged report and counts."""
        result = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=_SPEC)
        inventory = [str(each) for each in ((task_vars or {}).get("groups") or {}).get("all") or []]
        reports = os.path.abspath(options["reports"])
        try:
            slices = Slices(options["slices"])
            outcome = _merge.merge_slices(slices, reports, inventory, {"controller": socket.gethostname()},
                                   options["formats"], write=not self._task.check_mode)
        except SliceError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        except ValueError as exc:
            raise AnsibleActionFail("slices: one of them changed while it was read: %s" % exc) from exc
        except OSError as exc:
            raise AnsibleActionFail("The report cannot be written: %s" % exc) from exc
        hosts = slices.hosts()
        _conclusion.set_counts(result, outcome)
        _conclusion.set_alert_and_gate(result, outcome, options)
        _conclusion.prune(result, outcome, options)
        result.update(hosts=len(hosts), missing=sorted(set(inventory) - set(hosts)),
                      msg="%s of %s, %s" % (plural(len(hosts), "host"), plural(slices.count(), "slice"), result["msg"]))
        if options["summary"] and has_human_output():
            _conclusion.show_outcome(outcome)
        warnings = outcome.warnings + _incomplete(result["missing"])
        if warnings:
            result["warnings"] = warnings
        return result


def _incomplete(missing: list[str]) -> list[str]:
    if not missing:
        return []
    return ["%s of the inventory in no slice, so not in the report: %s%s" % (
        plural(len(missing), "host"), ", ".join(printable(each, 60) for each in missing[:_NAMED]),
        ", …" if len(missing) > _NAMED else "")]
