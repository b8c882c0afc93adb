# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""cgroup_facts over trees recorded on real hosts, whole and with parts missing."""

import os

import pytest
import recorded_hosts

from ansible_collections.podman_fleet.memory.plugins.module_utils._cgroup_v2.facts import cgroup_facts
from ansible_collections.podman_fleet.memory.plugins.module_utils._door.results import check_cgroup_facts
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import CommandError

LABELS = ("debian12", "debian13", "testing", "debian12-v1", "debian12-hybrid", "debian13-nomem", "debian12-grub",
          "debian12-grub-to-v1", "debian12-grub-from-v1", "debian12-container")
OFF = "systemd.unified_cgroup_hierarchy=0"
CFG = "/boot/grub/grub.cfg"
ALICE = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service"


@pytest.fixture
def host(tmp_path):
    """Lays out a recorded host: host(label)."""
    return lambda label: recorded_hosts.Recorded(label, tmp_path / label)


def facts(recorded, problems=()):
    """The facts, of which the controller takes all."""
    result = cgroup_facts(recorded.snapshot(), problems)
    assert check_cgroup_facts(result) == (result, "")
    return result


def users(result):
    return {each["name"]: each for each in result["users"]}


def changes(result):
    return [(each["id"], each["argument"], each["reboot"], each["configured"]) for each in result["changes_needed"]]


@pytest.mark.parametrize("label, mode, systemd, memory, oom_group, ready, pending", [
    ("debian12", "v2", 252, True, True, True, None),
    ("debian13", "v2", 257, True, True, True, None),
    ("testing", "v2", 262, True, True, True, None),
    ("debian12-v1", "v1", 252, True, False, False, None),
    ("debian12-hybrid", "hybrid", 252, True, False, False, None),
    ("debian13-nomem", "v2", 257, False, False, False, None),
    ("debian12-grub", "v2", 252, True, True, True, False),
    ("debian12-grub-to-v1", "v2", 252, True, True, True, True),
    ("debian12-grub-from-v1", "hybrid", 252, True, False, False, True),
])
def test_recorded_hosts(host, label, mode, systemd, memory, oom_group, ready, pending):
    result = facts(host(label))
    assert result["mode"] == mode
    assert result["host"]["systemd"] == {"running": True, "version": systemd, "default_hierarchy": "unified"}
    assert result["host"]["distribution"]["id"] == "debian"
    assert result["host"]["container"] is None
    assert result["memory"]["present"] is memory
    assert result["oom_group"]["supported"] is oom_group
    assert result["oom_group"]["kill_event"] is oom_group
    assert result["swap_accounting"] is memory
    assert result["psi"]["available"] is True
    assert result["v2_ready"] is ready
    assert result["boot"]["reboot_pending"] is pending
    assert bool(result["boot"]["evidence"]) is (pending is not False)
    assert [gap["what"] for gap in result["missing"]] == ([] if pending is not None else ["next boot"])


@pytest.mark.parametrize("label, expected", [
    ("debian12", []), ("debian13", []), ("testing", []), ("debian12-grub", []),
    ("debian12-v1", [("remove_argument", OFF, True, None),
                     ("remove_argument", "systemd.legacy_systemd_cgroup_controller=1", True, None)]),
    ("debian12-hybrid", [("remove_argument", OFF, True, None),
                         ("remove_argument", "systemd.legacy_systemd_cgroup_controller=0", True, None)]),
    ("debian13-nomem", [("remove_argument", "cgroup_disable=memory", True, None)]),
    ("debian12-grub-to-v1", [("remove_argument", OFF, False, False)]),
    ("debian12-grub-from-v1", [("remove_argument", OFF, True, True)]),
])
def test_changes_of_recorded_hosts(host, label, expected):
    result = facts(host(label))
    assert changes(result) == expected
    assert result["reboot_required_for_changes"] is any(reboot for _id, _argument, reboot, _configured in expected)


@pytest.mark.parametrize("label", LABELS)
def test_all_hosts_have_the_same_keys(host, label, tmp_path):
    reference = facts(recorded_hosts.Recorded("debian12-grub", tmp_path / "reference"))
    result = facts(host(label))
    assert set(result) == set(reference)
    for key in ("host", "controllers", "memory", "oom_group", "psi", "boot"):
        assert set(result[key]) == set(reference[key])
    assert {frozenset(each) for each in result["users"]} == {frozenset(reference["users"][0])}


