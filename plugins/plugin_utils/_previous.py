# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""What the report before this one knew: which findings, since when.

Reads a report.json line by line (see _report.py for why that works). An unreadable old report
means that everything is new; it never stops a new one.
"""

from __future__ import annotations

import datetime
import json
from typing import Any, Iterator, NamedTuple

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._finding import Finding
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._text import parse_time

# What a host that is never checked again has left is forgotten after this time.
_FORGOTTEN = datetime.timedelta(days=90)


class Known(NamedTuple):
    """A finding that an earlier report had."""

    host: str
    rule: str
    first_seen: str
    last_seen: str
    last_at: str | None  # of an OOM kill: when the last one was


def elements(path: str, *names: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (array's name, element) of the named top-level arrays of a report.json, one at a time.

    :raises ValueError: when it is not a report as _report.py writes it.
    """
    current = None
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            text = line.strip()
            if current is None:
                opened = next((name for name in names if text.startswith('"%s": [' % name)), None)
                current = opened if opened and not text.rstrip(",").endswith("]") else None
            elif text.rstrip(",") == "]":
                current = None
            else:
                yield current, json.loads(text.rstrip(","))


def known(path: str) -> dict[str, Known]:
    """Return the findings that the report at a path had, or carried on, by id."""
    found: dict[str, Known] = {}
    with open(path, encoding="utf-8") as stream:
        head = stream.read(4096)
    generated = _generated_at(head)
    for name, each in elements(path, "findings", "carried"):
        evidence = each.get("evidence") or {}
        found[each["id"]] = Known(
            each["host"], each["rule"], each["first_seen"],
            generated if name == "findings" else each["last_seen"],
            evidence.get("last_at") if name == "findings" else each.get("last_at"))
    return found


def _generated_at(head: str) -> str:
    for line in head.splitlines():
        if line.strip().startswith('"generated_at":'):
            return json.loads("{%s}" % line.strip().rstrip(","))["generated_at"]
    raise ValueError("no generated_at at the report's beginning")


def mark(finding: Finding, before: dict[str, Known], now: str) -> Finding:
    """Set `state` and `first_seen` of a finding; taken out of `before`, which keeps what was not found again.

    A container that was killed again since is news, however old the finding is.
    """
    seen = before.pop(finding["id"], None)
    finding["first_seen"] = seen.first_seen if seen else now
    killed_again = seen is not None and (finding["evidence"].get("last_at") or "") > (seen.last_at or "")
    if finding["waiver"]:
        finding["state"] = "waived"
    else:
        finding["state"] = "new" if seen is None or (finding["rule"] == "oom-killed" and killed_again) else "open"
    return finding


def carried(before: dict[str, Known], checked: set[str], now: str) -> Iterator[dict[str, Any]]:
    """Yield what to remember of hosts that were not checked this time (--limit, unreachable).

    Without it, all of a host's findings would be new again after one night in which it was down.
    """
    moment = parse_time(now)
    for ident, seen in before.items():
        last = parse_time(seen.last_seen)
        if seen.host in checked or last is None or moment is None or moment - last > _FORGOTTEN:
            continue
        yield {"id": ident, **seen._asdict()}
