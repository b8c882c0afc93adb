# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shape of a report.json as far as its readers rely on it; all of it is in docs/report-v1.schema.json.

Of a host's facts it asks no more than evaluating them did, so that no report of ours is refused.
"""

from __future__ import annotations

from typing import Any

from .._model.finding import SEVERITIES

SCHEMA = "podman_fleet.memory/report/v1"

# A dict: its keys, those with "?" may be missing, null or empty. A list: of its only element. A frozenset: one of these texts.
Shape = Any

_TEXT = str
_TEXT_OR_NULL = (str, type(None))
_STATUSES = frozenset(("checked", "partial", "not_checked"))
_KNOWN: dict[str, Shape] = {
    "id": _TEXT, "rule": _TEXT, "severity": frozenset(SEVERITIES), "host": _TEXT, "user": _TEXT_OR_NULL,
    "container": _TEXT_OR_NULL, "unit": _TEXT_OR_NULL, "summary": _TEXT, "first_seen": _TEXT,
}
_PAST: dict[str, Shape] = {**_KNOWN, "last_seen": _TEXT, "last_at": _TEXT_OR_NULL}
_NUMBER = (int, float)
_EVIDENCE: Shape = {"count?": _NUMBER, "victims?": [{}], "share?": _NUMBER, "pressure_full_avg300?": _NUMBER}
_CONTAINER: Shape = {"state?": {}, "memory?": {}, "oom?": {}}
HEAD: Shape = {
    "schema": frozenset((SCHEMA,)),
    "generated_at": _TEXT,
    "run": {
        **dict.fromkeys(("collection_version", "ansible_version", "controller", "started_at", "finished_at"), _TEXT),
        "limit": _TEXT_OR_NULL, "previous": _TEXT_OR_NULL,
    },
    "summary": {"hosts": {"total": int}, "findings": {"total": int, "waived": int}},
    "trend": [{"generated_at": _TEXT, "limit": _TEXT_OR_NULL, **dict.fromkeys((
        "killed", "near_limit", "unprotected", "not_checked", "findings"), int)}],
}
ELEMENTS: dict[str, Shape] = {
    "hosts": {
        "name": _TEXT, "status": _STATUSES, "kind": _TEXT_OR_NULL, "reason": _TEXT_OR_NULL, "run_as": _TEXT_OR_NULL,
        "only?": [str], "facts?": {"host?": {}, "sources?": [{}], "containers?": [_CONTAINER], "removed?": [{}]},
    },
    "findings": {
        **_KNOWN, "detail": _TEXT, "remedy": _TEXT, "state": frozenset(("new", "open", "waived")), "evidence": _EVIDENCE,
        "waiver?": {"reason": _TEXT, "owner?": _TEXT, "expires": _TEXT},
    },
    "resolved": {**_PAST, "state": frozenset(("resolved",))},
    "carried_over": _PAST,
}


def check_shape(value: object, shape: Shape, where: str = "it") -> None:
    """Check a value that was read from JSON.

    :param where: what the error calls the value.
    :raises ValueError: it is not of that shape.
    """
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            raise ValueError("%s is not an object" % where)
        for key, inner in shape.items():
            name = key.rstrip("?")
            if name in value and (value[name] or name == key):
                check_shape(value[name], inner, "%s.%s" % (where, name))
            elif name == key:
                raise ValueError("%s lacks %s" % (where, name))
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise ValueError("%s is not a list" % where)
        for element in value:
            check_shape(element, shape[0], where + "[]")
    elif isinstance(shape, frozenset):
        if not isinstance(value, str) or value not in shape:
            raise ValueError("%s is not %s" % (where, " or ".join(sorted(shape))))
    elif not isinstance(value, shape):
        raise ValueError("%s is a %s" % (where, type(value).__name__))
