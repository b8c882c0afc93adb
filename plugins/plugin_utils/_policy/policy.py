# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a container should have by the policy, and which rule of it decided that.

Pure. Takes a policy from parse.py and facts; what is wrong with them is found in _rules/.
"""

from __future__ import annotations

import datetime
from typing import Any, Iterator, NamedTuple

from ...module_utils._system.sizes import UNLIMITED, format_size
from .._model.container_facts import Facts, is_infra
from .._text import printable
from .match import ALWAYS, Condition, match_document
from .share import Share, bytes_of, format_bound

MEMORY_KEYS = ("required", "default", "min", "max", "max_share_of_host", "swap", "reservation", "high")
# max_share_of_host is part of what `max` becomes on a host
DECISION_KEYS = ("required", "default", "min", "max", "oom_group", "severity", "swap", "reservation", "high")


class PolicyRule(NamedTuple):
    """One of the policy's `rules`."""

    label: str  # how messages call it: its number and name
    match: Condition
    settings: dict[str, Any]  # bounds are Bounds; of MEMORY_KEYS, oom_group and severity those it has; None: takes back what earlier rules say


class Waiver(NamedTuple):
    """One of the policy's `waivers`."""

    match: Condition
    rule: str
    reason: str
    owner: str | None
    expires: datetime.date  # the last day on which it counts, in UTC

    def as_dict(self) -> dict[str, Any]:
        """Return it as findings and explanations carry it."""
        return {"rule": self.rule, "match": self.match.text, "reason": self.reason, "owner": self.owner,
                "expires": self.expires.isoformat()}


class Policy(NamedTuple):
    """A whole policy."""

    rules: tuple[PolicyRule, ...]
    waivers: tuple[Waiver, ...] = ()
    max_committed_share: float | None = None  # of the host's memory, for all limits together; None: any
    require_cgroup_v2: bool = True
    host_variables: tuple[str, ...] = ()  # names of variables of the inventory that conditions may use


class HostInventory(NamedTuple):
    """What the inventory says of a host, not the host itself."""

    groups: tuple[str, ...] = ()  # without "all"
    variables: dict[str, Any] = {}  # of the policy's host_variables those that there are


NOT_IN_INVENTORY = HostInventory()


class Decision(NamedTuple):
    """What one container should have; None: the policy says nothing of it."""

    required: bool | None = None  # has to have a memory limit
    default: int | None = None  # bytes: the limit for one that has none
    min: int | None = None  # bytes
    max: int | None = None  # bytes
    oom_group: bool | None = None  # memory.oom.group on or off
    severity: str | None = None  # of its findings; None: each rule's own
    swap: int | str | None = None  # bytes beside its memory, or UNLIMITED; of one that has a limit, as the next two
    reservation: int | None = None  # bytes
    high: int | None = None  # bytes: memory.high
    decided_by: dict[str, str] = {}  # label of the rule that each of DECISION_KEYS comes from
    problems: tuple[str, ...] = ()  # rules that could not be evaluated, and why

    @property
    def bounds(self) -> tuple[int | None, int | None]:
        """The minimum and maximum of a limit, in bytes."""
        return self.min, self.max

    @property
    def is_exempt(self) -> bool:
        """Whether the policy wants nothing of the container."""
        wishes = (self.oom_group, self.swap, self.reservation, self.high)
        return not self.required and self.bounds == (None, None) and wishes == (None, None, None, None)


# Every container has a limit and dies as a whole.
BUILT_IN = Policy((PolicyRule("built-in rule", ALWAYS, {"required": True, "oom_group": True}),))


def named_host(host: str, facts: Facts, inventory: HostInventory = NOT_IN_INVENTORY) -> Facts:
    """Return `host` of a host's facts as a policy sees it: with `name`, `groups` and `vars` of the inventory."""
    return {**(facts.get("host") or {}), "name": host, "groups": list(inventory.groups), "vars": inventory.variables}


def decide(policy: Policy, host_facts: Facts, container: Facts) -> Decision:
    """Return what a container should have.

    :param host_facts: from named_host.
    """
    if is_infra(container):
        return Decision()  # a pod's infra container does nothing, and needs nothing
    settings: dict[str, Any] = {}
    sources: dict[str, tuple[int, str]] = {}
    problems = []
    for number, (rule, is_matching, problem) in enumerate(_evaluate_rules(policy, match_document(host_facts, container))):
        if problem:
            problems.append("%s: %s" % (rule.label, problem))
        elif is_matching:
            settings.update(rule.settings)
            sources.update(dict.fromkeys(rule.settings, (number, rule.label)))
    return _reconcile(settings, sources, host_facts.get("memory_total"))._replace(problems=tuple(problems))


