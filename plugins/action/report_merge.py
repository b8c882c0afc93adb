# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Merge the reports of slices of a fleet into one."""

from __future__ import annotations

import os
import socket
from typing import Any

from ansible.errors import AnsibleActionFail

from ..plugin_utils._ansible.conclusion import SPEC, prune, set_alert_and_gate, set_counts, show_outcome
from ..plugin_utils._ansible.controller import has_human_output
from ..plugin_utils._ansible.controller_action import ControllerAction
from ..plugin_utils._audit.audit import Outcome
from ..plugin_utils._audit.merge import Slices, merge_slices
from ..plugin_utils._text import plural, printable

_SPEC = {
    **SPEC,
    "slices": {"type": "list", "elements": "path", "required": True},
    "reports": {"type": "path", "required": True},
}
_MAX_NAMED = 5  # hosts in a warning


class ActionModule(ControllerAction):
    """Runs on the controller, once."""

    SPEC = _SPEC

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return the path of the merged report and counts."""
        inventory = [str(host) for host in (task_vars.get("groups") or {}).get("all") or []]
        slices, outcome = self._merge(options, inventory)
        hosts = slices.hosts()
        result: dict[str, Any] = {}
        set_counts(result, outcome)
        set_alert_and_gate(result, outcome, options)
        prune(result, outcome, options)
        result.update(hosts=len(hosts), missing=sorted(set(inventory) - set(hosts)),
                      msg="%s of %s, %s" % (plural(len(hosts), "host"), plural(slices.count(), "slice"), result["msg"]))
        if options["summary"] and has_human_output():
            show_outcome(outcome)
        warnings = outcome.warnings + _missing_warning(result["missing"])
        if warnings:
            result["warnings"] = warnings
        return result

    def _merge(self, options: dict[str, Any], inventory: list[str]) -> tuple[Slices, Outcome]:
        reports = os.path.abspath(options["reports"])
        try:
            slices = Slices(options["slices"])
            return slices, merge_slices(slices, reports, inventory, {"controller": socket.gethostname()}, options["formats"],
                                        write=not self._task.check_mode)
        except OSError as exc:
            raise AnsibleActionFail("The report cannot be written: %s" % exc) from exc


def _missing_warning(missing: list[str]) -> list[str]:
    if not missing:
        return []
    return ["%s of the inventory in no slice, so not in the report: %s%s" % (
        plural(len(missing), "host"), ", ".join(printable(host, 60) for host in missing[:_MAX_NAMED]),
        ", …" if len(missing) > _MAX_NAMED else "")]
