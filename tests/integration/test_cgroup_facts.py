# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""cgroup_facts against what the hosts themselves say: v2, v1, hybrid, no memory controller, before and after a reboot."""

from __future__ import annotations

import json

import pytest
from control import Control

from fleet import inventory, vm
from fleet.hosts import HOSTS

MODULE = "podman_fleet.memory.cgroup_facts"
MORE = ("debian12-hybrid", "debian12-grub")  # hosts that only these tests need
# One of each kind, for what is the same on all of it.
KINDS = ("debian13", "debian12-v1", "debian12-hybrid")
EVERYBODY = {"users": ["root", "alice", "bob"]}
OFF = "systemd.unified_cgroup_hierarchy=0"
GRUB_DROP_IN = "/etc/default/grub.d/99-cgroup-facts.cfg"
DELEGATE_DROP_IN = "/etc/systemd/system/user@.service.d/99-cgroup-facts.conf"

# What each host says by itself, one JSON object.
SAY = r"""
import json, os, subprocess
def text(path):
    try:
        return open(path).read().split()
    except OSError:
        return None
def out(*argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout.decode().strip()
slices = "/sys/fs/cgroup/system.slice/"
print(json.dumps({
    "type": out("stat", "-fc", "%T", "/sys/fs/cgroup"),
    "hybrid": os.path.isdir("/sys/fs/cgroup/unified"),
    "kernel": out("uname", "-r"),
    "systemd": int(out("systemctl", "--version").split()[1]),
    "available": text("/sys/fs/cgroup/cgroup.controllers"),
    "enabled": text("/sys/fs/cgroup/cgroup.subtree_control"),
    "alice": text("/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/cgroup.controllers"),
    "oom_group": os.path.exists(slices + "memory.oom.group"),
    "podman": json.loads(out("podman", "info", "--format", "json"))["host"]["cgroupVersion"],
    "cmdline": text("/proc/cmdline"),
}))
"""


@pytest.fixture(scope="module")
def more(fleet):
    """The hosts of MORE, down afterwards unless they ran already: {name: Host}."""
    started = [name for name in MORE if not vm.Host(name).running]
    vm.up(started, print)
    yield {name: vm.Host(name) for name in MORE}
    if started:  # vm.down([]) would stop every host that runs, whoever started it
        vm.down(started, print)
        inventory.write()


@pytest.fixture(scope="module")
def hosts(fleet, more):
    """All hosts by name, bob without a session on each."""
    found = {**fleet, **more}
    for host in found.values():
        host.run("loginctl terminate-user bob; systemctl stop user@1001.service", check=False)
    return found


@pytest.fixture(scope="module")
def ansible(hosts):
    """Ansible with an inventory of all of them."""
    return Control(inventory.write())


@pytest.fixture(scope="module")
def told(hosts, ansible):
    """The facts of root, alice and bob, as root: {host: facts}."""
    return facts(ansible, hosts, EVERYBODY)


@pytest.fixture(scope="module")
def said(hosts):
    """What the hosts say themselves."""
    return {name: json.loads(host.run(["python3", "-"], input=SAY).stdout) for name, host in hosts.items()}


def facts(ansible, names, args=None, **how):
    """Run the module, which has to succeed and change nothing."""
    results = ansible.module(list(names), args, module=MODULE, **how)
    for name, each in results.items():
        assert each.status == "ok", (name, each.result)
        assert each.result["changed"] is False
    return {name: each.result["ansible_facts"]["podman_cgroup"] for name, each in results.items()}


def users(found):
    return {each["name"]: each for each in found["users"]}


def changes(found):
    return [(each["id"], each["argument"]) for each in found["changes_needed"]]


def test_mode_is_what_the_host_was_booted_with(told, said):
    for name, found in told.items():
        assert found["mode"] == HOSTS[name].cgroup, name
        assert (found["mode"] == "v2") is (said[name]["type"] == "cgroup2fs"), name
        assert (found["mode"] == "hybrid") is said[name]["hybrid"], name
        assert ("v2" if found["mode"] == "v2" else "v1") == said[name]["podman"], name


def test_versions(told, said):
    for name, found in told.items():
        assert found["host"]["kernel"] == said[name]["kernel"]
        assert found["host"]["systemd"]["version"] == said[name]["systemd"]
        assert found["host"]["distribution"]["id"] == "debian"
        assert found["host"]["container"] is None


def test_controllers(told, said):
    for name, found in told.items():
        assert found["controllers"]["available"] == said[name]["available"], name
        assert found["controllers"]["enabled"] == said[name]["enabled"], name
        assert found["memory"]["present"] is HOSTS[name].memory_controller, name
        assert found["oom_group"]["supported"] is said[name]["oom_group"], name


def test_delegation(told, said):
    for name, found in told.items():
        alice, bob = users(found)["alice"], users(found)["bob"]
        assert (alice["manager_running"], alice["linger"]) == (True, True), name
        assert (bob["manager_running"], bob["linger"]) == (False, False), name
        assert "memory" in alice["configured"] and "memory" in bob["configured"], name
        assert alice["memory_delegated"] is HOSTS[name].limits_rootless, name
        assert bob["memory_delegated"] is (None if HOSTS[name].limits_rootless else False), name
        if found["mode"] == "v2":
            assert alice["controllers"] == said[name]["alice"], name


