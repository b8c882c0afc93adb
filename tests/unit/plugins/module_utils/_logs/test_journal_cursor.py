# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal is read on from a cursor: what journalctl is asked, and what its lines become."""

import json
import os
import stat

import pytest
from recorded_journal import HOSTS, entries

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs import journal_cursor as _recorder_journal
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.journal_cursor import Journal
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import CommandError

# In place of journalctl: prints the lines of a file, from the one with the cursor on if it is there.
STAND_IN = """#!/bin/sh
folder=%s
echo "$*" >>$folder/asked
cursor=; for word; do case $word in --cursor=*) cursor=${word#--cursor=};; esac; done
[ -z "$cursor" ] || grep -q -F "$cursor" $folder/lines || cursor=
if [ -n "$cursor" ]; then sed -n "/\\"__CURSOR\\": \\"$cursor\\"/,\\$p" $folder/lines; else cat $folder/lines; fi
cat $folder/words >&2
exit $(cat $folder/code)
"""


class Bench(object):
    def __init__(self, folder, found):
        self.folder = folder
        for number, each in enumerate(found):
            each["__CURSOR"] = "s=%d" % number
        self.found = found
        self.lines([json.dumps(each) for each in found])
        (folder / "words").write_text("")
        (folder / "code").write_text("0")
        script = folder / "journalctl"
        script.write_text(STAND_IN % folder)
        script.chmod(stat.S_IRWXU)
        self.script = str(script)
        self.handed = []

    def lines(self, texts):
        (self.folder / "lines").write_text("\n".join(texts) + "\n", encoding="utf-8")

    def read(self, cursor=None, **how):
        del self.handed[:]
        return Journal(str(self.folder), ["--directory=/x"]).read(self.handed.extend, cursor, **how)

    def asked(self):
        return (self.folder / "asked").read_text().splitlines()[-1]


@pytest.fixture(params=HOSTS)
def bench(request, tmp_path, monkeypatch):
    made = Bench(tmp_path, entries(request.param)[:120])
    monkeypatch.setattr(_recorder_journal, "find_executable", lambda _name: made.script)
    return made


def test_all_that_matters_is_handed_over_in_order(bench):
    reading = bench.read(since=5000000)
    assert reading == (bench.found[-1]["__CURSOR"], False, True, None)
    kept = [each["__CURSOR"] for each in bench.handed]
    assert kept == [each["__CURSOR"] for each in bench.found if each["__CURSOR"] in kept]
    dropped = [each for each in bench.found if each["__CURSOR"] not in kept]
    assert dropped and all(each["_TRANSPORT"] == "kernel" and "oom-kill:" not in each["MESSAGE"]
                           and "Killed process" not in each["MESSAGE"] for each in dropped)
    assert "--since=@5 " in bench.asked() and "--directory=/x" in bench.asked()


def test_on_from_a_cursor_that_is_still_there(bench):
    cursor = bench.found[100]["__CURSOR"]
    reading = bench.read(cursor)
    assert reading.continued and reading.cursor == bench.found[-1]["__CURSOR"]
    assert "--since" not in bench.asked()
    assert all(int(each["__CURSOR"][2:]) >= 100 for each in bench.handed)


def test_a_cursor_that_is_gone(bench):
    assert bench.read("s=gone").continued is False


def test_this_boot(bench):
    bench.read(this_boot=True)
    assert "--boot" in bench.asked().split()


def test_enough_for_now(bench):
    reading = bench.read(entries=50)
    assert (reading.cursor, reading.ended) == (bench.found[49]["__CURSOR"], False)
    # and the rest
    assert bench.read(reading.cursor) == (bench.found[-1]["__CURSOR"], True, True, None)


def test_what_journalctl_says_beside_its_answer_is_a_problem(bench):
    (bench.folder / "words").write_text("Journal file x.journal is truncated, ignoring file.\n")
    reading = bench.read()
    assert reading.problem == "Journal file x.journal is truncated, ignoring file." and reading.cursor


def test_an_exit_code_is_a_problem(bench):
    (bench.folder / "code").write_text("1")
    assert bench.read().problem == "journalctl: exit code 1"


def test_lines_that_are_no_entries_are_a_problem(bench):
    bench.lines([json.dumps(bench.found[0]), "-- garbage --", json.dumps(bench.found[1])])
    reading = bench.read()
    assert reading.problem == "1 journal line(s) could not be read" and reading.cursor == bench.found[1]["__CURSOR"]


def test_a_kernel_message_that_is_no_utf8_is_looked_at(bench):
    text = "oom-kill:constraint=CONSTRAINT_NONE".encode("ascii") + b"\xff"
    entry = dict(bench.found[0], _TRANSPORT="kernel", MESSAGE=list(bytearray(text)))
    bench.lines([json.dumps(entry)])
    bench.read()
    assert len(bench.handed) == 1


def test_an_empty_journal(bench):
    (bench.folder / "lines").write_text("")
    assert bench.read() == (None, False, True, None)


def test_nothing_is_left_behind(bench):
    before = sorted(os.listdir(str(bench.folder)))
    bench.read()
    assert sorted(os.listdir(str(bench.folder))) == sorted(set(before) | {"asked"})


def test_without_journalctl(bench, monkeypatch):
    monkeypatch.setattr(_recorder_journal, "find_executable", lambda _name: str(bench.folder / "nowhere"))
    with pytest.raises(CommandError):
        bench.read()