def test_users_of_a_v2_host(host):
    result = users(facts(host("testing")))
    assert (result["root"]["memory_delegated"], result["root"]["why"]) == (True, None)
    assert result["alice"]["controllers"] == ["cpu", "memory", "pids"]
    assert (result["alice"]["memory_delegated"], result["alice"]["linger"], result["alice"]["manager_running"]) == (True, True, True)
    assert (result["bob"]["memory_delegated"], result["bob"]["linger"], result["bob"]["manager_running"]) == (None, False, False)
    assert "no session" in result["bob"]["why"]
    assert result["bob"]["configured"] == ["cpu", "memory", "pids"]


@pytest.mark.parametrize("label", ["debian12-v1", "debian12-hybrid"])
def test_users_of_a_v1_host(host, label):
    result = users(facts(host(label)))
    assert (result["alice"]["memory_delegated"], result["alice"]["manager_running"]) == (False, True)
    assert (result["bob"]["memory_delegated"], result["bob"]["manager_running"]) == (False, False)
    assert "v1" in result["alice"]["why"]


def test_users_without_a_memory_controller(host):
    result = users(facts(host("debian13-nomem")))
    assert [each["memory_delegated"] for each in result.values()] == [False, False, False]
    assert result["alice"]["controllers"] == ["cpu", "pids"]


def test_a_user_whose_manager_lacks_memory(host):
    recorded = host("debian12-grub")
    recorded.write(ALICE + "/cgroup.controllers", "pids\n")
    result = facts(recorded)
    assert users(result)["alice"]["memory_delegated"] is False
    assert (result["v2_ready"], changes(result)) == (False, [("restart_user_manager", None, False, True)])


def test_where_a_change_is_planned(host):
    assert facts(host("debian12-grub-from-v1"))["boot"]["next"] == {
        "kind": "grub", "path": CFG, "arguments": [], "mode": "v2"}
    assert facts(host("debian12-grub-to-v1"))["boot"]["next"]["mode"] == "hybrid"


# what can't be read

def test_an_unreadable_grub_configuration(host):
    recorded = host("debian12-grub-from-v1")
    recorded.block(CFG)
    result = facts(recorded)
    assert (result["boot"]["next"], result["boot"]["reboot_pending"]) == (None, None)
    assert CFG in result["boot"]["evidence"][0]
    assert {gap["what"] for gap in result["missing"]} == {CFG, "next boot"}
    assert changes(result) == [("remove_argument", OFF, True, None)]
    assert result["changes_needed"][0]["file"] == "/etc/default/grub"


@pytest.mark.parametrize("gone", [True, False])
@pytest.mark.parametrize("path, keys", [
    ("/proc/self/mountinfo", {"mode": None, "v2_ready": None, "changes_needed": []}),
    ("/sys/fs/cgroup/cgroup.controllers", {"mode": "v2", "v2_ready": None, "changes_needed": []}),
    ("/sys/fs/cgroup/cgroup.subtree_control", {"mode": "v2", "v2_ready": None, "changes_needed": []}),
])
def test_what_is_not_known_is_not_clean(host, path, keys, gone):
    recorded = host("debian12-grub")
    if gone:
        recorded.remove(path)
    else:
        recorded.block(path)
    result = facts(recorded)
    assert {key: result[key] for key in keys} == keys
    assert gone or path in [gap["what"] for gap in result["missing"]]


def test_mounts_from_proc_mounts(host):
    recorded = host("debian12-grub")
    recorded.block("/proc/self/mountinfo")
    recorded.write("/proc/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\n")
    assert facts(recorded)["mode"] == "v2"


def test_an_unreadable_command_line(host):
    recorded = host("debian12-v1")
    recorded.block("/proc/cmdline")
    result = facts(recorded)
    assert result["boot"] == {"arguments": None, "next": None, "reboot_pending": None, "evidence": ["/proc/cmdline can't be read"]}
    assert changes(result) == [("read_command_line", None, None, None)]
    assert result["reboot_required_for_changes"] is None
    assert "/proc/cmdline" in [gap["what"] for gap in result["missing"]]


