# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What actions have in common that run on the controller alone."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from .._report.report_file import ReportError


class ControllerAction(ActionBase):
    """Opens no connection; a subclass says which options it has, and acts on them."""

    _requires_connection = False
    _supports_async = False
    SPEC: dict[str, Any] = {}  # of the options

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the task's result; a report that can't be read fails it."""
        result = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(argument_spec=self.SPEC)
        try:
            result.update(self.act(options, task_vars or {}))
        except ReportError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        return result

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return what the result has beside Ansible's own."""
        raise NotImplementedError
