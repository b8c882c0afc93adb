# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel's messages, word for word as printed on Linux 6.1, 6.12 and 7.2 (tests/unit/fixtures has whole logs)."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.kernel_oom import KernelMessage, parse_kernel_log

ID = "ab" * 32
SCOPE = "/machine.slice/libpod-%s.scope" % ID
MEMCG = ("oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=container,mems_allowed=0,oom_memcg=%s,"
         "task_memcg=%s/container,task=%s,pid=%d,uid=0")
GLOBAL = ("oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
          "task_memcg=%s/container,task=sleep,pid=945,uid=0")
KILLED = ("Memory cgroup out of memory: Killed process %d (%s) total-vm:22436kB, anon-rss:20224kB, file-rss:1412kB, "
          "shmem-rss:0kB, UID:0 pgtables:84kB oom_score_adj:0")
GROUP = "Tasks in %s/container are going to be killed due to memory.oom.group set" % SCOPE


def log(*texts, **more):
    boot = more.get("boot", "b1")
    return [KernelMessage(1000 + index, boot, index, text) for index, text in enumerate(texts)]


def test_a_kill_at_a_containers_limit():
    kills, unattributed, killed_per_boot = parse_kernel_log(log(
        "sort invoked oom-killer: gfp_mask=0xcc0", MEMCG % (SCOPE, SCOPE, "sort", 587), KILLED % (587, "sort")))
    assert not unattributed and killed_per_boot == {"b1": 1}
    (kill,) = kills
    assert (kill.constraint, kill.oom_memcg, kill.task_memcg) == ("CONSTRAINT_MEMCG", SCOPE, SCOPE + "/container")
    assert [(victim.pid, victim.task, victim.rss) for victim in kill.victims] == [(587, "sort", (20224 + 1412) * 1024)]
    assert not kill.group


def test_a_host_wide_kill_has_no_oom_memcg():
    (kill,) = parse_kernel_log(log(GLOBAL % SCOPE, "Out of memory: Killed process 945 (sleep) total-vm:2260kB, anon-rss:4kB, "
                                   "file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:40kB oom_score_adj:1000")).kills
    assert kill.oom_memcg is None and kill.constraint == "CONSTRAINT_NONE" and kill.victims[0].rss == 4096


def test_a_group_kill_lists_its_first_victim_twice():
    kills, _unattributed, killed_per_boot = parse_kernel_log(log(
        MEMCG % (SCOPE, SCOPE, "sort", 587), KILLED % (587, "sort"), GROUP, KILLED % (580, "sh"), KILLED % (587, "sort")))
    assert [victim.pid for victim in kills[0].victims] == [587, 580]
    assert kills[0].group and killed_per_boot == {"b1": 3}


def test_journal_and_ring_buffer_hold_the_same_messages():
    journal = log(MEMCG % (SCOPE, SCOPE, "sort", 587), KILLED % (587, "sort"))
    ring = [message._replace(at=message.at + 7) for message in journal]
    kills, _unattributed, killed_per_boot = parse_kernel_log(journal, ring)
    assert len(kills) == 1 and killed_per_boot == {"b1": 1} and kills[0].at == 1000


def test_a_group_kill_within_one_tick_of_the_clock_counts_as_the_kernel_counts():
    """Seen on Debian 13 under TCG: [1308.676363] for the victim, the others and the victim once more."""
    journal = [message._replace(mono=1308676363) for message in log(
        MEMCG % (SCOPE, SCOPE, "sort", 949), KILLED % (949, "sort"), GROUP, KILLED % (942, "sh"), KILLED % (949, "sort"))]
    ring = [message._replace(at=message.at + 7) for message in journal]
    half = ring[3:]  # the buffer wrapped in the middle of it
    for sources in ((journal,), (journal, ring), (journal, half), (journal, half, ring)):
        kills, unattributed, killed_per_boot = parse_kernel_log(*sources)
        assert killed_per_boot == {"b1": 3} and not unattributed
        assert len(kills) == 1 and sorted(victim.pid for victim in kills[0].victims) == [942, 949]


def test_a_suppressed_report_leaves_a_kill_without_a_place():
    kills, unattributed, killed_per_boot = parse_kernel_log(log(
        MEMCG % (SCOPE, SCOPE, "sort", 587), KILLED % (587, "sort"), KILLED % (600, "sort"),
        "Out of memory: Killed process 601 (x) total-vm:1kB, anon-rss:0kB, file-rss:0kB, shmem-rss:0kB, UID:0"))
    assert len(kills) == 1 and killed_per_boot == {"b1": 3}
    assert [(kill.victim.pid, kill.memcg) for kill in unattributed] == [(600, True), (601, False)]


def test_a_victim_that_ended_by_itself_was_not_killed():
    kills, unattributed, killed_per_boot = parse_kernel_log(log(
        MEMCG % (SCOPE, SCOPE, "sort", 587), "OOM victim 587 (sort) is already exiting. Skip killing the task"))
    assert (kills, unattributed, killed_per_boot) == ([], [], {})


@pytest.mark.parametrize("task", ["a,task=b,pid=1", "x) total-vm:", "Killed proc", "oom-kill:", "", "(sd-pam)", "ü\ufffd"])
def test_task_names_are_whatever_their_owners_like(task):
    (kill,) = parse_kernel_log(log(MEMCG % (SCOPE, SCOPE, task, 587), KILLED % (587, task))).kills
    assert kill.task_memcg == SCOPE + "/container" and kill.victims[0].pid == 587
    assert kill.victims[0].task == task


def test_two_boots_with_the_same_clock_stay_apart():
    first = log(MEMCG % (SCOPE, SCOPE, "sort", 587), KILLED % (587, "sort"))
    second = [message._replace(boot="b2", at=message.at + 10 ** 9) for message in first]
    kills, _unattributed, killed_per_boot = parse_kernel_log(second + first)
    assert [kill.boot for kill in kills] == ["b1", "b2"] and killed_per_boot == {"b1": 1, "b2": 1}


def test_other_messages_are_ignored():
    assert parse_kernel_log(log("oom_reaper: reaped process 587 (sort), now anon-rss:0kB", "", "Killed process")).kills == []
