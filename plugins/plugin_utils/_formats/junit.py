# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""JUnit XML, as CI servers read it: a suite for each host, a case for each finding.

A waived finding is a skipped case, what could not be checked is an error. A container without any finding
and a host without a finding of its own are cases that pass, so that a clean fleet is not an empty one.
"""

from __future__ import annotations

from typing import Any, TextIO
from xml.sax.saxutils import escape, quoteattr

from .._model import rules as _told
from .._model.finding import Finding
from .._report.tally import Tally
from .safe import dicts_in, dig, sanitize

_MISSING = "evidence-missing"


def _attributes(**values: object) -> str:
    # `sanitize` has taken out what XML 1.0 cannot hold at all: controls, surrogates, U+FFFE and U+FFFF
    return " ".join("%s=%s" % (key, quoteattr(sanitize(value).replace("\n", " "))) for key, value in values.items())


class Junit:
    """See Renderer in _render.py."""

    def __init__(self, stream: TextIO, head: dict[str, Any], tally: Tally) -> None:
        """Begin the document."""
        self._stream, self._now = stream, head["generated_at"].rstrip("Z")
        stream.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="Podman memory audit">\n')

    def host(self, entry: dict[str, Any], findings: list[Finding]) -> None:
        """Write a suite."""
        cases = [_case(finding) for finding in findings] + _passed(entry, findings)
        waived = sum(each["state"] == "waived" for each in findings)
        errors = sum(each["rule"] == _MISSING and each["state"] != "waived" for each in findings)
        self._stream.write("<testsuite %s>\n%s</testsuite>\n" % (
            _attributes(name=entry["name"], tests=len(cases), failures=len(findings) - waived - errors, errors=errors,
                        skipped=waived, time=0, timestamp=self._now, hostname=entry["name"]), "".join(cases)))

    def resolved(self, each: dict[str, Any]) -> None:
        """Not told: a case that is gone passes."""

    def finish(self) -> None:
        """End the document."""
        self._stream.write("</testsuites>\n")


def _name(user: object, container: object) -> str:
    return "%s/%s" % (user, container) if container else "host" if not user else "host (%s)" % user


def _case(finding: Finding) -> str:
    about = _attributes(classname=finding["host"], time=0, name="%s: %s" % (
        _name(finding["user"], finding["container"]), _told.rule_title(finding["rule"])))
    waiver = finding["waiver"]
    if waiver:
        inside = "<skipped %s/>" % _attributes(message="waived until %s: %s" % (waiver["expires"], waiver["reason"]))
    else:
        kind = "error" if finding["rule"] == _MISSING else "failure"
        text = "%s, %s since %s\n\n%s\n\n%s\n" % (
            finding["severity"], finding["state"], finding["first_seen"], finding["detail"], finding["remedy"])
        inside = "<%s %s>%s</%s>" % (
            kind, _attributes(message=finding["summary"], type=finding["rule"]), escape(sanitize(text)), kind)
    return "<testcase %s>%s</testcase>\n" % (about, inside)


def _passed(entry: dict[str, Any], findings: list[Finding]) -> list[str]:
    names = []
    if not any(each["container"] is None for each in findings):
        names.append("host")
    found = {(each["user"], each["container"]) for each in findings}
    for container in dicts_in(dig(entry, "facts", "containers")):
        if (container.get("user"), container.get("name")) not in found:
            names.append(_name(container.get("user"), container.get("name")))
    return ["<testcase %s/>\n" % _attributes(classname=entry["name"], time=0, name=name) for name in names]
