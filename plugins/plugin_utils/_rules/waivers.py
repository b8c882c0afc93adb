# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""The policy's waivers: findings that somebody has decided to live with, until a day.

Pure. An expired waiver waives nothing, and is a finding on each host where it would have.
"""

from __future__ import annotations

import datetime
from typing import Any

from .._model.finding import Facts, Finding, make_finding
from .._policy.match import match_document
from .._policy.policy import Policy, Waiver, condition_holds, named_host
from .._text import plural, printable

_KEPT = 20  # names that a finding carries


def apply_waivers(policy: Policy, host: str, facts: Facts, found: list[Finding], today: datetime.date) -> list[Finding]:
    """Set `waiver` of the findings that are waived; return the findings on waivers that have expired."""
    if not policy.waivers:
        return []
    seen = _Documents(host, facts)
    expired: dict[int, list[Finding]] = {}
    for finding in found:
        matching = [(number, each) for number, each in enumerate(policy.waivers)
                    if each.rule == finding["rule"] and condition_holds(each.match, seen.of(finding))]
        valid = [each for _number, each in matching if each.expires >= today]
        if valid:
            finding["waiver"] = max(valid, key=lambda each: each.expires).as_dict()
        else:
            for number, _waiver in matching:
                expired.setdefault(number, []).append(finding)
    return [_expired(host, policy.waivers[number], group) for number, group in expired.items()]


class _Documents:
    """What a waiver's `match` sees of each finding."""

    def __init__(self, host: str, facts: Facts) -> None:
        self._host = named_host(host, facts)
        self._containers = {each["id"]: each for key in ("removed", "containers") for each in facts.get(key) or []}
        self._made: dict[Any, dict[str, Any]] = {}

    def of(self, finding: Finding) -> dict[str, Any]:
        """Return the facts of the finding's container, or only `host` where it is about the host."""
        ident = finding["evidence"].get("container_id")
        if ident not in self._made:
            self._made[ident] = match_document(self._host, self._containers.get(ident))
        return self._made[ident]


def _expired(host: str, waiver: Waiver, group: list[Finding]) -> Finding:
    owner = " (%s)" % printable(waiver.owner, 60) if waiver.owner else ""
    return make_finding(
        "waiver-expired", "medium", host, subject="%s %s" % (waiver.rule, waiver.match.text),
        summary="waiver of %s expired on %s%s: %s" % (waiver.rule, waiver.expires.isoformat(), owner, printable(waiver.reason)),
        detail="%s that it waived until then counts again." % plural(len(group), "finding"),
        remedy="# mend what it waived, or talk to its owner and give it a new date in podman_memory_policy",
        evidence={"scope": "host", "waiver": waiver.as_dict(), "findings": len(group),
                  "containers": [each["container"] for each in group if each["container"]][:_KEPT]})
