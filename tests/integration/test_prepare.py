# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""kernel_cmdline, the role cgroup_v2 and the playbook prepare.yml on hosts that boot by themselves through GRUB.

One host is on cgroup v1, the other one without the memory controller. Both go the whole way side by side: what makes an
update fail, `--check`, the real run with its reboot, a second run, kills. The tests of a file run in their order.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from control import PATIENCE, REPO, Control
from session import host_names

from fleet import inventory, vm

PLAYBOOK = str(REPO / "playbooks" / "prepare.yml")
KERNEL_CMDLINE = "podman_fleet.memory.kernel_cmdline"
V1, NOMEM = "debian12-grub", "debian13-grub"
NAMES = (V1, NOMEM)
ON = "systemd.unified_cgroup_hierarchy=1"
ADD = {"present": [ON], "absent": ["mitigations"], "timeout": PATIENCE}

# What boot loaders read and what people write, but for what the tests themselves put there.
BOOT_FILES = "find /boot/grub /etc/default /etc/kernel /boot/loader -type f 2>/dev/null | sort | xargs md5sum"

# Ways to make the update of grub.cfg fail: (how, how it ends, words of the error).
TROUBLES = {
    "a script of grub-mkconfig fails": (
        "printf '#!/bin/sh\\necho no such device >&2\\nexit 1\\n' >/etc/grub.d/99_broken; chmod +x /etc/grub.d/99_broken",
        "rm /etc/grub.d/99_broken",
        ["update-grub", "exit code 1", "no such device", "as it was before"]),
    "/boot is read only": (
        "mount --bind /boot /boot; mount -o remount,ro,bind /boot",
        "umount /boot",
        ["/boot/grub/grub.cfg", "mounted read only"]),
    "/boot is full": (
        # the draft of grub.cfg goes where grub.cfg is: one page is left there
        "mkdir /mnt/full; mount -t tmpfs -o size=20k none /mnt/full; cp -a /boot/grub/grub.cfg /boot/grub/grubenv /mnt/full;"
        "dd if=/dev/zero of=/mnt/full/fill bs=4k 2>/dev/null; truncate -s -4k /mnt/full/fill; mount --bind /mnt/full /boot/grub",
        "umount /boot/grub /mnt/full; rmdir /mnt/full",
        ["update-grub", "No space left on device", "as it was before"]),
}

# kernel-install of the host's systemd, which needs a place for its entries and a first one.
ENTRIES = r"""
set -e
version=$(uname -r)
mkdir -p /etc/kernel /boot/loader/entries /boot/$(cat /etc/machine-id)
echo type1 >/boot/loader/entries.srel
echo "root=/dev/vda1 ro quiet" >/etc/kernel/cmdline
kernel-install add $version /boot/vmlinuz-$version /boot/initrd.img-$version
"""

# An old host: arguments as people left them there, containers of root and alice, a delegation that is too small.
OLD = {
    V1: r"""
set -e
arguments='systemd.unified_cgroup_hierarchy=0 \\\n  systemd.legacy_systemd_cgroup_controller=1'
sed -i "s/^GRUB_CMDLINE_LINUX=\"\"/GRUB_CMDLINE_LINUX=\"panic=30 $arguments\"  # from 2019/" /etc/default/grub
mkdir -p /etc/systemd/system/user@.service.d
printf '[Service]\nDelegate=\nDelegate=pids\n' >/etc/systemd/system/user@.service.d/50-too-little.conf
systemctl daemon-reload
update-grub
""",
    NOMEM: r"""
set -e
echo 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX cgroup_disable=memory"' >/etc/default/grub.d/40-nomem.cfg
mkdir -p /etc/containers/systemd ~alice/.config/containers/systemd
tee /etc/containers/systemd/site.container >~alice/.config/containers/systemd/shop.container <<END
[Container]
ContainerName=site
Image=localhost/bb:latest
Exec=sleep 1000000
Network=none
PodmanArgs=--stop-timeout=1
[Install]
WantedBy=default.target
END
sed -i s/site/shop/ ~alice/.config/containers/systemd/shop.container
chown -R alice: ~alice/.config
update-grub
""",
}
RUN = "podman run -d --stop-timeout=1 --network=none"
SLEEP = "localhost/bb:latest sleep 1000000"
STARTED = {
    V1: [("root", f"{RUN} --name web --restart=always --memory=20m --memory-swap=20m {SLEEP}"),
         ("alice", f"{RUN} --name job --restart=always {SLEEP}; systemctl --user enable podman-restart.service")],
    NOMEM: [("root", f"{RUN} --name once {SLEEP}")],
}
ARE_BACK = {V1: {("root", "web"), ("alice", "job")}, NOMEM: {("root", "site"), ("alice", "shop")}}
GONE = {V1: [], NOMEM: [("root", "once")]}

