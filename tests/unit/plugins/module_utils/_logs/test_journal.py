# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How journalctl is called, what its failures become, and how far back the journal's files reach."""

import struct

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs import journal
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import CommandError, CommandResult
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.times import SECOND

ENTRY = b'{"__REALTIME_TIMESTAMP": "5", "MESSAGE": "x"}\n'
TRUNCATED = "Journal file /var/log/journal/x.journal is truncated, ignoring file."


class Journalctl:
    """In place of the command: gives these results one after the other, the last one from then on."""

    def __init__(self, *results):
        self.results = list(results)
        self.calls = []

    def __call__(self, argv, timeout, max_output):
        self.calls.append(argv)
        result = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        if isinstance(result, Exception):
            raise result
        return result


@pytest.fixture
def journalctl(monkeypatch):
    def replace(*results):
        replacement = Journalctl(*results)
        monkeypatch.setattr(journal, "run_command", replacement)
        return replacement
    return replace


def test_only_what_is_needed_is_asked_for(journalctl):
    calls = journalctl(CommandResult(0, b"", "")).calls
    journal.read_kernel_log(7 * SECOND, 60)
    journal.read_podman_events(7 * SECOND, ["ab", "cd"], 60)
    assert calls == [
        ["journalctl", "--no-pager", "--quiet", "--output=json", "--output-fields=MESSAGE,_BOOT_ID,_SOURCE_MONOTONIC_TIMESTAMP",
         "--since=@7", "_TRANSPORT=kernel", "--case-sensitive=true",
         r"--grep=oom-kill:constraint=|Killed process \d+ \(|memory\.oom\.group set|is already exiting"],
        ["journalctl", "--no-pager", "--quiet", "--output=json",
         "--output-fields=PODMAN_EVENT,PODMAN_ID,PODMAN_NAME,PODMAN_IMAGE,PODMAN_EXIT_CODE,PODMAN_TIME,PODMAN_LABELS,_UID,_CMDLINE",
         "--since=@7", "PODMAN_EVENT=init", "PODMAN_EVENT=died", "PODMAN_EVENT=kill", "PODMAN_EVENT=stop",
         "PODMAN_EVENT=cleanup", "PODMAN_EVENT=remove", "PODMAN_ID=ab", "PODMAN_ID=cd"],
    ]


def test_grep_without_a_match_is_no_problem(journalctl):
    journalctl(CommandResult(1, b"", ""))
    assert journal.read_kernel_log(0, 60) == ([], 0, None)


def test_a_message_beside_the_answer_makes_it_ask_once_more(journalctl):
    calls = journalctl(CommandResult(0, b"", TRUNCATED), CommandResult(0, ENTRY, "")).calls
    entries, bad_lines, problem = journal.read_unit_records(0, 60)
    assert (len(entries), bad_lines, problem, len(calls)) == (1, 0, None, 2)


@pytest.mark.parametrize("result, entries, problem", [
    (CommandResult(0, ENTRY, TRUNCATED), 1, TRUNCATED),
    (CommandResult(2, b"", ""), 0, "journalctl: exit code 2"),
    (CommandError("journalctl did not answer in time"), 0, "journalctl did not answer in time"),
])
def test_what_may_be_incomplete_is_a_problem(journalctl, result, entries, problem):
    journalctl(result)
    answer = journal.read_unit_records(0, 60)
    assert (len(answer.entries), answer.problem) == (entries, problem)


def test_without_pattern_matching_all_kernel_messages_are_read(journalctl):
    refused = CommandResult(1, b"", "Compiled without pattern matching support")
    calls = journalctl(refused, refused, CommandResult(0, ENTRY, "")).calls
    assert journal.read_kernel_log(0, 60).problem is None
    assert not any(word.startswith("--grep") for word in calls[-1])


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
