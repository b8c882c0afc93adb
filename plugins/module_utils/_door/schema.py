# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check a value against a schema, and take out what does not pass.

Pure. A schema is a dict in a small part of JSON Schema (draft 2020-12): type, properties, required, additionalProperties (of a
schema), propertyNames, items, enum, pattern, minimum, maximum, maxLength, maxItems, maxProperties, format (date, date-time); a
type is one word, or one and "null". What is not in `properties` is dropped without a word. Its own keys begin with "x-":

x-otherwise: what takes the place of a value that does not pass, or of one that is required and missing. Without it, what the
value is part of does not pass either; an element of a list or a map is left out then, and the others stay.
x-cut: true for a text that is cut after maxLength characters, with an ellipsis, instead of not passing.
x-keep: first or last, which elements of a list longer than maxItems are kept.

Beyond JSON Schema: true is no integer, 1.0 neither; a date or a time exists, and lies between 1970 and one day from now. In texts
that pass, control characters (but tab and line ends), those that turn the direction of text around (CVE-2021-42574), and lone
surrogates are replaced by U+FFFD. Takes time in proportion to the
value, and no more stack than the schema is deep.
"""

import calendar
import copy
import re
from typing import Any, Callable, Dict, List, NamedTuple, Pattern, Tuple

from .._system.times import SECOND, to_iso

Schema = Dict[str, Any]
_EARLIEST = "1970-01-01"
_DAY = 24 * 3600 * SECOND
_MAX_VIOLATIONS = 10  # that are kept of one part of the value: of one element of one of its lists
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_TYPES = {"string": "a text", "integer": "an integer", "number": "a number", "boolean": "true or false", "object": "an object",
          "array": "a list"}
FORMATS = {
    "date": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
    "date-time": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{6})?Z$",
}


class Violation(NamedTuple):
    """A value that did not pass."""

    path: Tuple[Any, ...]  # keys and numbers from the outside to it
    problem: str  # goes on from its name: "is not an integer from 0 to 5"


class _Invalid:
    """Stands for a value that did not pass."""


INVALID = _Invalid()


class _Run:
    """One check: where it is, and what did not pass."""

    def __init__(self, now: int, depth: int) -> None:
        """:param now: microseconds since the epoch; depth: of the paths of the parts for which violations are counted."""
        self.latest = to_iso(now + _DAY) or ""
        self.path: List[Any] = []
        self.violations: List[Violation] = []
        self.left_out: List[Tuple[Any, ...]] = []  # paths of elements
        self._depth = depth
        self._counts: Dict[Tuple[Any, ...], int] = {}  # violations by part

    def refuse(self, problem: str) -> Any:
        """Note that the present value does not pass, and return INVALID."""
        part = tuple(self.path[:self._depth])
        self._counts[part] = self._counts.get(part, 0) + 1
        if self._counts[part] <= _MAX_VIOLATIONS:
            self.violations.append(Violation(tuple(self.path), problem))
        return INVALID


# takes a value, returns what is left of it: INVALID, if nothing
_Check = Callable[[Any, _Run], Any]


class Checked(NamedTuple):
    """A value after the check."""

    value: Any  # what passed; INVALID: nothing did
    violations: List[Violation]  # of each part (an element of one of its lists) the first 10
    left_out: List[Tuple[Any, ...]]  # paths of elements of lists that did not pass


class Checker:
    """A schema, ready for use."""

    def __init__(self, schema: Schema, depth: int = 2) -> None:
        """:param depth: where the elements are of which each has its violations: 1 for a list, 2 for lists in an object.

        :raises KeyError: it has no type, or one that is not known.
        """
        self._check = _compiled(schema)
        self._depth = depth

    def check(self, value: Any, now: int) -> Checked:
        """Return what passes of a value.

        :param now: microseconds since the epoch.
        """
        run = _Run(now, self._depth)
        cleaned = self._check(value, run)
        return Checked(cleaned, run.violations, run.left_out)


def _compiled(schema: Schema) -> _Check:
    kind, nullable = _kind(schema)
    check = {"string": _text, "integer": _number, "number": _number, "boolean": _boolean, "object": _object,
             "array": _list}[kind](schema)
    if not nullable and "x-otherwise" not in schema:
        return check
    otherwise = schema.get("x-otherwise", INVALID)

    def check_or(value: Any, run: _Run) -> Any:
        if value is None and nullable:
            return None
        result = check(value, run)
        return _fresh(otherwise) if result is INVALID else result

    return check_or


def _fresh(otherwise: Any) -> Any:
    """A value of its own, which a caller may change."""
    return copy.deepcopy(otherwise) if isinstance(otherwise, (dict, list)) else otherwise


def _kind(schema: Schema) -> Tuple[str, bool]:
    """Return (the type that is not null, whether it may be null)."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return [kind for kind in kinds if kind != "null"][0], "null" in kinds