LIMITED = "podman run --name hog --memory=20m --memory-swap=20m --network=none localhost/bb:latest sort /dev/zero"


@pytest.fixture(scope="module")
def hosts(request):
    """Both hosts, fresh; the session's own ones are not needed any more, and the machine has better things to do."""
    reuse = request.config.getoption("--fleet-reuse")
    if not (reuse or request.config.getoption("--fleet-keep")):
        vm.down(host_names(request.config), print)
    if not reuse:
        vm.down(NAMES, print)
    vm.up(NAMES, print)
    yield {name: vm.Host(name) for name in NAMES}
    if not (reuse or request.config.getoption("--fleet-keep")):
        vm.down(NAMES, print)
        inventory.write()


@pytest.fixture(scope="module")
def ansible(hosts):
    """Ansible with an inventory of the two."""
    return Control(inventory.write())


def everywhere(hosts, command, user="root", timeout=600, check=True):
    """Run a command on both hosts at once; a dict gives each its own. Returns {host: standard output}."""
    commands = command if isinstance(command, dict) else {name: command for name in hosts}
    with ThreadPoolExecutor() as pool:
        jobs = {name: pool.submit(hosts[name].run, ["bash", "-c", each], user=user, timeout=timeout, check=check)
                for name, each in commands.items()}
        return {name: job.result().stdout for name, job in jobs.items()}


def cmdline(ansible, args, check=False):
    return ansible.module(NAMES, args, module=KERNEL_CMDLINE, check=check)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_nothing_is_half_written_when_it_can_not_be_finished(hosts, ansible, trouble):
    begin, end, words = TROUBLES[trouble]
    everywhere(hosts, begin)
    try:
        before = everywhere(hosts, BOOT_FILES)
        told = cmdline(ansible, ADD)
        after = everywhere(hosts, BOOT_FILES)
    finally:
        everywhere(hosts, end)
    for name in NAMES:
        assert told[name].status == "failed", (name, told[name].result)
        assert all(word in told[name].result["msg"] for word in words), (name, told[name].result["msg"])
    assert after == before


def test_another_boot_loader_than_the_hosts(hosts, ansible):
    before = everywhere(hosts, BOOT_FILES)
    for name, told in cmdline(ansible, dict(ADD, bootloader="suse")).items():
        assert told.status == "failed", (name, told.result)
        assert "there is no /boot/grub2/grub.cfg" in told.result["msg"], told.result["msg"]
    assert everywhere(hosts, BOOT_FILES) == before


def test_kernel_install_of_the_hosts_own_systemd(hosts, ansible):
    """systemd 252 and 257. Nothing boots from these entries here; they are what systemd-boot would read."""
    everywhere(hosts, ENTRIES)
    try:
        for name, told in cmdline(ansible, dict(ADD, absent=["quiet"], bootloader="systemd_boot")).items():
            assert told.status == "ok", (name, told.result)
            assert (told.result["changed"], told.result["files"]) == (True, ["/etc/kernel/cmdline"]), name
        for name, text in everywhere(hosts, "cat /etc/kernel/cmdline; grep -h ^options /boot/loader/entries/*.conf").items():
            assert text.splitlines()[0] == "root=/dev/vda1 ro " + ON, name
            assert "root=/dev/vda1 ro " + ON in text.splitlines()[1], (name, text)
    finally:
        everywhere(hosts, "rm -rf /boot/loader /etc/kernel/cmdline /boot/$(cat /etc/machine-id)")


@pytest.fixture(scope="module")
def old(hosts):
    """Both hosts after a boot on cgroup v1, or without the memory controller, with containers."""
    everywhere(hosts, OLD)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda host: host.reboot(timeout=900), hosts.values()))
    for name, commands in STARTED.items():
        for user, command in commands:
            hosts[name].run(command, user=user, timeout=600)
    return hosts


def prepare(ansible, *words, **extra):
    return ansible.playbook(PLAYBOOK, *words, extra={
        "podman_memory_hosts": ",".join(NAMES), "podman_memory_serial": 2, "cgroup_v2_timeout": PATIENCE,
        "cgroup_v2_return_timeout": 600, "cgroup_v2_linger_users": ["bob"], **extra})


