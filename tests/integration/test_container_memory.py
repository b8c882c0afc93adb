# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""container_memory on real hosts: what the kernel enforces, kills and forgets, against what the module says.

The tests of this file are one story on the same containers, in this order: check mode, the run, once more after
a drift, a real OOM kill, restarts, refusals, the limits removed, and a reboot.
"""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import memory_guest
import pytest
from control import PATIENCE
from session import host_names

from fleet import image, inventory

MODULE = "podman_fleet.memory.container_memory"
MIB = 1 << 20
V2 = ("debian12", "debian13", "testing")
USERS = ("root", "alice")
PODMAN = {"debian12": "4.3.1", "debian13": "5.4.2", "testing": "5.8.6"}
WANTED = {"memory": "100m", "memory_reservation": "50m", "oom_group": True}
KERNEL = {"memory.max": str(100 * MIB), "memory.low": str(50 * MIB), "memory.oom.group": "1"}
SETTINGS = {"memory.max": "memory, memory_swap", "memory.low": "memory_reservation", "memory.oom.group": "oom_group"}
# name of the container: how the page container_memory calls what manages it
KINDS = {"cm-run": "none", "cm-stopped": "none, stopped", "cm-created": "none, never started", "cm-quadlet": "quadlet",
         "cm-unit": "systemd", "cm-rm": "none, --rm", "cm-member": "pod", "cm-compose": "compose", "cm-kube": "kube"}
DOCS = Path(__file__).resolve().parents[2] / "docs" / "docsite" / "rst" / "container_memory.rst"


def everywhere(fleet, work):
    """Run work(host, user) on all hosts and for both users at once; return {(host, user): result}."""
    keys = [(name, user) for name in fleet for user in USERS]
    with ThreadPoolExecutor(len(keys)) as pool:
        return dict(zip(keys, pool.map(lambda key: work(fleet[key[0]], key[1]), keys)))


def look(host, user):
    """What Podman and the kernel say of the user's containers."""
    return json.loads(host.run("python3 -", user=user, timeout=300, input=memory_guest.LOOK).stdout)


def shell(script):
    """A work for everywhere()."""
    return lambda host, user: host.run(["sh", "-c", script], user=user, timeout=600, check=False)


def requests(seen, names, settings):
    """The option `containers` for those of these names that there are."""
    return [{"name": name, "user": user, **settings} for user in USERS for name in names if name in seen[user]]


def by_host(found):
    """{(host, user): x} as {host: {user: x}}."""
    return {name: {user: found[name, user] for user in USERS} for name, _user in found}


def tell(control, hosts, arguments, **how):
    """Run the module once on each host, side by side, with arguments of its own; return {host: Told}."""
    def one(name):
        return control.module([name], {"timeout": PATIENCE, **arguments[name]}, module=MODULE, **how)[name]

    with ThreadPoolExecutor(len(hosts)) as pool:
        return dict(zip(hosts, pool.map(one, hosts)))


def result(told):
    """The result of a module that succeeded."""
    assert told.status == "ok", json.dumps(told.result, indent=1)
    return told.result


def entries(told):
    """{(user, name): entry} of a successful run."""
    return {(each["user"], each["name"]): each for each in result(told)["containers"]}


@pytest.fixture(scope="module")
def hosts(request, fleet):
    """The hosts where everything can be done, with a container of each kind: {name: Host}."""
    chosen = {name: fleet[name] for name in host_names(request.config) if name in V2}
    if not chosen:
        pytest.skip("none of the hosts with cgroup v2 is in --fleet-hosts")
    made = {} if request.config.getoption("--fleet-provoked") else everywhere(chosen, shell(memory_guest.MAKE))
    for (name, user), done in made.items():
        assert done.returncode == 0, (name, user, done.stderr)
    return chosen


@pytest.fixture(scope="module")
def before(hosts):
    """How the containers were made: {host: {user: {name: state}}}."""
    return by_host(everywhere(hosts, look))


@pytest.fixture(scope="module")
def arguments(before):
    """The one call for each host: all containers of both users."""
    names = list(KINDS) + ["cm-kill"]
    return {host: {"containers": requests(seen, names, WANTED)} for host, seen in before.items()}


@pytest.fixture(scope="module")
def checked(hosts, control, arguments):
    """What check mode says."""
    return tell(control, hosts, arguments, check=True)


