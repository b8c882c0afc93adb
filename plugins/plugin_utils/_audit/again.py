# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Whether a finding that was not found again is resolved, or was only not looked for.

Pure. A source that could not be read today, a user or a container that was not asked for: what was
found there before is neither found nor resolved, and is carried on.
"""

from __future__ import annotations

from typing import Any

from .._model import container_facts as _limits
from .._model.finding import Finding
from .baseline import Known


class Looked:
    """What one host let this run see."""

    def __init__(self, entry: dict[str, Any], found: list[Finding]) -> None:
        """:param entry: the host's element of `hosts`; found: its findings in this run."""
        facts = entry.get("facts") or {}
        self._whole = entry["status"] == "checked" and entry.get("only") is None
        self._answered = entry["status"] != "not_checked"
        self._only = entry.get("only")
        self._sources = {(each["name"], each.get("user")): each["status"] for each in facts.get("sources") or []}
        self._containers = {(each["user"], each["name"]): each for each in facts.get("containers") or []}
        self._undecided = {(each["user"], each["container"]) for each in found
                           if each["rule"] == "evidence-missing" and each["evidence"]["scope"] == "container"}

    def at(self, seen: Known) -> bool:
        """Whether this run would have found it, were it still there."""
        if not self._answered:
            return False
        if seen.container is None:
            return self._at_host(seen)
        if self._sources.get(("podman", seen.user)) != "ok" or (seen.user, seen.container) in self._undecided:
            return False
        if self._only is not None and seen.container not in self._only:
            return False
        container = self._containers.get((seen.user, seen.container))
        if container is None:
            # of a removed container only the records tell
            return seen.rule != "oom-killed" or self._sources.get(("kernel_log", None)) == "ok"
        memory = container.get("memory") or {}
        return seen.rule not in ("near-limit", "memory-stalls") or not _limits.is_running(container) or memory.get("usage") is not None

    def _at_host(self, seen: Known) -> bool:
        if seen.rule == "evidence-missing":
            return seen.user is None or ("podman", seen.user) in self._sources
        # a sum, or what a waiver would match, is known when all containers are
        return seen.rule == "cgroup-v1" or self._whole