def summary(done):
    """Lines of the playbook's last word."""
    return done.stdout.partition("TASK [Show the summary]")[2].partition("TASK [")[0]


def changed(done):
    """{host: number of changed tasks}."""
    recap = [line.split() for line in done.stdout.partition("PLAY RECAP")[2].splitlines()]
    return {words[0]: int(words[3].partition("=")[2]) for words in recap if len(words) > 4}


def running(hosts):
    """{host: {(user, container)}}."""
    found = {name: set() for name in hosts}
    for user in ("root", "alice"):
        for name, text in everywhere(hosts, "podman ps --format '{{.Names}}'", user=user).items():
            found[name] |= {(user, each) for each in text.split()}
    return found


def test_check_mode_says_what_would_be_done_and_does_nothing(old, ansible):
    files = BOOT_FILES + "; ls /etc/systemd/system/user@.service.d /var/lib/systemd/linger; cat /proc/sys/kernel/random/boot_id"
    before, ran = everywhere(old, files), running(old)
    assert ran == {name: ARE_BACK[name] | set(GONE[name]) for name in NAMES}
    done = prepare(ansible, "--check", cgroup_v2_reboot_ok=True)
    told = summary(done)
    assert done.returncode == 0, done.stdout
    assert "NEED A REBOOT: 2" in told
    for words in ("remove systemd.unified_cgroup_hierarchy=0", "remove systemd.legacy_systemd_cgroup_controller=1",
                  "remove cgroup_disable=memory", "Delegate=cpu cpuset io memory pids", "2 containers are stopped",
                  "3 containers are stopped", "once of root does not come back"):
        assert words in told, told
    assert (everywhere(old, files), running(old)) == (before, ran)


@pytest.fixture(scope="module")
def prepared(old, ansible):
    """The run that counts."""
    return prepare(ansible, cgroup_v2_reboot_ok=True)


def test_both_end_in_v2_with_the_memory_controller(prepared, old, ansible):
    assert prepared.returncode == 0, prepared.stdout + prepared.stderr
    assert "READY: 2" in summary(prepared), summary(prepared)
    told = ansible.module(NAMES, {"users": ["root", "alice", "bob"]}, module="podman_fleet.memory.cgroup_facts")
    for name, each in told.items():
        facts = each.result["ansible_facts"]["podman_cgroup"]
        assert (facts["mode"], facts["memory"]["present"], facts["v2_ready"]) == ("v2", True, True), (name, facts)
        assert facts["boot"]["reboot_pending"] is False
        assert {user["name"]: user["linger"] for user in facts["users"]}["bob"] is True
    words = everywhere(old, "cat /proc/cmdline")
    assert "panic=30" in words[V1], "an argument that is nobody's business stays"
    assert not [each for text in words.values() for each in ("unified_cgroup", "legacy_systemd", "cgroup_disable") if each in text]


def test_what_ran_runs_again_and_what_can_not_come_back_was_named(prepared, old):
    assert running(old) == ARE_BACK


def test_containers_ended_before_the_host_went_down(prepared, old):
    """Podman itself saw it: after a shutdown that ends them as it ends any process, there is no time of it."""
    ended, booted = old[NOMEM].run("podman inspect -f '{{.State.FinishedAt.Unix}}' once; awk '/btime/ {print $2}' /proc/stat").stdout.split()
    assert 0 < int(ended) < int(booted)


def test_a_limit_that_was_given_on_v1_is_in_force_on_v2(prepared, old):
    limit = old[V1].run("cat /sys/fs/cgroup/machine.slice/libpod-$(podman inspect -f '{{.Id}}' web).scope/container/memory.max")
    assert limit.stdout.strip() == str(20 << 20)


def test_a_second_run_changes_nothing(prepared, old, ansible):
    done = prepare(ansible, cgroup_v2_reboot_ok=True)
    assert done.returncode == 0, done.stdout
    assert changed(done) == {V1: 0, NOMEM: 0}, done.stdout
    assert "READY: 2" in summary(done)


def test_a_kill_is_seen_of_root_and_rootless(prepared, old, ansible):
    for user in ("root", "alice"):
        everywhere(old, LIMITED, user=user, check=False)
    found = ansible.facts(NAMES, {"containers": ["hog"]})
    for name, facts in found.items():
        told = {each["user"]: (each["oom"]["killed"], each["oom"]["cause"], each["oom"]["confidence"]) for each in facts["containers"]}
        expected = (True, "container_limit", "certain")
        assert told == {"root": expected, "alice": expected}, (name, json.dumps(facts["containers"], indent=1))
