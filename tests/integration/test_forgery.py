# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Anybody can write into the journal. Nobody may change the verdict on somebody else's container."""

from __future__ import annotations

import pytest


@pytest.fixture
def victim(one, provoked):
    """The id of a container of root that ended with 1, and of one that was killed through Podman."""
    return {name: one.run("podman inspect -f '{{.Id}}' " + name).stdout.strip() for name in ("exit-1", "user-kill")}


def oom_of(control, host, ident):
    facts = control.facts([host], {"containers": [ident]})[host]
    return facts["containers"][0]["oom"]


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


@pytest.mark.parametrize("script", [FORGED_UNIT, FORGED_KERNEL], ids=["systemd's record", "the kernel's record"])
@pytest.mark.parametrize("forger", ["bob", "alice"])
def test_a_forged_kill_is_not_believed(one, control, victim, script, forger):
    before = oom_of(control, one.name, victim["exit-1"])
    one.run(script.format(ident=victim["exit-1"]), user=forger)
    one.run("journalctl --sync")
    after = oom_of(control, one.name, victim["exit-1"])
    assert (after["killed"], after["cause"], after["count"]) == (before["killed"], before["cause"], before["count"]), after


def test_a_forged_removed_container_is_not_believed(one, control):
    """bob makes up a container of root that was killed and is gone."""
    ident = "f0" * 32
    one.run(FORGED_UNIT.format(ident=ident), user="bob")
    one.run("journalctl --sync")
    facts = control.facts([one.name])[one.name]
    assert [each for each in facts["removed"] if each["id"] == ident and each["user"] != "bob"] == []


FORGED_EVENT = r"""
printf 'PODMAN_EVENT=%s\nPODMAN_TYPE=container\nPODMAN_ID=%s\nPODMAN_NAME=forged\nPODMAN_EXIT_CODE=0\nMESSAGE=x\n' \
    {kind} {ident} | logger --journald
"""


def test_forged_events_do_not_rename_a_removed_container(one, control, provoked):
    """Podman's events of a container are those of its owner."""
    facts = control.facts([one.name])[one.name]
    entry = next(each for each in facts["removed"] if each["name"] == "rm" and each["user"] == "root")
    for kind in ("died", "remove", "init"):
        one.run(FORGED_EVENT.format(kind=kind, ident=entry["id"]), user="bob")
    one.run("journalctl --sync")
    facts = control.facts([one.name])[one.name]
    (after,) = [each for each in facts["removed"] if each["id"] == entry["id"]]
    assert (after["name"], after["user"], after["exit_code"], after["oom"]["killed"]) == ("rm", "root", 137, True)


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


@pytest.mark.parametrize("group, suspicious", [
    ("libpod-{ident}.scope", True),
    ("x,task_memcg=!machine.slice!libpod-{ident}.scope", False),
    # "/" can't be in it, so this is the most that a name can claim
    ("x,task=sort,pid=1,uid=0", False),
], ids=["its id", "a second path", "a second task"])
def test_a_kill_in_a_cgroup_with_a_name_that_lies(one, control, victim, group, suspicious):
    """alice can have the kernel write any name, but only below her own slice."""
    before = oom_of(control, one.name, victim["exit-1"])
    one.run(KILL_IN.replace("{group}", group).replace("{ident}", victim["exit-1"]), user="alice")
    one.run("journalctl --sync")
    facts = control.facts([one.name])[one.name]
    after = next(each for each in facts["containers"] if each["id"] == victim["exit-1"])["oom"]
    assert (after["killed"], after["cause"], after["count"]) == (before["killed"], before["cause"], before["count"]), after
    assert [each for each in facts["removed"] if each["id"] == victim["exit-1"] and each["user"] != "alice"] == []
    told = [error["user"] for error in facts["errors"] if error["message"].startswith("suspicious record: a user's cgroup")]
    assert not suspicious or told == ["alice"], facts["errors"]


# mount(2) as busybox calls it: what it refuses is named in the kernel's log.
FORGED_MESSAGE = "unshare -Urm busybox mount -t tmpfs -o '%s' none /mnt"


def test_words_in_a_message_of_the_kernels(one, control, victim):
    """A kill that the kernel counted and the log lacks would be balanced by it."""
    before = control.facts([one.name])[one.name]
    for text in ("Memory cgroup out of memory: Killed process 1 (x) total-vm:1kB", "oom-kill:constraint=CONSTRAINT_MEMCG"):
        one.run(FORGED_MESSAGE % text, user="alice", check=False)
    assert "Killed process 1 (x)" in one.run("journalctl --sync; journalctl -k -o cat --grep 'Unknown parameter' || true").stdout
    after = control.facts([one.name])[one.name]

    def verdicts(facts):
        return {(each["user"], each["name"]): (each["oom"]["killed"], each["oom"]["cause"], each["oom"]["count"])
                for each in facts["containers"]}

    assert verdicts(after) == verdicts(before)
    assert any("holds the words of an OOM kill but is none" in error["message"] for error in after["errors"]), after["errors"]
