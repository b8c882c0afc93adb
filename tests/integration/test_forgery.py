# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Anybody can write into the journal. Nobody may change the verdict on somebody else's container."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

FORGED_UNIT = r"""
printf 'MESSAGE_ID=fe6faa94e7774663a0da52717891d8ef\nPRIORITY=5\nUNIT=libpod-%s.scope\nMESSAGE=forged\n' {ident} |
    logger --journald
printf 'MESSAGE_ID=d989611b15e44c9dbf31e3c81256e4ed\nPRIORITY=5\nUNIT=libpod-%s.scope\nMESSAGE=forged\n' {ident} |
    logger --journald
"""

FORGED_KERNEL = """
scope=/machine.slice/libpod-{ident}.scope
logger -t kernel "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=$scope,\
task_memcg=$scope/container,task=x,pid=1,uid=0"
"""

FORGED_EVENT = r"""
printf 'PODMAN_EVENT=%s\nPODMAN_TYPE=container\nPODMAN_ID=%s\nPODMAN_NAME=forged\nPODMAN_EXIT_CODE=0\nMESSAGE=x\n' \
    {kind} {ident} | logger --journald
"""

# A kill in a cgroup of alice's own, whose name ($1) she chooses.
KILL_IN = r"""
cat >$HOME/kill.sh <<'EOF'
set -e
own=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)
mkdir $own/shell "$own/$1"
echo $$ >$own/shell/cgroup.procs
echo +memory >$own/cgroup.subtree_control
echo 10M >"$own/$1/memory.max"
export GROUP="$own/$1"
sh -c 'echo $$ >"$GROUP/cgroup.procs"; exec sort /dev/zero' || true
EOF
systemd-run --user --scope --quiet -p Delegate=yes sh $HOME/kill.sh '{group}'
"""
# She can have the kernel write any name, but only below her own slice.
GROUPS = {
    "its id": "libpod-{ident}.scope",
    "a second path": "x,task_memcg=!machine.slice!libpod-{ident}.scope",
    # "/" can't be in it, so this is the most that a name can claim
    "a second task": "x,task=sort,pid=1,uid=0",
}
# mount(2) as busybox calls it: what it refuses is named in the kernel's log.
FORGED_MESSAGE = "unshare -Urm busybox mount -t tmpfs -o '%s' none /mnt"
NOWHERE = "f0" * 32  # of a container that never was
NOT_FORGED = ("killed", "cause", "count")


class Forged(NamedTuple):
    """What oom_facts said before and after all of it was forged, and whose it was to be."""

    before: dict[str, Any]
    after: dict[str, Any]
    ended: str  # the id of a container of root's that ended with 1
    removed: str  # and of one that was killed, and removed


@pytest.fixture(scope="module")
def forged(one, control, provoked):
    """Everything is forged between two looks: each takes an emulated host half a minute."""
    before = control.facts([one.name])[one.name]
    ended = one.run("podman inspect -f '{{.Id}}' exit-1").stdout.strip()
    removed = next(each for each in before["removed"] if each["name"] == "rm" and each["user"] == "root")["id"]
    for forger in ("bob", "alice"):
        for script in (FORGED_UNIT, FORGED_KERNEL):
            one.run(script.format(ident=ended), user=forger)
    one.run(FORGED_UNIT.format(ident=NOWHERE), user="bob")
    for kind in ("died", "remove", "init"):
        one.run(FORGED_EVENT.format(kind=kind, ident=removed), user="bob")
    for group in GROUPS.values():
        one.run(KILL_IN.replace("{group}", group).replace("{ident}", ended), user="alice")
    for text in ("Memory cgroup out of memory: Killed process 1 (x) total-vm:1kB", "oom-kill:constraint=CONSTRAINT_MEMCG"):
        one.run(FORGED_MESSAGE % text, user="alice", check=False)
    assert "Killed process 1 (x)" in one.run("journalctl --sync; journalctl -k -o cat --grep 'Unknown parameter' || true").stdout
    return Forged(before, control.facts([one.name])[one.name], ended, removed)


def verdicts(facts):
    return {(each["user"], each["name"]): tuple(each["oom"][key] for key in NOT_FORGED) for each in facts["containers"]}


def test_no_verdict_is_another_one(forged):
    """A kill that the kernel counted and the log lacks would be balanced by the words in its message, too."""
    before, after = verdicts(forged.before), verdicts(forged.after)
    assert after.keys() == before.keys()
    different = {key: after[key] for key in before if after[key] != before[key]}
    # hers were killed meanwhile, in cgroups that may be those of a container without one of its own
    assert all(user == "alice" and killed is None for (user, _name), (killed, _cause, _count) in different.items()), different


def test_a_forged_kill_is_not_believed(forged):
    """Records of systemd's and the kernel's, written by bob and alice, of a container that was not killed."""
    (after,) = [each for each in forged.after["containers"] if each["id"] == forged.ended]
    assert (after["name"], after["user"], after["oom"]["killed"], after["oom"]["cause"]) == ("exit-1", "root", False, "application_exit"), after


def test_a_forged_removed_container_is_not_believed(forged):
    """bob makes up a container of root that was killed and is gone, and alice one of root's that is there."""
    for ident, forger in ((NOWHERE, "bob"), (forged.ended, "alice")):
        assert [each for each in forged.after["removed"] if each["id"] == ident and each["user"] != forger] == []


def test_forged_events_do_not_rename_a_removed_container(forged):
    """Podman's events of a container are those of its owner."""
    (after,) = [each for each in forged.after["removed"] if each["id"] == forged.removed]
    assert (after["name"], after["user"], after["exit_code"], after["oom"]["killed"]) == ("rm", "root", 137, True)


def test_a_cgroup_with_an_id_that_is_not_its_owners_is_told(forged):
    told = [error["user"] for error in forged.after["errors"] if error["message"].startswith("suspicious record: a user's cgroup")]
    assert told == ["alice"], forged.after["errors"]


def test_words_in_a_message_of_the_kernels_are_told(forged):
    errors = forged.after["errors"]
    assert any("holds the words of an OOM kill but is none" in error["message"] for error in errors), errors
