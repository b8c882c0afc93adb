# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""What has to be changed on one host so that its containers are as the policy wants.

Pure: facts and policy in, changes and what is left alone out. Its reasons are the findings of the
audit (_findings.on_settings), so what it has done is no finding any more, and what is waived there
is left alone here. What no change can reach: _plan_reach.py.
"""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

from ...module_utils._system.sizes import format_size
from .._model.container_facts import (
    Facts,
    current_limit,
    current_oom_group,
    effective_settings,
    has_own_limit,
    is_running,
    next_start_settings,
    violated_bound,
)
from .._model.container_key import ContainerKeys
from .._model.finding import Finding
from .._model.rules import RULES
from .._policy.policy import Decision, Policy, decide, named_host
from .._rules.evaluate import settings_findings
from .._rules.evidence import are_limits_unknown, evidence_findings
from .._rules.waivers import apply_waivers
from .._text import human_size, printable
from .obstacles import Obstacle, container_obstacle, next_start_obstacle

SETTINGS = ("memory", "oom_group")
# container_memory refuses a limit below the working set and this share of it more
HEADROOM = 0.05


class Options(NamedTuple):
    """How enforcement is wanted."""

    settings: tuple[str, ...] = SETTINGS  # which of them are enforced
    persist: bool = True
    allow_below_usage: bool = False


class Step(NamedTuple):
    """One setting of a container that is changed."""

    what: str  # memory or oom_group
    before: int | bool | None  # what holds now; None: no limit
    after: int | bool
    swap: int | None  # of memory: memory and swap together; None: unlimited
    rules: tuple[str, ...]  # ids of the findings that it mends
    by: str | None  # the policy's rule that wants it; None: nobody, it is as declared


class Change(NamedTuple):
    """All that is changed of one container."""

    ident: str
    name: str
    user: str
    steps: tuple[Step, ...]

    def options(self) -> dict[str, Any]:
        """Return it as an element of container_memory's `containers`."""
        given: dict[str, Any] = {"name": self.ident, "user": self.user}
        for step in self.steps:
            if step.what == "oom_group":
                given["oom_group"] = step.after
            else:
                given.update(memory=format_size(int(step.after)), memory_swap=format_size(step.swap))
        return given


class Skipped(NamedTuple):
    """What is left as it is, and why."""

    name: str | None  # of the container; None: something about the host
    user: str | None
    rule: str | None  # id of the finding that stays; None: it is not looked at
    kind: str
    reason: str


class HostPlan(NamedTuple):
    """What is to be done on one host."""

    changes: tuple[Change, ...]
    skipped: tuple[Skipped, ...]
    containers: int  # all of them
    exempt: int  # of which the policy wants nothing
    right: int  # of which it wants something, and which have it


def plan_host(host: str, facts: Facts, run_as: str | None, policy: Policy, today: datetime.date,
            options: Options = Options()) -> HostPlan:
    """Return the plan for one host.

    :param run_as: the user the facts were taken as; None when not known.
    :param today: in UTC; waivers end.
    """
    about, subjects = named_host(host, facts), ContainerKeys(facts)
    changes: list[Change] = []
    skipped = [Skipped(None, each["user"], None, "unknown", each["summary"])
               for each in evidence_findings(host, facts, run_as)
               if each["evidence"]["scope"] == "privilege" or each["evidence"]["kind"] in ("podman", "cgroup")]
    seen = []
    for container in facts.get("containers") or []:
        wanted = decide(policy, about, container)
        seen.append((container, wanted, settings_findings(host, about, container, subjects.lookup(container), wanted)))
    apply_waivers(policy, host, facts, [each for _one, _wanted, found in seen for each in found], today)
    exempt = right = 0
    for container, wanted, found in seen:
        one = _Container(about, container, wanted, options)
        one.decide(found, are_limits_unknown(facts, container, wanted))
        changes += one.change()
        skipped += one.skipped
        if not one.steps and not one.skipped:
            exempt, right = exempt + wanted.is_exempt, right + (not wanted.is_exempt)
    return HostPlan(tuple(changes), tuple(skipped), len(seen), exempt, right)