@pytest.fixture(scope="module")
def ran(hosts, control, arguments, checked):
    """What the run says."""
    return tell(control, hosts, arguments)


@pytest.fixture(scope="module")
def enforced(hosts, ran):
    """How the containers are after the run."""
    return by_host(everywhere(hosts, look))


def test_check_mode_says_what_the_run_does(checked, ran):
    for host, told in ran.items():
        assert result(checked[host])["changed"] is result(told)["changed"] is True
        assert entries(checked[host]) == entries(told), host


def test_it_says_how_it_was(before, ran):
    """After check mode, so that has changed nothing."""
    for host, told in ran.items():
        for (user, name), each in entries(told).items():
            kernel = before[host][user][name]["kernel"]
            assert (each["before"]["effective"] is None) is (kernel is None), (host, user, name)
            if kernel:
                limit = None if kernel["memory.max"] == "max" else int(kernel["memory.max"])
                assert each["before"]["effective"]["limit"] == limit, (host, user, name)


def test_the_kernel_enforces_it(ran, enforced):
    for host, told in ran.items():
        for (user, name), each in entries(told).items():
            kernel = enforced[host][user][name]["kernel"]
            assert each["applied_live"] is (kernel is not None), (host, user, name, each)
            if kernel:
                assert {key: kernel[key] for key in KERNEL} == KERNEL, (host, user, name)


def test_nothing_was_restarted_or_killed(before, enforced):
    for host, users in before.items():
        for user, containers in users.items():
            for name, state in containers.items():
                now = enforced[host][user][name]
                assert {key: now[key] for key in ("id", "status", "pid", "started", "restarts")} == {
                    key: state[key] for key in ("id", "status", "pid", "started", "restarts")}, (host, user, name)


def test_other_limits_are_kept(enforced):
    for host, users in enforced.items():
        for user, containers in users.items():
            assert containers["cm-run"]["kernel"]["pids.max"] == "99", (host, user)


def test_no_service_is_left(hosts, ran):
    for name, host in hosts.items():
        left = host.run("ls -d /run/podman-fleet-*/ ; pgrep -af 'podman system servic[e]'", check=False).stdout
        assert left == "", (name, left)


def test_what_will_not_last_says_what_to_change(ran):
    for host, told in ran.items():
        for (user, name), each in entries(told).items():
            if not each["persistent"]:
                word = {"cm-compose": "mem_limit: 104857600", "cm-kube": "resources.limits.memory: 104857600"}.get(
                    name, "--memory=100m --memory-swap=100m --memory-reservation=50m --cgroup-conf=memory.oom.group=1")
                if name in ("cm-run", "cm-stopped"):  # declared with twice its memory as memory and swap
                    word = word.replace("--memory-swap=100m", "--memory-swap=200m")
                assert word in each["message"], (host, user, name, each)


@pytest.fixture(scope="module")
def repaired(hosts, control, arguments, enforced):
    """The same call once more, after something else has changed cm-run's cgroup."""
    for done in everywhere(hosts, shell(memory_guest.DRIFT)).values():
        assert done.returncode == 0, done.stderr
    return tell(control, hosts, arguments)


def test_drift_is_repaired_and_nothing_else_is_changed(hosts, repaired):
    now = by_host(everywhere(hosts, look))
    for host, told in repaired.items():
        changed = {key for key, each in entries(told).items() if each["changed"]}
        assert changed == {("root", "cm-run"), ("alice", "cm-run")}, host
        for user in USERS:
            kernel = now[host][user]["cm-run"]["kernel"]
            assert {key: kernel[key] for key in KERNEL} == KERNEL, (host, user)
        assert entries(told)["root", "cm-run"]["before"]["effective"]["limit"] == 80 * MIB


def test_an_oom_kill_takes_the_whole_container_at_the_new_limit(hosts, repaired):
    for (name, user), done in everywhere(hosts, shell(memory_guest.KILL)).items():
        assert done.stdout.split()[-2:] == ["exited", "137"], (name, user, done.stdout, done.stderr)
    for name, host in hosts.items():
        log = host.run("journalctl -k -o cat --since -15min", timeout=300).stdout
        for user in USERS:
            ident = look(host, user)["cm-kill"]["id"]
            assert re.search(r"Tasks in \S*%s\S* are going to be killed due to memory.oom.group set" % ident, log), (name, user)
        assert len(re.findall(r"memory: usage \d+kB, limit %dkB" % (100 * 1024), log)) >= len(USERS), name


