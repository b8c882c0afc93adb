# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module oom_facts on a host, and let nothing of its answer through but what the module returns."""

from __future__ import annotations

import time
from typing import Any

from ..module_utils._door.door import clean_facts
from ..module_utils._door.results import Passed
from ..module_utils._system.times import SECOND
from ..plugin_utils._ansible.host_action import HostAction


def _check_facts(given: Any) -> Passed:
    """See clean_facts(); what does not pass is told in the facts' own `errors`."""
    return Passed(clean_facts(given, int(time.time() * SECOND)), "")


class ActionModule(HostAction):
    """Runs on the controller for each host."""

    MODULE = "oom_facts"
    FACTS = {"podman_oom": _check_facts}
