# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Edit words in the variables of a shell file such as /etc/default/grub, and nothing else in it.

Pure. The file is read as a POSIX shell reads it (XCU 2.2 Quoting, 2.3 Token Recognition), as far as is needed
to know where each character of a value stands. What an expansion results in is not known here.
"""

import re
from typing import Callable, Container, Iterable, List, NamedTuple, Optional, Tuple

from .kernel_args import word_spans


class Character(NamedTuple):
    """One character of a value."""

    char: str  # as the shell reads it; _UNKNOWN: an expansion, "": a continued line
    start: int  # place in the text
    end: int


class Assignment(NamedTuple):
    """One assignment to a variable."""

    name: str
    start: int  # place of its value in the text
    end: int
    characters: List[Character]
    tail: str  # how the value ends: bare, single (inside of '…') or double (inside of "…")


_UNKNOWN = "\0"
_ENDS_WORD = " \t\n;&|()<>"
_BEGINS_WORD = _ENDS_WORD + "{}"
_IN_DOUBLE = "$`\"\\"  # what a backslash escapes between double quotes
_PLAIN = re.compile(r"[A-Za-z0-9_.,:/=@%+-]")


class ShellError(ValueError):
    """The text can't be edited without understanding more of the shell's language."""


def find_assignments(text: str, names: Iterable[str]) -> List[Assignment]:
    """Return the assignments to variables of these names, in order.

    :raises ShellError: the text has a here-document or a quote that isn't closed.
    """
    pattern = re.compile(r"(%s)\+?=" % "|".join(sorted(names, key=len, reverse=True)))
    assignments, at, at_word = [], 0, True
    while at < len(text):
        match = pattern.match(text, at) if at_word else None
        if match:
            characters, at, tail = _parse_value(text, match.end())
            assignments.append(Assignment(name=match.group(1), start=match.end(), end=at, characters=characters, tail=tail))
            at_word = False
        elif at_word and text[at] == "#":
            at = _line_end(text, at)
        elif text.startswith("<<", at):
            raise ShellError("line %d has a here-document" % _line_number(text, at))
        else:
            at, at_word = _skip(text, at), text[at] in _BEGINS_WORD
    return assignments


def remove_words(text: str, names: Iterable[str], is_meant: Callable[[str], bool]) -> Tuple[str, List[str]]:
    """Return (the text without the words that are meant, those words).

    A word that an expansion is a part of is never meant.

    :raises ShellError: see find_assignments().
    """
    removed, words = set(), []
    for assignment in find_assignments(text, names):
        characters = assignment.characters
        value = "".join(character.char for character in characters)
        for start, end in word_spans(value):
            word = value[start:end]
            if _UNKNOWN not in word and is_meant(word):
                words.append(word)
                removed.update(characters[start:end])
                removed.update(_space_beside(characters, start, end, removed))
    for character in sorted(removed, key=lambda character: character.start, reverse=True):
        text = text[:character.start] + text[character.end:]
    return text, words


def _space_beside(characters: List[Character], start: int, end: int, removed: Container[Character]) -> List[Character]:
    """One space is removed too: in front of the word, or behind it when it is the first one."""
    for near in characters[max(start - 1, 0):start] + characters[end:end + 1]:
        if near.char in " \t" and near not in removed:
            return [near]
    return []


def append_word(text: str, name: str, word: str) -> str:
    """Return the text with a word at the end of the last assignment to the variable, which is added if there is none.

    :raises ShellError: see find_assignments().
    """
    assignments = find_assignments(text, [name])
    if not assignments:
        return text + ("" if not text or text.endswith("\n") else "\n") + '%s="%s"\n' % (name, quote_word(word, "double"))
    last = assignments[-1]
    end = last.end if last.tail == "bare" else last.end - 1
    return text[:end] + quote_word((" " if last.characters else "") + word, last.tail) + text[end:]


def quote_word(word: str, tail: str) -> str:
    """Return the word as it has to be written in a value that ends that way (see Assignment)."""
    if tail == "double":
        return "".join("\\" + char if char in _IN_DOUBLE else char for char in word)
    if tail == "single":
        return word.replace("'", "'\\''")
    return "".join(char if _PLAIN.match(char) else "\\" + char for char in word)


def _parse_value(text: str, at: int) -> Tuple[List[Character], int, str]:
    """Return (characters, end, tail) of the word that begins there."""
    characters, tail = [], "bare"
    while at < len(text) and text[at] not in _ENDS_WORD:
        if text[at] in "'\"":
            tail = "single" if text[at] == "'" else "double"
            end = _closing(text, at)
            if tail == "single":
                characters += [Character(text[here], here, here + 1) for here in range(at + 1, end)]
            else:
                characters += _parse_double(text, at + 1, end)
            at = end + 1
            continue
        character = _parse_character(text, at, in_double=False)
        characters += [character] if character.char else []
        at, tail = character.end, "bare"
    return characters, at, tail


def _parse_double(text: str, at: int, end: int) -> List[Character]:
    characters = []
    while at < end:
        character = _parse_character(text, at, in_double=True)
        characters += [character] if character.char else []
        at = character.end
    return characters


def _parse_character(text: str, at: int, in_double: bool) -> Character:
    """Return the character that begins there, between double quotes (in_double) or outside of quotes."""
    if text[at] == "\\" and at + 1 < len(text):
        escaped = text[at + 1]
        if escaped == "\n":
            return Character("", at, at + 2)
        if not in_double or escaped in _IN_DOUBLE:
            return Character(escaped, at, at + 2)
    end = _expansion_end(text, at)
    return Character(text[at], at, at + 1) if end is None else Character(_UNKNOWN, at, end)


def _expansion_end(text: str, at: int) -> Optional[int]:
    """Return the end of the expansion that begins there, None when there is none."""
    if text[at] == "`":
        return _closing(text, at) + 1
    if text[at] != "$":
        return None
    if text[at + 1:at + 2] in ("{", "("):
        return _bracket_end(text, at + 1)
    if text[at + 1:at + 2] == "'":  # bash's $'…'
        return _closing(text, at + 1) + 1
    match = re.compile(r"\$(\w+|[@*#?$!-])").match(text, at)
    return match.end() if match else None


def _bracket_end(text: str, at: int) -> int:
    opening, closing = text[at], {"{": "}", "(": ")"}[text[at]]
    depth, begin = 0, at
    while at < len(text):
        depth += (text[at] == opening) - (text[at] == closing)
        if depth == 0:
            return at + 1
        at = _skip(text, at)
    raise ShellError("the %s of line %d is not closed" % (opening, _line_number(text, begin)))


def _skip(text: str, at: int) -> int:
    """Return where the next thing begins: behind a quoted string, an escaped character, or one character."""
    if text[at] == "\\":
        return at + 2
    return _closing(text, at) + 1 if text[at] in "'\"`" else at + 1


def _closing(text: str, at: int) -> int:
    """Return where the quote that opens there is closed."""
    mark, here = text[at], at + 1
    while here < len(text):
        if text[here] == mark:
            return here
        if mark == '"' and text[here] in "$`":
            here = _expansion_end(text, here) or here + 1
        else:
            here += 2 if text[here] == "\\" and mark != "'" else 1
    raise ShellError("the %s of line %d is not closed" % (mark, _line_number(text, at)))


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _line_number(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
