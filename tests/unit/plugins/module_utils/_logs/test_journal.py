# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How journalctl is called, what its failures become, and how far back the journal's files reach."""

import errno
import json
import os
import struct

import pytest
from recorded_host import FIXTURES

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs import journal, kernel_reports
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.journalctl import Ending
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.kernel_oom import parse_kernel_log
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import CommandError
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.times import SECOND

ENTRY = b'{"__REALTIME_TIMESTAMP": "5", "MESSAGE": "x", "_PID": "1"}\n'
KERNEL_ENTRY = b'{"__REALTIME_TIMESTAMP": "5", "MESSAGE": "oom-kill:constraint=x"}\n'
TRUNCATED = "Journal file /var/log/journal/x.journal is truncated, ignoring file."


class Journalctl:
    """In place of the command: gives these results one after the other, the last one from then on."""

    def __init__(self, *results):
        self.results = list(results)
        self.calls = []

    def __call__(self, argv, take, timeout, _pass_by):
        self.calls.append(argv)
        result = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        if isinstance(result, Exception):
            raise result
        code, out, err = result
        for line in out.splitlines():
            take(line)
        return Ending(code, late=code is None, err=err, long_lines=0)


@pytest.fixture
def journalctl(monkeypatch):
    def replace(*results):
        replacement = Journalctl(*results)
        monkeypatch.setattr(journal, "read_lines", replacement)
        return replacement
    return replace


def line(**fields):
    return json.dumps(dict({"__REALTIME_TIMESTAMP": "5"}, **fields)).encode() + b"\n"


def test_only_what_is_needed_is_asked_for(journalctl):
    calls = journalctl((0, b"", "")).calls
    kernel_reports.read_kernel_log(7 * SECOND, 60)
    journal.read_unit_records(7 * SECOND, 60)
    assert calls == [
        ["journalctl", "--no-pager", "--quiet", "--all", "--output=json", "--output-fields=MESSAGE,_BOOT_ID,_SOURCE_MONOTONIC_TIMESTAMP",
         "--since=@7", "_TRANSPORT=kernel", "--case-sensitive=true",
         r"--grep=oom-kill:constraint=|Kill(?:ed)? process \d+ \(|memory\.oom\.group set|is already exiting"
         r"| killed as a result of limit of /|^/|^,task"],
        ["journalctl", "--no-pager", "--quiet", "--all", "--output=json",
         "--output-fields=MESSAGE,MESSAGE_ID,UNIT,USER_UNIT,_UID,_PID,_COMM,_SYSTEMD_UNIT,_SYSTEMD_USER_UNIT", "--since=@7",
         "MESSAGE_ID=fe6faa94e7774663a0da52717891d8ef", "MESSAGE_ID=d989611b15e44c9dbf31e3c81256e4ed",
         "_PID=1", "+", "_SYSTEMD_UNIT=systemd-oomd.service"],
    ]


def test_grep_without_a_match_is_no_problem(journalctl):
    journalctl((1, b"", ""))
    assert kernel_reports.read_kernel_log(0, 60) == journal.JournalEntries([], 0, None)


def test_a_message_beside_the_answer_makes_it_ask_once_more(journalctl):
    calls = journalctl((0, b"", TRUNCATED), (0, ENTRY, "")).calls
    entries, bad_lines, problem, *_rest = journal.read_unit_records(0, 60)
    assert (len(entries), bad_lines, problem, len(calls)) == (1, 0, None, 2)


@pytest.mark.parametrize("result, entries, problem", [
    ((0, ENTRY, TRUNCATED), 1, TRUNCATED),
    ((2, b"", ""), 0, "journalctl: exit code 2"),
    ((None, ENTRY, ""), 1, "journalctl did not answer in time, what it printed until then was read"),
    (CommandError("journalctl did not answer in time"), 0, "journalctl did not answer in time"),
])
def test_what_may_be_incomplete_is_a_problem(journalctl, result, entries, problem):
    journalctl(result)
    answer = journal.read_unit_records(0, 60)
    assert (len(answer.entries), answer.problem) == (entries, problem)


def test_without_pattern_matching_all_kernel_messages_are_read(journalctl):
    refused = (1, b"", "Compiled without pattern matching support")
    calls = journalctl(refused, refused, (0, KERNEL_ENTRY + ENTRY, "")).calls
    answer = kernel_reports.read_kernel_log(0, 60)
    assert answer.problem is None and len(answer.entries) == 1
    assert not any(word.startswith("--grep") for word in calls[-1])


