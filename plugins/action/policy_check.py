# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuse a policy that cannot be used, before any host is asked."""

from __future__ import annotations

from typing import Any

from ..plugin_utils._ansible.controller import load_policy
from ..plugin_utils._ansible.controller_action import ControllerAction
from ..plugin_utils._text import plural


class ActionModule(ControllerAction):
    """Runs on the controller, once."""

    SPEC = {"policy": {"type": "dict"}}

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return what the policy has, or fail with all that is wrong with it."""
        policy = load_policy(self, options["policy"], task_vars)
        rules, waivers = len(policy.rules), len(policy.waivers)
        return {"changed": False, "rules": rules, "waivers": waivers,
                "msg": "%s, %s" % (plural(rules, "rule"), plural(waivers, "waiver"))}
