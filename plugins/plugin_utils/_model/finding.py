# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""What a finding is: its fields, its stable identity, its severities.

Pure. The rules themselves are in _rule_*.py; the shape is published in
docs/report-v1.schema.json.
"""

from __future__ import annotations

import hashlib
from typing import Any

SEVERITIES = ("critical", "high", "medium", "low", "info")

Finding = dict[str, Any]
Facts = dict[str, Any]


def severity_rank(severity: str) -> int:
    """Return 0 for the worst severity, more for each one below it."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def fingerprint(rule: str, host: str, user: str | None = None, subject: str | None = None) -> str:
    """Return the id of a finding: the same over runs, and when the container is made anew.

    :param subject: the container's unit or name, or what else on the host is meant.
    """
    # NUL can be in none of them, so no two different tuples make the same text
    text = "\0".join((host, user or "", subject or "", rule))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def make_finding(rule: str, severity: str, host: str, *, user: str | None = None, subject: str | None = None,
         container: str | None = None, unit: str | None = None, summary: str, detail: str, remedy: str,
         evidence: dict[str, Any]) -> Finding:
    """Return a finding that no report has seen yet (`state` and `first_seen` are the report's to set,
    `waiver` is the policy's).

    :param summary: one line, without the host and the container.
    :param remedy: commands or a task that can be pasted; a line that begins with # is a remark.
    :param evidence: what was read, by name; numbers in bytes, times in ISO 8601.
    """
    return {
        "id": fingerprint(rule, host, user, subject),
        "rule": rule,
        "severity": severity,
        "host": host,
        "user": user,
        "container": container,
        "unit": unit,
        "summary": summary,
        "detail": detail,
        "remedy": remedy,
        "state": "new",
        "first_seen": None,
        "waiver": None,
        "evidence": evidence,
    }
