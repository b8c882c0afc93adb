# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Show what the policy decides for a container of a report, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible.errors import AnsibleActionFail

from ..plugin_utils._ansible.controller import load_policy
from ..plugin_utils._ansible.controller_action import ControllerAction
from ..plugin_utils._ansible.inventory import Inventory
from ..plugin_utils._policy.policy import explain_decision, named_host
from ..plugin_utils._report.report_file import Report, report_path

_SPEC = {
    "container": {"type": "str", "required": True},
    "host": {"type": "str"},
    "policy": {"type": "dict"},
    "report": {"type": "path", "required": True},
}
_MIN_ID_LENGTH = 12  # as Podman shows IDs


class ActionModule(ControllerAction):
    """Runs on the controller, once."""

    SPEC = _SPEC

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return an explanation for each container that is meant."""
        policy = load_policy(self, options["policy"], task_vars)
        report = Report(report_path(options["report"]))
        inventory = Inventory(self, task_vars, policy.host_variables)
        explained = [explain_decision(policy, named_host(name, facts, inventory.find(name)), container)
                     for name, facts, container in _matching_containers(report, options["host"], options["container"])]
        if not explained:
            raise AnsibleActionFail("%s has no container %r%s" % (
                report.path, options["container"], " on host %r" % options["host"] if options["host"] else ""))
        # asked for to be seen, so shown without -v
        return {"changed": False, "explained": explained, "_ansible_verbose_always": True}


def _matching_containers(report: Report, host: str | None, name_or_id: str) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield (host, its facts, container) of each container with that name, or whose ID begins so."""
    for _array, _place, entry in report.elements("hosts"):
        if host not in (None, entry["name"]):
            continue
        facts = entry.get("facts") or {}
        for container in facts.get("containers") or []:
            is_id = len(name_or_id) >= _MIN_ID_LENGTH and str(container.get("id")).startswith(name_or_id)
            if is_id or container.get("name") == name_or_id:
                yield entry["name"], facts, container
