# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel's messages, word for word as printed on Linux 6.1, 6.12 and 7.2 (tests/unit/fixtures has whole logs)."""

import os

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.kernel_oom import (
    KernelMessage,
    cause_and_scope,
    parse_kernel_log,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.records import parse_entries, parse_kernel_messages

FIXTURES = os.path.join(os.path.dirname(__file__), "..", "..", "..", "fixtures")
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
    kills, unattributed, killed_per_boot, doubtful = parse_kernel_log(log(
        "sort invoked oom-killer: gfp_mask=0xcc0", MEMCG % (SCOPE, SCOPE, "sort", 587), KILLED % (587, "sort")))
    assert not unattributed and not doubtful and killed_per_boot == {"b1": 1}
    (kill,) = kills
    assert (kill.constraint, kill.oom_memcg, kill.task_memcg) == ("CONSTRAINT_MEMCG", SCOPE, SCOPE + "/container")
    assert [(victim.pid, victim.task, victim.rss) for victim in kill.victims] == [(587, "sort", (20224 + 1412) * 1024)]
    assert not kill.group


def test_a_host_wide_kill_has_no_oom_memcg():
    (kill,) = parse_kernel_log(log(GLOBAL % SCOPE, "Out of memory: Killed process 945 (sleep) total-vm:2260kB, anon-rss:4kB, "
                                   "file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:40kB oom_score_adj:1000")).kills
    assert kill.oom_memcg is None and kill.constraint == "CONSTRAINT_NONE" and kill.victims[0].rss == 4096


def test_a_group_kill_lists_its_first_victim_twice():
    kills, _unattributed, killed_per_boot, _doubtful = parse_kernel_log(log(
        MEMCG % (SCOPE, SCOPE, "sort", 587), KILLED % (587, "sort"), GROUP, KILLED % (580, "sh"), KILLED % (587, "sort")))
    assert [victim.pid for victim in kills[0].victims] == [587, 580]
    assert kills[0].group and killed_per_boot == {"b1": 3}


def test_journal_and_ring_buffer_hold_the_same_messages():
    journal = log(MEMCG % (SCOPE, SCOPE, "sort", 587), KILLED % (587, "sort"))
    ring = [message._replace(at=message.at + 7) for message in journal]
    kills, _unattributed, killed_per_boot, _doubtful = parse_kernel_log(journal, ring)
    assert len(kills) == 1 and killed_per_boot == {"b1": 1} and kills[0].at == 1000


def test_a_group_kill_within_one_tick_of_the_clock_counts_as_the_kernel_counts():
    """Seen on Debian 13 under TCG: [1308.676363] for the victim, the others and the victim once more."""
    journal = [message._replace(mono=1308676363) for message in log(
        MEMCG % (SCOPE, SCOPE, "sort", 949), KILLED % (949, "sort"), GROUP, KILLED % (942, "sh"), KILLED % (949, "sort"))]
    ring = [message._replace(at=message.at + 7) for message in journal]
    half = ring[3:]  # the buffer wrapped in the middle of it
    for sources in ((journal,), (journal, ring), (journal, half), (journal, half, ring)):
        kills, unattributed, killed_per_boot, doubtful = parse_kernel_log(*sources)
        assert killed_per_boot == {"b1": 3} and not unattributed and not doubtful
        assert len(kills) == 1 and sorted(victim.pid for victim in kills[0].victims) == [942, 949]


def test_a_suppressed_report_leaves_a_kill_without_a_place():
    kills, unattributed, killed_per_boot, doubtful = parse_kernel_log(log(
        MEMCG % (SCOPE, SCOPE, "sort", 587), KILLED % (587, "sort"), KILLED % (600, "sort"),
        "Out of memory: Killed process 601 (x) total-vm:1kB, anon-rss:0kB, file-rss:0kB, shmem-rss:0kB, UID:0"))
    assert len(kills) == 1 and killed_per_boot == {"b1": 3} and not doubtful
    assert [(kill.victim.pid, kill.memcg) for kill in unattributed] == [(600, True), (601, False)]


def test_a_victim_that_ended_by_itself_was_not_killed():
    kills, unattributed, killed_per_boot, doubtful = parse_kernel_log(log(
        MEMCG % (SCOPE, SCOPE, "sort", 587),
        "Memory cgroup out of memory: OOM victim 587 (sort) is already exiting. Skip killing the task"))
    assert (kills, unattributed, killed_per_boot, doubtful) == ([], [], {}, [])


@pytest.mark.parametrize("task", ["a,task=b,pid=1", "x) total-vm:", "Killed proc", "oom-kill:", "", "(sd-pam)", "ü\ufffd"])
def test_task_names_are_whatever_their_owners_like(task):
    (kill,) = parse_kernel_log(log(MEMCG % (SCOPE, SCOPE, task, 587), KILLED % (587, task))).kills
    assert kill.task_memcg == SCOPE + "/container" and kill.victims[0].pid == 587
    assert kill.victims[0].task == task


def test_two_boots_with_the_same_clock_stay_apart():
    first = log(MEMCG % (SCOPE, SCOPE, "sort", 587), KILLED % (587, "sort"))
    second = [message._replace(boot="b2", at=message.at + 10 ** 9) for message in first]
    kills, _unattributed, killed_per_boot, _doubtful = parse_kernel_log(second + first)
    assert [kill.boot for kill in kills] == ["b1", "b2"] and killed_per_boot == {"b1": 1, "b2": 1}


def test_other_messages_are_ignored():
    assert parse_kernel_log(log("oom_reaper: reaped process 587 (sort), now anon-rss:0kB", "", "Killed process")).kills == []


# --- what is no kill --------------------------------------------------------------------------

ALICE = "/user.slice/user-1000.slice/user@1000.service"


def doubts(parsed):
    return [(record.kind, record.place) for record in parsed.doubtful]


def test_a_text_in_another_message_is_no_kill_and_is_told():
    """`mount -t tmpfs -o 'TEXT'` in a user namespace fails with the text in a message of the kernel's."""
    killed = KILLED % (587, "sort")
    parsed = parse_kernel_log(log(*["tmpfs: Unknown parameter '%s'" % text for text in (
        MEMCG % (SCOPE, SCOPE, "sort", 587), killed, GROUP, "OOM victim 1 (x) is already exiting. Skip killing the task",
        "x\n" + killed)]))
    assert parsed[:3] == ([], [], {}) and doubts(parsed) == [("forged", None)] * 5


def test_such_texts_do_not_balance_the_number_of_kills():
    """Neither more nor less than the kernel's own lines is compared with the kernel's count."""
    forged = "tmpfs: Unknown parameter '%s'" % (KILLED % (1, "x"))
    parsed = parse_kernel_log(log(MEMCG % (SCOPE, SCOPE, "sort", 587), forged, KILLED % (587, "sort"), forged))
    assert parsed.killed_per_boot == {"b1": 1} and len(parsed.kills) == 1 and parsed.kills[0].victims[0].task == "sort"


def test_readings_that_disagree_are_no_kill_but_one_whose_place_is_known():
    """Is it a process ",task=x" in the container, or one in a cgroup beside it? Without the next line nobody can tell."""
    own = ALICE + "/libpod-%s.scope" % ID
    line = MEMCG.replace("/container", "") % (ALICE, own, "x,task=y", 587)
    parsed = parse_kernel_log(log(line))
    assert not parsed.kills and doubts(parsed) == [("ambiguous", ALICE)]
    assert [(kill.place, kill.victim.pid) for kill in parsed.unattributed] == [(ALICE, 587)]
    (kill,) = parse_kernel_log(log(line, KILLED % (587, "x,task=y"))).kills
    assert kill.task_memcg == own
    parsed = parse_kernel_log(log(line, KILLED % (587, "else")))
    assert not parsed.kills and [kill.place for kill in parsed.unattributed] == [ALICE]


def test_a_summary_in_several_records_of_the_kernels_buffer():
    """pr_cont() begins a new record when the line gets longer than 1,000 bytes, as paths of 4,096 bytes make it."""
    own = ALICE + "/" + "x" * 200
    line = MEMCG % (own, own, "sort", 587)
    first, second, third = line.index("/user.slice"), line.index(",task_memcg"), line.index(",task=")
    for pieces in ([line[:first], line[first:]], [line[:second], line[second:]], [line[:third], line[third:]],
                   [line[:first], line[first:third], line[third:]],
                   [line[:first], line[first:second + len(",task_memcg=")], line[second + len(",task_memcg="):]]):
        parsed = parse_kernel_log(log(*pieces + [KILLED % (587, "sort")]))
        assert [kill.task_memcg for kill in parsed.kills] == [own + "/container"] and not parsed.unattributed
        assert not parsed.doubtful


@pytest.mark.parametrize("length, place", [(60, None), (-4, ALICE + "/a")])
def test_a_summary_without_its_end_is_a_kill_whose_place_is_known_as_far_as_it_goes(length, place):
    line = MEMCG % (ALICE + "/a", ALICE + "/a", "sort", 587)
    parsed = parse_kernel_log(log(line[:length], KILLED % (587, "sort"), KILLED % (588, "sort")))
    assert not parsed.kills and doubts(parsed) == [("incomplete", place)]
    assert [kill.place for kill in parsed.unattributed] == [place, None]


def test_what_belongs_to_no_line_is_nothing():
    parsed = parse_kernel_log(log("/dev/sda: x", ",task=x,pid=1,uid=0"))
    assert parsed == ([], [], {}, [])


def test_a_burst_of_kills_hides_no_kill_in_a_group():
    """After ten summaries in five seconds the next is suppressed: its victim may look like one of the group killed before."""
    lines = []
    for pid in range(10):
        lines += [MEMCG % (SCOPE, SCOPE, "sort", pid), KILLED % (pid, "sort"), GROUP]
    parsed = parse_kernel_log(log(*lines + [KILLED % (500, "victim")]))
    assert [kill.victim.pid for kill in parsed.unattributed] == [500]
    assert not parse_kernel_log(log(*lines[3:] + [KILLED % (500, "member")])).unattributed


def test_before_5_1_the_line_does_not_tell_whose_limit_it_was():
    (kill,) = parse_kernel_log(log("Killed process 9 (x) total-vm:1kB, anon-rss:0kB, file-rss:0kB, shmem-rss:0kB")).unattributed
    assert kill.memcg is None


def test_a_group_kill_without_its_summary_has_the_groups_place():
    """The kernel's rate limit does not suppress that line: neighbours are not suspected."""
    own = ALICE + "/libpod-%s.scope" % ID
    group = "Tasks in %s are going to be killed due to memory.oom.group set" % own
    for begin in ([], [(MEMCG % (ALICE, own, "x", 5))[:60]], [(MEMCG % (ALICE, own, "x", 5))[:-4]]):
        parsed = parse_kernel_log(log(*begin + [KILLED % (5, "x"), group, KILLED % (6, "y"), KILLED % (5, "x")]))
        assert {(kill.victim.pid, kill.place) for kill in parsed.unattributed} == {(5, own), (6, own)}
    # another victim's report ends it
    parsed = parse_kernel_log(log(KILLED % (5, "x"), group, MEMCG % (SCOPE, SCOPE, "z", 7), KILLED % (7, "z"), KILLED % (8, "z")))
    assert [(kill.victim.pid, kill.place) for kill in parsed.unattributed] == [(5, own), (8, None)]


def many_at_once(number, process_first):
    """The lines of so many group kills within five seconds, and the cgroups: after ten, the kernel's rate limit drops the summaries."""
    scopes, lines = ["/machine.slice/libpod-%064x.scope" % (each + 1) for each in range(number)], []
    for each, scope in enumerate(scopes):
        shell, sort = KILLED % (2000 + each, "sh"), KILLED % (1000 + each, "sort")
        lines += [MEMCG % (scope, scope, "sort", 1000 + each)] if each < 10 else []
        lines += [sort, "Tasks in %s/container are going to be killed due to memory.oom.group set" % scope]
        lines += [sort, shell] if process_first else [shell, sort]
    return scopes, lines


def test_of_many_group_kills_at_once_each_has_its_place():
    """W15: twenty containers with memory.oom.group."""
    scopes, lines = many_at_once(20, process_first=False)
    parsed = parse_kernel_log(log(*lines))
    assert [kill.oom_memcg for kill in parsed.kills] == scopes[:10] and not parsed.doubtful and parsed.killed_per_boot == {"b1": 60}
    assert all(len(kill.victims) == 2 and kill.group for kill in parsed.kills)
    assert {(kill.victim.pid, kill.place, kill.group) for kill in parsed.unattributed} == {
        (pid + each, scope + "/container", True) for each, scope in enumerate(scopes) if each >= 10 for pid in (1000, 2000)}
    assert len(parsed.unattributed) == 20


def test_many_group_kills_at_once_as_debian_13_recorded_them():
    """Twenty containers with a shell and a sort in each; two summaries were dropped."""
    with open(os.path.join(FIXTURES, "journal_groups", "debian13-podman5.4.2.jsonl"), "rb") as handle:
        entries, bad = parse_entries(handle.read())
    kills, unattributed, killed_per_boot, doubtful = parse_kernel_log(parse_kernel_messages(entries))
    assert not bad and not doubtful and list(killed_per_boot.values()) == [60]
    assert len({kill.task_memcg for kill in kills}) == len(kills) == 18
    assert all([victim.task for victim in kill.victims] == ["sort", "sh"] and kill.group for kill in kills)
    places = {kill.place: [each.victim.task for each in unattributed if each.place == kill.place] for kill in unattributed}
    assert list(places.values()) == [["sort", "sh"]] * 2 and None not in places
    assert all(kill.group for kill in unattributed) and not set(places) & {kill.task_memcg for kill in kills}


def test_what_stands_behind_the_last_of_a_group_may_be_another_report():
    """The shells stand where a report of one process would: they may be in any container, the others have their place."""
    scopes, lines = many_at_once(20, process_first=True)
    parsed = parse_kernel_log(log(*lines))
    assert [kill.oom_memcg for kill in parsed.kills] == scopes[:10]
    assert {kill.place for kill in parsed.unattributed if kill.victim.pid < 2000} == {scope + "/container" for scope in scopes[10:]}
    assert {kill.place for kill in parsed.unattributed if kill.victim.pid >= 2009} == {None}


# --- limits below a container's own -----------------------------------------------------------

NESTED = ("fdb3213a3c5606ad8afded999de0525236b938d2225e61ccd628aedb7356d2ed",
          "308587f7af6d4e4289d4a5f994818219bde39e54df4b2b57599b3cfdbf4bc326")
OUTER = "d1bc35bcbb1ef4cad715bef8778ccf25401f840caf446cfe5af2f2946402cd9f"
NEWLINE = "5f975c6ba703636f07fac69cf87617cabca989ae485cc2772088cb46daf098a0"


def test_limits_in_containers_as_debian_13_recorded_them():
    """A cgroup inside with a limit, one named as a nested Podman names it, the same without a limit, a name with a newline."""
    with open(os.path.join(FIXTURES, "journal_nested", "debian13-podman5.4.2.jsonl"), "rb") as handle:
        entries, bad = parse_entries(handle.read())
    kills, unattributed, killed_per_boot, doubtful = parse_kernel_log(parse_kernel_messages(entries))
    assert not bad and not unattributed and not doubtful and list(killed_per_boot.values()) == [4]
    scopes = [cause_and_scope(kill, ident) for kill, ident in zip(kills, NESTED + (OUTER, NEWLINE))]
    machine = "/machine.slice/libpod-%s.scope"
    assert scopes == [
        ("nested_limit", machine % NESTED[0] + "/container/inner-job"),
        ("nested_limit", machine % NESTED[1] + "/container/libpod_parent/libpod-" + "cd" * 32),
        ("container_limit", machine % OUTER), ("container_limit", machine % NEWLINE)]
    assert kills[3].victims[0].task == "a\nb\x1b[31m\ufffdc"


# --- some NUMA nodes alone --------------------------------------------------------------------

@pytest.mark.parametrize("line, nodes", [
    # https://lore.kernel.org/all/ on CXL memory: node 4 of the container's cpuset
    ("oom-kill:constraint=CONSTRAINT_CPUSET,nodemask=(null),cpuset=docker-9976a269caec812c134fa317f27487ee36e1129beba7278a463dd53e5fb9997b"
     ".scope,mems_allowed=4,global_oom,task_memcg=/system.slice/containerd.service,task=containerd,pid=4100,uid=0",
     "NUMA node 4 (cpuset docker-9976a269caec812c134fa317f27487ee36e1129beba7278a463dd53e5fb9997b.scope)"),
    # lore.kernel.org, Gang Li, "mm, oom: Introduce per numa node oom for CONSTRAINT_MEMORY_POLICY"
    ("oom-kill:constraint=CONSTRAINT_MEMORY_POLICY,nodemask=1,cpuset=/,mems_allowed=0-2,global_oom,"
     "task_memcg=/user.slice/user-0.slice/session-3.scope,task=a.out,pid=13135,uid=0", "NUMA node 1 (memory policy of the process)"),
    (GLOBAL % SCOPE, None), (MEMCG % (SCOPE, SCOPE, "sort", 587), None),
])
def test_nodes_that_ran_dry(line, nodes):
    (kill,) = parse_kernel_log(log(line)).kills
    assert kill.nodes == nodes
    assert cause_and_scope(kill, ID)[0] == ("cpuset_oom" if nodes else "host_oom" if kill.oom_memcg is None else "container_limit")


def test_nodes_that_ran_dry_as_debian_testing_recorded_it():
    """`podman run --cpuset-mems=1`; a process in a container that bound itself to node 1 by set_mempolicy(2)."""
    with open(os.path.join(FIXTURES, "journal_cpuset", "testing-podman5.8.6.jsonl"), "rb") as handle:
        entries, bad = parse_entries(handle.read())
    kills, unattributed, killed_per_boot, doubtful = parse_kernel_log(parse_kernel_messages(entries))
    assert not bad and not unattributed and not doubtful and list(killed_per_boot.values()) == [2]
    assert [cause_and_scope(kill, ID) for kill in kills] == [
        ("cpuset_oom", "NUMA node 1 (cpuset container)"), ("cpuset_oom", "NUMA node 1 (memory policy of the process)")]
    assert [[victim.pid for victim in kill.victims] for kill in kills] == [[466], [532]]


# --- kernels before 5.1 -----------------------------------------------------------------------

# https://github.com/bluek8s/kubedirector/issues/356 (4.19), the container renamed as Podman's; sizes of the last line from mm/oom_kill.c
OLD = ["Task in %s killed as a result of limit of %s",
       "Memory cgroup out of memory: Kill process 62685 (bash) score 0 or sacrifice child",
       "Killed process %d (%s) total-vm:17528kB, anon-rss:96kB, file-rss:1548kB, shmem-rss:0kB"]


@pytest.mark.parametrize("pid, task", [(62685, "bash"), (62769, "cp")])
@pytest.mark.parametrize("limit, cause", [
    (SCOPE, "container_limit"), (SCOPE + "/container", "container_limit"), ("/machine.slice", "ancestor_limit"),
    (SCOPE + "/container/job", "nested_limit")])
def test_a_kill_as_kernels_before_5_0_report_it(pid, task, limit, cause):
    """The chosen process or a child of it."""
    victim = SCOPE + "/container" + ("/job" if cause == "nested_limit" else "")
    kills, unattributed, killed_per_boot, doubtful = parse_kernel_log(log(OLD[0] % (victim, limit), OLD[1], OLD[2] % (pid, task)))
    assert not unattributed and not doubtful and killed_per_boot == {"b1": 1}
    (kill,) = kills
    assert cause_and_scope(kill, ID) == (cause, limit) and kill.uid is None
    assert [(each.pid, each.task) for each in kill.victims] == [(pid, task)]


def test_a_group_kill_of_4_19():
    kills, unattributed, _killed, _doubtful = parse_kernel_log(log(
        OLD[0] % (SCOPE + "/container", SCOPE), OLD[1], OLD[2] % (62769, "cp"), GROUP, OLD[2] % (62685, "bash"), OLD[2] % (62769, "cp")))
    assert [victim.pid for victim in kills[0].victims] == [62769, 62685] and kills[0].group and not unattributed


def test_without_the_line_that_names_the_cgroup_it_is_known_whether_it_was_one_s_limit():
    whole = "Out of memory: Kill process 12 (x) score 900 or sacrifice child"
    parsed = parse_kernel_log(log(OLD[1], OLD[2] % (62769, "cp"), whole, OLD[2] % (12, "x"), OLD[2] % (13, "y")))
    assert not parsed.kills and not parsed.doubtful
    assert [(kill.victim.pid, kill.memcg) for kill in parsed.unattributed] == [(62769, True), (12, False), (13, None)]


def test_5_0_has_both_and_may_kill_a_child():
    summary = MEMCG % (SCOPE, SCOPE, "bash", 62685)
    for pid, task in ((62685, "bash"), (62769, "cp")):
        (kill,) = parse_kernel_log(log(summary, OLD[1], OLD[2] % (pid, task))).kills
        assert cause_and_scope(kill, ID)[0] == "container_limit" and kill.victims[0].pid == pid


def test_a_name_of_a_cgroup_does_not_move_an_old_kill():
    own = ALICE + "/x killed as a result of limit of /machine.slice"
    parsed = parse_kernel_log(log(OLD[0] % (own, ALICE), OLD[1], OLD[2] % (62685, "bash")))
    assert all(kill.task_memcg.startswith(ALICE) for kill in parsed.kills)
    forged = "tmpfs: Unknown parameter '%s'" % (OLD[0] % (SCOPE, SCOPE))
    parsed = parse_kernel_log(log(forged, OLD[1], OLD[2] % (62685, "bash")))
    assert not parsed.kills and doubts(parsed) == [("forged", None)]
