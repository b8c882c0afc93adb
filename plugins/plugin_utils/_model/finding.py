# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a finding is: its fields, its fingerprint and its severities.

Pure. The rules are in rules.py, what finds them in _rules/; the shape is published in docs/report-v1.schema.json.
"""

from __future__ import annotations

import hashlib
from typing import Any, Callable

from .._text import printable
from .container_key import ContainerKey
from .rules import RULES

SEVERITIES = ("critical", "high", "medium", "low", "info")

Finding = dict[str, Any]


def severity_rank(severity: str) -> int:
    """Return 0 for the worst severity, one more for each below it."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def fingerprint(rule_id: str, host: str, user: str | None = None, subject: str | None = None) -> str:
    """Return the id of a finding: the same in each run, and when the container is recreated.

    :param subject: the container's stable name, or what else on the host is meant.
    """
    # NUL can be in none of them, so no two different tuples make the same text
    text = "\0".join((host, user or "", subject or "", rule_id))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def make_finding(rule_id: str, host: str, container: ContainerKey | None = None, *, severity: str | None = None,
                 user: str | None = None, subject: str | None = None, summary: str, detail: str, remedy: str,
                 evidence: dict[str, Any]) -> Finding:
    """Return a finding that no report has seen yet (`state` and `first_seen` are the report's to set,
    `waiver` is the policy's).

    :param container: None for a finding on the host; then user and subject say what on the host is meant.
    :param severity: where it is not the rule's usual one.
    :param summary: one line, without the host and the container.
    :param remedy: commands or a task that can be pasted; a line that begins with # is a remark.
    :param evidence: what was read, by name; numbers in bytes, times in ISO 8601.
    """
    if container:
        user, subject = container.user, container.stable_name
    return {
        "id": fingerprint(rule_id, host, user, subject),
        "rule": rule_id,
        "severity": severity or RULES[rule_id].severity,
        "host": host,
        "user": user,
        "container": container.name if container else None,
        "unit": container.unit if container else None,
        "summary": summary,
        "detail": detail,
        "remedy": remedy,
        "state": "new",
        "first_seen": None,
        "waiver": None,
        "evidence": evidence,
    }


def owner_suffix(user: str | None, escape: Callable[[object, int], str] = printable, template: str = " (%s)") -> str:
    """Return what follows a container's name: its owner in brackets, nothing for root's.

    :param escape: makes text harmless in the format at hand; takes a text and the most characters to keep.
    """
    return "" if user in (None, "root") else template % escape(user, 40)
