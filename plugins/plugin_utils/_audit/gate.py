# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which findings fail the play: new and open ones of a severity and worse, not what is waived.

Pure.
"""

from __future__ import annotations

from .._model.finding import SEVERITIES, Finding, owner_suffix, severity_rank
from .._model.quota import fair_share, finding_owner
from .._model.rules import rule_title
from .._report.tally import Tally, worst_first
from .._text import plural, printable

NEVER = "never"
CHOICES = (NEVER, *SEVERITIES)
_MAX_NAMED = 20


def count_violations(tally: Tally, fail_on: str) -> int:
    """Return how many findings fail the play.

    :param fail_on: one of CHOICES.
    """
    if fail_on == NEVER:
        return 0
    return sum(tally.severities[severity] for severity in SEVERITIES if severity_rank(severity) <= severity_rank(fail_on))


def violation_message(tally: Tally, fail_on: str, report: str | None) -> str:
    """Return the message of a play that fails: the findings by name, the worst first."""
    count = count_violations(tally, fail_on)
    violations = [finding for finding in worst_first(tally.worst) if severity_rank(finding["severity"]) <= severity_rank(fail_on)]
    named = fair_share(violations, _MAX_NAMED, finding_owner)
    lines = ["%s of severity %s%s (oom_audit_fail_on):" % (
        plural(count, "finding"), fail_on, "" if fail_on == SEVERITIES[0] else " or worse")]
    lines += ["%s: %s: %s: %s" % (finding["severity"], _where(finding), rule_title(finding["rule"]), printable(finding["summary"], 120))
              for finding in named]
    lines += ["and %s more" % format(count - len(named), ",")] if count > len(named) else []
    return "\n".join([*lines, "Report: %s" % (report or "none is written in check mode")])


def _where(finding: Finding) -> str:
    container = " " + printable(finding["container"], 60) if finding["container"] else ""
    return printable(finding["host"], 60) + container + owner_suffix(finding["user"])
