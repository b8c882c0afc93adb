# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module oom_facts on a host, and let nothing of its answer through but what the module returns."""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleActionFail

from ..module_utils._door.document import DoorError
from ..module_utils._door.door import clean_facts
from ..module_utils._system.times import SECOND
from ..plugin_utils._ansible.host_action import HostAction


class ActionModule(HostAction):
    """Runs on the controller for each host."""

    RETURNS = ("facts_json",)
    FACTS = ("podman_oom",)

    def check(self, result: dict[str, Any]) -> None:
        """Check the facts against their schema once more; facts that are none fail the task."""
        facts = result.get("ansible_facts", {})
        if "podman_oom" in facts:
            try:
                facts["podman_oom"] = clean_facts(facts["podman_oom"], int(time.time() * SECOND))
            except DoorError as exc:
                raise AnsibleActionFail("its answer %s" % exc) from exc