def test_systemctl_missing_or_failing(host):
    recorded = host("debian12-v1")
    recorded.commands.clear()
    result = facts(recorded)
    assert result["host"]["systemd"] == {"running": True, "version": None, "default_hierarchy": None}
    assert [gap["what"] for gap in result["missing"]][:2] == ["systemctl --version", "systemctl show"]
    assert changes(result) == [("init_mounts_v2", None, True, None)]
    recorded.commands["systemctl --version"] = {"rc": 1, "out": "", "err": "no bus"}
    assert {"what": "systemctl --version", "why": "no bus"} in facts(recorded)["missing"]


def test_a_host_without_systemd(host):
    recorded = host("debian12-grub")
    os.rmdir(recorded.at("/run/systemd/system"))
    recorded.commands.clear()
    result = facts(recorded)
    assert result["host"]["systemd"] == {"running": False, "version": None, "default_hierarchy": None}
    assert (result["missing"], result["v2_ready"]) == ([], None)  # bob: nothing says what he would get


def test_an_empty_root(tmp_path):
    recorded = recorded_hosts.Recorded("debian12-grub", tmp_path)
    recorded.root = str(tmp_path / "nothing")
    result = facts(recorded)
    assert (result["mode"], result["v2_ready"], result["boot"]["reboot_pending"]) == (None, None, None)
    assert {"/proc/cmdline", "/proc/self/mountinfo"} <= {gap["what"] for gap in result["missing"]}


def test_a_name_that_is_nobodys_is_not_clean(host):
    result = facts(host("debian12-grub"), [{"user": "carol", "message": "there is no user 'carol'"}])
    assert result["v2_ready"] is None
    assert {"what": "user carol", "why": "there is no user 'carol'"} in result["missing"]


def test_what_is_wrong_stays_the_answer_beside_what_is_not_known(host):
    assert facts(host("debian12-v1"), [{"user": "carol", "message": "there is no user 'carol'"}])["v2_ready"] is False


# containers

@pytest.mark.parametrize("path, text, name", [
    ("/run/systemd/container", "systemd-nspawn\n", "systemd-nspawn"), ("/run/.containerenv", "", "podman"),
    ("/.dockerenv", "", "docker"),
])
def test_containers(host, path, text, name):
    recorded = host("debian12-v1")
    recorded.write(path, text)
    result = facts(recorded)
    assert result["host"]["container"] == name
    assert result["boot"]["reboot_pending"] is None and name in result["boot"]["evidence"][0]
    assert changes(result) == [("change_container_host", None, None, None)]


def test_a_container_recorded_with_podman_on_v2(host):
    """Its root is a cgroup below the host's: it has memory.oom.group itself, and nothing enabled below it."""
    recorded = host("debian12-container")
    recorded.users = [("root", 0)]
    result = facts(recorded)
    assert (result["mode"], result["host"]["container"], result["host"]["systemd"]["running"]) == ("v2", "podman", False)
    assert (result["memory"]["present"], result["oom_group"]["supported"], result["swap_accounting"]) == (True, True, True)
    assert (result["controllers"]["enabled"], users(result)["root"]["memory_delegated"]) == ([], True)
    assert (result["v2_ready"], changes(result), result["missing"]) == (True, [], [])
    assert (result["boot"]["next"], result["boot"]["reboot_pending"]) == (None, None)


def test_a_container_that_was_not_given_memory(host):
    recorded = host("debian12-container")
    recorded.write("/sys/fs/cgroup/cgroup.controllers", "cpu pids\n")
    result = facts(recorded)
    assert [reason["id"] for reason in result["memory"]["reasons"]] == ["not_given_to_container"]
    assert (result["v2_ready"], changes(result)) == (False, [("change_container_host", None, None, None)])


# other distributions: formats from their documentation, laid over a recorded host

def cmdline(recorded, line):
    recorded.write("/proc/cmdline", line + "\n")


