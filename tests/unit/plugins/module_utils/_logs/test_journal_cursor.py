# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal is read from a cursor on: how journalctl is called, and what its lines become."""

import json
import os
import stat

import pytest
from recorded_journal import HOSTS, entries

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs import journalctl
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.journal_cursor import TRUSTED, Journal
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.records import PODMAN_EVENT_KINDS
from ansible_collections.podman_fleet.memory.plugins.module_utils._system import command
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import CommandError

# In place of journalctl: prints the lines of a file, from the one with the cursor on if it is there.
STAND_IN = """#!/bin/sh
folder=%s
echo "$*" >>$folder/calls
cursor=; for word; do case $word in --cursor=*) cursor=${word#--cursor=};; esac; done
[ -z "$cursor" ] || grep -q -F "$cursor" $folder/lines || cursor=
if [ -n "$cursor" ]; then sed -n "/\\"__CURSOR\\": \\"$cursor\\"/,\\$p" $folder/lines; else cat $folder/lines; fi
cat $folder/stderr >&2
exit $(cat $folder/code)
"""


class Bench:
    def __init__(self, folder, recorded):
        self.folder = folder
        for number, entry in enumerate(recorded):
            entry["__CURSOR"] = "s=%d" % number
        self.entries = recorded
        self.lines([json.dumps(entry) for entry in recorded])
        (folder / "stderr").write_text("")
        (folder / "code").write_text("0")
        script = folder / "journalctl"
        script.write_text(STAND_IN % folder)
        script.chmod(stat.S_IRWXU)
        self.script = str(script)
        self.passed = []

    def lines(self, texts):
        (self.folder / "lines").write_text("\n".join(texts) + "\n", encoding="utf-8")

    def read(self, cursor=None, **options):
        del self.passed[:]
        return Journal(["--directory=/x"]).read(self.passed.extend, cursor, **options)

    def call(self):
        return (self.folder / "calls").read_text().splitlines()[-1]


@pytest.fixture(params=HOSTS)
def bench(request, tmp_path, monkeypatch):
    made = Bench(tmp_path, entries(request.param)[:120])
    monkeypatch.setattr(command, "find_executable", lambda _name: made.script)
    return made


def test_all_that_matters_is_passed_on_in_order(bench):
    reading = bench.read(since=5000000)
    assert reading == (bench.entries[-1]["__CURSOR"], False, True, None, 0)
    passed = [entry["__CURSOR"] for entry in bench.passed]
    assert passed == [entry["__CURSOR"] for entry in bench.entries if entry["__CURSOR"] in passed]
    dropped = [entry for entry in bench.entries if entry["__CURSOR"] not in passed]
    assert dropped and all(entry["_TRANSPORT"] == "kernel" and "oom-kill:" not in entry["MESSAGE"]
                           and "Killed process" not in entry["MESSAGE"] for entry in dropped)
    assert "--since=@5 " in bench.call() and "--directory=/x" in bench.call()


def test_a_cursor_that_is_still_there(bench):
    cursor = bench.entries[100]["__CURSOR"]
    reading = bench.read(cursor)
    assert reading.continued and reading.cursor == bench.entries[-1]["__CURSOR"]
    assert "--since" not in bench.call()
    assert all(int(entry["__CURSOR"][2:]) >= 100 for entry in bench.passed)


def test_a_cursor_that_is_gone(bench):
    assert bench.read("s=gone").continued is False


def test_this_boot(bench):
    bench.read(this_boot=True)
    assert "--boot" in bench.call().split()


@pytest.mark.parametrize("writer, matches", [
    (TRUSTED, "_TRANSPORT=kernel + MESSAGE_ID=fe6faa94e7774663a0da52717891d8ef MESSAGE_ID=d989611b15e44c9dbf31e3c81256e4ed _PID=1"
              " + _SYSTEMD_UNIT=systemd-oomd.service + EVENTS _UID=0"),
    (1000, "MESSAGE_ID=fe6faa94e7774663a0da52717891d8ef MESSAGE_ID=d989611b15e44c9dbf31e3c81256e4ed _COMM=systemd _UID=1000"
           " + EVENTS _UID=1000"),
])
def test_one_writer(bench, writer, matches):
    """By the fields that journald has from the kernel. Of a user alone, a field is not printed whatever its length."""
    bench.read("s=3", writer=writer)
    events = " ".join("PODMAN_EVENT=" + kind for kind in PODMAN_EVENT_KINDS)
    assert bench.call().partition("--cursor=s=3 ")[2] == matches.replace("EVENTS", events)
    assert ("--all" in bench.call()) == (writer == TRUSTED)


def test_looks(bench):
    journal = Journal(["--directory=/x"])
    assert journal.find_newest() == bench.entries[0]["__CURSOR"]  # of the stand-in, which prints all
    assert "--output-fields=_BOOT_ID" in bench.call() and " --lines=1 _TRANSPORT=kernel + " in bench.call()
    assert (journal.has("s=7"), journal.has("s=gone")) == (True, False)
    bench.lines(["1001", "0", "4294967294", "", "x"])
    assert journal.writers() == [0, 1001, 4294967294]
    assert bench.call() == "--no-pager --quiet --directory=/x --field=_UID"


def test_large_entries_are_not_held_together(bench):
    large = [dict(bench.entries[0], _TRANSPORT="journal", _UID="1000", __CURSOR="s=x%d" % number, MESSAGE="x" * 900000) for number in range(20)]
    bench.lines([json.dumps(entry) for entry in large])
    chunks = []
    Journal().read(lambda entries: chunks.append(len(entries)))
    assert max(chunks) <= 5 and sum(chunks) == 20


