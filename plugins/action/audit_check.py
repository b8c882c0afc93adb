# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuse settings of the audit that cannot be used, before any host is asked."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils._audit import settings as _settings

# By option: how the role's users know it, and what reads it.
_OPTIONS = {
    "fail_on": ("oom_audit_fail_on", _settings.parse_fail_on),
    "formats": ("oom_audit_formats", _settings.parse_formats),
    "webhook_format": ("oom_audit_webhook_format", _settings.parse_alert),
    "webhook_url": ("oom_audit_webhook_url", _settings.parse_webhook_url),
}
_SPEC = {
    "fail_on": {"type": "str"},
    "formats": {"type": "list", "elements": "str"},
    "webhook_format": {"type": "str"},
    "webhook_url": {"type": "str", "no_log": True},
}


class ActionModule(ActionBase):
    """Runs on the controller, once; opens no connection."""

    _requires_connection = False
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return nothing, or fail with all that is wrong."""
        result = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=_SPEC)
        problems = []
        for option, (name, reader) in _OPTIONS.items():
            try:
                reader(options[option], name)
            except ValueError as exc:
                problems.append(str(exc))
        if problems:
            raise AnsibleActionFail("The audit cannot begin:\n" + "\n".join(problems))
        result.update(changed=False)
        return result
