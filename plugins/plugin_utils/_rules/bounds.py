# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Rule memory-limit-out-of-bounds: limits that are smaller or larger than the policy allows.

Pure. A limit that is not there is memory-limit-missing (_rule_limits.py), one that could not be read
is evidence-missing.
"""

from __future__ import annotations

from .._model.container_facts import current_limit, effective_settings, has_own_limit, violated_bound
from .._model.container_key import ContainerKey
from .._model.finding import Facts, Finding
from .._policy.policy import Decision
from .._text import human_size, printable
from .limits import settings_finding, settings_severity
from .remedy import bound_remedy, shared_limit_remedy

_DETAIL = {
    "min": "The application was given less than the least that is thought to keep it alive.",
    "max": "More than one container may take: what it uses is missing to the others on the host.",
}


def bound_findings(host: str, container: Facts, subject: ContainerKey, wanted: Decision) -> list[Finding]:
    """Return at most one finding on one container."""
    held = current_limit(container)
    key = violated_bound(held.value, wanted.min, wanted.max) if held.known else None
    if key is None:
        return []
    return [_finding(host, container, subject, wanted, key, held.value, wanted.min if key == "min" else wanted.max)]


def _finding(host: str, container: Facts, subject: ContainerKey, wanted: Decision, key: str, limit: int, bound: int) -> Finding:
    enforced = effective_settings(container)
    # the limit of a pod, slice or service is not the container's to change
    is_above = enforced is not None and not has_own_limit(container)
    return settings_finding(
        "memory-limit-out-of-bounds", settings_severity(container, wanted, "medium"), host, container, subject,
        summary="limit %s is %s %s%s" % (
            human_size(limit), "below the least of" if key == "min" else "above the most of", human_size(bound),
            " (%s)" % printable(enforced["source"]) if is_above and enforced.get("source") else ""),
        detail="%s Decided by %s." % (_DETAIL[key], wanted.decided_by[key]),
        # below a shared limit that is too large, a limit of its own can be small enough
        remedy=shared_limit_remedy(enforced.get("source")) if is_above and key == "min"
        else bound_remedy(container, subject, bound),
        evidence={"limit": limit, "min": wanted.min, "max": wanted.max, "wanted_by": wanted.decided_by[key]})
