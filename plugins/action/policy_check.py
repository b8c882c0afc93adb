# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuse a policy that cannot be used, before any host is asked."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._ansible.controller import load_policy
from ..plugin_utils._text import plural


class ActionModule(ActionBase):
    """Runs on the controller, once; opens no connection."""

    _requires_connection = False
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the policy has, or fail with all that is wrong with it."""
        result = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(argument_spec={"policy": {"type": "dict"}})
        policy = load_policy(self, options["policy"], task_vars or {})
        result.update(changed=False, rules=len(policy.rules), waivers=len(policy.waivers), msg="%s, %s" % (
            plural(len(policy.rules), "rule"), plural(len(policy.waivers), "waiver")))
        return result
