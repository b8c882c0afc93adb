# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JUnit XML, as CI servers read it: a suite for each host, a case for each finding.

A waived finding is a skipped case, what could not be checked is an error. A container without any finding
and a host without a finding of its own are cases that pass, so that a clean fleet is not an empty one.
"""

from __future__ import annotations

from typing import Any, TextIO
from xml.sax.saxutils import escape, quoteattr

from .._model.container_key import shown_name
from .._model.finding import Finding
from .._model.rules import rule_title
from .._report.tally import Tally
from .renderer import Renderer, dicts_in, dig, sanitize

_MISSING = "evidence-missing"


class Junit(Renderer):
    """A suite for each host. Resolved findings are in none: their cases pass."""

    def __init__(self, stream: TextIO, head: dict[str, Any], tally: Tally) -> None:
        """Begin the document."""
        super().__init__(stream, head, tally)
        stream.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="Podman memory audit">\n')

    def add_host(self, entry: dict[str, Any], findings: list[Finding]) -> None:
        """Write a suite."""
        cases = [_case(finding) for finding in findings] + _passed_cases(entry, findings)
        waived = sum(finding["state"] == "waived" for finding in findings)
        errors = sum(finding["rule"] == _MISSING and finding["state"] != "waived" for finding in findings)
        self.stream.write("<testsuite %s>\n%s</testsuite>\n" % (
            _attributes(name=entry["name"], tests=len(cases), failures=len(findings) - waived - errors, errors=errors,
                        skipped=waived, time=0, timestamp=self.head["generated_at"].rstrip("Z"), hostname=entry["name"]),
            "".join(cases)))

    def finish(self) -> None:
        """End the document."""
        self.stream.write("</testsuites>\n")


def _attributes(**values: object) -> str:
    # `sanitize` has taken out what XML 1.0 cannot hold at all: controls, surrogates, U+FFFE and U+FFFF
    return " ".join("%s=%s" % (key, quoteattr(sanitize(value).replace("\n", " "))) for key, value in values.items())


def _case_name(user: object, container: object) -> str:
    return "%s/%s" % (user, container) if container else "host" if not user else "host (%s)" % user


def _case(finding: Finding) -> str:
    attributes = _attributes(classname=finding["host"], time=0, name="%s: %s" % (
        _case_name(finding["user"], finding["container"]), rule_title(finding["rule"])))
    waiver = finding.get("waiver")
    if waiver:
        content = "<skipped %s/>" % _attributes(message="waived until %s: %s" % (waiver["expires"], waiver["reason"]))
    else:
        kind = "error" if finding["rule"] == _MISSING else "failure"
        text = "%s, %s since %s\n\n%s\n\n%s\n" % (
            finding["severity"], finding["state"], finding["first_seen"], finding["detail"], finding["remedy"])
        content = "<%s %s>%s</%s>" % (
            kind, _attributes(message=finding["summary"], type=finding["rule"]), escape(sanitize(text)), kind)
    return "<testcase %s>%s</testcase>\n" % (attributes, content)


def _passed_cases(entry: dict[str, Any], findings: list[Finding]) -> list[str]:
    failed = {(finding["user"], finding["container"]) for finding in findings}
    names = [] if any(container is None for _user, container in failed) else ["host"]
    for container in dicts_in(dig(entry, "facts", "containers")):
        user, name = container.get("user"), shown_name(container)
        if (user, name) not in failed:
            names.append(_case_name(user, name))
    return ["<testcase %s/>\n" % _attributes(classname=entry["name"], time=0, name=name) for name in names]
