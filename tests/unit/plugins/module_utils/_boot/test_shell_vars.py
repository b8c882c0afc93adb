# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words in the variables of /etc/default/grub; what a real shell makes of the text is the judge."""

import subprocess

import pytest
from hypothesis import given, strategies as st

from ansible_collections.podman_fleet.memory.plugins.module_utils._boot.shell_vars import ShellError, append_word, remove_words

NAME = "GRUB_CMDLINE_LINUX"
NAMES = (NAME, NAME + "_DEFAULT")


def value(text, name=NAME):
    """What sh says."""
    done = subprocess.run(["sh", "-c", text + '\nprintf "[%s]" "$' + name + '"'], stdout=subprocess.PIPE, check=True)
    return done.stdout.decode().rpartition("[")[2].rstrip("]")


def without(text, *words):
    return remove_words(text, NAMES, lambda word: word in words)


@pytest.mark.parametrize("before, after", [
    ('GRUB_CMDLINE_LINUX="x=1"', 'GRUB_CMDLINE_LINUX=""'),
    ('GRUB_CMDLINE_LINUX="a x=1 b"', 'GRUB_CMDLINE_LINUX="a b"'),
    ("GRUB_CMDLINE_LINUX='a x=1'", "GRUB_CMDLINE_LINUX='a'"),
    ("GRUB_CMDLINE_LINUX=x=1", "GRUB_CMDLINE_LINUX="),
    ("GRUB_CMDLINE_LINUX=a\\ x=1", "GRUB_CMDLINE_LINUX=a"),
    ("GRUB_CMDLINE_LINUX=x=1\\ a", "GRUB_CMDLINE_LINUX=a"),
    ('GRUB_CMDLINE_LINUX="a "x=1" b"', 'GRUB_CMDLINE_LINUX="a"" b"'),
    ('GRUB_CMDLINE_LINUX="a x"\'=1 b\'', 'GRUB_CMDLINE_LINUX="a"\' b\''),
    ('GRUB_CMDLINE_LINUX="a \\\n  x=1 b"  # x=1', 'GRUB_CMDLINE_LINUX="a \\\n  b"  # x=1'),
    ('GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX x=1"', 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX"'),
    ('GRUB_CMDLINE_LINUX="${A:-x=1 b} x=1"', 'GRUB_CMDLINE_LINUX="${A:-x=1 b}"'),
    ('GRUB_CMDLINE_LINUX="`echo "x=1"` x=1 b"', 'GRUB_CMDLINE_LINUX="`echo "x=1"` b"'),
    ('GRUB_CMDLINE_LINUX="$(echo ")" x=1) x=1 b"', 'GRUB_CMDLINE_LINUX="$(echo ")" x=1) b"'),
    ('export GRUB_CMDLINE_LINUX="x=1"', 'export GRUB_CMDLINE_LINUX=""'),
    ('if true; then GRUB_CMDLINE_LINUX="x=1 b"; fi', 'if true; then GRUB_CMDLINE_LINUX="b"; fi'),
    ('GRUB_CMDLINE_LINUX="x=1"\nGRUB_CMDLINE_LINUX_DEFAULT="b x=1"', 'GRUB_CMDLINE_LINUX=""\nGRUB_CMDLINE_LINUX_DEFAULT="b"'),
    ('GRUB_CMDLINE_LINUX+=" x=1"', 'GRUB_CMDLINE_LINUX+=""'),
    ('GRUB_CMDLINE_LINUX="a\tx=1\tb"', 'GRUB_CMDLINE_LINUX="a\tb"'),
    ('{ GRUB_CMDLINE_LINUX=x=1; }', '{ GRUB_CMDLINE_LINUX=; }'),
])
def test_removed(before, after):
    text, words = without(before, "x=1")
    assert text == after
    assert set(words) == {"x=1"}
    assert without(text, "x=1") == (text, [])


@pytest.mark.parametrize("text", [
    '# GRUB_CMDLINE_LINUX="x=1"',
    'GRUB_CMDLINE_LINUX="a" # x=1',
    'MY_GRUB_CMDLINE_LINUX="x=1"',
    'GRUB_CMDLINE_LINUX_RECOVERY="x=1"',
    'GRUB_CMDLINE_LINUX="x=10 ax=1 x=1,2"',
    'GRUB_CMDLINE_LINUX="$A"x=1',
    'GRUB_CMDLINE_LINUX="x=1$A"',
    'A="GRUB_CMDLINE_LINUX=x=1"',
    "A='it is\nGRUB_CMDLINE_LINUX=x=1\n'",
    'echo "a\\"" GRUB=x=1 # "',
    'GRUB_CMDLINE_LINUX="$(echo x=1)"',
    "GRUB_CMDLINE_LINUX=$'x=1'",
])
def test_not_meant(text):
    assert without(text, "x=1") == (text, [])


def test_what_an_argument_of_several_words_is():
    before = 'GRUB_CMDLINE_LINUX="a dyndbg=\\"file x +p\\" b"'
    assert without(before, 'dyndbg="file x +p"') == ('GRUB_CMDLINE_LINUX="a b"', ['dyndbg="file x +p"'])


@pytest.mark.parametrize("text, line", [
    ('A=1\nGRUB_CMDLINE_LINUX="a', 2),
    ("GRUB_CMDLINE_LINUX='a", 1),
    ("A=`a", 1),
    ('\nGRUB_CMDLINE_LINUX="${a"', 2),
    ("A=1\n\ncat <<EOF\nGRUB_CMDLINE_LINUX=x=1\nEOF", 3),
])
def test_what_can_not_be_edited_is_an_error_with_its_line(text, line):
    with pytest.raises(ShellError) as error:
        without(text, "x=1")
    assert "line %d" % line in str(error.value)


@pytest.mark.parametrize("before, after", [
    ("", 'GRUB_CMDLINE_LINUX="x=1"\n'),
    ("A=1", 'A=1\nGRUB_CMDLINE_LINUX="x=1"\n'),
    ('GRUB_CMDLINE_LINUX=""', 'GRUB_CMDLINE_LINUX="x=1"'),
    ('GRUB_CMDLINE_LINUX="a"', 'GRUB_CMDLINE_LINUX="a x=1"'),
    ("GRUB_CMDLINE_LINUX='a'", "GRUB_CMDLINE_LINUX='a x=1'"),
    ("GRUB_CMDLINE_LINUX=", "GRUB_CMDLINE_LINUX=x=1"),
    ("GRUB_CMDLINE_LINUX=a", "GRUB_CMDLINE_LINUX=a\\ x=1"),
    ('GRUB_CMDLINE_LINUX="a"b', 'GRUB_CMDLINE_LINUX="a"b\\ x=1'),
    ('GRUB_CMDLINE_LINUX="a \\\n"', 'GRUB_CMDLINE_LINUX="a \\\n x=1"'),
    ('GRUB_CMDLINE_LINUX="a"\nGRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX b" # c', 'GRUB_CMDLINE_LINUX="a"\n'
     'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX b x=1" # c'),
    ('# GRUB_CMDLINE_LINUX="a"', '# GRUB_CMDLINE_LINUX="a"\nGRUB_CMDLINE_LINUX="x=1"\n'),
    ('GRUB_CMDLINE_LINUX_DEFAULT="a"\n', 'GRUB_CMDLINE_LINUX_DEFAULT="a"\nGRUB_CMDLINE_LINUX="x=1"\n'),
])
def test_added(before, after):
    assert append_word(before, NAME, "x=1") == after
    assert value(after).split()[-1] == "x=1"


@pytest.mark.parametrize("assigned", ['"a"', "'a'", "a", '""', "''", "", '"$HOME"', "a\\ b", '"a"\'b\'', '"a "', "' '"])
@pytest.mark.parametrize("word", ["x=1", 'x="a b"', "x=$y", "x=`y`", "x=a'b", "x=\\", "x=a;b", "#x", "x=*"])
def test_every_word_in_every_kind_of_quotes(assigned, word):
    before = "%s=%s\n" % (NAME, assigned)
    after = append_word(before, NAME, word)
    assert value(after) == value(before) + (" " if value(before) else "") + word
    text, words = without(after, word)
    assert (value(text), words) == (value(before), [word])
    # a quote between quotes takes three more of them, which stay
    assert text == before or "'" in word


PART = st.one_of(
    st.sampled_from(["a", "b=1", " ", "  ", "\\ ", "'c d'", '"e f"', '"\\"g\\""', '"$HOME"', "$HOME", "\\\n", "''", '"\\\n"']))


@given(st.lists(PART, max_size=6).map("".join), st.sampled_from(["zz=1", 'zz="y y"', "zz=$1"]))
def test_added_and_removed_is_the_text_that_was(assigned, word):
    before = "A='# \"'\n%s=%s # x\nB=2\n" % (NAME, assigned.replace(" ", "\\ "))
    try:
        after = append_word(before, NAME, word)
    except ShellError:
        return  # "\\ " with a backslash in front is a quote that isn't closed
    assert without(after, word) == (before, [word])


@given(st.text(alphabet="ax= \"'\\$`(){}\n#;<", max_size=30))
def test_any_text_is_edited_or_refused(text):
    try:
        after, words = without("GRUB_CMDLINE_LINUX=" + text, "x")
    except ShellError:
        return
    assert bool(words) == (after != "GRUB_CMDLINE_LINUX=" + text)
