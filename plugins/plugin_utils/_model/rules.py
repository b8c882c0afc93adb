# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""The rules and severities in words, the same in every format.

Pure.
"""

from __future__ import annotations

# By rule: (title, what it means).
RULES = {
    "oom-killed": (
        "OOM kill", "An OOM killer took processes of the container."),
    "memory-limit-missing": (
        "No memory limit", "Nothing keeps the container from taking all memory of the host."),
    "memory-limit-out-of-bounds": (
        "Limit out of bounds", "The memory limit is smaller or larger than the policy allows."),
    "oom-group-mismatch": (
        "Wrong memory.oom.group", "An OOM kill takes another part of the container than the policy wants."),
    "limit-not-persistent": (
        "Limit is not persistent", "A limit that the kernel enforces is lost when the container starts again."),
    "limit-drift": (
        "Limit drifted", "What Podman declares is not what the kernel enforces."),
    "near-limit": (
        "Near its limit", "The container uses almost all it may use, or stalls at its limit: it dies next."),
    "host-overcommitted": (
        "Host overcommitted", "The limits of all containers together are more than the policy allows."),
    "cgroup-v1": (
        "cgroup v1", "The host has no memory.oom.group and no memory pressure to read."),
    "evidence-missing": (
        "Not checked", "A host, a source or a verdict that is not known. It is not clean."),
    "waiver-expired": (
        "Waiver expired", "What the policy waived until a day counts again."),
}


def rule_title(rule: str) -> str:
    """Return a rule's title."""
    return RULES.get(rule, (rule, ""))[0]