@pytest.fixture(scope="module")
def restarted(hosts, repaired):
    """How the containers are after everything was started again."""
    for done in everywhere(hosts, shell(memory_guest.RESTART)).values():
        assert done.returncode == 0, done.stderr
    return by_host(everywhere(hosts, look))


def test_persistent_is_what_a_restart_shows(ran, enforced, restarted):
    """`persistent: true` holds after a restart, and `false` is said where it doesn't."""
    for host, told in ran.items():
        for (user, name), each in entries(told).items():
            was, now = enforced[host][user][name], restarted[host][user][name]
            if was["started"] == now["started"] or name == "cm-kill":
                continue
            kernel = now["kernel"]
            assert each["persistent"] is ({key: kernel[key] for key in KERNEL} == KERNEL), (host, user, name, kernel)


def test_the_table_in_the_docs_is_what_was_seen(ran, enforced, restarted, capsys):
    """The page container_memory has exactly these rows for the hosts that were used."""
    seen = set()
    for host, told in ran.items():
        for (user, name), each in entries(told).items():
            if name in KINDS:
                seen |= set(rows(host, name, each, enforced[host][user][name], restarted[host][user][name]))
    with capsys.disabled():
        print("", *sorted(seen), sep="\n")
    written = {line.strip() for line in DOCS.read_text(encoding="utf-8").splitlines()
               if line.startswith(tuple(f'   "{PODMAN[host]}", ' for host in ran))}
    assert written == seen


def rows(host, name, entry, was, now):
    """The lines of the table for one container: what the kernel had after the run and after a restart."""
    for key, setting in SETTINGS.items():
        live = "not running" if was["kernel"] is None else "yes" if was["kernel"][key] == KERNEL[key] else "no"
        if was["started"] == now["started"]:
            lasts = "yes" if entry["persistent"] else "no (module)"
        else:
            lasts = "yes" if now["kernel"][key] == KERNEL[key] else "no"
        yield f'"{PODMAN[host]}", "{KINDS[name]}", "{setting}", "{live}", "{lasts}", "{entry["method"]}"'


@pytest.fixture(scope="module")
def modern(request, hosts):
    """A host with a Podman that keeps updates and reads drop-ins."""
    names = [name for name in reversed(host_names(request.config)) if name in hosts and name != "debian12"]
    if not names:
        pytest.skip("neither debian13 nor testing is in --fleet-hosts")
    return hosts[names[0]]


@pytest.mark.parametrize("wanted, flat, words", [
    ({"name": "cm-use", "memory": "20m"}, {}, ["memory: 20m", "bytes less than", "allow_below_usage"]),
    ({"name": "cm-run", "memory_swap": "50m"}, {}, ["memory_swap: 50m", "100m"]),
    ({"name": "cm-run", "memory": "200m", "oom_group": True}, {"backend": "cli"}, ["backend", "oom_group"]),
])
def test_a_refusal_touches_nothing(modern, control, restarted, wanted, flat, words):
    """A container that can't be changed keeps the other one of the same call as it is."""
    asked = {"containers": [{"name": "cm-compose", "memory": "300m"}, wanted], **flat}
    told = tell(control, [modern.name], {modern.name: asked})[modern.name]
    assert told.status == "failed" and told.result["changed"] is False
    assert [word for word in words if word not in told.result["msg"]] == []
    assert look(modern, "root")["cm-compose"]["kernel"]["memory.max"] == KERNEL["memory.max"]


def test_what_was_refused_still_starts(modern, restarted):
    modern.run("cd / && podman restart cm-run", timeout=300)
    assert look(modern, "root")["cm-run"]["kernel"]["memory.max"] == KERNEL["memory.max"]


REFUSING = """#!/bin/sh
case "$*" in "update --memory=300m"*%s) echo 'Error: refused by the test' >&2; exit 125 ;; esac
exec podman "$@"
"""


