# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse and check a policy, such as the variable podman_memory_policy.

Pure. Everything that is wrong with it is reported at once: which rule, which key, which value, and what
would be right.
"""

from __future__ import annotations

import datetime
import decimal
import re
from typing import Any, Callable

from ...module_utils._system.sizes import UNLIMITED, parse_size
from .._model.finding import SEVERITIES
from .._model.rules import RULES
from .._text import parse_time, printable
from .match import Condition, parse_condition
from .names import suggest_word
from .policy import BUILT_IN, MEMORY_KEYS, Policy, PolicyRule, Waiver
from .share import Share, format_bound, is_above

POLICY_KEYS = ("rules", "waivers", "host", "host_variables")
RULE_KEYS = ("name", "match", "memory", "oom_group", "severity")
WAIVER_KEYS = ("match", "rule", "reason", "owner", "expires")
HOST_KEYS = ("max_committed_share", "require_cgroup_v2")
# A waiver of it would last for ever.
NOT_WAIVABLE = "waiver-expired"
_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?) ?%", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)  # Ansible, "Creating valid variable names"
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class PolicyError(ValueError):
    """The policy cannot be used; `problems` has one line for each reason."""

    def __init__(self, problems: list[str]) -> None:
        """:param problems: what is wrong, each with its place."""
        self.problems = problems
        super().__init__("The policy cannot be used:\n" + "\n".join(problems))


def parse_policy(document: Any, source: str) -> Policy:
    """Return the policy of a document; the built-in one for an empty document.

    :param document: a mapping, or None.
    :param source: where it comes from: the name of a variable or file.
    :raises PolicyError: with all that is wrong.
    """
    if document is None or document in ("", {}):
        return BUILT_IN
    problems: list[str] = []
    part = _Part(document, source, POLICY_KEYS, problems)
    variables = tuple(filter(None, [part.parse("host_variables", item, _parse_variable) for item in part.items("host_variables")]))

    def condition(value: Any) -> Condition:
        return parse_condition(value, variables)

    try:
        rules = [_parse_rule(item, number, source, problems, condition) for number, item in enumerate(part.items("rules"), 1)]
        waivers = [_parse_waiver(item, number, source, problems, condition) for number, item in enumerate(part.items("waivers"), 1)]
    except ImportError as exc:
        raise PolicyError([*problems, "%s: %s" % (source, exc)]) from exc
    host = _Part(part.get("host") or {}, "%s: host" % source, HOST_KEYS, problems)
    share = host.read("max_committed_share", lambda value: _parse_share(value, 10))
    require_cgroup_v2 = host.read("require_cgroup_v2", _parse_boolean)
    if problems:
        raise PolicyError(problems)
    return Policy(
        # without rules of its own it has the built-in one: waivers alone must not switch everything off
        tuple(rules) if part.get("rules") is not None else BUILT_IN.rules, tuple(waivers), max_committed_share=share,
        require_cgroup_v2=True if require_cgroup_v2 is None else require_cgroup_v2, host_variables=variables)


class _Part:
    """A mapping of the policy at one place."""

    def __init__(self, mapping: Any, place: str, known: tuple[str, ...], problems: list[str]) -> None:
        """:param problems: where what is wrong is added, with the place before it."""
        self._place, self._problems = place, problems
        self._is_mapping = isinstance(mapping, dict)
        self._mapping = mapping if self._is_mapping else {}
        if not self._is_mapping:
            self.add_problem("%s is no mapping with the keys %s" % (_short_repr(mapping), ", ".join(known)))
        for key in self._mapping:
            if key not in known:
                hint = "it belongs under memory" if key in MEMORY_KEYS else suggest_word(key, known)
                self.add_problem("unknown key %s; %s" % (_short_repr(key), hint))

    def add_problem(self, text: str) -> None:
        """Add what is wrong here."""
        self._problems.append("%s: %s" % (self._place, text))

    def has(self, key: str) -> bool:
        """Whether it has the key, even with null."""
        return key in self._mapping

    def get(self, key: str) -> Any:
        """Return a value as it is, None when it is not there."""
        return self._mapping.get(key)

    def items(self, key: str) -> list[Any]:
        """Return the items of a list, none when it is not there."""
        value = self._mapping.get(key)
        if value is None or isinstance(value, list):
            return value or []
        self.add_problem("%s: %s is no list" % (key, _short_repr(value)))
        return []

    def read(self, key: str, parser: Callable[[Any], Any], required: str | None = None) -> Any:
        """Return a value as its parser understands it; None for null, or when it is wrong.

        :param required: what the key is for, where it is required; None where it is optional.
        """
        value = self._mapping.get(key)
        if value is None:
            if required and self._is_mapping:
                self.add_problem("%s is missing: %s" % (key, required))
            return None
        return self.parse(key, value, parser)

    def parse(self, key: str, value: Any, parser: Callable[[Any], Any]) -> Any:
        """Return what a parser makes of a value, or of one of a list's; None when it is wrong."""
        try:
            return parser(value)
        except ValueError as exc:
            self.add_problem("%s: %s" % (key, exc))
            return None


def _parse_rule(item: Any, number: int, source: str, problems: list[str], condition: Callable[[Any], Condition]) -> PolicyRule:
    label = _label("rule", item, "name", number)
    part = _Part(item, "%s: %s" % (source, label), RULE_KEYS, problems)
    part.read("name", _parse_text, "a few words that reports and errors can call the rule by")
    match = part.read("match", condition, "a JMESPath expression, or \"true\" for every container")
    settings: dict[str, Any] = {}
    if part.has("memory"):
        settings.update(_parse_memory(part.get("memory"), "%s: %s: memory" % (source, label), problems))
    if part.has("oom_group"):
        settings["oom_group"] = part.read("oom_group", _parse_boolean)
    if part.has("severity"):
        settings["severity"] = part.read("severity", lambda value: _parse_word(value, SEVERITIES))
    return PolicyRule(label, match, settings)


