# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of the kernel's record of an OOM kill: its exact forms of all versions, and what users make look like them."""

import re
import time

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.kernel_lines import (
    OOM_MESSAGE,
    OOM_PATTERN,
    old_summary_readings,
    parse_chosen,
    parse_exiting,
    parse_group,
    parse_killed,
    summary_beginning,
    summary_readings,
)

ID, ROOTS = "ab" * 32, "cd" * 32
ALICE = "/user.slice/user-1000.slice/user@1000.service"
SCOPE = ALICE + "/user.slice/libpod-%s.scope" % ID
VICTIM = "/machine.slice/libpod-%s.scope" % ROOTS
HEAD = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=user.slice,mems_allowed=0"
LINE = HEAD + ",oom_memcg=%s,task_memcg=%s/container,task=%s,pid=587,uid=100000"
SIZES = "total-vm:22436kB, anon-rss:20224kB, file-rss:1412kB"


@pytest.mark.parametrize("text, task, rss, memcg, uid", [
    # 5.4 and later
    ("Memory cgroup out of memory: Killed process 587 (sort) " + SIZES + ", shmem-rss:4kB, UID:100999 pgtables:84kB oom_score_adj:-997",
     "sort", 20224 + 1412 + 4, True, 100999),
    ("Out of memory: Killed process 587 (sort) " + SIZES + ", shmem-rss:0kB, UID:0 pgtables:84kB oom_score_adj:0",
     "sort", 20224 + 1412, False, 0),
    ("Out of memory (oom_kill_allocating_task): Killed process 587 (sort) " + SIZES + ", shmem-rss:0kB, UID:0", "sort", 21636, False, 0),
    # 5.3
    ("Out of memory: Killed process 587 ((resolved)) " + SIZES + ", shmem-rss:0kB", "(resolved)", 21636, False, None),
    # 4.19
    ("Killed process 587 (allocate) " + SIZES + ", shmem-rss:0kB", "allocate", 21636, None, None),
    # 3.10 of RHEL 7
    ("Killed process 587 (memcg_test_1), UID 7, " + SIZES + ", shmem-rss:0kB", "memcg_test_1", 21636, None, 7),
    ("Killed process 587 (a\nb) " + SIZES, "a\nb", 21636, None, None),
    ("Killed process 587 (x) total-vm:) " + SIZES, "x) total-vm:", 21636, None, None),
])
def test_a_killed_process(text, task, rss, memcg, uid):
    assert parse_killed(text) == (587, task, rss * 1024, memcg, uid)
    assert re.search(OOM_PATTERN, text) and OOM_MESSAGE.search(text)


@pytest.mark.parametrize("text", [
    "tmpfs: Unknown parameter 'Memory cgroup out of memory: Killed process 587 (sort) " + SIZES + "'",
    "tmpfs: Unknown parameter 'x\nMemory cgroup out of memory: Killed process 587 (sort) " + SIZES,
    "Memory cgroup out of memory: Killed process 587 (sort) " + SIZES + "'",
    "Memory cgroup out of memory: Killed process 587 (sort) " + SIZES + "\n",
    "Memory cgroup out of memory: Killed process 587 (a name of 16 byt) " + SIZES,
    "x: Killed process 587 (sort) " + SIZES, "Killed process \u0665 (sort) " + SIZES, "Killed process 587 (sort) total-vm:1kB",
])
def test_no_killed_process(text):
    assert parse_killed(text) is None


def test_a_group_and_a_victim_that_exits_by_itself():
    text = "Tasks in %s are going to be killed due to memory.oom.group set"
    assert parse_group(text % SCOPE) == SCOPE
    assert parse_group("tmpfs: " + text % SCOPE) is None and parse_group(text % SCOPE + "'") is None
    assert parse_group(text % "libpod") is None
    text = "OOM victim 587 (sort) is already exiting. Skip killing the task"
    assert parse_exiting("Memory cgroup out of memory: " + text) == parse_exiting("Out of memory: " + text) == 587
    assert parse_exiting(text) is None and parse_exiting("tmpfs: Out of memory: " + text) is None