class _Container:
    """Decides on one container."""

    def __init__(self, about: Facts, container: Facts, wanted: Decision, options: Options) -> None:
        self._about, self._container, self._wanted, self._options = about, container, wanted, options
        self.steps: list[Step] = []
        self.skipped: list[Skipped] = []

    def change(self) -> list[Change]:
        """Return the container's Change, if there is one."""
        each = self._container
        return [Change(each["id"], each["name"], each["user"], tuple(self.steps))] if self.steps else []

    def decide(self, found: list[Finding], is_unknown: bool) -> None:
        """Take the audit's findings, waived ones too, and make steps of them or say why not."""
        if self._wanted.problems:
            self._skip(None, Obstacle("unknown", "the policy could not be asked: %s" % "; ".join(self._wanted.problems)))
            return
        if is_unknown:
            self._skip(None, Obstacle("unknown", "it is not known what limits are enforced"))
        open_rules: dict[str, list[str]] = {}
        for finding in found:
            for part in self._parts(finding):
                obstacle = self._obstacle(finding)
                if obstacle:
                    self._skip(finding["rule"], obstacle)
                else:
                    open_rules.setdefault(part, []).append(finding["rule"])
        if "memory" in open_rules:
            bounds_waived = any(each["rule"] == "memory-limit-out-of-bounds" and each["waiver"] for each in found)
            self._memory(open_rules["memory"], not bounds_waived)
        if "oom_group" in open_rules:
            self._group(open_rules["oom_group"])

    def _parts(self, finding: Finding) -> list[str]:
        """Which of the parts that are to be enforced a finding is about."""
        if finding["rule"] == "limit-not-persistent":
            about = {"oom_group" if each == "oom_group" else "memory" for each in finding["evidence"]["settings"]}
        else:
            about = set(RULES[finding["rule"]].settings)
        return [part for part in SETTINGS if part in self._options.settings and part in about]

    def _skip(self, rule: str | None, obstacle: Obstacle) -> None:
        skipped = Skipped(self._container["name"], self._container["user"], rule, *obstacle)
        if skipped not in self.skipped:  # two parts of one finding
            self.skipped.append(skipped)

    def _obstacle(self, finding: Finding) -> Obstacle | None:
        """Why a finding stays; None when there is a change that mends it."""
        waiver = finding["waiver"]
        if waiver:
            return Obstacle("waived", "waived until %s: %s" % (waiver["expires"], printable(waiver["reason"])))
        obstacle = container_obstacle(self._about, self._container)
        if obstacle is None and finding["rule"] == "limit-not-persistent":
            obstacle = next_start_obstacle(self._about, self._container)
            if obstacle is None and not self._options.persist:
                obstacle = Obstacle("not_persisted", "persist is off: what is enforced now stays until the next start")
        return obstacle

    def _memory(self, rules: list[str], is_bounded: bool) -> None:
        obstacle = self._no_limit_to_set(rules)
        if obstacle is None:
            target = self._target(rules)
            if is_bounded and "memory-limit-missing" not in rules:
                target = self._bounded(target)
            obstacle = self._above_reservation(target) or self._below_usage(target)
        if obstacle:
            for rule in rules:
                self._skip(rule, obstacle)
            return
        self.steps.append(Step("memory", current_limit(self._container).value, target, self._swap(rules, target),
                               tuple(rules), self._wanted_by(rules)))

    def _no_limit_to_set(self, rules: list[str]) -> Obstacle | None:
        if "memory-limit-missing" in rules and self._wanted.default is None:
            return Obstacle("no_default", "it has no limit, and the policy has no memory.default for it")
        held, enforced = current_limit(self._container).value, effective_settings(self._container)
        is_low = violated_bound(held, *self._wanted.bounds) == "min"
        if "memory-limit-out-of-bounds" in rules and is_low and enforced is not None and not has_own_limit(self._container):
            return Obstacle("ancestor", "the limit is that of %s, which is not the container's" % printable(
                enforced.get("source") or "a cgroup above"))
        return None

    def _target(self, rules: list[str]) -> int:
        """The limit that it should have, before bounds."""
        if "memory-limit-missing" in rules:
            return int(self._wanted.default or 0)
        if "limit-drift" in rules:
            return int(next_start_settings(self._container)["limit"])
        return int(current_limit(self._container).value or 0)

    def _bounded(self, target: int) -> int:
        low, high = self._wanted.bounds
        beyond = violated_bound(target, low, high)
        return int((low if beyond == "min" else high) or 0) if beyond else target

    def _above_reservation(self, target: int) -> Obstacle | None:
        """The runtime refuses a limit below the reservation, and nobody has decided on another reservation."""
        reserved = next_start_settings(self._container).get("reservation")
        if reserved is None or reserved <= target:
            return None
        return Obstacle("reservation", "its reservation of %s is more than a limit of %s" % (human_size(reserved), human_size(target)))

    def _below_usage(self, target: int) -> Obstacle | None:
        """The kernel kills at once what has more than its limit; one that is not lowered takes nothing away."""
        held = current_limit(self._container).value
        if self._options.allow_below_usage or not is_running(self._container) or (held is not None and target >= held):
            return None
        used = ((self._container.get("memory") or {}).get("usage") or {}).get("working_set")
        if not isinstance(used, int):
            return Obstacle("unknown", "it is not known how much it uses now")
        if target >= used * (1 + HEADROOM):
            return None
        return Obstacle("below_usage", "it uses %s now: a limit of %s would kill it" % (human_size(used), human_size(target)))

    def _swap(self, rules: list[str], target: int) -> int | None:
        """Memory and swap together: what it may swap stays as it is; with a first limit it may not."""
        if "memory-limit-missing" in rules:
            return target
        kept, enforced = next_start_settings(self._container), effective_settings(self._container) or {}
        held = kept if kept.get("limit") is not None else enforced if has_own_limit(self._container) else {}
        if held.get("limit") is None:
            return target  # so far it had only that of a cgroup above
        return None if held.get("swap_limit") is None else target + max(0, held["swap_limit"] - held["limit"])

    def _wanted_by(self, rules: list[str]) -> str | None:
        decided = self._wanted.decided_by
        if "memory-limit-missing" in rules:
            return decided.get("default")
        if "memory-limit-out-of-bounds" in rules:
            return decided.get(violated_bound(current_limit(self._container).value, *self._wanted.bounds) or "")
        return None

    def _group(self, rules: list[str]) -> None:
        held = current_oom_group(self._container).value
        wanted = self._wanted.oom_group if "oom-group-mismatch" in rules else held
        self.steps.append(Step("oom_group", held, bool(wanted), None, tuple(rules),
                               self._wanted.decided_by.get("oom_group")))
