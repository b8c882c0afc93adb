# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mark a host that could not be checked or changed as failed or unreachable."""

from __future__ import annotations

from typing import Any

from ..plugin_utils._ansible.controller_action import ControllerAction


class ActionModule(ControllerAction):
    """Runs on the controller for each host."""

    SPEC = {"result": {"type": "dict", "required": True}}

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return the failed or unreachable result that audit_collect or policy_enforce held back, or that was ignored."""
        earlier = options["result"]
        if earlier.get("checked"):
            return {"changed": False, "msg": "checked"}
        # without a problem, the task ended before the action could begin
        kind = "unreachable" if earlier.get("unreachable") else "failed"
        problem = earlier.get("problem") or {"kind": kind, "message": earlier.get("msg") or "not asked"}
        state = "unreachable" if problem["kind"] == "unreachable" else "failed"
        return {state: True, "changed": False, "msg": problem["message"]}
