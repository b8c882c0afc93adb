# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Which findings fail the play: new and open ones of a severity and worse, not what is waived.

Pure.
"""

from __future__ import annotations

from .._model import rules as _told
from .._model.finding import SEVERITIES, Finding, owner_suffix, severity_rank
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


def violation_message(tally: Tally, severity: str, report: str | None) -> str:
    """Return what is said when it fails: the findings by name, the worst first."""
    total = count_violations(tally, severity)
    named = [each for each in worst_first(tally.worst) if severity_rank(each["severity"]) <= severity_rank(severity)][:_MAX_NAMED]
    left = total - len(named)
    lines = ["%s of severity %s%s (oom_audit_fail_on):" % (
        plural(total, "finding"), severity, "" if severity == SEVERITIES[0] else " or worse")]
    lines += ["%s: %s: %s: %s" % (each["severity"], _where(each), _told.rule_title(each["rule"]), printable(each["summary"], 120))
              for each in named]
    lines += ["and %s more" % format(left, ",")] if left else []
    return "\n".join([*lines, "Report: %s" % (report or "none is written in check mode")])


def _where(finding: Finding) -> str:
    user = owner_suffix(finding["user"])
    return "%s %s%s" % (printable(finding["host"], 60), printable(finding["container"] or "", 60), user) if finding["container"] \
        else printable(finding["host"], 60) + user
