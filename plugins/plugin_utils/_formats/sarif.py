# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SARIF 2.1.0 (OASIS, errata 01): results with baseline states, suppressions for waivers, and stable fingerprints.

A container is not a source file: a result has a logical location, and a physical one that only names
host, user and container, since code scanning services take no result without.
"""

from __future__ import annotations

import json
from typing import Any, TextIO
from urllib.parse import quote

from .._model.finding import Finding
from .._model.rules import RULES, Rule
from .._report.tally import Tally
from .renderer import Renderer, sanitize

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
_BASELINE_STATES = {"new": "new", "open": "unchanged", "waived": "unchanged", "resolved": "absent"}
_RULE_INDEX = {rule_id: index for index, rule_id in enumerate(RULES)}


class Sarif(Renderer):
    """A result for each finding."""

    def __init__(self, stream: TextIO, head: dict[str, Any], tally: Tally) -> None:
        """Write all but the results."""
        super().__init__(stream, head, tally)
        self._separator = "\n"
        run = {
            "tool": {"driver": {
                "name": "podman_fleet.memory", "version": sanitize(head["run"]["collection_version"]),
                "rules": [_rule(rule) for rule in RULES.values()]}},
            "invocations": [_invocation(head, tally)],
            "columnKind": "unicodeCodePoints",
        }
        stream.write('{"$schema": %s, "version": "2.1.0", "runs": [{%s,\n"results": [' % (
            json.dumps(_SCHEMA), json.dumps(run)[1:-1]))

    def add_host(self, entry: dict[str, Any], findings: list[Finding]) -> None:
        """Write a host's results."""
        for finding in findings:
            self.add_resolved(finding)

    def add_resolved(self, finding: dict[str, Any]) -> None:
        """Write one result."""
        # without a report before, nothing is new or old
        is_compared = bool(self.head["run"].get("previous"))
        if finding["state"] == "resolved" and not is_compared:
            return
        result = _result(finding)
        if is_compared:
            # known before, and waived since: first_seen tells
            is_new_waiver = finding["state"] == "waived" and finding["first_seen"] == self.head["generated_at"]
            result["baselineState"] = "new" if is_new_waiver else _BASELINE_STATES[finding["state"]]
        self.stream.write(self._separator + json.dumps(result))
        self._separator = ",\n"

    def finish(self) -> None:
        """End the document."""
        self.stream.write("\n]}]}\n")


def _rule(rule: Rule) -> dict[str, Any]:
    return {"id": rule.id, "name": "".join(part.capitalize() for part in rule.id.split("-")),
            "shortDescription": {"text": rule.title}, "fullDescription": {"text": rule.text}, "help": {"text": rule.text}}


def _invocation(head: dict[str, Any], tally: Tally) -> dict[str, Any]:
    run, not_checked = head["run"], tally.hosts["not_checked"]
    return {
        "executionSuccessful": not not_checked,
        "startTimeUtc": run["started_at"], "endTimeUtc": run["finished_at"],
        "machine": sanitize(run["controller"]),
        "toolExecutionNotifications": [
            {"level": "error", "message": {"text": "%d of %d hosts were not checked: nothing is known of them." % (
                not_checked, tally.hosts["total"])}}] if not_checked else [],
    }


def _result(finding: Finding) -> dict[str, Any]:
    where = [part for part in (finding["host"], finding["user"], finding["container"]) if part]
    result = {
        "ruleId": finding["rule"],
        "level": _LEVELS.get(finding["severity"], "note"),
        "message": {"text": sanitize("%s: %s" % (" / ".join(where), finding["summary"]))},
        "locations": [{
            "logicalLocations": [{
                "name": sanitize(where[-1]), "fullyQualifiedName": sanitize("/".join(where)),
                "kind": "container" if finding["container"] else "host"}],
            "physicalLocation": {
                "artifactLocation": {"uri": "/".join(["hosts", *(_segment(part) for part in where)])},
                "region": {"startLine": 1}},
        }],
        "partialFingerprints": {"podmanFleetMemoryFinding/v1": finding["id"]},
        "properties": {
            "severity": finding["severity"], "host": sanitize(finding["host"]), "user": sanitize(finding["user"]),
            "container": sanitize(finding["container"]), "unit": sanitize(finding["unit"]),
            "firstSeen": finding["first_seen"],
            **({"detail": sanitize(finding["detail"]), "remedy": sanitize(finding["remedy"])} if "detail" in finding else {}),
        },
    }
    if finding["rule"] in _RULE_INDEX:
        result["ruleIndex"] = _RULE_INDEX[finding["rule"]]
    waiver = finding.get("waiver")
    if waiver:
        result["suppressions"] = [{"kind": "external", "status": "accepted",
                                   "justification": sanitize("%s (until %s)" % (waiver["reason"], waiver["expires"])),
                                   "properties": {"owner": sanitize(waiver.get("owner")), "expires": waiver["expires"]}}]
    return result


def _segment(part: str) -> str:
    # "." and ".." would be steps of the path, not names
    text = quote(sanitize(part)[:200], safe="")
    return text.replace(".", "%2E") if set(text) == {"."} else text
