# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an enforcement comes to over all hosts, and its summary for the terminal.

Pure, in bounded memory. Worst first: what failed, what was skipped, what does not last.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from .._model.quota import fair_share
from .._terminal import Line, Piece, truncate_line
from .._text import plural, printable, truncate
from .result import Row
from .table import container_name, describe_skipped, format_setting

MAX_LINES = 10  # of each list, all of them on demand
# By kind of obstacle.
_SKIPPED = {
    "below_usage": "would be killed", "no_default": "no default in the policy", "waived": "waived", "unknown": "not known",
    "ancestor": "limit of a cgroup above", "stopped": "not running", "not_kept": "lost at next start",
    "not_persisted": "lost at next start", "no_cgroup": "no cgroup of its own", "infra": "infra container",
    "no_controller": "no memory controller", "cgroup_v1": "cgroup v1", "gone": "gone", "recreate": "only when it is created",
}


class _Listed(NamedTuple):
    """A line of a list."""

    host: str
    user: str | None
    text: str


class EnforcementSummary:
    """Counts the records of policy_enforce while they pass by."""

    def __init__(self, everything: bool = False) -> None:
        """:param everything: keep all lines."""
        self._max_lines = None if everything else MAX_LINES
        self.hosts = self.unreachable = self.failed_hosts = 0
        self.sums: Counter[str] = Counter()  # of containers, by key of count_results
        self.skipped: Counter[str] = Counter()  # of settings, by kind of obstacle
        self._lists: dict[str, list[_Listed]] = {}
        self._counts: Counter[str] = Counter()  # of lines, by list

    def add(self, record: dict[str, Any]) -> None:
        """Count one host: {host, problem, counts, rows, skipped}."""
        host, problem = printable(record["host"], 60), record["problem"]
        self.hosts += 1
        if problem:
            self.unreachable += problem["kind"] == "unreachable"
            self.failed_hosts += problem["kind"] != "unreachable"
            self._list("failed", _Listed(record["host"], None, "%s: %s: %s" % (
                host, problem["kind"].replace("_", " "), printable(problem["message"]))))
        counts = record["counts"]
        for key in ("containers", "compliant", "exempt", "changed", "not_persistent", "failed"):
            self.sums[key] += counts[key]
        self.skipped.update(counts["skipped"])
        for setting in record["skipped"]:
            self._list("skipped", _Listed(record["host"], setting["user"], "%s: %s" % (host, describe_skipped(setting))))
        for row in record["rows"]:
            self._add_row(record["host"], row)

    def _add_row(self, host: str, row: Row) -> None:
        name = "%s: %s" % (printable(host, 60), container_name(row["container"], row["user"]))

        def add(list_name: str, text: str) -> None:
            self._list(list_name, _Listed(host, row["user"], "%s%s" % (name, text)))

        if row["failed"]:
            add("failed", ": " + printable(row["message"]))
        elif row["changed"]:
            setting = row["setting"]
            add("changed", ": %s %s -> %s" % (
                setting.replace("_", "."), format_setting(setting, row["before"]), format_setting(setting, row["after"])))
            if not row["persistent"]:
                add("not_persistent", ": " + printable(row["message"] or "until its next start"))

    def _list(self, name: str, line: _Listed) -> None:
        lines = self._lists.setdefault(name, [])
        if line in lines[-2:]:
            return  # two settings of one container, with one reason
        self._counts[name] += 1
        lines.append(line)
        if self._max_lines is not None and len(lines) > 2 * self._max_lines:
            self._lists[name] = self._shown(name)

    def _shown(self, name: str) -> list[_Listed]:
        lines = self._lists.get(name, [])
        return lines if self._max_lines is None else fair_share(lines, self._max_lines, lambda line: (line.host, line.user))

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
        """Return the summary for a terminal of a width."""
        head = "%s, %s: %s compliant, %s exempt" % (
            plural(self.hosts, "host"), plural(self.sums["containers"], "container"),
            format(self.sums["compliant"], ","), format(self.sums["exempt"], ","))
        lines: list[Line] = [[Piece("title", "Podman memory policy"), Piece("plain", "  " + head)]]
        failed = self.failed_hosts + self.unreachable
        parts = (
            ("FAILED", "bad", "%s, %s" % (plural(failed, "host"), plural(self.sums["failed"], "container")),
             "failed", failed or self.sums["failed"]),
            ("WOULD CHANGE" if check_mode else "CHANGED", "good", plural(self.sums["changed"], "container"), "changed", True),
            ("NOT PERSISTENT", "warn", "%s of them" % format(self.sums["not_persistent"], ","), "not_persistent",
             self.sums["not_persistent"]),
            ("SKIPPED", "warn", ", ".join("%s %s" % (format(count, ","), _SKIPPED.get(kind, kind.replace("_", " ")))
                                          for kind, count in self.skipped.most_common()), "skipped", self.skipped),
        )
        for title, style, text, name, is_shown in parts:
            if is_shown:
                lines += [[], [Piece("title", title), Piece(style, "  " + text)], *self._listed(name, width)]
        if check_mode:
            lines += [[], [Piece("title", "Check mode"), Piece("plain", "  nothing was changed; --diff shows each host's plan")]]
        return [truncate_line(line, width) for line in lines]

    def _listed(self, name: str, width: int) -> list[Line]:
        shown = self._shown(name)
        lines: list[Line] = [[Piece("plain", "  " + truncate(line.text, width - 2))] for line in shown]
        left = self._counts[name] - len(shown)
        return lines + ([[Piece("dim", "  … and %s more, -v shows all" % format(left, ","))]] if left else [])