def test_a_failure_midway_is_rolled_back(modern, control, restarted):
    """A Podman that refuses the second of two containers: the first gets back what it had."""
    modern.put("/usr/local/bin/cm-podman", REFUSING % look(modern, "root")["cm-kube"]["id"], mode=0o755)
    told = tell(control, [modern.name], {modern.name: {
        "containers": [{"name": name, "memory": "300m"} for name in ("cm-compose", "cm-kube", "cm-run")],
        "executable": "/usr/local/bin/cm-podman", "backend": "cli"}})[modern.name]
    assert told.status == "failed" and told.result["changed"] is False
    assert "refused by the test" in told.result["msg"] and "rolled back: root/cm-kube (cli), root/cm-compose (cli)" in told.result["msg"]
    assert [(each["name"], each["failed"], each["changed"]) for each in told.result["containers"]] == [
        ("cm-compose", False, False), ("cm-kube", True, False), ("cm-run", False, False)]
    now = look(modern, "root")
    for name in ("cm-compose", "cm-kube", "cm-run"):
        assert {key: now[name]["kernel"][key] for key in KERNEL} == KERNEL, name


def test_restart_only_where_nothing_else_helps(modern, control, restarted):
    """cm-free runs in nobody's cgroup, and its quadlet has been put right: only a restart can limit it."""
    before = look(modern, "root")
    asked = {"containers": [{"name": name, "memory": "90m"} for name in ("cm-free", "cm-compose")]}
    never = entries(tell(control, [modern.name], {modern.name: asked})[modern.name])
    assert (never["root", "cm-free"]["restart_required"], never["root", "cm-free"]["applied_live"]) == (True, False)
    assert look(modern, "root")["cm-free"]["started"] == before["cm-free"]["started"]
    told = entries(tell(control, [modern.name], {modern.name: {"restart": "if_needed", **asked}})[modern.name])
    after = look(modern, "root")
    assert (told["root", "cm-free"]["restart_required"], told["root", "cm-free"]["applied_live"]) == (False, True)
    assert after["cm-free"]["kernel"]["memory.max"] == str(90 * MIB)
    assert after["cm-free"]["started"] != before["cm-free"]["started"]
    assert after["cm-compose"]["started"] == before["cm-compose"]["started"]


def test_cgroupfs_changes_the_leaf_and_says_that_it_will_not_last(modern, control, restarted):
    told = entries(tell(control, [modern.name], {modern.name: {
        "name": "cm-compose", "memory": "60m", "oom_group": False, "backend": "cgroupfs"}})[modern.name])
    each, kernel = told["root", "cm-compose"], look(modern, "root")["cm-compose"]["kernel"]
    assert (each["method"], each["applied_live"], each["persistent"]) == ("cgroupfs", True, False)
    assert (kernel["memory.max"], kernel["memory.oom.group"]) == (str(60 * MIB), "0")


@pytest.fixture(scope="module")
def removed(hosts, control, restarted):
    """The limits are taken away again."""
    asked = {"memory": "unlimited", "memory_reservation": "unlimited", "oom_group": False}
    names = ["cm-run", "cm-quadlet"]
    return tell(control, hosts, {host: {"containers": requests(seen, names, asked)} for host, seen in restarted.items()})


def test_unlimited_removes_a_limit(hosts, removed):
    now = by_host(everywhere(hosts, look))
    for host, told in removed.items():
        for user, name in entries(told):
            kernel = now[host][user][name]["kernel"]
            assert (kernel["memory.max"], kernel["memory.low"], kernel["memory.oom.group"]) == ("max", "0", "0"), (
                host, user, name)


def test_a_reboot_keeps_what_is_persistent(modern, control, removed):
    """The limits are given once more, and the host's plug is pulled."""
    seen = {user: look(modern, user) for user in USERS}
    asked = {"containers": requests(seen, ["cm-run", "cm-quadlet"], WANTED)}
    told = entries(tell(control, [modern.name], {modern.name: asked})[modern.name])
    assert all(each["persistent"] for each in told.values())
    modern.run("sync")
    modern.kill()
    modern.start(image.build(modern.spec.image, print), modern.disk, "qcow2")
    modern.wait(600)  # the quadlets start before systemd says that it runs
    inventory.write()
    for user in USERS:
        modern.run("n=0; until [ \"$(podman ps -q --filter name=cm-run --filter name=cm-quadlet | wc -l)\" = 2 ] || [ $n = 40 ]; "
                   "do sleep 3; n=$((n + 1)); done", user=user, timeout=600)
        now = look(modern, user)
        for name in ("cm-run", "cm-quadlet"):
            assert now[name]["started"] != seen[user][name]["started"]
            assert {key: now[name]["kernel"][key] for key in KERNEL} == KERNEL, (user, name)