def test_raspberry_pi_os(host):
    recorded = host("debian13-nomem")
    recorded.write("/proc/device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\0")
    recorded.write("/boot/firmware/cmdline.txt", "console=tty1 root=PARTUUID=x rootwait\n")
    cmdline(recorded, "reboot=w cgroup_disable=memory vc_mem.mem_base=0x3fc00000  console=tty1 root=PARTUUID=x rootwait")
    result = facts(recorded)
    assert changes(result) == [("add_argument", "cgroup_enable=memory", True, False)]
    assert result["changes_needed"][0]["file"] == "/boot/firmware/cmdline.txt"
    assert result["boot"]["reboot_pending"] is False
    recorded.write("/boot/firmware/cmdline.txt", "console=tty1 root=PARTUUID=x rootwait cgroup_enable=memory\n")
    result = facts(recorded)
    assert (result["boot"]["reboot_pending"], changes(result)) == (True, [("add_argument", "cgroup_enable=memory", True, True)])


def test_raspberry_pi_with_a_kernel_of_mainline(host):
    recorded = host("debian13-nomem")
    recorded.write("/proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0")
    recorded.write("/boot/firmware/config.txt", "[all]\nkernel=vmlinuz\ncmdline=cmdline.txt\n")
    recorded.write("/boot/firmware/cmdline.txt", "root=LABEL=x rootwait cgroup_enable=memory cgroup_memory=1\n")
    cmdline(recorded, "coherent_pool=1M cgroup_disable=memory root=LABEL=x rootwait cgroup_enable=memory cgroup_memory=1")
    result = facts(recorded)
    assert changes(result) == [("install_kernel", None, None, None)]
    assert result["memory"]["reasons"][0]["id"] == "enable_ignored"
    plan = result["plan"]
    assert (plan["reboot"], plan["present"], plan["steps"]) == (False, [], [])
    assert "the kernel ignores it" in plan["obstacles"][0]


@pytest.mark.parametrize("cgroups, running", [
    # https://github.com/raspberrypi/linux/issues/6980, Raspberry Pi 5, Linux 6.12.34: it is not in /proc/cgroups at all
    ("cpuset cpu cpuacct blkio devices freezer net_cls perf_event net_prio pids",
     "reboot=w coherent_pool=1M 8250.nr_uarts=1 pci=pcie_bus_safe cgroup_disable=memory numa_policy=interleave nvme.max_host_mem_size_mb=0  "
     "numa=fake=8 system_heap.max_order=0 smsc95xx.macaddr=2C:CF:67:FB:89:3C vc_mem.mem_base=0x3fc00000 vc_mem.mem_size=0x40000000  "
     "cgroup_memory=1 cgroup_enable=memory console=ttyAMA10,115200 console=tty1 root=PARTUUID=4d8097e2-02 rootfstype=ext4 fsck.repair=yes rootwait"),
    # https://github.com/raspberrypi/linux/pull/6439, Raspberry Pi 5, "Unknown kernel command line parameters"
    ("cpuset cpu cpuacct blkio memory:0 devices freezer net_cls",
     "reboot=w coherent_pool=1M 8250.nr_uarts=1 pci=pcie_bus_safe cgroup_disable=memory numa_policy=interleave  "
     "smsc95xx.macaddr=D8:3A:DD:9F:BE:95 vc_mem.mem_base=0x3fc00000 vc_mem.mem_size=0x40000000  root=PARTUUID=0008f858-02 rw rootwait "
     "console=ttyAMA4,115200 console=tty1 rootfstype=ext4 fsck.repair=yes kgdboc=ttyAMA4,115200 cpufreq.default_governor=performance "
     "net.ifnames=0 cgroup_memory=1 cgroup_enable=memory"),
])
def test_raspberry_pis_whose_kernel_ignores_it(host, cgroups, running):
    """Real hosts; the firmware's cgroup_disable=memory is in no file."""
    recorded = host("debian13-nomem")
    recorded.write("/proc/device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\0")
    recorded.write("/proc/cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\n" + "".join(
        "%s\t0\t70\t%s\n" % (name.partition(":")[0], name.partition(":")[2] or "1") for name in cgroups.split()))
    recorded.write("/boot/firmware/cmdline.txt", running[running.index("  ", running.index("vc_mem.mem_size")) + 2:] + "\n")
    cmdline(recorded, running)
    result = facts(recorded)
    assert [reason["id"] for reason in result["memory"]["reasons"]][:1] == ["enable_ignored"]
    assert changes(result) == [("install_kernel", None, None, None)]
    assert (result["plan"]["reboot"], result["plan"]["present"]) == (False, [])


