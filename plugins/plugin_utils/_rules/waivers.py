# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policy's waivers: findings that were accepted until a day.

Pure. An expired waiver waives nothing, and is a finding on each host where it would have.
"""

from __future__ import annotations

import datetime

from .._model.container_facts import Facts
from .._model.finding import Finding, make_finding
from .._policy.match import match_document
from .._policy.policy import Policy, Waiver, condition_holds
from .._text import plural, printable

MAX_NAMES = 20  # of containers in a finding


def apply_waivers(policy: Policy, host_facts: Facts, facts: Facts, findings: list[Finding], today: datetime.date) -> list[Finding]:
    """Set `waiver` of the findings that are waived; return the findings on waivers that have expired.

    :param host_facts: from named_host.
    """
    if not policy.waivers:
        return []
    # with the owner: a user may say that a container has the id of somebody else's
    containers = {(container["user"], container["id"]): container
                  for key in ("removed", "containers") for container in facts.get(key) or []}
    expired: dict[int, list[Finding]] = {}
    for finding in findings:
        # without the facts of a container where it is about the host
        document = match_document(host_facts, containers.get(
            (finding["user"], finding["evidence"].get("container_id"))))
        matching = [(number, waiver) for number, waiver in enumerate(policy.waivers)
                    if waiver.rule == finding["rule"] and condition_holds(waiver.match, document)]
        valid = [waiver for _number, waiver in matching if waiver.expires >= today]
        if valid:
            finding["waiver"] = max(valid, key=lambda waiver: waiver.expires).as_dict()
        else:
            for number, _waiver in matching:
                expired.setdefault(number, []).append(finding)
    return [_expired(host_facts["name"], policy.waivers[number], group) for number, group in expired.items()]


def _expired(host: str, waiver: Waiver, findings: list[Finding]) -> Finding:
    owner = " (%s)" % printable(waiver.owner, 60) if waiver.owner else ""
    return make_finding(
        "waiver-expired", host, subject="%s %s" % (waiver.rule, waiver.match.text),
        summary="waiver of %s expired on %s%s: %s" % (
            waiver.rule, waiver.expires.isoformat(), owner, printable(waiver.reason)),
        detail="%s that it waived until then counts again." % plural(len(findings), "finding"),
        remedy="# fix what it waived, or agree with its owner on a new date in podman_memory_policy",
        evidence={"scope": "host", "waiver": waiver.as_dict(), "findings": len(findings),
                  "containers": [finding["container"] for finding in findings if finding["container"]][:MAX_NAMES]})
