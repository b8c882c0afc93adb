# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuse a policy that cannot be used, before any host is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.utils.display import Display

from ..plugin_utils._ansible.controller import load_policy
from ..plugin_utils._ansible.controller_action import ControllerAction
from ..plugin_utils._ansible.inventory import Inventory
from ..plugin_utils._text import plural

display = Display()


class ActionModule(ControllerAction):
    """Runs on the controller, once."""

    SPEC = {"policy": {"type": "dict"}}

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return what the policy has, or fail with all that is wrong with it."""
        policy = load_policy(self, options["policy"], task_vars)
        _check_host_variables(Inventory(self, task_vars, policy.host_variables), policy.host_variables, task_vars)
        rules, waivers = len(policy.rules), len(policy.waivers)
        return {"changed": False, "rules": rules, "waivers": waivers,
                "msg": "%s, %s" % (plural(rules, "rule"), plural(waivers, "waiver"))}


def _check_host_variables(inventory: Inventory, names: tuple[str, ...], task_vars: Mapping[str, Any]) -> None:
    """Fail when a host's can't be had; warn of one that no host of the play has: conditions on it never hold."""
    if not names:
        return
    there: set[str] = set()
    for host in task_vars.get("ansible_play_hosts_all") or []:
        there.update(inventory.find(str(host)).variables)
    for name in names:
        if name not in there:
            display.warning("host_variables of the policy: no host of this play has the variable %s in the inventory" % name)
