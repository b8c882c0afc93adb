# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run one of Ansible's own modules on a host, and let nothing of its answer through that Ansible acts upon."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils._ansible.host_action import describe_dropped, of_any_module, warn_of_answer

# Those of them that roles use: each with the action that runs it. "normal" is that of modules without one of their own.
_ACTIONS = {"command": "command", "copy": "copy", "file": "normal", "package": "package", "systemd_service": "normal"}
_SPEC = {"name": {"type": "str", "required": True, "choices": sorted(_ACTIONS)}, "arguments": {"type": "dict", "required": True}}


class ActionModule(ActionBase):
    """Runs on the controller for each host."""

    TRANSFERS_FILES = True
    # Ansible would fetch the result as that of async_status, past all of this.
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what each module returns of the module's result."""
        result = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(argument_spec=_SPEC)
        task = self._task.copy()
        task.action, task.args = "ansible.builtin.%s" % options["name"], options["arguments"]
        action = self._shared_loader_obj.action_loader.get(
            "ansible.builtin.%s" % _ACTIONS[options["name"]], task=task, connection=self._connection, play_context=self._play_context,
            loader=self._loader, templar=self._templar, shared_loader_obj=self._shared_loader_obj)
        if action is None:
            raise AnsibleActionFail("ansible-core has no action %s" % _ACTIONS[options["name"]])
        answer = action.run(task_vars=task_vars)
        result.update(of_any_module(answer))
        if "ansible_stats" in answer:
            warn_of_answer(self, task_vars, options["name"], describe_dropped(["ansible_stats"]))
        return result
