# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Edit words in the variables of a shell file such as /etc/default/grub, and nothing else in it.

Pure. The file is read as a POSIX shell reads it (XCU 2.2 Quoting, 2.3 Token Recognition), as far as it takes
to know where each character of a value stands. What an expansion gives is not known here.
"""

import re
from collections import namedtuple

from .kernel_args import word_spans

# One assignment. name; start, end: of its value in the text; cells: [Cell]; tail: how the value ends:
# bare, single (inside of '…') or double (inside of "…").
Assignment = namedtuple("Assignment", "name start end cells tail")

# One character of a value. char: as the shell makes it, _UNKNOWN for an expansion; start, end: in the text.
Character = namedtuple("Cell", "char start end")

_UNKNOWN = "\0"
_ENDS_WORD = " \t\n;&|()<>"
_BEGINS_WORD = _ENDS_WORD + "{}"
_IN_DOUBLE = "$`\"\\"  # what a backslash takes the meaning of between double quotes
_PLAIN = re.compile(r"[A-Za-z0-9_.,:/=@%+-]")


class ShellError(ValueError):
    """The text can't be edited without understanding more of the shell's language."""


def find_assignments(text, names):
    """Return the Assignments to variables of these names, in order.

    :raises ShellError: the text has a here-document or a quote that isn't closed.
    """
    pattern = re.compile(r"(%s)\+?=" % "|".join(sorted(names, key=len, reverse=True)))
    found, at, fresh = [], 0, True
    while at < len(text):
        match = pattern.match(text, at) if fresh else None
        if match:
            cells, at, tail = _value(text, match.end())
            found.append(Assignment(match.group(1), match.end(), at, cells, tail))
            fresh = False
        elif fresh and text[at] == "#":
            at = _line_end(text, at)
        elif text.startswith("<<", at):
            raise ShellError("line %d has a here-document" % _line(text, at))
        else:
            at, fresh = _skip(text, at), text[at] in _BEGINS_WORD
    return found


def remove_words(text, names, is_meant):
    """Return (the text without the words that are meant, those words).

    A word that an expansion is a part of is never meant.

    :param is_meant: function that takes a word and returns a bool.
    """
    gone, words = set(), []
    for each in find_assignments(text, names):
        value = "".join(cell.char for cell in each.cells)
        for start, end in word_spans(value):
            word = value[start:end]
            if _UNKNOWN not in word and is_meant(word):
                words.append(word)
                gone.update(each.cells[start:end])
                gone.update(_space_beside(each.cells, start, end, gone))
    for cell in sorted(gone, key=lambda each: each.start, reverse=True):
        text = text[:cell.start] + text[cell.end:]
    return text, words


def _space_beside(cells, start, end, gone):
    """One space goes along: in front of the word, or behind it when it is the first one."""
    for near in cells[max(start - 1, 0):start] + cells[end:end + 1]:
        if near.char in " \t" and near not in gone:
            return [near]
    return []


def append_word(text, name, word):
    """Return the text with a word at the end of the last assignment to the variable, which is made if there is none."""
    found = find_assignments(text, [name])
    if not found:
        return text + ("" if not text or text.endswith("\n") else "\n") + '%s="%s"\n' % (name, quote_word(word, "double"))
    last = found[-1]
    end = last.end if last.tail == "bare" else last.end - 1
    return text[:end] + quote_word((" " if last.cells else "") + word, last.tail) + text[end:]


def quote_word(word, tail):
    """Return the word as it has to be written in a value that ends that way (see Assignment)."""
    if tail == "double":
        return "".join("\\" + char if char in _IN_DOUBLE else char for char in word)
    if tail == "single":
        return word.replace("'", "'\\''")
    return "".join(char if _PLAIN.match(char) else "\\" + char for char in word)


def _value(text, at):
    """Return (cells, end, tail) of the word that begins there."""
    cells, tail = [], "bare"
    while at < len(text) and text[at] not in _ENDS_WORD:
        if text[at] in "'\"":
            tail = "single" if text[at] == "'" else "double"
            end = _closing(text, at)
            cells += _single(text, at + 1, end) if tail == "single" else _double(text, at + 1, end)
            at = end + 1
            continue
        cell = _cell(text, at, quoted_by=None)
        cells += [cell] if cell.char else []
        at, tail = cell.end, "bare"
    return cells, at, tail


def _single(text, at, end):
    return [Character(text[here], here, here + 1) for here in range(at, end)]


def _double(text, at, end):
    cells = []
    while at < end:
        cell = _cell(text, at, quoted_by='"')
        cells += [cell] if cell.char else []
        at = cell.end
    return cells


def _cell(text, at, quoted_by):
    """Return the Cell that begins there; its char is "" for a line that is continued."""
    if text[at] == "\\" and at + 1 < len(text):
        escaped = text[at + 1]
        if escaped == "\n":
            return Character("", at, at + 2)
        if quoted_by is None or escaped in _IN_DOUBLE:
            return Character(escaped, at, at + 2)
    end = _expansion(text, at)
    return Character(text[at], at, at + 1) if end is None else Character(_UNKNOWN, at, end)


def _expansion(text, at):
    """Return the end of the expansion that begins there, None when there is none."""
    if text[at] == "`":
        return _closing(text, at) + 1
    if text[at] != "$":
        return None
    if text[at + 1:at + 2] in ("{", "("):
        return _bracketed(text, at + 1)
    if text[at + 1:at + 2] == "'":  # bash's $'…'
        return _closing(text, at + 1) + 1
    match = re.compile(r"\$(\w+|[@*#?$!-])").match(text, at)
    return match.end() if match else None


def _bracketed(text, at):
    opening, closing = text[at], {"{": "}", "(": ")"}[text[at]]
    depth, begin = 0, at
    while at < len(text):
        depth += (text[at] == opening) - (text[at] == closing)
        if depth == 0:
            return at + 1
        at = _skip(text, at)
    raise ShellError("the %s of line %d is not closed" % (opening, _line(text, begin)))


def _skip(text, at):
    """Return where the next thing begins: behind a quoted string, an escaped character, or one character."""
    if text[at] == "\\":
        return at + 2
    return _closing(text, at) + 1 if text[at] in "'\"`" else at + 1


def _closing(text, at):
    """Return where the quote that opens there is closed."""
    mark, here = text[at], at + 1
    while here < len(text):
        if text[here] == mark:
            return here
        if mark == '"' and text[here] in "$`":
            here = _expansion(text, here) or here + 1
        else:
            here += 2 if text[here] == "\\" and mark != "'" else 1
    raise ShellError("the %s of line %d is not closed" % (mark, _line(text, at)))


def _line_end(text, at):
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _line(text, at):
    return text.count("\n", 0, at) + 1