@pytest.mark.parametrize("text, limit, victim", [
    (LINE % (SCOPE, SCOPE, "sort"), SCOPE, SCOPE + "/container"),
    (HEAD.replace("user.slice", "/") + ",global_oom,task_memcg=/,task=sort,pid=587,uid=0", None, "/"),
    (HEAD.replace("(null)", "0-1,3").replace("=0", "=0-1,4") + ",oom_memcg=/a,task_memcg=/a,task=,pid=587,uid=-2", "/a", "/a"),
    (LINE.replace("pid=587,uid=100000", "pid=  587,uid=    0") % (SCOPE, SCOPE, "sort"), SCOPE, SCOPE + "/container"),
    # without cpusets
    ("oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),global_oom,task_memcg=/a.slice,task=sort,pid=587,uid=0", None, "/a.slice"),
    # names of alice's choice
    (HEAD.replace("user.slice", "x,mems_allowed=0,global_oom,task_memcg=y") + ",oom_memcg=/a,task_memcg=/a/b,task=x,pid=587,uid=0",
     "/a", "/a/b"),
    (LINE % (SCOPE, SCOPE, "x,pid=1,uid=0"), SCOPE, SCOPE + "/container"),
    (LINE % (SCOPE, SCOPE, "a\n"), SCOPE, SCOPE + "/container"),
])
def test_a_summary(text, limit, victim):
    (reading,) = summary_readings(text)
    assert (reading.oom_memcg, reading.task_memcg, reading.pid) == (limit, victim, 587)
    assert OOM_MESSAGE.search(text)


@pytest.mark.parametrize("text", [
    "tmpfs: Unknown parameter '" + LINE % (VICTIM, VICTIM, "sort"), LINE % (VICTIM, VICTIM, "sort") + "'", "x\n" + LINE % (SCOPE, SCOPE, "x"),
    LINE % (VICTIM, SCOPE, "sort"), LINE % (VICTIM[1:], VICTIM, "sort"), LINE % (SCOPE, SCOPE, "a name of 16 byt"),
    "oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=%s,task_memcg=%s,task=sort,pid=1,uid=0" % (VICTIM, VICTIM),
    (LINE % (SCOPE, SCOPE, "sort")).replace("/container", "/con\ntainer"), (LINE % (SCOPE, SCOPE, "sort"))[:-len("00")] + "x",
])
def test_no_summary(text):
    assert summary_readings(text) == []


@pytest.mark.parametrize("name", [
    "x,task_memcg=" + VICTIM, "x,oom_memcg=%s,task_memcg=%s" % (VICTIM, VICTIM), "x,global_oom,task_memcg=" + VICTIM,
    "x,task_memcg=" + ALICE, "x,task=y,pid=1,uid=0,task_memcg=" + VICTIM,
])
def test_whatever_a_cgroup_is_called_the_kill_stays_below_its_owner(name):
    """A cgroup below alice's, called like the fields of root's container: its name has no slash, so it is several cgroups."""
    own = ALICE + "/" + name
    for limit, victim in ((ALICE, own), (own, own), (own, own + "/" + name)):
        text = "%s,oom_memcg=%s,task_memcg=%s,task=sort,pid=1,uid=1000" % (HEAD, limit, victim)
        readings = summary_readings(text)
        assert (limit, victim) in [(reading.oom_memcg, reading.task_memcg) for reading in readings]
        assert all(reading.task_memcg.startswith(ALICE + "/") for reading in readings)
    (reading,) = summary_readings("%s,global_oom,task_memcg=%s,task=sort,pid=1,uid=1000" % (HEAD, own))
    assert reading.task_memcg == own


def test_the_beginning_of_a_summary_whose_end_is_missing():
    text = LINE % (SCOPE, SCOPE, "sort")
    assert summary_beginning(text[:-1]) == SCOPE
    assert summary_beginning(text[:text.index(",task_memcg")]) == SCOPE
    assert summary_beginning(HEAD + ",oom_memcg=") == summary_beginning(HEAD[:60]) == ""
    assert summary_beginning("tmpfs: " + text) is None


@pytest.mark.parametrize("text", [
    HEAD.replace("user.slice", ",mems_allowed=" * 1000), HEAD.replace("user.slice", ",mems_allowed=" + "," * 15000),
    LINE % ("/a" * 4000, "/a" * 2000, "x"), HEAD + ",oom_memcg=/a" + ",task_memcg=/a" * 1100 + ",task=x,pid=1,uid=0",
    HEAD + ",oom_memcg=/a,task_memcg=/a" + ",task=" * 2000 + "x,pid=1,uid=0", HEAD + ",pid=1,uid=0" * 1300,
    "oom-kill:constraint=A,nodemask=" + "," * 16000, "Killed process 1 (" + ") total-vm:1kB" * 1000,
    "Tasks in /" + " are going to be killed due to memory.oom.group set" * 300 + "x", "/" * 16000, ",task=" * 3000,
    "Task in /a" + " killed as a result of limit of /a" * 450, "Memory cgroup out of memory: Kill process 1 (" + ") score 1" * 1500,
    "Killed process 1 (" * 900, "oom-kill:constraint=" * 800,
])
def test_long_lines_take_no_longer_than_their_length(text):
    began = time.process_time()
    for parse in (summary_readings, old_summary_readings, summary_beginning, parse_chosen, parse_killed, parse_group, parse_exiting,
                  OOM_MESSAGE.search,
                  re.compile(OOM_PATTERN).search):
        parse(text)
    assert time.process_time() - began < 0.05
