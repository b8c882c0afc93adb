# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of rules: what findings, the policy, enforcement, the summary and all formats know of each rule.

Pure. A new rule is a row here, a file or function in _rules/, and an entry in docs/report-v1.schema.json.
"""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """What one rule of the audit is about."""

    id: str
    title: str
    severity: str  # of most of its findings; when it is another one is decided in _rules/
    text: str  # what a finding of it means
    label: str | None = None  # after a number in the summary's list of what is unprotected; None: not listed there
    about: str = "container"  # container or host: what its findings are on, and are counted by
    unprotected: bool = False  # a running container with such a finding counts as unprotected
    settings: tuple[str, ...] = ()  # which of SETTINGS enforcement may have to change to fix it


SETTINGS = ("memory", "oom_group")  # what enforcement can change

RULES = {rule.id: rule for rule in (
    Rule("oom-killed", "OOM kill", "high", "An OOM killer took processes of the container."),
    Rule("memory-limit-missing", "No memory limit", "high",
         "Nothing keeps the container from taking all memory of the host.",
         label="no memory limit", unprotected=True, settings=("memory",)),
    Rule("memory-limit-out-of-bounds", "Limit out of bounds", "medium",
         "The memory limit is smaller or larger than the policy allows.",
         label="limit out of bounds", settings=("memory",)),
    Rule("oom-group-mismatch", "Wrong memory.oom.group", "medium",
         "An OOM kill takes another part of the container than the policy wants.",
         label="wrong memory.oom.group", unprotected=True, settings=("oom_group",)),
    Rule("memory-settings-mismatch", "Other memory settings", "low",
         "Swap, reservation or memory.high are not what the policy wants.", label="other memory settings", settings=("memory",)),
    Rule("limit-not-persistent", "Limit is not persistent", "medium",
         "A limit that the kernel enforces is lost when the container starts again.",
         label="lost at next start", settings=SETTINGS),
    Rule("limit-drift", "Limit drifted", "medium", "What Podman declares is not what the kernel enforces.",
         label="limit drifted", unprotected=True, settings=("memory",)),
    Rule("near-limit", "Near its limit", "medium", "The container uses almost all memory it may use: it dies next."),
    Rule("memory-stalls", "Memory stalls", "medium",
         "The tasks of the container wait for memory, although it is not near its limit."),
    Rule("host-overcommitted", "Host overcommitted", "medium",
         "The limits of all containers together are more than the policy allows.", label="overcommitted", about="host"),
    Rule("cgroup-v1", "cgroup v1", "medium", "The host has no memory.oom.group and no memory pressure to read.",
         label="on cgroup v1", about="host"),
    Rule("evidence-missing", "Not checked", "medium",
         "A host, a source or a verdict that is unknown. Unknown does not mean clean."),
    Rule("suspicious-record", "Suspicious record", "high",
         "A record looks like an OOM kill and proves none: somebody may be forging kills.",
         label="with suspicious records", about="host"),
    Rule("waiver-expired", "Waiver expired", "medium", "What the policy waived until a day counts again.",
         label="past a waiver", about="host"),
)}


def rule_title(rule_id: str) -> str:
    """Return a rule's title; of a rule that only another version of the collection has, its id."""
    return RULES[rule_id].title if rule_id in RULES else rule_id
