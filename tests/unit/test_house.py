# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the code in the rooms is written, where a linter has no rule for it: types, construction by keyword, size."""

from __future__ import annotations

import ast
import pathlib
import tokenize

import pytest

PLUGINS = pathlib.Path(__file__).parents[2] / "plugins"
FILES = sorted(path for base in ("module_utils", "plugin_utils") for path in (PLUGINS / base).rglob("*.py"))
HEADER = 3  # lines: copyright, licence, SPDX
MAX_CODE = 250  # lines beside documentation
MAX_POSITIONAL = 4


def label(path):
    return str(path.relative_to(PLUGINS))


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def records():
    """The names of all NamedTuple classes."""
    return {node.name for path in FILES for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef)
            and any("NamedTuple" in ast.dump(base) for base in node.bases)}


RECORDS = records()


def lines_of_code(path):
    """How many lines hold code: neither blank, nor comment, nor docstring."""
    documentation = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            documentation |= set(range(node.lineno, node.end_lineno + 1))
    code = set()
    with tokenize.open(path) as stream:
        for token in tokenize.generate_tokens(stream.readline):
            if token.type not in (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER):
                code |= set(range(token.start[0], token.end[0] + 1))
    return len(code - documentation)


def test_there_are_records():
    assert len(RECORDS) > 50


@pytest.mark.parametrize("path", FILES, ids=label)
def test_records_have_types(path):
    for node in ast.walk(tree(path)):
        assert not (isinstance(node, ast.Call) and getattr(node.func, "id", None) == "namedtuple"), "a class of NamedTuple says more"


@pytest.mark.parametrize("path", FILES, ids=label)
def test_many_values_have_names(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", None)) in RECORDS:
            assert len([value for value in node.args if not isinstance(value, ast.Starred)]) <= MAX_POSITIONAL, "line %d" % node.lineno


@pytest.mark.parametrize("path", FILES, ids=label)
def test_a_file_has_one_subject(path):
    assert lines_of_code(path) <= MAX_CODE


@pytest.mark.parametrize("path", FILES, ids=label)
def test_the_header_has_three_lines(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert "SPDX-License-Identifier: GPL-3.0-or-later" in lines[HEADER - 1]
    assert lines[HEADER] == "" and lines[HEADER + 1].startswith('"""')
