# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of oom_facts, which actions that run it have too."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  users:
    description:
      - Whose containers to look at, by user name.
      - V(all) stands for root and each user that has container storage. Only root can use it.
      - V(current) stands for the user that the module runs as.
      - The default is V(all) for root and V(current) for others.
      - A name that the host doesn't have is reported in
        RV(podman_fleet.memory.oom_facts#module:ansible_facts.podman_oom.errors), as long as one of the others can be looked at.
    type: list
    elements: str
    default: []
  containers:
    description:
      - Names, IDs or prefixes of IDs (12 digits or more) of the containers to look at. All by default.
      - One that doesn't exist is reported in RV(podman_fleet.memory.oom_facts#module:ansible_facts.podman_oom.errors).
    type: list
    elements: str
    default: []
  since:
    description:
      - How far back the journal is read, and how far back
        RV(podman_fleet.memory.oom_facts#module:ansible_facts.podman_oom.removed) goes.
      - Where a recorder keeps a history (M(podman_fleet.memory.oom_recorder)), all of it counts for the containers
        that are there.
      - A number with V(s), V(m), V(h), V(d) or V(w), or an ISO 8601 time, which is UTC when it has no zone.
    type: str
    default: 7d
  executable:
    description: Name or path of Podman.
    type: str
    default: podman
  timeout:
    description: Seconds for each external command.
    type: int
    default: 60
  users_timeout:
    description:
      - Seconds for the containers of all users together. Users who wait have equal shares of what is left.
      - Half of it is for the users' containers, and a tenth for each thing that is asked for after that, such as the journals of users.
      - A user whose containers can't be read in that time is reported in
        RV(podman_fleet.memory.oom_facts#module:ansible_facts.podman_oom.errors), the others are whole.
    type: int
    default: 600
  state_dir:
    description: Directory of the history that M(podman_fleet.memory.oom_recorder) keeps. It is only read.
    type: path
    default: /var/lib/podman-memory
"""
