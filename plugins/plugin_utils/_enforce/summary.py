# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""What an enforcement amounts to over all hosts, and its screen.

Pure, in bounded memory. Worst first: what failed, what was left alone, what does not last.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from .._terminal import Line, Piece, truncate_line
from .._text import plural, printable, truncate
from .table import describe_skipped, format_setting, name_with_owner

_KEPT = 10  # lines of each list, all of them on demand
_TITLES = {
    "below_usage": "would be killed", "no_default": "no default in the policy", "waived": "waived", "unknown": "not known",
    "ancestor": "limit of a cgroup above", "stopped": "does not run", "not_kept": "lost at next start",
    "not_persisted": "lost at next start", "no_cgroup": "no cgroup of its own", "infra": "infra container",
    "no_controller": "no memory controller", "cgroup_v1": "cgroup v1",
}


class EnforcementSummary:
    """Counts the records of policy_enforce while they pass by."""

    def __init__(self, everything: bool = False) -> None:
        """:param everything: keep all lines for the screen."""
        self._most = None if everything else _KEPT
        self.hosts = self.unreachable = self.failed_hosts = 0
        self.sums: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self._lists: dict[str, list[str]] = {}
        self._left: Counter[str] = Counter()

    def add(self, record: dict[str, Any]) -> None:
        """Count one host: {host, problem, counts, rows, skipped}."""
        host, problem = printable(record["host"], 60), record["problem"]
        self.hosts += 1
        if problem:
            self.unreachable += problem["kind"] == "unreachable"
            self.failed_hosts += problem["kind"] != "unreachable"
            self._list("failed", "%s: %s: %s" % (host, problem["kind"].replace("_", " "), printable(problem["message"])))
        counts = record["counts"]
        for key in ("containers", "right", "exempt", "changed", "not_persistent", "failed"):
            self.sums[key] += counts[key]
        self.skipped.update(counts["skipped"])
        for each in record["skipped"]:
            self._list("skipped", "%s: %s" % (host, describe_skipped(each)))
        for each in record["rows"]:
            name = "%s: %s" % (host, name_with_owner(each["container"], each["user"]))
            if each["failed"]:
                self._list("failed", "%s: %s" % (name, printable(each["message"])))
            elif each["changed"]:
                self._list("changed", "%s: %s %s -> %s" % (
                    name, each["what"].replace("_", "."), format_setting(each["what"], each["before"]), format_setting(each["what"], each["after"])))
                if not each["persistent"]:
                    self._list("not_persistent", "%s: %s" % (name, printable(each["message"] or "until its next start")))

    def _list(self, name: str, line: str) -> None:
        kept = self._lists.setdefault(name, [])
        if line in kept[-2:]:
            return  # two settings of one container, with one reason
        if self._most is None or len(kept) < self._most:
            kept.append(line)
        else:
            self._left[name] += 1

    def stats(self, check_mode: bool) -> dict[str, Any]:
        """Return what is handed to workflows (set_stats)."""
        return {
            "podman_memory_enforce_check_mode": check_mode,
            "podman_memory_enforce_hosts": self.hosts,
            "podman_memory_enforce_unreachable": self.unreachable,
            "podman_memory_enforce_errors": self.failed_hosts,
            "podman_memory_enforce_containers": self.sums["containers"],
            "podman_memory_enforce_changed": self.sums["changed"],
            "podman_memory_enforce_not_persistent": self.sums["not_persistent"],
            "podman_memory_enforce_failed": self.sums["failed"],
            "podman_memory_enforce_skipped": dict(sorted(self.skipped.items())),
        }

    def lines(self, check_mode: bool, width: int) -> list[Line]:
        """Return the screen."""
        head = "%s, %s: %s as the policy wants, %s exempt" % (
            plural(self.hosts, "host"), plural(self.sums["containers"], "container"),
            format(self.sums["right"], ","), format(self.sums["exempt"], ","))
        found: list[Line] = [[Piece("title", "Podman memory policy"), Piece("plain", "  " + head)]]
        failed = self.failed_hosts + self.unreachable
        parts = (
            ("FAILED", "bad", "%s, %s" % (plural(failed, "host"), plural(self.sums["failed"], "container")),
             "failed", failed or self.sums["failed"]),
            ("WOULD CHANGE" if check_mode else "CHANGED", "good", plural(self.sums["changed"], "container"), "changed", True),
            ("NOT PERSISTENT", "warn", "%s of them" % format(self.sums["not_persistent"], ","), "not_persistent",
             self.sums["not_persistent"]),
            ("LEFT AS IT IS", "warn", ", ".join("%s %s" % (format(count, ","), _TITLES.get(kind, kind.replace("_", " ")))
                                                for kind, count in self.skipped.most_common()), "skipped", self.skipped),
        )
        for title, style, text, name, is_shown in parts:
            if is_shown:
                found += [[], [Piece("title", title), Piece(style, "  " + text)], *self._listed(name, width)]
        if check_mode:
            found += [[], [Piece("title", "Check mode"), Piece("plain", "  nothing was changed; --diff shows each host's plan")]]
        return [truncate_line(line, width) for line in found]

    def _listed(self, name: str, width: int) -> list[Line]:
        found: list[Line] = [[Piece("plain", "  " + truncate(line, width - 2))] for line in self._lists.get(name, [])]
        left = self._left[name]
        return found + ([[Piece("dim", "  … and %s more, -v shows all" % format(left, ","))]] if left else [])