def _parse_memory(mapping: Any, place: str, problems: list[str]) -> dict[str, Any]:
    if mapping is None:
        return dict.fromkeys(MEMORY_KEYS)  # null resets all memory keys
    part = _Part(mapping, place, MEMORY_KEYS, problems)
    parsers: dict[str, Callable[[Any], Any]] = {"required": _parse_boolean, "swap": _parse_swap, "max_share_of_host": lambda value: _parse_share(value, 1)}
    settings = {key: part.read(key, parsers.get(key, _parse_bound)) for key in MEMORY_KEYS if part.has(key)}
    low, high, default = settings.get("min"), settings.get("max"), settings.get("default")
    if is_above(low, high):
        part.add_problem("min %s is above max %s" % (format_bound(low), format_bound(high)))
    elif is_above(low, default):
        part.add_problem("default %s is below min %s" % (format_bound(default), format_bound(low)))
    elif is_above(default, high):
        part.add_problem("default %s is above max %s" % (format_bound(default), format_bound(high)))
    return settings


def _parse_waiver(item: Any, number: int, source: str, problems: list[str], condition: Callable[[Any], Condition]) -> Waiver:
    part = _Part(item, "%s: %s" % (source, _label("waiver", item, "rule", number)), WAIVER_KEYS, problems)
    return Waiver(
        match=part.read("match", condition, "a JMESPath expression that names what is waived"),
        rule=part.read("rule", _parse_waivable, "the id of the rule that is waived, such as memory-limit-missing"),
        reason=part.read("reason", _parse_text, "why this may stay as it is"),
        owner=part.read("owner", _parse_text),
        expires=part.read("expires", _parse_day, "the last day on which it counts, such as 2027-03-31"))


def _label(kind: str, item: Any, key: str, number: int) -> str:
    name = item.get(key) if isinstance(item, dict) else None
    return "%s %d%s" % (kind, number, " '%s'" % printable(name, 80) if isinstance(name, str) and name.strip() else "")


# -- parsers of values; they raise ValueError that says what would be right


def _parse_percentage(value: Any) -> decimal.Decimal | None:
    """Return the share that a text such as "12.5%" is, None for anything else."""
    percent = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    return decimal.Decimal(percent.group(1)) / 100 if percent else None


def _parse_bound(value: Any) -> int | Share:
    share = _parse_percentage(value)
    if share is not None:
        if not 0 < share <= 1:
            raise ValueError("%s is no share of the host's memory: above 0%% and up to 100%%" % _short_repr(value))
        return Share(share)
    try:
        size = parse_size(value)
    except ValueError as exc:
        raise ValueError("%s, or a share of the host's memory, such as 10%%" % exc) from exc
    if size is None:
        raise ValueError("%s is no bound; null takes a bound away" % _short_repr(value))
    return size


def _parse_swap(value: Any) -> int | str | Share:
    word = value.strip().lower() if isinstance(value, str) else None
    if word in ("none", UNLIMITED):
        return UNLIMITED if word == UNLIMITED else 0
    try:
        return _parse_bound(value)
    except ValueError as exc:
        raise ValueError("%s; none for no swap, unlimited for any" % exc) from exc


def _parse_variable(value: Any) -> str:
    if not isinstance(value, str) or not _VARIABLE.fullmatch(value):
        raise ValueError("%s is no name of a variable of the inventory, such as tier" % _short_repr(value))
    if value.startswith("ansible_") or value in ("groups", "group_names", "hostvars", "vars", "inventory_hostname"):
        raise ValueError("%s is not the inventory's own; groups are in host.groups, the name in host.name" % _short_repr(value))
    return str(value)


def _parse_share(value: Any, highest: int) -> float:
    percentage = _parse_percentage(value)
    try:
        # Jinja gives numbers as text
        share = float(value if percentage is None else percentage) if not isinstance(value, bool) else -1.0
    except (TypeError, ValueError):
        share = -1.0
    if not 0 < share <= highest:  # NaN neither
        raise ValueError("%s is no share of the host's memory: give a percentage such as 50%%, or a number above 0 and up to %d, "
                         "such as 0.5" % (_short_repr(value), highest))
    return share


def _parse_boolean(value: Any) -> bool:
    # Jinja gives them as text
    parsed = value if isinstance(value, bool) else _BOOLEANS.get(value.lower()) if isinstance(value, str) else None
    if parsed is None:
        raise ValueError("%s is neither true nor false" % _short_repr(value))
    return parsed


def _parse_text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("%s is no text" % _short_repr(value))
    return str(value).strip()


def _parse_word(value: Any, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError("%s is not known; %s" % (_short_repr(value), suggest_word(value, known)))
    return str(value)


def _parse_waivable(value: Any) -> str:
    if value == NOT_WAIVABLE:
        raise ValueError("%s cannot be waived: give the waiver that has expired a new date" % NOT_WAIVABLE)
    return _parse_word(value, tuple(rule_id for rule_id in RULES if rule_id != NOT_WAIVABLE))


def _parse_day(value: Any) -> datetime.date:
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value
    moment = value if isinstance(value, datetime.datetime) else None
    if isinstance(value, str):
        text = value.strip()
        moment = parse_time(text if not _DAY.fullmatch(text) else text + "T00:00:00")
    if moment is None:
        raise ValueError("%s is no day: write it as 2027-03-31" % _short_repr(value))
    return moment.astimezone(datetime.timezone.utc).date() if moment.tzinfo else moment.date()


def _short_repr(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
