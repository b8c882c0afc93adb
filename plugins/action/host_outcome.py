# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mark a host that could not be checked or changed as failed or unreachable."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Runs on the controller for each host; opens no connection."""

    _requires_connection = False
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the failed or unreachable result that audit_collect or policy_enforce held back."""
        result = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(argument_spec={"result": {"type": "dict", "required": True}})
        earlier = options["result"]
        if earlier.get("checked"):
            result.update(changed=False, msg="checked")
            return result
        # without a problem, the task ended before the action could begin
        problem = earlier.get("problem") or {"kind": "failed", "message": earlier.get("msg") or "not asked"}
        state = "unreachable" if problem["kind"] == "unreachable" else "failed"
        result.update({state: True, "changed": False, "msg": problem["message"]})
        return result