def explain_decision(policy: Policy, host_facts: Facts, container: Facts) -> dict[str, Any]:
    """Return how `decide` comes to its decision, for people.

    :param host_facts: from named_host.
    :returns: host, user, container; exempt: why the policy is not for it, or None; rules: [{rule, match, matched,
        problem}]; decision: by each of DECISION_KEYS {value, decided_by: a rule or None, size: in words, of bytes};
        waivers: [those that match].
    """
    decision, document = decide(policy, host_facts, container), match_document(host_facts, container)
    is_exempt = is_infra(container)
    return {
        "host": host_facts["name"],
        "user": container.get("user"),
        "container": container.get("name"),
        "exempt": "the infra container of a pod" if is_exempt else None,
        "rules": [] if is_exempt else [
            {"rule": rule.label, "match": rule.match.text, "matched": is_matching, "problem": problem}
            for rule, is_matching, problem in _evaluate_rules(policy, document)],
        "decision": {key: _explain_key(decision, key) for key in DECISION_KEYS},
        "waivers": [waiver.as_dict() for waiver in policy.waivers if condition_holds(waiver.match, document)],
    }


def _explain_key(decision: Decision, key: str) -> dict[str, Any]:
    value = getattr(decision, key)
    explained = {"value": value, "decided_by": decision.decided_by.get(key)}
    if key in ("default", "min", "max", "reservation", "high") and value is not None:
        explained["size"] = format_size(value)
    elif key == "swap" and isinstance(value, int):
        explained["size"] = format_size(value) if value else "none"
    return explained


def condition_holds(match: Condition, document: dict[str, Any]) -> bool:
    """Whether a condition holds; one that cannot be evaluated does not."""
    try:
        return match.holds(document)
    except ValueError:
        return False


def _evaluate_rules(policy: Policy, document: dict[str, Any]) -> Iterator[tuple[PolicyRule, bool, str | None]]:
    """Yield (rule, whether it matches, why it could not be evaluated)."""
    for rule in policy.rules:
        try:
            yield rule, rule.match.holds(document), None
        except ValueError as exc:  # what parse_condition could not foresee
            yield rule, False, printable(exc)


def _reconcile(settings: dict[str, Any], sources: dict[str, tuple[int, str]], memory_total: Any) -> Decision:
    """Put the keys together, so that no two of them contradict each other.

    :param sources: (number, label) of the rule that each of the settings comes from.
    """
    low, high, default = (bytes_of(settings.get(key), memory_total) for key in ("min", "max", "default"))
    decided_by = {key: "%s (%s of the host)" % (label, format_bound(settings[key])) if isinstance(settings[key], Share) else label
                  for key, (_number, label) in sources.items() if settings[key] is not None and key in DECISION_KEYS}
    if low is not None and high is not None and low > high:
        # of two rules, since each alone was checked: the later one wins, as everywhere
        if sources["min"][0] > sources["max"][0]:
            high, decided_by["max"] = low, decided_by["min"]
        else:
            low, decided_by["min"] = high, decided_by["max"]
    share = settings.get("max_share_of_host")
    if share is not None and isinstance(memory_total, int) and (high is None or share * memory_total < high):
        # the host's size wins over every other bound
        high = int(share * memory_total)
        decided_by["max"] = "%s (max_share_of_host)" % sources["max_share_of_host"][1]
        if low is not None and low > high:
            low, decided_by["min"] = high, decided_by["max"]
    if default is not None and low is not None and default < low:
        default, decided_by["default"] = low, decided_by["min"]
    if default is not None and high is not None and default > high:
        default, decided_by["default"] = high, decided_by["max"]
    swap = settings.get("swap")
    return Decision(required=settings.get("required"), default=default, min=low, max=high, oom_group=settings.get("oom_group"),
                    severity=settings.get("severity"), swap=swap if swap == UNLIMITED else bytes_of(swap, memory_total),
                    reservation=bytes_of(settings.get("reservation"), memory_total), high=bytes_of(settings.get("high"), memory_total),
                    decided_by=decided_by)
