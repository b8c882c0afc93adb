# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TOML: what the specification (toml.io/en/v1.0.0) says, and Python's own reader where there is one."""

import pytest
from hypothesis import given, strategies as st

from ansible_collections.podman_fleet.memory.plugins.module_utils._podman.toml import Scalar, TomlError, parse_toml

GOOD = [
    "", "# only a remark", "a = 1\n", "a.b . c = 'x'\n", "a = \"x#y\" # z\n", "\"a.b\" = true\n'' = false\n", "a = []\nb = [[1, 2], ['x',],]\n",
    "a = [ # one\n  'x', # two\n\n  # 'y',\n  'z'\n]\n", "[a]\nb = 1\n[a.c]\nd = 2\n[x.y.z]\n[x]\nq = 3\n", "[[a]]\nb = 1\n[[a]]\nb = 2\n[a.c]\nd = 3\n",
    "a = {}\nb = { c = 1, d.e = 'x', f = [1, {g = 2}] }\n", "a = \"\\\"\\\\\\b\\t\\n\\f\\r\\u00e4\\U0001F600\"\n", "a = '\\n'\n",
    'a = """\nx\n"y" ""z\\\n    w\\u0041"""\n', "a = '''\nx 'y' ''z\\\n'''\n", 'a = """x"""""\n', "a = '''x'''''\n", 'a = """"""\n', "a = ''''''\nb = \"\"\n",
    "a = \"\"\"\\\n  x\"\"\"\r\nb = 'y'\r\n",
    "a = 1979-05-27T07:32:00Z\nb = 1979-05-27 07:32:00.5\nc = 07:32:00\nd = -1_000.5e+3\ne = 0xff\nf = +inf\ng = nan\n",
    "a.b = 1\na.c = 2\n", "[a.b]\n[a]\n",
]
BAD = [
    "a", "a =", "a = x", "= 1", "a = 1 b = 2", "a = 'x", "a = \"x\ny\"", "a = \"\\x\"", "a = \"\\ud800\"", "a = [1", "a = [1 2]", "a = {b = 1", "a = {b = 1,}",
    "a = {\nb = 1}", "[a", "[a]b", "[]", "[[a]", "a = 1\na = 2", "a = 1\n[a]", "[a]\n[a]", "a = {b = 1}\na.c = 2", "a = {b = 1}\n[a.c]", "a = []\n[[a]]",
    "[a]\n[[a]]", "a.b = 1\na = 2", "a = '''x", "a = \"\"\"x", "a b = 1", "a = [,]", "a = = 1", "\x00", "a = {b = 1} c", "a = " + "[" * 1000,
]


def plain(value):
    """As Python's own reader has it, with texts for numbers and dates."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value if isinstance(value, (str, bool)) else Scalar


@pytest.mark.parametrize("text", GOOD)
def test_the_same_as_pythons_own(text):
    tomllib = pytest.importorskip("tomllib")
    ours = parse_toml(text)
    assert plain({"": ours}) == plain({"": tomllib.loads(text)})


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_toml(text):
    with pytest.raises(TomlError, match="^line [0-9]+: "):
        parse_toml(text)


@given(st.lists(st.sampled_from(["a", "b.c", "=", "[", "]", "{", "}", ",", "\n", "#", "'", '"', "'''", '"""', "\\", " ", "1", "true", "x y"]), max_size=14))
def test_any_text_is_read_the_same_or_refused(pieces):
    tomllib = pytest.importorskip("tomllib")
    text = "".join(pieces)
    try:
        ours = parse_toml(text)
    except TomlError:
        return
    assert plain({"": ours}) == plain({"": tomllib.loads(text)})
