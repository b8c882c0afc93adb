# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be changed on one host so that its containers are as the policy wants.

Pure: facts and policy in, changes and what is skipped out. The reasons are the findings of the audit
(settings_findings), so what enforcement has fixed is no finding any more, and what is waived there is
skipped here. What no change can reach: obstacles.py.
"""

from __future__ import annotations

import datetime
from typing import NamedTuple

from ...module_utils._system.sizes import UNLIMITED
from .._model.container_facts import (
    Facts,
    can_be_looked_at,
    container_errors,
    current_limit,
    current_oom_group,
    effective_settings,
    has_own_limit,
    memory_usage,
    next_start_settings,
    violated_bound,
)
from .._model.container_key import ContainerKeys, shown_name
from .._model.finding import Finding
from .._model.rules import RULES, SETTINGS
from .._policy.policy import NOT_IN_INVENTORY, Decision, HostInventory, Policy, decide, named_host
from .._rules.evaluate import settings_findings
from .._rules.evidence import are_limits_unknown, evidence_findings
from .._rules.waivers import apply_waivers
from .._rules.wishes import WISHES_RULE, Wish
from .._text import human_size, printable
from .host_plan import Change, HostPlan, Skipped, Step
from .obstacles import Obstacle, container_obstacle, next_start_obstacle
from .wishes import possible_wishes

# container_memory refuses a limit below the working set and this share of it more
HEADROOM = 0.05


class Options(NamedTuple):
    """What enforcement may do."""

    settings: tuple[str, ...] = SETTINGS  # which of them are enforced
    persist: bool = True
    allow_below_usage: bool = False


def plan_host(host: str, facts: Facts, run_as: str | None, policy: Policy, today: datetime.date,
              options: Options = Options(), inventory: HostInventory = NOT_IN_INVENTORY) -> HostPlan:
    """Return the plan for one host.

    :param run_as: the user the facts were collected as; None when not known.
    :param today: in UTC; waivers end.
    """
    host_facts, keys = named_host(host, facts, inventory), ContainerKeys(facts)
    skipped = [Skipped(name=None, user=finding["user"], rule=None, kind="unknown", reason=finding["summary"])
               for finding in evidence_findings(host, facts, run_as)
               if finding["evidence"]["scope"] == "privilege" or finding["evidence"]["kind"] in ("podman", "cgroup")]
    invalid = container_errors(facts)
    skipped += [Skipped(name=error["container"], user=error.get("user"), rule=None, kind="unknown", reason=error["message"])
                for error in invalid]
    # the policy would decide about something else
    left_alone = {(error.get("user"), error.get("container_id")) for error in invalid}
    evaluated = []
    for container in facts.get("containers") or []:
        if (container["user"], container["id"]) in left_alone:
            continue
        try:
            decision = decide(policy, host_facts, container)
            findings = settings_findings(host, host_facts, container, keys.lookup(container), decision)
        except Exception as exc:  # one container's facts must not end the enforcement of the others
            skipped.append(_not_evaluated(container, exc))
            continue
        evaluated.append((container, decision, findings))
    apply_waivers(policy, host_facts, facts, [finding for _container, _decision, findings in evaluated for finding in findings], today)
    changes: list[Change] = []
    exempt = compliant = 0
    for container, decision, findings in evaluated:
        planner = _ContainerPlanner(host_facts, container, decision, options)
        try:
            planner.plan(findings, are_limits_unknown(facts, container, decision))
        except Exception as exc:
            skipped.append(_not_evaluated(container, exc))
            continue
        skipped += planner.skipped
        if planner.steps:
            changes.append(Change(container["id"], shown_name(container), container["user"], tuple(planner.steps),
                                  unit_name=container["name"] if container["manager"].get("file") and container["name"] else None))
        elif not planner.skipped:
            exempt += decision.is_exempt
            compliant += not decision.is_exempt
    return HostPlan(changes=tuple(changes), skipped=tuple(skipped), containers=len(evaluated), exempt=exempt, compliant=compliant)


def _not_evaluated(container: Facts, error: Exception) -> Skipped:
    return Skipped(shown_name(container), container["user"], None, kind="unknown", reason="it could not be evaluated: %s: %s" % (
        type(error).__name__, printable(error, 200)))


class _ContainerPlanner:
    """Finds the steps for one container, and what of it is skipped."""

    def __init__(self, host_facts: Facts, container: Facts, decision: Decision, options: Options) -> None:
        self._host_facts, self._container, self._decision, self._options = host_facts, container, decision, options
        self._limit = current_limit(container).value
        self._wanted_swap: int | str | None = None  # as Decision.swap, where it is to change with the limit
        self.steps: list[Step] = []
        self.skipped: list[Skipped] = []

    def plan(self, findings: list[Finding], are_unknown: bool) -> None:
        """Turn the audit's findings, waived ones too, into steps, or skip them.

        :param are_unknown: whether a setting that the policy is about is not known.
        """
        if self._decision.problems:
            problems = "; ".join(self._decision.problems)
            self._skip(None, Obstacle("unknown", "the policy could not be evaluated: %s" % problems))
            return
        if are_unknown:
            self._skip(None, Obstacle("unknown", "it is not known what limits are enforced"))
        to_fix: dict[str, list[str]] = {}
        for finding in findings:
            for setting in self._settings_of(finding):
                obstacle = self._obstacle(finding)
                if obstacle:
                    self._skip(finding["rule"], obstacle)
                else:
                    to_fix.setdefault(setting, []).append(finding["rule"])
        if WISHES_RULE in to_fix.get("memory", []):
            to_fix["memory"].remove(WISHES_RULE)
            wishes, obstacle = possible_wishes(self._host_facts, self._container, self._decision, self._limit)
            if obstacle:
                self._skip(WISHES_RULE, obstacle)
            self._plan_wishes(wishes, bool(to_fix["memory"]))
        if to_fix.get("memory"):
            bounds_waived = any(finding["rule"] == "memory-limit-out-of-bounds" and finding["waiver"] for finding in findings)
            self._plan_memory(to_fix["memory"], not bounds_waived)
        if "oom_group" in to_fix:
            self._plan_oom_group(to_fix["oom_group"])

    def _plan_wishes(self, wishes: list[Wish], limit_changes: bool) -> None:
        for wish in wishes:
            if wish.setting == "swap" and limit_changes:
                self._wanted_swap = self._decision.swap  # beside the new limit, see _swap()
                continue
            swap = None if wish.wanted is None or self._limit is None else self._limit + wish.wanted
            self.steps.append(Step(
                setting=wish.setting, before=wish.current, after=wish.wanted, swap=swap if wish.setting == "swap" else None,
                rules=(WISHES_RULE,), decided_by=self._decision.decided_by.get(wish.setting),
                memory=self._limit if wish.setting == "swap" else None))

    def _settings_of(self, finding: Finding) -> list[str]:
        """Which of the settings to enforce a finding is about."""
        settings = set(RULES[finding["rule"]].settings)
        if finding["rule"] == "limit-not-persistent":
            settings = {"oom_group" if name == "oom_group" else "memory" for name in finding["evidence"]["settings"]}
        return [setting for setting in SETTINGS if setting in settings and setting in self._options.settings]

    def _skip(self, rule: str | None, obstacle: Obstacle) -> None:
        skipped = Skipped(shown_name(self._container), self._container["user"], rule, kind=obstacle.kind, reason=obstacle.reason)
        if skipped not in self.skipped:  # two settings of one finding
            self.skipped.append(skipped)

    def _obstacle(self, finding: Finding) -> Obstacle | None:
        """Why a finding stays; None when a change can fix it."""
        waiver = finding["waiver"]
        if waiver:
            return Obstacle("waived", "waived until %s: %s" % (waiver["expires"], printable(waiver["reason"])))
        obstacle = container_obstacle(self._host_facts, self._container)
        if obstacle is None and finding["rule"] == "limit-not-persistent":
            obstacle = next_start_obstacle(self._host_facts, self._container)
            if obstacle is None and not self._options.persist:
                obstacle = Obstacle("not_persisted", "persist is off: what is enforced now stays until the next start")
        return obstacle

    # -- memory

    def _plan_memory(self, rules: list[str], has_bounds: bool) -> None:
        obstacle = self._no_target(rules)
        if obstacle is None:
            target = self._target(rules)
            if has_bounds and "memory-limit-missing" not in rules:
                target = self._into_bounds(target)
            obstacle = self._below_reservation(target) or self._below_usage(target)
        if obstacle:
            for rule in rules:
                self._skip(rule, obstacle)
            return
        self.steps.append(Step(setting="memory", before=self._limit, after=target, swap=self._swap(rules, target),
                               rules=tuple(rules), decided_by=self._decided_by(rules)))
        reservation = self._decision.reservation if "memory-limit-missing" in rules else None
        if reservation is not None and reservation <= target and next_start_obstacle(self._host_facts, self._container) is None:
            self.steps.append(Step(setting="reservation", before=None, after=reservation, swap=None, rules=("memory-limit-missing",),
                                   decided_by=self._decision.decided_by.get("reservation")))

    def _no_target(self, rules: list[str]) -> Obstacle | None:
        if "memory-limit-missing" in rules and self._decision.default is None:
            return Obstacle("no_default", "it has no limit, and the policy has no memory.default for it")
        effective = effective_settings(self._container)
        is_low = violated_bound(self._limit, *self._decision.bounds) == "min"
        if "memory-limit-out-of-bounds" in rules and is_low and effective is not None and not has_own_limit(self._container):
            return Obstacle("ancestor", "the limit is that of %s, which is not the container's" % printable(
                effective.get("source") or "a cgroup above"))
        return None

    def _target(self, rules: list[str]) -> int:
        """The limit that it should have, before bounds."""
        if "memory-limit-missing" in rules:
            return self._decision.default or 0
        if "limit-drift" in rules:
            return int(next_start_settings(self._container)["limit"])
        return self._limit or 0

    def _into_bounds(self, target: int) -> int:
        low, high = self._decision.bounds
        bound = {"min": low, "max": high}.get(violated_bound(target, low, high) or "")
        return target if bound is None else bound

    def _below_reservation(self, target: int) -> Obstacle | None:
        """The runtime refuses a limit below the reservation, and the policy has none for that."""
        reservation = next_start_settings(self._container).get("reservation")
        if reservation is None or reservation <= target:
            return None
        return Obstacle("reservation", "its reservation of %s is more than a limit of %s" % (
            human_size(reservation), human_size(target)))

    def _below_usage(self, target: int) -> Obstacle | None:
        """The kernel kills at once what has more than its limit; a limit that is not lowered takes nothing away."""
        is_lower = self._limit is None or target < self._limit
        if self._options.allow_below_usage or not can_be_looked_at(self._container) or not is_lower:
            return None
        used = memory_usage(self._container).get("working_set")
        if not isinstance(used, int):
            return Obstacle("unknown", "it is not known how much it uses now")
        if target >= used * (1 + HEADROOM):
            return None
        return Obstacle("below_usage", "it uses %s now: a limit of %s would kill it" % (human_size(used), human_size(target)))

    def _swap(self, rules: list[str], target: int) -> int | None:
        """Memory and swap together: what it may swap stays as it is; with a first limit it may not."""
        wanted = self._decision.swap if "memory-limit-missing" in rules else self._wanted_swap
        if wanted is not None:
            return None if wanted == UNLIMITED else target + int(wanted)
        if "memory-limit-missing" in rules:
            return target
        settings = next_start_settings(self._container)
        if settings.get("limit") is None and has_own_limit(self._container):
            settings = effective_settings(self._container) or {}
        if settings.get("limit") is None:
            return target  # so far it had only the limit of a cgroup above
        swap_limit = settings.get("swap_limit")
        return None if swap_limit is None else target + max(0, swap_limit - settings["limit"])

    def _decided_by(self, rules: list[str]) -> str | None:
        if "memory-limit-missing" in rules:
            return self._decision.decided_by.get("default")
        if "memory-limit-out-of-bounds" in rules:
            return self._decision.decided_by.get(violated_bound(self._limit, *self._decision.bounds) or "")
        return None

    # -- memory.oom.group

    def _plan_oom_group(self, rules: list[str]) -> None:
        current = current_oom_group(self._container).value
        target = self._decision.oom_group if "oom-group-mismatch" in rules else current
        self.steps.append(Step(setting="oom_group", before=current, after=bool(target), swap=None, rules=tuple(rules),
                               decided_by=self._decision.decided_by.get("oom_group")))
