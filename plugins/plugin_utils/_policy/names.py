# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can only be a mistake in a condition: fields that no document has, and values that a field never has.

Pure. Follows an expression over the schema of the documents, without a value in it: `host.nmae` is no error for JMESPath but null
on each host. What may look in more than one way (`a || b`) is wrong only if it is wrong in each. That values may be null, and
which arguments functions take, is tried on documents, see match.py.
"""

from __future__ import annotations

import difflib
import re
from typing import Any, NamedTuple, Optional

from ...module_utils._door.schema import Schema

_TEXT, _NUMBER, _BOOLEAN, _LIST, _OBJECT = "a text", "a number", "true or false", "a list", "an object"
_KINDS = {"string": _TEXT, "integer": _NUMBER, "number": _NUMBER, "boolean": _BOOLEAN, "array": _LIST, "object": _OBJECT}
_LITERALS = ("true", "false", "null")
_TEXTUAL, _NUMERIC = ("join", "to_string", "type"), ("abs", "avg", "ceil", "floor", "length", "sum", "to_number")
_MAX_SHOWN = 80  # characters of a value in a message


class Shape(NamedTuple):
    """One way in which a value may look."""

    kind: str  # of _KINDS
    path: str  # where it is, for messages; empty: the document, or what a function returns
    schema: Schema = {}  # of a value of the facts
    fields: dict[str, Any] | None = None  # name: Shapes, of an object that can't have others
    inner: Optional[tuple["Shape", ...]] = None  # of a list's elements, and of the values of an object with any fields


# The ways in which one value may look; None: any at all.
Shapes = Optional[tuple[Shape, ...]]


def shapes_of(schema: Schema, path: str = "") -> Shapes:
    """Return how a value of a schema may look; any at all for an empty schema.

    :param path: of the value, for messages.
    """
    if "type" not in schema:
        return None
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kind = _KINDS[[each for each in types if each != "null"][0]]
    if kind == _OBJECT and "properties" in schema:
        prefix = path + "." if path else ""
        fields = {name: shapes_of(part, prefix + name) for name, part in schema["properties"].items()}
        return (Shape(kind, path, schema, fields),)
    inner = schema.get("items") if kind == _LIST else schema.get("additionalProperties")
    return (Shape(kind, path, schema, inner=shapes_of(inner, path + "[]" if kind == _LIST else path + ".*") if inner else None),)


def mistakes(parsed: dict[str, Any], document: Schema) -> list[str]:
    """Return what is wrong with an expression.

    :param parsed: by jmespath.
    :param document: the schema of what it is evaluated on.
    """
    reader = _Reader()
    reader.read(parsed, shapes_of(document))
    return list(dict.fromkeys(reader.found))


class _Reader:
    """Goes through an expression; `found` is what is wrong with it."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def read(self, node: Any, here: Shapes) -> Shapes:
        """Return how the value of a part may look.

        :param here: what it is evaluated on.
        """
        kind = node["type"]
        if kind in ("identity", "current"):
            return here
        if kind == "literal":
            return _literal(node["value"])
        method = getattr(self, "_read_" + kind, None)
        if method is None:  # a number of a slice has no type, and jmespath no other parts
            raise ValueError("%r is a part of JMESPath that is not known here" % kind)
        result: Shapes = method(node, here)
        return result

    def _read_field(self, node: Any, here: Shapes) -> Shapes:
        return self._step(here, node["value"])

    def _read_subexpression(self, node: Any, here: Shapes) -> Shapes:
        for child in node["children"]:
            here = self.read(child, here)
        return here

    _read_index_expression = _read_pipe = _read_subexpression

    def _read_index(self, _node: Any, here: Shapes) -> Shapes:
        return self._elements(here)

    def _read_slice(self, _node: Any, here: Shapes) -> Shapes:
        self._elements(here)
        return here

    def _read_projection(self, node: Any, here: Shapes) -> Shapes:
        left, right = node["children"][:2]
        elements = self._elements(self.read(left, here))
        if node["type"] == "filter_projection":
            self.read(node["children"][2], elements)
        return _list_of(self.read(right, elements))

    _read_filter_projection = _read_projection

    def _read_value_projection(self, node: Any, here: Shapes) -> Shapes:
        left, right = node["children"]
        return _list_of(self.read(right, self._values(self.read(left, here))))

    def _read_flatten(self, node: Any, here: Shapes) -> Shapes:
        elements = self._elements(self.read(node["children"][0], here))
        if elements is None:
            return _list_of(None)
        return _list_of(_union([each.inner if each.kind == _LIST else (each,) for each in elements]))

    def _read_not_expression(self, node: Any, here: Shapes) -> Shapes:
        self.read(node["children"][0], here)
        return _some(_BOOLEAN)

    def _read_and_expression(self, node: Any, here: Shapes) -> Shapes:
        self.read(node["children"][0], here)  # its value is the result where it is false, which has no fields
        return self.read(node["children"][1], here)

    def _read_or_expression(self, node: Any, here: Shapes) -> Shapes:
        return _union([self.read(child, here) for child in node["children"]])

    def _read_multi_select_list(self, node: Any, here: Shapes) -> Shapes:
        return _list_of(_union([self.read(child, here) for child in node["children"]]))

    def _read_multi_select_dict(self, node: Any, here: Shapes) -> Shapes:
        return (Shape(_OBJECT, "", {}, {pair["value"]: self.read(pair["children"][0], here) for pair in node["children"]}),)

    def _read_comparator(self, node: Any, here: Shapes) -> Shapes:
        children = node["children"]
        sides = [self.read(child, here) for child in children]
        for child, side, other in zip(children, sides, reversed(sides)):
            if node["value"] not in ("eq", "ne"):
                if side and all(shape.kind not in (_NUMBER, _TEXT) for shape in side):
                    self.found.append("%s is %s, which is neither above nor below anything" % (_name(side), side[0].kind))
            elif child["type"] == "literal":
                self._compare(child["value"], other)
        return _some(_BOOLEAN)

    def _read_function_expression(self, node: Any, here: Shapes) -> Shapes:
        name, children = node["value"], node["children"]
        arguments = [None if child["type"] == "expref" else self.read(child, here) for child in children]
        first = arguments[0] if arguments else None
        if name in ("sort_by", "max_by", "min_by", "map") and len(children) == 2:
            first = arguments[1] if name == "map" else first
            elements = self._elements(first)
            mapped = [self.read(child["children"][0], elements) for child in children if child["type"] == "expref"]
            return first if name == "sort_by" else elements if name != "map" else _list_of(_union(mapped))
        if name == "contains" and len(children) == 2 and children[0]["type"] == "multi_select_list":
            for child in children[0]["children"]:
                if child["type"] == "literal":
                    self._compare(child["value"], arguments[1])
        return self._returned(name, first, arguments)

    def _returned(self, name: str, first: Shapes, arguments: list[Shapes]) -> Shapes:
        if name in _TEXTUAL or name in _NUMERIC or name in ("contains", "starts_with", "ends_with"):
            return _some(_TEXT if name in _TEXTUAL else _NUMBER if name in _NUMERIC else _BOOLEAN)
        if name in ("not_null", "merge"):
            return _union(arguments)
        if name in ("max", "min"):
            return self._elements(first)
        if name == "keys":
            return _list_of(_some(_TEXT))
        if name == "values":
            return _list_of(self._values(first))
        if name == "to_array" and first and all(shape.kind != _LIST for shape in first):
            return _list_of(first)
        return first  # reverse, sort; to_array of a list

    # -- one step

    def _step(self, here: Shapes, name: str) -> Shapes:
        """The field of what may be here."""
        if here is None:
            return None
        values = [shape.fields[name] if shape.fields is not None else shape.inner for shape in here
                  if shape.kind == _OBJECT and (shape.fields is None or name in shape.fields)]
        if not values:
            self.found.append(_no_field(name, here))
            return None
        return _union(values)

    def _elements(self, here: Shapes) -> Shapes:
        """What a list here has in it."""
        if here is None:
            return None
        lists = [shape.inner for shape in here if shape.kind == _LIST]
        if not lists:
            self.found.append("%s is %s, not a list" % (_name(here), here[0].kind))
            return None
        return _union(lists)

    def _values(self, here: Shapes) -> Shapes:
        """What an object here has in it."""
        if here is None:
            return None
        objects = [_union(list(shape.fields.values())) if shape.fields is not None else shape.inner
                   for shape in here if shape.kind == _OBJECT]
        if not objects:
            self.found.append("%s is %s, and has no fields" % (_name(here), here[0].kind))
            return None
        return _union(objects)

    def _compare(self, value: Any, other: Shapes) -> None:
        """Note that a value is never the one of a field."""
        # the documents of findings that are about no container have empty texts
        if other and value not in (None, ""):
            problems = [_never(value, shape) for shape in other]
            if all(problems):
                self.found.append(str(problems[0]))


