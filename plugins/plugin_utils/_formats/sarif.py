# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""SARIF 2.1.0 (OASIS, errata 01): results with baseline states, suppressions for waivers, and stable fingerprints.

A container is no source file: a result has a logical location, and a physical one that only names
host, user and container, since code scanning services take no result without.
"""

from __future__ import annotations

import json
from typing import Any, TextIO
from urllib.parse import quote

from .._model.finding import Finding
from .._model.rules import RULES, Rule
from .._report.tally import Tally
from .safe import sanitize

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
_BASELINES = {"new": "new", "open": "unchanged", "waived": "unchanged", "resolved": "absent"}


class Sarif:
    """See Renderer in _render.py."""

    def __init__(self, stream: TextIO, head: dict[str, Any], tally: Tally) -> None:
        """Write all but the results."""
        self._stream, self._is_first = stream, True
        self._now = head["generated_at"]
        # without a report before, nothing is new or old
        self._compared = bool(head["run"].get("previous"))
        about = {
            "tool": {"driver": {
                "name": "podman_fleet.memory", "version": sanitize(head["run"]["collection_version"]),
                "rules": [_rule(rule) for rule in RULES.values()]}},
            "invocations": [_invocation(head, tally)],
            "columnKind": "unicodeCodePoints",
        }
        stream.write('{"$schema": %s, "version": "2.1.0", "runs": [{%s,\n"results": [' % (
            json.dumps(_SCHEMA), json.dumps(about)[1:-1]))

    def host(self, entry: dict[str, Any], findings: list[Finding]) -> None:
        """Write a host's results."""
        for finding in findings:
            self.resolved(finding)

    def resolved(self, each: dict[str, Any]) -> None:
        """Write one result."""
        if each["state"] == "resolved" and not self._compared:
            return
        result = _result(each)
        if self._compared:
            # known before, and waived since: first_seen tells
            baseline = "new" if each["state"] == "waived" and each["first_seen"] == self._now else _BASELINES[each["state"]]
            result["baselineState"] = baseline
        self._stream.write(("\n" if self._is_first else ",\n") + json.dumps(result))
        self._is_first = False

    def finish(self) -> None:
        """End the document."""
        self._stream.write("\n]}]}\n")


def _rule(rule: Rule) -> dict[str, Any]:
    return {"id": rule.id, "name": "".join(part.capitalize() for part in rule.id.split("-")),
            "shortDescription": {"text": rule.title}, "fullDescription": {"text": rule.text}, "help": {"text": rule.text}}


def _invocation(head: dict[str, Any], tally: Tally) -> dict[str, Any]:
    run, lost = head["run"], tally.hosts["not_checked"]
    return {
        "executionSuccessful": not lost,
        "startTimeUtc": run["started_at"], "endTimeUtc": run["finished_at"],
        "machine": sanitize(run["controller"]),
        "toolExecutionNotifications": [
            {"level": "error", "message": {"text": "%d of %d hosts were not checked: nothing is known of them." % (
                lost, tally.hosts["total"])}}] if lost else [],
    }


def _result(finding: Finding) -> dict[str, Any]:
    where = [part for part in (finding["host"], finding["user"], finding["container"]) if part]
    made = {
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
    if finding["rule"] in RULES:
        made["ruleIndex"] = list(RULES).index(finding["rule"])
    waiver = finding.get("waiver")
    if waiver:
        made["suppressions"] = [{"kind": "external", "status": "accepted",
                                 "justification": sanitize("%s (until %s)" % (waiver["reason"], waiver["expires"])),
                                 "properties": {"owner": sanitize(waiver["owner"]), "expires": waiver["expires"]}}]
    return made


def _segment(part: str) -> str:
    # "." and ".." would be steps of the path, not names
    text = quote(sanitize(part)[:200], safe="")
    return text.replace(".", "%2E") if set(text) == {"."} else text