def test_what_is_no_entry_is_counted_and_the_others_are_read(journalctl):
    hostile = [line(PODMAN_LABELS="[" * 2000), line(MESSAGE=[256]), line(MESSAGE={}), b"[" * 5000, b"\xff", line(MESSAGE=1)]
    journalctl((0, ENTRY + b"\n".join(hostile) + b"\n" + ENTRY, ""))
    answer = journal.read_unit_records(0, 60)
    assert (len(answer.entries), answer.bad_lines, answer.problem) == (2, len(hostile), None)


def test_others_with_a_managers_words_are_left_out(journalctl):
    journalctl((0, b"".join(line(MESSAGE_ID="fe6faa94e7774663a0da52717891d8ef", UNIT="x.service", **writer) for writer in (
        {"_PID": "1"}, {"_PID": "700", "_UID": "1000", "_COMM": "systemd", "_SYSTEMD_UNIT": "session-1.scope"})), ""))
    assert [entry["_PID"] for entry in journal.read_unit_records(0, 60).entries] == ["1"]


def journal_file(first_entry, number=1, signature=b"LPKSHHRH"):
    header = bytearray(200)
    header[:8] = signature
    struct.pack_into("<Q", header, 152, number)
    struct.pack_into("<Q", header, 184, first_entry)
    return bytes(header)


def test_the_oldest_entry_of_the_systems_and_of_a_users_files(tmp_path):
    folder = tmp_path / "machine-id"
    folder.mkdir()
    for name, content in (
            ("system.journal", journal_file(700)), ("system@1-2-3.journal", journal_file(300)),
            ("system@4.journal~", journal_file(200)), ("user-1000.journal", journal_file(500)),
            ("user-10001.journal", journal_file(100)), ("system@empty.journal", journal_file(100, number=0)),
            ("system@other.journal", journal_file(100, signature=b"x" * 8)), ("system@short.journal", b"LPKSHHRH"),
            ("system.txt", journal_file(100))):
        (folder / name).write_bytes(content)
    assert journal.oldest_entry_time(None, [str(tmp_path)]) == 200
    assert journal.oldest_entry_time(1000, [str(tmp_path)]) == 500
    assert journal.oldest_entry_time(1001, [str(tmp_path)]) is None


def test_without_a_ring_buffer(tmp_path):
    messages, since, problem = journal.read_ring_buffer("b", str(tmp_path / "kmsg"))
    assert (messages, since) == ([], None) and problem.endswith("kmsg: No such file or directory")


@pytest.mark.parametrize("answer", [b"6,7,5,-;x", OSError(errno.EPIPE, "overwritten")])
def test_a_ring_buffer_that_somebody_writes_to_without_end(tmp_path, monkeypatch, answer):
    def endless(_descriptor, _size):
        if isinstance(answer, OSError):
            raise answer
        return answer

    (tmp_path / "kmsg").write_bytes(b"")
    monkeypatch.setattr(journal, "_RING_SECONDS", 0.1)
    monkeypatch.setattr(journal.os, "read", endless)
    messages, since, problem = journal.read_ring_buffer("b", str(tmp_path / "kmsg"))
    assert (messages, since) == ([], None) and problem.endswith("more is written to it than can be read")


@pytest.mark.parametrize("host", ["debian12-podman4.3.1", "debian13-podman5.4.2", "testing-podman5.8.6"])
def test_a_recorded_ring_buffer(tmp_path, monkeypatch, host):
    """Each record is one read; only those of OOM kills are kept, and each of them is the kernel's."""
    with open(os.path.join(FIXTURES, "kmsg", host + ".txt"), "rb") as stream:
        records = [record for record in stream.read().split(b"\n") if record[:1].isdigit()]
    (tmp_path / "kmsg").write_bytes(b"")
    waiting = list(records)
    monkeypatch.setattr(journal.os, "read", lambda _descriptor, _size: waiting.pop(0) if waiting else b"")
    messages, _since, problem = journal.read_ring_buffer("b", str(tmp_path / "kmsg"))
    log = parse_kernel_log(messages)
    assert problem is None and 0 < len(messages) < len(records)
    assert log.kills and not log.doubtful
