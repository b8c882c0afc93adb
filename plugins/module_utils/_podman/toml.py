# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TOML (toml.io/en/v1.0.0), as much as configuration files of containers need; Python has a reader from 3.11 on only.

Pure. All of the structure is read: tables, dotted keys, inline tables, arrays over several lines, comments, and all four kinds of
strings. Numbers and dates are Scalars: nobody here reads them. What is not understood is an error, never a guess.
"""

import re
from typing import Any, Dict, List, NamedTuple, Pattern, Set

_SPACE = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\n]|#[^\n]*)*")  # in arrays
_END = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9:.+Z-]+|[A-Za-z0-9+_.:-]+")
_NUMBER = re.compile(r"[+-]?(?:inf|nan)\Z|[+-]?[0-9][0-9A-Za-z+_.: -]*\Z")
_BASIC, _BASIC_LINES = re.compile(r'"((?:[^"\\\n]|\\.)*)"'), re.compile(r'"""\n?((?:[^"\\]|\\[\s\S]|"{1,2}(?!"))*"{0,2})"""')
_LITERAL, _LITERAL_LINES = re.compile(r"'([^'\n]*)'"), re.compile(r"'''\n?((?:[^']|'{1,2}(?!'))*'{0,2})'''")
_ESCAPE = re.compile(r"\\(?:([btnfr\"\\])|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([ \t]*\n[ \t\n]*))")
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}
_MAX_DEPTH = 50  # of arrays and tables in each other

Table = Dict[str, Any]


class TomlError(ValueError):
    """It is no TOML, or of a kind that is not read here; the message has the line."""


class Scalar(NamedTuple):
    """A number or a date."""

    text: str


def parse_toml(text: str) -> Table:
    """Return the tables of a text: values are str, bool, Scalar, list and dict.

    :raises TomlError: where it is not understood.
    """
    return _Parser(text.replace("\r\n", "\n")).document()


class _Parser:
    """A text and how far it is read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._closed: Set[int] = set()  # ids of tables and arrays in brackets, to which nothing may be added
        self._headed: Set[int] = set()  # ids of tables that had a header

    def document(self) -> Table:
        """Read all of it."""
        root: Table = {}
        table = root
        while True:
            self._skip(_GAP)
            if self._at == len(self._text):
                return root
            if self._peek("["):
                table = self._header(root)
            else:
                self._pair(table, 0)
            if not self._take(_END):
                raise self._error("a line end is missing")

    def _header(self, root: Table) -> Table:
        is_array = self._peek("[[")
        self._at += 2 if is_array else 1
        keys = self._keys()
        closing = "]]" if is_array else "]"
        if not self._peek(closing):
            raise self._error("%s is missing" % closing)
        self._at += len(closing)
        above = self._below(root, keys[:-1], into_arrays=True)
        if is_array:
            tables = above.setdefault(keys[-1], [])
            if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables) or id(tables) in self._closed:
                raise self._error("%s is no array of tables" % ".".join(keys))
            tables.append({})
            return tables[-1]
        table = self._below(above, keys[-1:])
        self._headed.add(id(table))
        return table

    def _below(self, table: Table, keys: List[str], into_arrays: bool = False) -> Table:
        """The table that keys lead to, made where there is none."""
        for key in keys:
            table = table.setdefault(key, {})
            if into_arrays and isinstance(table, list) and table and id(table) not in self._closed:
                table = table[-1]
            if not isinstance(table, dict):
                raise self._error("%s is no table" % key)
            if id(table) in self._closed or (not into_arrays and id(table) in self._headed):
                raise self._error("%s is there already" % key)
        return table

    def _pair(self, table: Table, depth: int) -> None:
        keys = self._keys()
        if not self._peek("="):
            raise self._error("= is missing")
        self._at += 1
        self._skip(_SPACE)
        value = self._value(depth)
        table = self._below(table, keys[:-1])
        if keys[-1] in table:
            raise self._error("%s is there already" % ".".join(keys))
        table[keys[-1]] = value

    def _keys(self) -> List[str]:
        """Dotted keys, and the spaces after them."""
        keys = []
        while True:
            self._skip(_SPACE)
            keys.append(self._string() if self._peek('"') or self._peek("'") else self._bare())
            self._skip(_SPACE)
            if not self._peek("."):
                return keys
            self._at += 1

    def _bare(self) -> str:
        word = self._take(_BARE)
        if not word:
            raise self._error("a key is missing")
        return word

    def _value(self, depth: int) -> Any:
        if depth > _MAX_DEPTH:
            raise self._error("it is nested too deeply")
        if self._peek('"') or self._peek("'"):
            return self._lines() if self._peek('"""') or self._peek("'''") else self._string()
        if self._peek("["):
            return self._array(depth)
        if self._peek("{"):
            return self._inline(depth)
        word = self._take(_SCALAR)
        if word in ("true", "false"):
            return word == "true"
        if not _NUMBER.match(word):
            raise self._error("a value is missing")
        return Scalar(word)

    def _array(self, depth: int) -> List[Any]:
        values: List[Any] = []
        self._at += 1
        while True:
            self._skip(_GAP)
            if self._peek("]"):
                break
            values.append(self._value(depth + 1))
            self._skip(_GAP)
            if not self._peek(","):
                break
            self._at += 1
        if not self._peek("]"):
            raise self._error("] is missing")
        self._at += 1
        self._closed.add(id(values))
        return values

    def _inline(self, depth: int) -> Table:
        table: Table = {}
        self._at += 1
        self._skip(_SPACE)
        while not self._peek("}"):
            self._pair(table, depth + 1)
            self._skip(_SPACE)
            if self._peek("}"):
                break
            if not self._peek(","):
                raise self._error("} is missing")
            self._at += 1
            self._skip(_SPACE)
            if self._peek("}"):
                raise self._error("a key is missing")
        self._at += 1
        self._close(table)
        return table

    def _close(self, table: Table) -> None:
        self._closed.add(id(table))
        for value in table.values():
            if isinstance(value, dict):
                self._close(value)

    def _string(self) -> str:
        start = self._at
        if self._peek("'"):
            return self._matched(_LITERAL)[1:-1]
        return self._unescape(self._matched(_BASIC)[1:-1], start)

    def _lines(self) -> str:
        start, pattern = self._at, _BASIC_LINES if self._peek('"') else _LITERAL_LINES
        text = self._matched(pattern)[3:-3]
        text = text[1:] if text.startswith("\n") else text
        return self._unescape(text, start) if pattern is _BASIC_LINES else text

    def _unescape(self, text: str, start: int) -> str:
        if "\\" in _ESCAPE.sub("", text):
            self._at = start
            raise self._error("it has an escape that is none")
        return _ESCAPE.sub(lambda match: _ESCAPED[match.group(1)] if match.group(1) else "" if match.group(4) is not None
                           else self._character(int(match.group(2) or match.group(3), 16)), text)

    def _character(self, number: int) -> str:
        if number > 0x10ffff or 0xd800 <= number <= 0xdfff:
            raise self._error("it has an escape that is no character")
        return chr(number)

    def _matched(self, pattern: Pattern[str]) -> str:
        text = self._take(pattern)
        if not text:
            raise self._error("the end of a text is missing")
        return text

    def _peek(self, text: str) -> bool:
        return self._text.startswith(text, self._at)

    def _take(self, pattern: Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if not match:
            return ""
        self._at = match.end()
        # the end of the file ends a line, too
        return match.group() or ("\n" if self._at == len(self._text) else "")

    def _skip(self, pattern: Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _error(self, problem: str) -> TomlError:
        return TomlError("line %d: %s" % (self._text.count("\n", 0, self._at) + 1, problem))
