# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show what the policy wants of a container that a report has, and why."""

from __future__ import annotations

import os
from typing import Any, Iterator

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils._ansible.controller import load_policy
from ..plugin_utils._policy import policy as _policy
from ..plugin_utils._report.reader import elements
from ..plugin_utils._report.report_file import FILE

_SPEC = {
    "container": {"type": "str", "required": True},
    "host": {"type": "str"},
    "policy": {"type": "dict"},
    "report": {"type": "path", "required": True},
}


class ActionModule(ActionBase):
    """Runs on the controller, once; opens no connection."""

    _requires_connection = False
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return an explanation for each container that is meant."""
        result = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=_SPEC)
        policy = load_policy(self, options["policy"], task_vars or {})
        path = os.path.abspath(options["report"])
        path = os.path.join(path, FILE) if os.path.isdir(path) else path
        try:
            explained = [_policy.explain_decision(policy, host, container)
                         for host, container in _meant(path, options["host"], options["container"])]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
            raise AnsibleActionFail("%s cannot be read as a report: %s" % (path, exc)) from exc
        if not explained:
            raise AnsibleActionFail("%s has no container %r%s" % (
                path, options["container"], " on host %r" % options["host"] if options["host"] else ""))
        # asked for to be seen, so shown without -v
        result.update(changed=False, explained=explained, _ansible_verbose_always=True)
        return result


def _meant(path: str, host: str | None, container: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield (host facts, container) of each container with that name, or whose id begins so."""
    for _array, entry in elements(path, "hosts"):
        if host not in (None, entry["name"]) or not entry["facts"]:
            continue
        for each in entry["facts"].get("containers") or []:
            if each["name"] == container or (len(container) >= 12 and each["id"].startswith(container)):
                yield _policy.named_host(entry["name"], entry["facts"]), each
