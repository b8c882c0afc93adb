# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which arguments are desired, and lines edited accordingly."""

import pytest
from hypothesis import given, strategies as st

from ansible_collections.podman_fleet.memory.plugins.module_utils._boot.edit import (
    ArgumentError,
    cmdline_satisfies,
    edit_cmdline,
    parse_desired,
    unexpected_arguments,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._boot.kernel_args import parse_arguments

V1 = "systemd.unified_cgroup_hierarchy=0"
V2 = "systemd.unified_cgroup_hierarchy=1"


def edited(line, present=(), absent=()):
    return edit_cmdline(line, parse_desired(list(present), list(absent)))


@pytest.mark.parametrize("line, present, absent, after", [
    ("quiet", ["x=1"], [], "quiet x=1"),
    ("quiet\n", ["x=1", "y"], [], "quiet x=1 y\n"),
    ("", ["x"], [], "x"),
    ("\n", ["x"], [], "x\n"),
    ("a x=1 b", [], ["x"], "a b"),
    ("x=1 b", [], ["x"], "b"),
    ("a x=1", [], ["x"], "a"),
    ("x=1", [], ["x"], ""),
    ("a  x=1  b\n", [], ["x=1"], "a   b\n"),
    ("a x=1 x=2 x b", [], ["x"], "a b"),
    ("a x=1 x=2 x b", [], ["x=2"], "a x=1 x b"),
    ("a x=1 x=2 b", ["x=2"], ["x"], "a x=2 b"),
    ("a " + V1, [V2], ["systemd.unified_cgroup_hierarchy"], "a " + V2),
    ("console=tty0", ["console=ttyS0"], [], "console=tty0 console=ttyS0"),
    ('a dyndbg="file x +p" b', [], ["dyndbg"], "a b"),
    ('a "dyndbg=file x +p" b', [], ['dyndbg="file x +p"'], "a b"),
    ("a", ['dyndbg="file x +p"'], [], 'a dyndbg="file x +p"'),
    ("a -- x", ["y"], ["x"], "a y -- x"),
    ("a x -- x", [], ["x"], "a -- x"),
    ("-- x", ["y"], [], "y -- x"),
    ("a_b-c=1 z", [], ["a-b_c"], "z"),
    ("a quiet", ["quiet"], [], "a quiet"),
    ("x", [], ["x="], "x"),
    ("x= y", [], ["x="], "y"),
    ("a\tx\tb", [], ["x"], "a\tb"),
    ("$tuned_params x", [], ["x"], "$tuned_params"),
])
def test_edited(line, present, absent, after):
    assert edited(line, present, absent) == after
    assert edited(after, present, absent) == after, "a second time"


@pytest.mark.parametrize("present, absent, words", [
    ([], [], ["present, absent", "one of them"]),
    (["a b"], [], ["present", "'a b'", "double quotes"]),
    ([""], [], ["present", "''"]),
    ([], [" a"], ["absent", "' a'"]),
    (["a\n"], [], ["present", "control character"]),
    (["a\nb=1"], [], ["control character"]),
    (['a="b'], [], ["present", "not closed"]),
    (["=1"], [], ["no name"]),
    (["--"], [], ["'--'"]),
    (["a=1"], ["a=1"], ["present and absent both name a=1"]),
    (["a-b=1"], ["a_b=1"], ["both name"]),
    (["quiet"], ["quiet"], ["both name quiet"]),
])
def test_bad_arguments(present, absent, words):
    with pytest.raises(ArgumentError) as error:
        parse_desired(present, absent)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_an_argument_of_init_is_not_the_kernels():
    desired = parse_desired(["x=1"], ["y"])
    assert not cmdline_satisfies("-- x=1", desired)
    assert cmdline_satisfies("x=1 -- y", desired)


WORD = st.from_regex(r"[a-z]{1,3}(=([a-z0-9]{0,3}|\"[a-z ]{0,4}\"))?", fullmatch=True)
LINE = st.lists(st.one_of(WORD, st.sampled_from([" ", "  ", "\t"])), max_size=8).map(" ".join)


@given(LINE, st.lists(WORD, max_size=3), st.lists(WORD, max_size=3))
def test_any_line_meets_what_is_asked_and_keeps_the_rest(line, present, absent):
    try:
        desired = parse_desired(present, absent)
    except ArgumentError:
        return
    after = edit_cmdline(line, desired)
    assert cmdline_satisfies(after, desired)
    assert edit_cmdline(after, desired) == after
    before = parse_arguments(line)
    staying = [argument.text for argument in before if argument not in unexpected_arguments(before, desired)]
    assert [argument.text for argument in parse_arguments(after)][:len(staying)] == staying


@given(LINE, st.from_regex(r"NEW[a-z]{0,3}(=[0-9]{0,2})?", fullmatch=True))
def test_added_and_removed_is_the_line_that_was(line, word):
    there = edited(line, present=[word])
    assert edited(there, absent=[word]) == line or not line.strip()