def _literal(value: Any) -> Shapes:
    if value is None:
        return None
    if isinstance(value, dict):
        return (Shape(_OBJECT, "", {}, {name: _literal(part) for name, part in value.items()}),)
    if isinstance(value, list):
        return _list_of(_union([_literal(part) for part in value]) if value else None)
    return _some(_BOOLEAN if isinstance(value, bool) else _TEXT if isinstance(value, str) else _NUMBER)


def _some(kind: str) -> Shapes:
    return (Shape(kind, ""),)


def _list_of(inner: Shapes) -> Shapes:
    return (Shape(_LIST, "", inner=inner),)


def _union(shapes: list[Shapes]) -> Shapes:
    if not shapes or any(each is None for each in shapes):
        return None
    return tuple(shape for each in shapes for shape in each or ())


def _name(here: tuple[Shape, ...]) -> str:
    return here[0].path or "what comes before it"


def _no_field(name: str, here: tuple[Shape, ...]) -> str:
    objects = tuple(shape for shape in here if shape.kind == _OBJECT)
    if not objects and here[0].kind == _LIST:
        return "%s is a list: a field of its elements is %s[].%s" % (_name(here), here[0].path, name)
    if not objects:
        return "%s is %s, and has no field %r" % (_name(here), here[0].kind, name)
    known = [field for shape in objects for field in shape.fields or ()]
    if objects[0].path or not objects[0].schema:
        hint = "".join("; " + shape.schema["x-hint"] for shape in objects[:1] if "x-hint" in shape.schema)
        return "there is no field %r in %s (%s)%s" % (name, _name(objects), suggest_word(name, known) if known else "it has none", hint)
    if name in _LITERALS:
        return "%s is the name of a field here, the value is written in backquotes: `%s`" % (name, name)
    return "there is no field %r (%s); a text is written in single quotes: '%s'" % (name, suggest_word(name, known), name)


