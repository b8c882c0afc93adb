# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Read and check a policy, such as the variable podman_memory_policy.

Pure. Everything that is wrong with it is said at once: which rule, which key, which value, and what
would be right.
"""

from __future__ import annotations

import datetime
import re
from typing import Any, Callable

from ...module_utils._system.sizes import format_size, parse_size
from .._model.finding import SEVERITIES
from .._model.rules import RULES
from .._text import parse_time, printable
from .match import parse_condition, suggest_word
from .policy import BUILT_IN, MEMORY_KEYS, Policy, PolicyRule, Waiver

_KEYS = ("rules", "waivers", "host")
_RULE_KEYS = ("name", "match", "memory", "oom_group", "severity")
_WAIVER_KEYS = ("match", "rule", "reason", "owner", "expires")
_HOST_KEYS = ("max_committed_share", "require_cgroup_v2")
# A waiver of it would last for ever.
_NOT_WAIVABLE = "waiver-expired"
_WORDS = {"true": True, "yes": True, "false": False, "no": False}
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class PolicyError(ValueError):
    """The policy cannot be used; `problems` has one line for each reason."""

    def __init__(self, problems: list[str]) -> None:
        """:param problems: what is wrong, each with its place."""
        self.problems = problems
        super().__init__("The policy cannot be used:\n" + "\n".join(problems))


def parse_policy(given: Any, source: str) -> Policy:
    """Return the policy that a document means; the built-in one for an empty document.

    :param given: a mapping, or None.
    :param source: where it comes from: the name of a variable or file.
    :raises PolicyError: with all that is wrong.
    """
    if given is None or given in ("", {}):
        return BUILT_IN
    problems: list[str] = []
    part = _Part(given, source, _KEYS, problems)
    try:
        rules = [_rule(each, number, source, problems) for number, each in enumerate(part.items("rules"), 1)]
        waivers = [_waiver(each, number, source, problems) for number, each in enumerate(part.items("waivers"), 1)]
    except ImportError as exc:
        raise PolicyError([*problems, "%s: %s" % (source, exc)]) from exc
    host = _Part(part.get("host") or {}, "%s: host" % source, _HOST_KEYS, problems)
    share = host.read("max_committed_share", lambda value: _share(value, 10))
    version = host.read("require_cgroup_v2", _boolean)
    if problems:
        raise PolicyError(problems)
    return Policy(
        # without rules of its own it has the built-in one: waivers alone must not switch everything off
        tuple(rules) if part.get("rules") is not None else BUILT_IN.rules, tuple(waivers), share,
        True if version is None else version)


class _Part:
    """A mapping of the policy at one place."""

    def __init__(self, given: Any, place: str, known: tuple[str, ...], problems: list[str]) -> None:
        """:param problems: where what is wrong is added, with the place before it."""
        self._place, self._problems = place, problems
        self._is_mapping = isinstance(given, dict)
        self._given = given if self._is_mapping else {}
        if not self._is_mapping:
            self.problem("%s is no mapping with the keys %s" % (_said(given), ", ".join(known)))
        for key in self._given:
            if key in known:
                continue
            hint = "it belongs under memory" if key in MEMORY_KEYS else suggest_word(key, known)
            self.problem("unknown key %s; %s" % (_said(key), hint))

    def problem(self, text: str) -> None:
        """Add what is wrong here."""
        self._problems.append("%s: %s" % (self._place, text))

    def has(self, key: str) -> bool:
        """Whether the key is there, be it null."""
        return key in self._given

    def get(self, key: str) -> Any:
        """Return a value as it is, None when it is not there."""
        return self._given.get(key)

    def items(self, key: str) -> list[Any]:
        """Return the elements of a list, none when it is not there."""
        value = self._given.get(key)
        if value is None or isinstance(value, list):
            return value or []
        self.problem("%s: %s is no list" % (key, _said(value)))
        return []

    def read(self, key: str, reader: Callable[[Any], Any], wanted: str | None = None) -> Any:
        """Return a value as its reader understands it; None for null, or when it is wrong.

        :param wanted: why the key has to be there; None when it need not.
        """
        value = self._given.get(key)
        if value is None:
            if wanted and self._is_mapping:
                self.problem("%s is missing: %s" % (key, wanted))
            return None
        try:
            return reader(value)
        except ValueError as exc:
            self.problem("%s: %s" % (key, exc))
            return None


def _rule(given: Any, number: int, source: str, problems: list[str]) -> PolicyRule:
    label = _label("rule", given, "name", number)
    part = _Part(given, "%s: %s" % (source, label), _RULE_KEYS, problems)
    part.read("name", _text, "a few words that reports and errors can call the rule by")
    match = part.read("match", parse_condition, "a JMESPath expression, or \"true\" for every container")
    settings: dict[str, Any] = {}
    if part.has("memory"):
        settings.update(_memory(part.get("memory"), "%s: %s: memory" % (source, label), problems))
    for key, reader in (("oom_group", _boolean), ("severity", lambda value: _one_of(value, SEVERITIES))):
        if part.has(key):
            settings[key] = part.read(key, reader)
    return PolicyRule(label, match, settings)


def _memory(given: Any, place: str, problems: list[str]) -> dict[str, Any]:
    if given is None:
        return dict.fromkeys(MEMORY_KEYS)  # no wish any more, for none of them
    part = _Part(given, place, MEMORY_KEYS, problems)
    readers = {"required": _boolean, "max_share_of_host": lambda value: _share(value, 1)}
    settings = {key: part.read(key, readers.get(key, _size)) for key in MEMORY_KEYS if part.has(key)}
    low, high, default = settings.get("min"), settings.get("max"), settings.get("default")
    if low is not None and high is not None and low > high:
        part.problem("min %s is above max %s" % (format_size(low), format_size(high)))
    elif default is not None and low is not None and default < low:
        part.problem("default %s is below min %s" % (format_size(default), format_size(low)))
    elif default is not None and high is not None and default > high:
        part.problem("default %s is above max %s" % (format_size(default), format_size(high)))
    return settings


def _waiver(given: Any, number: int, source: str, problems: list[str]) -> Waiver:
    part = _Part(given, "%s: %s" % (source, _label("waiver", given, "rule", number)), _WAIVER_KEYS, problems)
    return Waiver(
        part.read("match", parse_condition, "a JMESPath expression that names what is waived"),
        part.read("rule", _waivable, "the id of the rule that is waived, such as memory-limit-missing"),
        part.read("reason", _text, "why this may stay as it is"),
        part.read("owner", _text),
        part.read("expires", _day, "the last day on which it counts, such as 2027-03-31"))


def _label(kind: str, given: Any, key: str, number: int) -> str:
    name = given.get(key) if isinstance(given, dict) else None
    return "%s %d%s" % (kind, number, " '%s'" % printable(name, 80) if isinstance(name, str) and name.strip() else "")


# -- readers: a value in, what it means out, ValueError with what would be right


def _size(value: Any) -> int:
    count = parse_size(value)
    if count is None:
        raise ValueError("%s is no bound; null takes a bound away" % _said(value))
    return count


def _share(value: Any, most: int) -> float:
    try:
        # Jinja gives numbers as text
        share = float(value) if not isinstance(value, bool) else -1.0
    except (TypeError, ValueError):
        share = -1.0
    if not 0 < share <= most:  # NaN neither
        raise ValueError("%s is no share of the host's memory: give a number above 0 and up to %d, such as 0.5"
                         % (_said(value), most))
    return share


def _boolean(value: Any) -> bool:
    # Jinja gives them as text
    found = value if isinstance(value, bool) else _WORDS.get(value.lower()) if isinstance(value, str) else None
    if found is None:
        raise ValueError("%s is neither true nor false" % _said(value))
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("%s is no text" % _said(value))
    return str(value).strip()


def _one_of(value: Any, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError("%s is not known; %s" % (_said(value), suggest_word(value, known)))
    return str(value)


def _waivable(value: Any) -> str:
    if value == _NOT_WAIVABLE:
        raise ValueError("%s cannot be waived: give the waiver that has expired a new date" % _NOT_WAIVABLE)
    return _one_of(value, tuple(rule for rule in RULES if rule != _NOT_WAIVABLE))


def _day(value: Any) -> datetime.date:
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value
    moment = value if isinstance(value, datetime.datetime) else None
    if isinstance(value, str):
        text = value.strip()
        moment = parse_time(text if not _DAY.fullmatch(text) else text + "T00:00:00")
    if moment is None:
        raise ValueError("%s is no day: write it as 2027-03-31" % _said(value))
    return moment.astimezone(datetime.timezone.utc).date() if moment.tzinfo else moment.date()


def _said(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
