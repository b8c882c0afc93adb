# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuse settings of the collection in the facts of hosts, before anything reads them."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail

from ..plugin_utils._ansible.controller_action import ControllerAction
from ..plugin_utils._ansible.settings import cached_facts, intrusions, names_read, refusal
from ..plugin_utils._text import plural


class ActionModule(ControllerAction):
    """Runs on the controller, once for each batch of the play."""

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return how many hosts were looked at, or fail with all that is wrong with their facts."""
        hosts = _hosts(task_vars)
        here = task_vars["inventory_hostname"]
        read = names_read(task_vars, dict(cached_facts(task_vars, [here]))[here])
        found = {host: bad for host, facts in cached_facts(task_vars, hosts) if (bad := intrusions(facts, read))}
        if found:
            raise AnsibleActionFail(refusal(found))
        return {"changed": False, "hosts": len(hosts), "msg": "no settings in the facts of %s" % plural(len(hosts), "host")}


def _hosts(task_vars: dict[str, Any]) -> list[str]:
    """The hosts to look at: with the first batch all of the play, with a later one those of the batch."""
    everyone = [str(host) for host in task_vars["ansible_play_hosts_all"]]
    batch = [str(host) for host in task_vars["ansible_play_batch"]]
    return everyone if everyone[0] in batch else batch
