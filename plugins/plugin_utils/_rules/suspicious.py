# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rule suspicious-record: somebody on the host makes records that look like OOM kills of other people's containers.

Pure. No verdict is built on such records; the host says of each kind, and of each user where the kernel proves one, what there was.
"""

from __future__ import annotations

from typing import Any

from .._model.container_facts import Facts
from .._model.finding import Finding, make_finding
from .._text import printable
from .remedy import KERNEL_LOG_REMEDY

# module_utils/_oom/ownership.py, SUSPICIOUS
_PREFIX = "suspicious record: "


def is_suspicious(error: dict[str, Any]) -> bool:
    """Whether an entry of the facts' `errors` is about suspicious records."""
    return error.get("source") == "kernel_log" and str(error.get("message") or "").startswith(_PREFIX)


def suspicious_findings(host: str, facts: Facts) -> list[Finding]:
    """Return a finding for each kind of such records, and for each user who is behind them."""
    return [_finding(host, error) for error in facts.get("errors") or [] if is_suspicious(error)]


def _finding(host: str, error: dict[str, Any]) -> Finding:
    user, message = error.get("user"), str(error["message"])[len(_PREFIX):]
    kind = message.partition(" (")[0]
    return make_finding(
        "suspicious-record", host, severity="high" if user else "medium", user=user, subject="records:" + kind,
        summary="%s%s" % ("%s: " % printable(user, 40) if user else "", printable(message)),
        detail="Somebody tries to make kills of other people's containers, or to hide some. These records count for nothing; the "
               "verdicts of the containers that they name rest on the others." + (
                   " The cgroup in the record belongs to this user." if user else ""),
        remedy=KERNEL_LOG_REMEDY,
        evidence={"scope": "host", "kind": kind, "user": user, "message": message})
