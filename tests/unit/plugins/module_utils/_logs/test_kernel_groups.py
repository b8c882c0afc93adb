# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom memory.oom.group killed, by the order of the kernel's lines; the order is that of fixtures/journal_kernel."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.kernel_groups import find_groups

KILLED = ("Memory cgroup out of memory: Killed process %d (x) total-vm:22436kB, anon-rss:20224kB, file-rss:1412kB, "
          "shmem-rss:0kB, UID:0 pgtables:84kB oom_score_adj:0")
A, B = "/machine.slice/a.scope", "/machine.slice/b.scope"
SUMMARY = "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=x,pid=7,uid=0"
FORGED = "tmpfs: Unknown parameter 'Tasks in %s are going to be killed due to memory.oom.group set'" % B
EXITING = "Memory cgroup out of memory: OOM victim %d (x) is already exiting. Skip killing the task"


def group(path):
    return "Tasks in %s are going to be killed due to memory.oom.group set" % path


@pytest.mark.parametrize("lines, groups", [
    ([KILLED % 1], {}),
    ([KILLED % 1, group(A)], {0: A}),
    ([KILLED % 1, group(A), KILLED % 2, KILLED % 3, KILLED % 1], {0: A, 2: A, 3: A, 4: A}),
    # behind the first victim's second line it may be another report
    ([KILLED % 1, group(A), KILLED % 1, KILLED % 2], {0: A, 2: A}),
    ([KILLED % 1, group(A), KILLED % 1, KILLED % 2, group(B), KILLED % 2], {0: A, 2: A, 3: B, 5: B}),
    # it had ended before its turn
    ([KILLED % 1, group(A), KILLED % 2, EXITING % 1, KILLED % 3], {0: A, 2: A}),
    ([KILLED % 1, group(A), KILLED % 2, EXITING % 3, KILLED % 1], {0: A, 2: A, 4: A}),
    # without it nothing is proven of the others
    ([KILLED % 1, group(A), KILLED % 2, SUMMARY, KILLED % 1], {0: A}),
    ([KILLED % 1, SUMMARY, group(A), KILLED % 1], {}), ([group(A), KILLED % 1], {}),
    # what only looks like a line of the kernel's
    ([KILLED % 1, FORGED, group(A), FORGED, KILLED % 2, "x " + KILLED % 1, KILLED % 1], {0: A, 4: A, 6: A}),
])
def test_groups(lines, groups):
    assert find_groups([("boot", line) for line in lines]) == groups


def test_a_boot_ends_it():
    assert find_groups([("b1", KILLED % 1), ("b1", group(A)), ("b2", KILLED % 1)]) == {0: A}
