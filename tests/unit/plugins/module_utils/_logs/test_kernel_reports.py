# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept of more reports of kills than there is room for: one user's do not cost another's."""

import json
from collections import Counter

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs import journal, kernel_reports
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.journalctl import Ending
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.kernel_oom import KernelMessage, parse_kernel_log
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.records import parse_kernel_messages

BOOT = "ab" * 16
ALICE = "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-%s.scope/container" % ("a" * 64)
BOB = "/user.slice/user-1001.slice/user@1001.service/user.slice/libpod-%s.scope/container" % ("b" * 64)
ROOT = "/machine.slice/libpod-%s.scope/container" % ("c" * 64)
SUMMARY = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=container,mems_allowed=0,oom_memcg=%s,task_memcg=%s,task=sort,pid=%d,uid=0"
KILLED = ("Memory cgroup out of memory: Killed process %d (sort) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:%d "
          "pgtables:1kB oom_score_adj:0")
GROUP = "Tasks in %s are going to be killed due to memory.oom.group set"


class Log:
    """Entries of the kernel's, a second apart unless it is said otherwise."""

    def __init__(self):
        self.lines = []
        self.mono = 0

    def add(self, *texts, seconds=1.0):
        self.mono += int(seconds * 1000000)
        for number, text in enumerate(texts):
            self.lines.append(json.dumps({
                "__REALTIME_TIMESTAMP": str(10 ** 15 + self.mono + number), "_SOURCE_MONOTONIC_TIMESTAMP": str(self.mono + number),
                "_BOOT_ID": BOOT, "MESSAGE": text, "__CURSOR": "c" * 200}).encode("ascii"))
        return self

    def kill(self, path, pid, uid=100000, **more):
        return self.add(SUMMARY % (path, path, pid), KILLED % (pid, uid), **more)

    def read(self, monkeypatch):
        def read_lines(_argv, take, _timeout, _pass_by):
            for line in self.lines:
                take(line)
            return Ending(0, late=False, err="", long_lines=0)

        monkeypatch.setattr(journal, "read_lines", read_lines)
        return kernel_reports.read_kernel_log(0, 60)


def kills_of(answer):
    """{cgroup: pids of first victims}, number of kills without a place."""
    log = parse_kernel_log(parse_kernel_messages(answer.entries))
    found = {}
    for kill in log.kills:
        found.setdefault(kill.task_memcg, []).append(kill.victims[0].pid)
    return found, len(log.unattributed), log.killed_per_boot.get(BOOT, 0)


@pytest.fixture(autouse=True)
def little_room(monkeypatch):
    monkeypatch.setattr(kernel_reports, "MAX_USERS", 40000)
    monkeypatch.setattr(kernel_reports, "MAX_SYSTEM", 30000)
    monkeypatch.setattr(kernel_reports, "MAX_USER", 4000)


def test_who_uses_most_loses_the_oldest(monkeypatch):
    log = Log().kill(BOB, 7).kill(ROOT, 8)
    for number in range(300):
        log.kill(ALICE, 1000 + number)
    log.kill(BOB, 9)
    answer = log.read(monkeypatch)
    kills, lost, killed = kills_of(answer)
    assert kills[BOB] == [7, 9] and kills[ROOT] == [8] and lost == 0
    assert kills[ALICE] == list(range(1300 - len(kills[ALICE]), 1300)) and 10 < len(kills[ALICE]) < 60
    assert set(answer.left_out) == set(answer.dropped.before) == {1000}
    # the kernel's own count is compared with this sum
    assert answer.dropped.killed[BOOT] + killed == 303
    oldest_kept = 10 ** 15 + (3 + 300 - len(kills[ALICE])) * 1000000
    assert oldest_kept - 1000000 < answer.dropped.before[1000] <= oldest_kept
    assert "__CURSOR" not in answer.entries[0]


def test_roots_reports_have_room_of_their_own_and_the_log_begins_behind_what_is_left_out(monkeypatch):
    log = Log().kill(BOB, 7)
    for number in range(300):
        log.kill(ROOT, 1000 + number)
    answer = log.read(monkeypatch)
    kills, lost, killed = kills_of(answer)
    assert kills[BOB] == [7] and lost == 0 and kills[ROOT][-1] == 1299
    assert answer.dropped.killed == {} and answer.dropped.spans == {} and killed == len(kills[ROOT]) + 1
    assert answer.dropped.before == {0: 10 ** 15 + (301 - len(kills[ROOT])) * 1000000 + 2}


def test_words_of_anybody_have_little_room(monkeypatch):
    log = Log().kill(BOB, 7)
    for _number in range(300):
        log.add("tmpfs: Unknown parameter 'Killed process 1 ('")
    answer = log.read(monkeypatch)
    assert kills_of(answer) == ({BOB: [7]}, 0, 1)
    assert set(answer.left_out) == {journal.SOMEBODY} and answer.dropped == journal.DroppedReports()


def test_a_report_is_left_out_as_a_whole(monkeypatch):
    """All victims of a group kill; the second line about the first one counts like the kernel counts it."""
    log = Log()
    for number in range(100):
        log.add(SUMMARY % (ALICE, ALICE, 10 * number), KILLED % (10 * number, 100000), GROUP % ALICE, KILLED % (10 * number, 100000),
                KILLED % (10 * number + 1, 100000))
    answer = log.read(monkeypatch)
    kills, lost, killed = kills_of(answer)
    assert lost == 0 and answer.dropped.killed[BOOT] + killed == 300 and killed == 3 * len(kills[ALICE])


def test_a_report_that_is_larger_than_all_the_room(monkeypatch):
    log = Log().kill(BOB, 7)
    log.add(SUMMARY % (ALICE, ALICE, 10), KILLED % (10, 100000), GROUP % ALICE, *(KILLED % (pid, 100000) for pid in range(11, 500)))
    log.kill(ALICE, 600)
    answer = log.read(monkeypatch)
    kills, lost, killed = kills_of(answer)
    assert (kills, lost) == ({BOB: [7], ALICE: [600]}, 0)
    assert answer.dropped.killed[BOOT] + killed == 492


def test_what_may_be_of_another_kill_is_kept(monkeypatch):
    """In a window of lost summaries nothing that is not certain to be alice's goes with her reports."""
    log = Log()
    for number in range(12):
        log.kill(ALICE, 1000 + number, seconds=0.1)
    log.add(KILLED % (77, 101000), seconds=0.1)  # bob's, whose summary the rate limit suppressed
    for number in range(300):
        log.kill(ALICE, 2000 + number)
    answer = log.read(monkeypatch)
    _kills, lost, killed = kills_of(answer)
    assert lost == 1 and answer.dropped.killed[BOOT] + killed == 313


def test_another_source_does_not_count_them_again(monkeypatch):
    log = Log()
    for number in range(300):
        log.kill(ALICE, 1000 + number)
    answer = log.read(monkeypatch)
    ring = parse_kernel_messages([json.loads(line.decode("ascii")) for line in log.lines])
    other_boot = [message._replace(boot="cd" * 16) for message in ring[:2]]
    early = KernelMessage(0, BOOT, 5, KILLED % (3, 0))
    left = answer.dropped.without_repeated([early, *ring, *other_boot])
    counted = Counter(message.boot for message in left)
    assert counted == {BOOT: len(answer.entries) + 1, "cd" * 16: 2}
    merged = parse_kernel_log(parse_kernel_messages(answer.entries), left)
    assert merged.killed_per_boot[BOOT] + answer.dropped.killed[BOOT] == 301