def test_ready_and_what_is_in_the_way(told):
    for name, found in told.items():
        spec = HOSTS[name]
        # debian12-grub and the hosts as they are started: nothing is in the way but what was put there
        expected = [("remove_argument", each) for each in spec.append if each.startswith(("systemd.", "cgroup_"))]
        assert changes(found) == expected, name
        assert found["v2_ready"] is spec.limits_rootless, name
        assert found["reboot_required_for_changes"] is bool(expected), name


def test_relevant_arguments(told, said):
    for name, found in told.items():
        shown = ["%(name)s=%(value)s" % each for each in found["boot"]["arguments"]]
        assert shown == [word for word in said[name]["cmdline"] if word.startswith(("systemd.unified", "systemd.legacy", "cgroup"))]


def test_the_next_boot_is_known_only_where_grub_boots(told):
    for name, found in told.items():
        assert found["boot"]["reboot_pending"] is (False if HOSTS[name].grub else None), name
        assert bool(found["missing"]) is not HOSTS[name].grub, (name, found["missing"])


def test_alice_by_herself_sees_the_same_of_the_host(told, hosts, ansible):
    for name, found in facts(ansible, [name for name in KINDS if name in hosts], user="alice").items():
        assert list(users(found)) == ["alice"]
        for key in ("mode", "controllers", "memory", "oom_group", "swap_accounting", "psi", "v2_ready"):
            assert found[key] == told[name][key], (name, key)
        assert users(found)["alice"] == users(told[name])["alice"], name


def test_bob_who_has_just_logged_in(told, hosts, ansible):
    """The connection is his session: now there is something to look at."""
    for name, found in facts(ansible, hosts, user="bob").items():
        bob = users(found)["bob"]
        assert (bob["manager_running"], bob["linger"]) == (True, False), name
        assert bob["memory_delegated"] is HOSTS[name].limits_rootless, name
        hosts[name].run("loginctl terminate-user bob; systemctl stop user@1001.service", check=False)


def test_check_mode_and_a_second_run_say_the_same(told, hosts, ansible):
    again = facts(ansible, [name for name in KINDS if name in hosts], EVERYBODY, check=True)
    for name, found in again.items():
        assert found == told[name], name


def test_all_is_root_and_who_has_containers(hosts, ansible):
    found = facts(ansible, ["debian12-grub"])["debian12-grub"]
    assert list(users(found))[0] == "root"
    assert "bob" not in users(found)


@pytest.mark.parametrize("args, user, words", [
    ({"users": ["carol"]}, "root", ["carol", "no user"]),
    ({"users": ["all"]}, "alice", ["only root", "alice"]),
    ({"users": ["root"]}, "alice", ["only root", "alice"]),
    ({"timeout": 0}, "root", ["timeout"]),
    ({"user": ["alice"]}, "root", ["Unsupported parameters"]),
])
def test_bad_input(hosts, ansible, args, user, words):
    told = ansible.module(["debian12-grub"], args, user=user, module=MODULE)["debian12-grub"]
    assert told.status == "failed"
    assert all(word in told.result["msg"] for word in words), told.result["msg"]


def test_one_bad_name_among_good_ones_is_missing(hosts, ansible):
    found = facts(ansible, ["debian12-grub"], {"users": ["alice", "carol"]})["debian12-grub"]
    assert list(users(found)) == ["alice"]
    assert found["v2_ready"] is None
    assert "user carol" in [each["what"] for each in found["missing"]]


def test_delegation_that_systemd_will_not_give(hosts, ansible):
    host = hosts["debian12-grub"]
    host.put(DELEGATE_DROP_IN, "[Service]\nDelegate=\nDelegate=pids\n")
    try:
        host.run("systemctl daemon-reload")
        found = facts(ansible, [host.name], {"users": ["bob"]})[host.name]
    finally:
        host.run(f"rm {DELEGATE_DROP_IN}; systemctl daemon-reload")
    assert users(found)["bob"]["configured"] == ["pids"]
    assert found["v2_ready"] is False
    assert [(each["id"], each["users"], each["reboot"]) for each in found["changes_needed"]] == [("delegate_memory", ["bob"], False)]


def test_reboots_that_are_pending(hosts, ansible):
    """To v1 and back through GRUB, with a look before and after each reboot."""
    host = hosts["debian12-grub"]

    def look():
        return facts(ansible, [host.name], EVERYBODY)[host.name]

    def configure(command):
        host.run(command + "; update-grub", timeout=300)
        return look()

    def reboot():
        host.reboot(timeout=600)
        return look()

    try:
        found = configure(f"mkdir -p /etc/default/grub.d; echo 'GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX {OFF}\"' >{GRUB_DROP_IN}")
        assert (found["mode"], found["v2_ready"], found["boot"]["reboot_pending"]) == ("v2", True, True)
        assert (found["boot"]["next"]["mode"], changes(found)) == ("hybrid", [("remove_argument", OFF)])
        assert OFF in found["boot"]["evidence"][0]

        found = reboot()
        assert (found["mode"], found["v2_ready"], found["boot"]["reboot_pending"]) == ("hybrid", False, False)
        assert [each["configured"] for each in found["changes_needed"]] == [False]
    finally:
        found = configure(f"rm -f {GRUB_DROP_IN}")
    assert (found["mode"], found["v2_ready"], found["boot"]["reboot_pending"]) == ("hybrid", False, True)
    assert [(each["configured"], each["reboot"]) for each in found["changes_needed"]] == [(True, True)]

    found = reboot()
    assert (found["mode"], found["v2_ready"], found["boot"]["reboot_pending"], changes(found)) == ("v2", True, False, [])