def _never(value: Any, shape: Shape) -> str | None:
    """Why a value that is not null is never the one of a field; None: it may be."""
    schema, shown = shape.schema, repr(value)[:_MAX_SHOWN]
    if not shape.path:
        return None
    kind = (_literal(value) or (shape,))[0].kind
    if kind != shape.kind:
        how = {_NUMBER: ", written in backquotes: `1`", _BOOLEAN: ", written in backquotes: `true`",
               _TEXT: ", written in single quotes: 'a'"}.get(shape.kind, "")
        return "%s is %s%s; it is never %s" % (shape.path, shape.kind, how, shown)
    if "enum" in schema and value not in schema["enum"]:
        return "%s is never %s (%s)" % (shape.path, shown, suggest_word(value, [str(known) for known in schema["enum"] if known is not None]))
    if kind == _TEXT and "pattern" in schema and not re.search(schema["pattern"], value):
        return "%s is never %s: it looks like %s" % (shape.path, shown, schema["pattern"])
    if kind == _NUMBER and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        return "%s is never %s: it is from %s to %s" % (shape.path, shown, schema["minimum"], schema["maximum"])
    return None


def suggest_word(word: Any, known: tuple[str, ...] | list[str]) -> str:
    """Return "did you mean …?" for a word that is not known, or else all that are."""
    near = difflib.get_close_matches(str(word), known, n=1)
    return "did you mean %s?" % near[0] if near else "known: %s" % ", ".join(known)
