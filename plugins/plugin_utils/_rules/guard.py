# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Call rules so that an error in one of them costs what it was called for, and is a finding. Pure.

The facts have passed the door, so such an error is one of the collection; but it must not take the report of all others along.
"""

from __future__ import annotations

from collections.abc import Callable

from .._model.container_facts import Facts
from .._model.container_key import ContainerKey, ContainerKeys
from .._model.finding import Finding, make_finding
from .._text import printable

_LISTS = ("containers", "removed")


class Guard:
    """The findings of one host, as its rules are called."""

    def __init__(self, host: str, keys: ContainerKeys) -> None:
        """:param keys: of the host's containers."""
        self._host, self._keys = host, keys
        self.findings: list[Finding] = []

    def on_container(self, rules: str, container: Facts, evaluate: Callable[[], list[Finding]]) -> None:
        """Call rules on one container.

        :param rules: what they are called, for a message.
        """
        try:
            self.findings += evaluate()
        except Exception as exc:
            self.findings.append(self._failed(rules, exc, container))

    def on_host(self, rules: str, facts: Facts, evaluate: Callable[[Facts], list[Finding]]) -> None:
        """Call rules on all of a host's facts; if they fail, on those without the containers that they fail on alone."""
        try:
            self.findings += evaluate(facts)
            return
        except Exception as exc:
            error = exc
        rest = {**facts, **{name: [] for name in _LISTS}}
        for name in _LISTS:
            for container in facts.get(name) or []:
                try:
                    evaluate({**facts, **{other: [] for other in _LISTS}, name: [container]})
                    rest[name].append(container)
                except Exception as exc:
                    self.findings.append(self._failed(rules, exc, container))
        try:
            self.findings += evaluate(rest)
        except Exception:
            self.findings.append(self._failed(rules, error, None))

    def _failed(self, rules: str, error: Exception, container: Facts | None) -> Finding:
        message = "%s could not be evaluated: %s: %s" % (rules, type(error).__name__, printable(error, 200))
        return make_finding(
            "evidence-missing", self._host, self._key(container), subject="rules:" + rules, summary=message,
            detail="An error in the collection, on facts that it did not expect. All other rules were evaluated.",
            remedy="# report it to the collection's authors, with the facts: ansible -m podman_fleet.memory.oom_facts",
            evidence={"scope": "source" if container is None else "container", "kind": "error",
                      "container_id": container["id"] if container else None, "message": message})

    def _key(self, container: Facts | None) -> ContainerKey | None:
        return self._keys.lookup(container) if container else None
