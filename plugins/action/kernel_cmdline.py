# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module kernel_cmdline on a host, and let nothing of its answer through but what the module returns."""

from __future__ import annotations

from ..plugin_utils._ansible.host_action import HostAction


class ActionModule(HostAction):
    """Runs on the controller for each host."""

    MODULE = "kernel_cmdline"