def _expected(schema: Schema) -> str:
    """What a value that does not pass is not, in words."""
    kind = _kind(schema)[0]
    if "enum" in schema:
        return "is not one of " + ", ".join(str(value) for value in schema["enum"] if value is not None)
    if schema.get("format") in FORMATS:
        return "is no time between 1970 and a day from now" if schema["format"] == "date-time" else "is no day since 1970"
    text = "is not " + _TYPES[kind]
    if "pattern" in schema:
        return "%s of at most %d characters like %s" % (text, schema["maxLength"], schema["pattern"])
    if kind == "string":
        return text if schema.get("x-cut") else "%s of at most %d characters" % (text, schema["maxLength"])
    return "%s from %d to %d" % (text, schema["minimum"], schema["maximum"]) if "minimum" in schema else text


def _pattern(text: str) -> Pattern[str]:
    # $ of JSON Schema is the end, in Python a line feed may follow
    return re.compile(text[:-1] + r"\Z" if text.endswith("$") else text)


def _text(schema: Schema) -> _Check:
    problem, longest, cut = _expected(schema), schema.get("maxLength", 0), schema.get("x-cut", False)
    if "enum" in schema:
        known = frozenset(schema["enum"])
        return lambda value, run: value if isinstance(value, str) and value in known else run.refuse(problem)
    if schema.get("format") in FORMATS:
        return _time(_pattern(FORMATS[schema["format"]]), problem)
    matches = _pattern(schema["pattern"]).search if "pattern" in schema else None

    def check_text(value: Any, run: _Run) -> Any:
        if not isinstance(value, str) or (len(value) > longest and not cut) or (matches and not matches(value)):
            return run.refuse(problem)
        if len(value) > longest:
            value = value[:longest - 1] + "…"
        return value if value.isprintable() else _CONTROLS.sub("\ufffd", value)

    return check_text


def _time(pattern: Pattern[str], problem: str) -> _Check:
    matches = pattern.match

    def check_time(value: Any, run: _Run) -> Any:
        # as texts: the same order, since all of them have the same layout
        if not isinstance(value, str) or not matches(value) or not _EARLIEST <= value <= run.latest:
            return run.refuse(problem)
        if value[8:10] > "28" and int(value[8:10]) > calendar.monthrange(int(value[:4]), int(value[5:7]))[1]:
            return run.refuse(problem)
        return value

    return check_time


def _number(schema: Schema) -> _Check:
    problem, least, most = _expected(schema), schema["minimum"], schema["maximum"]
    if _kind(schema)[0] == "integer":
        return lambda value, run: value if isinstance(value, int) and not isinstance(value, bool) and (
            least <= value <= most) else run.refuse(problem)

    def check_number(value: Any, run: _Run) -> Any:
        # NaN is in no range; adding makes 0.0 of -0.0
        return value + 0 if type(value) in (int, float) and least <= value <= most else run.refuse(problem)

    return check_number


def _boolean(schema: Schema) -> _Check:
    problem = _expected(schema)
    return lambda value, run: value if value is True or value is False else run.refuse(problem)


def _list(schema: Schema) -> _Check:
    problem, check, most, keep_last = _expected(schema), _compiled(schema["items"]), schema["maxItems"], schema.get("x-keep") == "last"

    def check_list(value: Any, run: _Run) -> Any:
        if not isinstance(value, list):
            return run.refuse(problem)
        first = 0
        if len(value) > most:
            first = len(value) - most if keep_last else 0
            run.refuse("has %d elements, of which the %s %d are kept" % (len(value), "last" if keep_last else "first", most))
        cleaned, path = [], run.path
        for number, element in enumerate(value[first:first + most], first):
            path.append(number)
            result = check(element, run)
            if result is INVALID:
                run.left_out.append(tuple(path))
            else:
                cleaned.append(result)
            path.pop()
        return cleaned

    return check_list


def _object(schema: Schema) -> _Check:
    if "properties" not in schema:
        return _map(schema)
    problem, required = _expected(schema), frozenset(schema.get("required", ()))
    parts = [(key, _compiled(part), key in required, part.get("x-otherwise", INVALID)) for key, part in schema["properties"].items()]

    def check_object(value: Any, run: _Run) -> Any:
        if not isinstance(value, dict):
            return run.refuse(problem)
        cleaned, path = {}, run.path
        for key, check, is_required, otherwise in parts:
            if key in value:
                path.append(key)
                result = check(value[key], run)
                path.pop()
            elif is_required:
                path.append(key)
                run.refuse("is missing")
                path.pop()
                result = _fresh(otherwise)
            else:
                continue
            if result is INVALID:
                return INVALID
            cleaned[key] = result
        return cleaned

    return check_object


def _map(schema: Schema) -> _Check:
    problem, check, most = _expected(schema), _compiled(schema["additionalProperties"]), schema["maxProperties"]
    check_key = _compiled({"type": "string", **schema["propertyNames"]})

    def check_map(value: Any, run: _Run) -> Any:
        if not isinstance(value, dict):
            return run.refuse(problem)
        if len(value) > most:
            run.refuse("has %d keys, of which the first %d are kept" % (len(value), most))
        cleaned, path = {}, run.path
        for key in list(value)[:most]:
            path.append(key)
            result = INVALID if check_key(key, run) is INVALID else check(value[key], run)
            path.pop()
            if result is not INVALID:
                cleaned[key] = result
        return cleaned

    return check_map
