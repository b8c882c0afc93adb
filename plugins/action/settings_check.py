# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuse settings of the collection in the facts of hosts, or the hosts, before anything reads them."""

from __future__ import annotations

import datetime
from typing import Any

from ansible.errors import AnsibleActionFail

from ..plugin_utils._ansible.controller import open_run_dir
from ..plugin_utils._ansible.controller_action import ControllerAction
from ..plugin_utils._ansible.settings import find_intrusions, reason, refusal
from ..plugin_utils._text import format_iso, plural

_SPEC = {"leave_out": {"type": "str", "choices": ["audit", "enforce"]}, "scope": {"type": "str", "choices": ["play", "host"], "default": "play"}}


class ActionModule(ControllerAction):
    """Runs on the controller, once for each batch of the play, or for each host."""

    SPEC = _SPEC

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return how many hosts were looked at and why some are to be left out, or fail with all that is wrong with their facts."""
        if options["leave_out"] and options["scope"] == "host":
            raise AnsibleActionFail("leave_out: goes with scope=play only; with scope=host the task fails the host itself")
        hosts = [str(task_vars["inventory_hostname"])] if options["scope"] == "host" else _hosts(task_vars)
        found = find_intrusions(task_vars, hosts)
        if found and not options["leave_out"]:
            raise AnsibleActionFail(refusal(found))
        refused = {host: reason(bad) for host, bad in found.items()}
        result = {"changed": False, "hosts": len(hosts), **({"refused": refused} if options["leave_out"] else {}),
                  "msg": "no settings in the facts of %s" % plural(len(hosts) - len(refused), "host")}
        if refused:
            run = open_run_dir(self._task, options["leave_out"])
            run.begin(format_iso(datetime.datetime.now(datetime.timezone.utc)))
            run.refuse(refused)
            result["warnings"] = [refusal(found)]
        return result


def _hosts(task_vars: dict[str, Any]) -> list[str]:
    """The hosts to look at: with the first batch all of the play, with a later one those of the batch."""
    everyone = [str(host) for host in task_vars["ansible_play_hosts_all"]]
    batch = [str(host) for host in task_vars["ansible_play_batch"]]
    return everyone if everyone[0] in batch else batch
