# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Conditions of a policy: a JMESPath expression on what is known of one container.

Pure. An expression that can only be false by mistake (a field that does not exist, a word
without quotes, a function that fails on null) is refused when the policy is read: on a
thousand hosts nobody would notice that a rule never matches.
"""

from __future__ import annotations

from typing import Any, Callable, Iterable, Iterator, NamedTuple

from ...module_utils._door.facts import FACTS
from ...module_utils._door.schema import Schema
from .._model.container_facts import Facts
from .names import mistakes, suggest_word

# What an expression is evaluated on where nothing is known. It has all keys that there are; a value of null is
# one that may be null in real facts, so an expression has to cope with it.
UNKNOWN_CONTAINER: dict[str, Any] = {
    "id": "", "name": "", "user": "", "image": "", "created_at": None, "labels": {}, "pod": None, "is_infra": False,
    "manager": {"kind": "none", "unit": None, "file": None, "pod_unit": None},
    "state": {"status": "", "exit_code": None, "started_at": None, "finished_at": None, "restart_count": None,
              "oom_killed_flag": None, "stopped_by_user": None, "ended_meanwhile": False},
    "memory": {"declared": {}, "next_start": None, "next_start_problem": None, "effective": None, "usage": None, "events": None,
               "daily": None},
    "oom": {"killed": None, "cause": "unknown", "scope": None, "scope_limit": None, "lethal": None, "confidence": "unknown",
            "count": 0, "lethal_count": None, "last_at": None,
            "victims": [], "flag_trust": "unknown", "history": [], "evidence": [], "missing": [], "group": None},
}
UNKNOWN_HOST: dict[str, Any] = {"name": "", "groups": [], "vars": {}, "hostname": "", "kernel": "", "controllers": [], "podman": {}}
_SOME_TIME = "2026-11-23T20:30:00Z"
# And where everything is known: a number that is compared with a text fails on this one.
SAMPLE_CONTAINER: dict[str, Any] = {
    **UNKNOWN_CONTAINER, "created_at": _SOME_TIME, "pod": "a",
    "manager": {"kind": "quadlet", "unit": "a.service", "file": "/a.container", "pod_unit": "a-pod.service"},
    "state": {"status": "exited", "exit_code": 137, "started_at": _SOME_TIME, "finished_at": _SOME_TIME,
              "restart_count": 1, "oom_killed_flag": True, "stopped_by_user": True, "ended_meanwhile": True},
    "memory": {"declared": {"limit": 1, "swap_limit": 1, "reservation": 1, "oom_group": True},
               "next_start": {"limit": 1, "swap_limit": 1, "reservation": 1, "oom_group": True},
               "next_start_problem": "a",
               "effective": {"limit": 1, "swap_limit": 1, "high": 1, "oom_group": True, "oom_kill_disabled": True, "source": "/a"},
               "usage": {"current": 1, "working_set": 1, "anon": 1, "peak": 1, "swap": 1, "pressure_full_avg300": 1.0},
               "events": {"low": 1, "high": 1, "max": 1, "oom": 1, "oom_kill": 1, "oom_group_kill": 1},
               "daily": [{"day": "2026-11-23", "working_set_max": 1, "peak": 1, "samples": 1}]},
    "oom": {"killed": True, "cause": "container_limit", "scope": "/a", "scope_limit": 1, "lethal": True,
            "confidence": "certain", "count": 1, "lethal_count": 1, "last_at": _SOME_TIME,
            "victims": [{"at": _SOME_TIME, "pid": 1, "task": "a", "rss": 1}], "flag_trust": "agrees",
            "history": [{"at": _SOME_TIME, "pid": 1, "task": "a", "rss": 1, "cause": "container_limit"}], "evidence": ["a"],
            "missing": ["a"], "group": True},
}
SAMPLE_HOST = {"memory_total": 1, "swap_total": 1, "cgroup_version": 2, "oomd_active": True, "distribution": "a",
               "podman": {"version": "5.4.2", "conmon": "2.1.12", "runtime": {"name": "crun", "version": "1.21"},
                          "cgroup_manager": "systemd"}}
FIELDS = (*UNKNOWN_CONTAINER, "host")
_TEXT: Schema = {"type": "string"}
_LISTED = "the policy's host_variables lists the variables of the inventory that may be used"


class Condition(NamedTuple):
    """An expression that can be evaluated."""

    text: str  # as the policy has it
    search: Callable[[dict[str, Any]], Any]

    def holds(self, document: dict[str, Any]) -> bool:
        """Whether it is true of a document from match_document.

        :raises ValueError: when it cannot be evaluated on this one.
        """
        try:
            value = self.search(document)
        except (TypeError, ArithmeticError) as exc:
            # jmespath leaves it to Python to compare a number with a text, and to find an integer for "1e999" or "nan"
            raise ValueError(str(exc)) from exc
        # JMESPath's own truth: 0 is true
        return not (value is None or value is False or value in ("", [], {}))


def document_schema(host_variables: Iterable[str] = ()) -> Schema:
    """Return the schema of what an expression is evaluated on.

    :param host_variables: the policy's: names of variables of the inventory, of any type.
    """
    host = {"name": _TEXT, "groups": {"type": "array", "items": _TEXT},
            "vars": {"type": "object", "properties": {name: {} for name in host_variables}, "x-hint": _LISTED},
            **FACTS["properties"]["host"]["properties"]}
    container = FACTS["properties"]["containers"]["items"]["properties"]
    return {"type": "object", "properties": {**{name: container[name] for name in UNKNOWN_CONTAINER},
                                             "host": {"type": "object", "properties": host}}}


def match_document(host: Facts, container: Facts | None) -> dict[str, Any]:
    """Return what expressions are evaluated on: a container's facts, and the host's under `host`.

    :param host: from named_host.
    :param container: an element of `containers` or `removed`; None: it is about the host itself.
    """
    known = {key: value for key, value in (container or {}).items() if value is not None}
    host_known = {key: value for key, value in host.items() if value is not None}
    return {**UNKNOWN_CONTAINER, **known, "host": {**UNKNOWN_HOST, **host_known}}


ALWAYS = Condition("true", lambda _document: True)
_NEVER = Condition("false", lambda _document: False)


def parse_condition(value: Any, host_variables: Iterable[str] = ()) -> Condition:
    """Return the Condition of a policy's `match`.

    As an expression, the word true would be the name of a field, so it is taken as the value.

    :param host_variables: see document_schema.
    :raises ValueError: what is wrong with it and where.
    :raises ImportError: when it needs jmespath, which is not installed.
    """
    if isinstance(value, bool):
        value = "true" if value else "false"
    if not isinstance(value, str) or not value.strip():
        raise ValueError("%r is no JMESPath expression: give one such as \"labels.role == 'database'\", or \"true\" "
                         "for every container" % (value,))
    text = str(value).strip()
    if text in ("true", "false"):
        return ALWAYS if text == "true" else _NEVER
    expression = _compiled(text)
    found = list(_mistakes(expression.parsed)) + mistakes(expression.parsed, document_schema(host_variables))
    if found:
        raise ValueError("%r: %s" % (text, "; ".join(found)))
    condition = Condition(text, expression.search)
    for document, message in (
            (match_document({}, None), "%r fails where a value is null: %s. Ask for the value first, as in "
             "\"pod && starts_with(pod, 'a')\""),
            (match_document(SAMPLE_HOST, SAMPLE_CONTAINER), "%r fails where the values are known: %s. Sizes are numbers of "
             "bytes, and numbers are written in backquotes: `1048576`")):
        try:
            condition.holds(document)
        except ValueError as exc:
            raise ValueError(message % (text, exc)) from exc
    return condition


def _compiled(text: str) -> Any:
    try:
        import jmespath
    except ImportError as exc:
        raise ImportError("jmespath is missing on the controller, in the Python that runs Ansible: "
                          "pip install jmespath") from exc
    from jmespath import exceptions
    try:
        return jmespath.compile(text)
    except exceptions.ParseError as exc:
        if isinstance(exc, exceptions.IncompleteExpressionError):
            reason = "it ends too early"
        elif isinstance(exc, exceptions.LexerError):
            reason = exc.message
        else:
            reason = "%r is not expected there" % exc.token_value
        position = exc.lex_position + 1
    except exceptions.JMESPathError as exc:
        raise ValueError("%r is no JMESPath expression: %s" % (text, exc)) from exc
    raise ValueError("%r is no JMESPath expression: %s, at character %d" % (text, reason, position))


def _mistakes(parsed: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with an expression that can be parsed."""
    from jmespath.functions import Functions
    for node in _walk(parsed):
        if node["type"] != "function_expression":
            continue
        name, known = node["value"], Functions.FUNCTION_TABLE
        if name not in known:
            yield "there is no function %r (%s)" % (name, suggest_word(name, sorted(known)))
            continue
        signature, count = known[name]["signature"], len(node["children"])
        is_variadic = bool(signature) and signature[-1].get("variadic")
        if count < len(signature) or (count > len(signature) and not is_variadic):
            yield "%s() takes %d arguments, not %d" % (name, len(signature), count)


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    """Yield each part of an expression."""
    if isinstance(node, dict):  # the numbers of a slice are not
        yield node
        for child in node["children"]:
            yield from _walk(child)