def rhel8(host, options, env=""):
    recorded = host("debian12-v1")
    cmdline(recorded, "BOOT_IMAGE=(hd0,msdos1)/vmlinuz-4.18.0-553 root=/dev/mapper/rl-root ro")
    recorded.write("/proc/sys/kernel/osrelease", "4.18.0-553.el8_10.x86_64\n")
    recorded.write("/etc/os-release", 'ID="rocky"\nVERSION_ID="8.10"\nID_LIKE="rhel centos fedora"\n')
    recorded.commands["systemctl --version"]["out"] = "systemd 239 (239-82.el8_10.2)\n+PAM default-hierarchy=legacy\n"
    recorded.remove(CFG)
    recorded.write("/boot/grub2/grub.cfg", 'insmod blscfg\nblscfg\nset kernelopts="root=/dev/mapper/rl-root ro "\n')
    recorded.write("/boot/grub2/grubenv", "# GRUB Environment Block\nsaved_entry=0123-4.18.0-553\n" + env)
    recorded.write("/boot/loader/entries/0123-4.18.0-553.conf", "title Rocky\nversion 4.18.0-553\noptions %s\n" % options)
    return recorded


@pytest.mark.parametrize("options, env, pending", [
    ("$kernelopts $tuned_params", "", False),
    ("$kernelopts", "kernelopts=root=/dev/mapper/rl-root ro systemd.unified_cgroup_hierarchy=1\n", True),
    ("root=/dev/mapper/rl-root ro systemd.unified_cgroup_hierarchy=1", "", True),
])
def test_rhel_8(host, options, env, pending):
    result = facts(rhel8(host, options, env))
    assert result["host"]["systemd"]["default_hierarchy"] == "legacy"
    assert result["boot"]["reboot_pending"] is pending
    assert result["boot"]["next"]["kind"] == "bls"
    assert result["boot"]["next"]["mode"] == ("v2" if pending else "v1")
    assert changes(result) == [("add_argument", "systemd.unified_cgroup_hierarchy=1", True, pending)]
    assert result["changes_needed"][0]["file"] is None


def test_rhel_8_seen_by_an_ordinary_user(host):
    recorded = rhel8(host, "$kernelopts")
    recorded.block("/boot/loader/entries")
    result = facts(recorded)
    assert (result["boot"]["reboot_pending"], changes(result)[0][3]) == (None, None)
    assert "/boot/loader/entries" in [gap["what"] for gap in result["missing"]]


def test_boot_loader_entries_without_grub(host):
    recorded = host("debian12-v1")
    recorded.write("/efi/loader/entries/1.conf", "title x\noptions root=x\n")
    result = facts(recorded)
    assert (result["boot"]["next"]["kind"], result["boot"]["reboot_pending"]) == ("bls", True)


def test_the_command_line_of_kernel_install(host):
    recorded = host("debian12-v1")
    recorded.write("/etc/kernel/cmdline", "root=x " + OFF + "\n")
    result = facts(recorded)
    assert (result["boot"]["next"]["kind"], result["boot"]["reboot_pending"]) == ("kernel_install", True)
    assert changes(result)[0] == ("remove_argument", OFF, True, False)


def test_no_boot_configuration_at_all(host):
    recorded = host("debian12-v1")
    recorded.remove(CFG)
    result = facts(recorded)
    assert result["boot"]["reboot_pending"] is None and "no boot loader" in result["boot"]["evidence"][0]


def test_a_kernel_without_the_controller(host):
    recorded = host("debian13-nomem")
    cmdline(recorded, "root=x")
    name = next(name for name in os.listdir(recorded.at("/boot")) if name.startswith("config-"))
    recorded.write("/boot/" + name, "# CONFIG_MEMCG is not set\n")
    result = facts(recorded)
    assert [reason["id"] for reason in result["memory"]["reasons"]] == ["not_compiled_in"]
    assert changes(result) == [("install_kernel", None, True, None)]


def test_commands_that_time_out_are_missing(host, monkeypatch):
    recorded = host("debian12")

    def late(argv):
        raise CommandError("%s did not answer in time" % argv[0])

    monkeypatch.setattr(recorded, "run", late)
    assert {"what": "systemctl --version", "why": "systemctl did not answer in time"} in facts(recorded)["missing"]