def test_journalctl_has_no_more_memory_than_it_needs(bench):
    (bench.folder / "journalctl").write_text("#!/bin/sh\nsleep 0.5\nulimit -d >%s/limit\n" % bench.folder)
    bench.read()
    assert int((bench.folder / "limit").read_text()) << 10 == journalctl._MAX_MEMORY


def test_a_limit_of_entries(bench):
    reading = bench.read(entries=50)
    assert (reading.cursor, reading.ended) == (bench.entries[49]["__CURSOR"], False)
    # and the rest
    assert bench.read(reading.cursor) == (bench.entries[-1]["__CURSOR"], True, True, None, 0)


def test_a_message_beside_journalctls_answer_is_a_problem(bench):
    (bench.folder / "stderr").write_text("Journal file x.journal is truncated, ignoring file.\n")
    reading = bench.read()
    assert reading.problem == "Journal file x.journal is truncated, ignoring file." and reading.cursor


def test_an_exit_code_is_a_problem(bench):
    (bench.folder / "code").write_text("1")
    assert bench.read().problem == "journalctl: exit code 1"


def test_lines_that_are_no_entries_are_a_problem(bench):
    bench.lines([json.dumps(bench.entries[0]), "-- garbage --", json.dumps(bench.entries[1])])
    reading = bench.read()
    assert reading.problem == "1 journal line(s) could not be read" and reading.cursor == bench.entries[1]["__CURSOR"]


def test_a_kernel_message_that_is_no_utf8_is_looked_at(bench):
    text = "oom-kill:constraint=CONSTRAINT_NONE".encode("ascii") + b"\xff"
    entry = dict(bench.entries[0], _TRANSPORT="kernel", MESSAGE=list(bytearray(text)))
    bench.lines([json.dumps(entry)])
    bench.read()
    assert len(bench.passed) == 1


def test_an_empty_journal(bench):
    (bench.folder / "lines").write_text("")
    assert bench.read() == (None, False, True, None, 0)


@pytest.mark.parametrize("fields", [
    {"PODMAN_EVENT": "died", "PODMAN_LABELS": "[" * 2000}, {"PODMAN_EVENT": "died", "PODMAN_LABELS": "9" * 4000},
    {"MESSAGE": {"a": 1}}, {"MESSAGE": [300]}, {"MESSAGE": 7}, {"_UID": [[["1000"]]]}, {"__REALTIME_TIMESTAMP": "\u00b2"},
    {"__REALTIME_TIMESTAMP": "9" * 400}, {"MESSAGE": "x" * (2 << 20)},
])
def test_an_entry_that_nobody_honest_writes_is_passed_by(bench, fields):
    """The reading goes on behind it, its cursor too, and nothing counts as incomplete."""
    forged = dict(dict(bench.entries[0], _TRANSPORT="journal", _UID="1000"), **fields)
    bench.lines([json.dumps(entry) for entry in (bench.entries[0], dict(forged, __CURSOR="s=f1"), bench.entries[1],
                                                 dict(forged, __CURSOR="s=f2"))])
    reading = bench.read()
    assert (reading.bad_entries, reading.ended, reading.problem) == (2, True, None)
    assert reading.cursor == "s=f2"


@pytest.mark.parametrize("is_first", [True, False])
def test_lines_that_are_too_long_are_not_read_again_each_time(bench, is_first):
    """There may be more of them than there is time for: what comes behind them would never be read."""
    cursor = {"__CURSOR": "s=f1"}  # journalctl prints the fields in any order
    forged = dict(cursor, MESSAGE="x" * (3 << 20)) if is_first else dict({"MESSAGE": "x" * (3 << 20)}, **cursor)
    bench.lines([json.dumps(bench.entries[0]), json.dumps(dict(forged, PODMAN_LABELS='"__CURSOR":"s=forged"'))])
    (bench.folder / "journalctl").write_text("#!/bin/sh\ncat %s/lines\nsleep 60\n" % bench.folder)
    reading = bench.read(bench.entries[0]["__CURSOR"], seconds=2)
    assert (reading.cursor, reading.continued, reading.ended, reading.bad_entries) == ("s=f1", True, False, 1)
    bench.lines([json.dumps(forged)])
    assert bench.read("s=f1", seconds=2).continued


def test_a_line_of_the_kernels_that_is_no_entry_is_a_problem(bench):
    entry = dict(bench.entries[0], _TRANSPORT="kernel", MESSAGE=[300])
    bench.lines([json.dumps(entry)])
    assert bench.read().problem == "1 journal line(s) could not be read"


def test_a_journalctl_that_hangs_is_left_in_time(bench):
    (bench.folder / "journalctl").write_text("#!/bin/sh\ncat %s/lines\nsleep 60\n" % bench.folder)
    reading = bench.read(seconds=1)
    assert not reading.ended and reading.cursor == bench.entries[-1]["__CURSOR"]


def test_nothing_is_left_behind(bench):
    before = sorted(os.listdir(str(bench.folder)))
    bench.read()
    assert sorted(os.listdir(str(bench.folder))) == sorted(set(before) | {"calls"})


def test_without_journalctl(bench, monkeypatch):
    monkeypatch.setattr(command, "find_executable", lambda _name: str(bench.folder / "nowhere"))
    with pytest.raises(CommandError):
        bench.read()
