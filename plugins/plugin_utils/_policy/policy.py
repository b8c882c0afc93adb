# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""What a container should have by the policy, and which rule decided it.

Pure. Takes a policy that was read (_policy_parse.py) and facts; finds nothing wrong with them.
"""

from __future__ import annotations

import datetime
from typing import Any, Iterator, NamedTuple

from ...module_utils._system.sizes import format_size
from .._model.container_facts import Facts
from .._text import printable
from .match import ALWAYS, Condition, match_document

MEMORY_KEYS = ("required", "default", "min", "max", "max_share_of_host")
# max_share_of_host is part of what `max` becomes on a host
DECISION_KEYS = ("required", "default", "min", "max", "oom_group", "severity")


class PolicyRule(NamedTuple):
    """One of the policy's `rules`."""

    label: str  # how people are told which one it was
    match: Condition
    settings: dict[str, Any]  # MEMORY_KEYS, oom_group, severity, as far as it has them; None: no wish any more


class Waiver(NamedTuple):
    """One of the policy's `waivers`."""

    match: Condition
    rule: str
    reason: str
    owner: str | None
    expires: datetime.date  # the last day on which it counts, in UTC

    def as_dict(self) -> dict[str, Any]:
        """Return it as findings and previews carry it."""
        return {"rule": self.rule, "match": self.match.text, "reason": self.reason, "owner": self.owner,
                "expires": self.expires.isoformat()}


class Policy(NamedTuple):
    """All of it."""

    rules: tuple[PolicyRule, ...]
    waivers: tuple[Waiver, ...] = ()
    max_committed_share: float | None = None  # of the host's memory, for all limits together; None: any
    require_cgroup_v2: bool = True


class Decision(NamedTuple):
    """What one container should have; None: no wish."""

    required: bool | None = None  # has to have a memory limit
    default: int | None = None  # bytes: the limit for one that has none
    min: int | None = None
    max: int | None = None
    oom_group: bool | None = None  # memory.oom.group on or off
    severity: str | None = None  # of its findings; None: each rule's own
    decided_by: dict[str, str] = {}  # which rule each of these comes from
    problems: tuple[str, ...] = ()  # rules that could not be asked

    @property
    def bounds(self) -> tuple[int | None, int | None]:
        """The least and the most that a limit may be."""
        return self.min, self.max

    @property
    def wishes(self) -> bool:
        """Whether the policy wants anything of the container."""
        return bool(self.required) or self.bounds != (None, None) or self.oom_group is not None


# Every container has a limit and dies as a whole.
BUILT_IN = Policy((PolicyRule("built-in rule", ALWAYS, {"required": True, "oom_group": True}),))


def named_host(host: str, facts: Facts) -> Facts:
    """Return the host's facts as a policy sees them: with its name in the inventory."""
    return {**(facts.get("host") or {}), "name": host}


def decide(policy: Policy, host: Facts, container: Facts) -> Decision:
    """Return what a container should have.

    :param host: from `named`.
    """
    if container.get("is_infra"):
        return Decision()  # a pod's infra container does nothing, and needs nothing
    values: dict[str, Any] = {}
    by: dict[str, tuple[int, str]] = {}
    problems = []
    for number, (rule, matched, problem) in enumerate(_asked(policy, match_document(host, container))):
        if problem:
            problems.append("%s: %s" % (rule.label, problem))
        elif matched:
            values.update(rule.settings)
            by.update(dict.fromkeys(rule.settings, (number, rule.label)))
    return _decision(values, by, host.get("memory_total"))._replace(problems=tuple(problems))


def explain_decision(policy: Policy, host: Facts, container: Facts) -> dict[str, Any]:
    """Return how `evaluate` comes to its decision, to be shown.

    `rules`: each one and whether it matched. `decision`: of each key its value, the value as a size
    where it is one, and the rule it comes from (null: no rule has a wish).
    """
    decision, seen = decide(policy, host, container), match_document(host, container)
    exempt = bool(container.get("is_infra"))
    return {
        "host": host["name"],
        "user": container.get("user"),
        "container": container.get("name"),
        "exempt": "the infra container of a pod" if exempt else None,
        "rules": [] if exempt else [
            {"rule": rule.label, "match": rule.match.text, "matched": matched, "problem": problem}
            for rule, matched, problem in _asked(policy, seen)],
        "decision": {
            key: {"value": getattr(decision, key), "by": decision.decided_by.get(key),
                  **({"size": format_size(getattr(decision, key))}
                     if key in ("default", "min", "max") and getattr(decision, key) is not None else {})}
            for key in DECISION_KEYS},
        "waivers": [each.as_dict() for each in policy.waivers if condition_holds(each.match, seen)],
    }


def condition_holds(match: Condition, seen: dict[str, Any]) -> bool:
    """Whether a condition holds; one that cannot be evaluated does not."""
    try:
        return match.holds(seen)
    except ValueError:
        return False


def _asked(policy: Policy, seen: dict[str, Any]) -> Iterator[tuple[PolicyRule, bool, str | None]]:
    """Yield (rule, whether it matches, why it could not be asked)."""
    for rule in policy.rules:
        try:
            yield rule, rule.match.holds(seen), None
        except ValueError as exc:  # what the probe in _policy_match could not foresee
            yield rule, False, printable(exc)


def _decision(values: dict[str, Any], by: dict[str, tuple[int, str]], total: Any) -> Decision:
    """Put the keys together, so that no two of them contradict each other."""
    low, high, default = values.get("min"), values.get("max"), values.get("default")
    decided = {key: label for key, (_number, label) in by.items() if values[key] is not None and key in DECISION_KEYS}
    if low is not None and high is not None and low > high:
        # of two rules, since one alone was checked: the later one wins, as everywhere
        if by["min"][0] > by["max"][0]:
            high, decided["max"] = low, decided["min"]
        else:
            low, decided["min"] = high, decided["max"]
    share = values.get("max_share_of_host")
    if share is not None and isinstance(total, int) and (high is None or share * total < high):
        # the host's size wins over every other bound
        high = int(share * total)
        decided["max"] = "%s (max_share_of_host)" % by["max_share_of_host"][1]
        if low is not None and low > high:
            low, decided["min"] = high, decided["max"]
    if default is not None:
        for bound, is_out in (("min", low is not None and default < low), ("max", high is not None and default > high)):
            if is_out:
                default, decided["default"] = (low if bound == "min" else high), decided[bound]
    return Decision(values.get("required"), default, low, high, values.get("oom_group"), values.get("severity"), decided)
