# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Boot loaders other than GRUB's own, on files as their documentation shows them; what is of somebody's host says whose."""

import os
import re

import pytest
import recorded_hosts
from laid_out import Laid  # noqa: E402

from ansible_collections.podman_fleet.memory.plugins.module_utils._boot.detect import DetectedBoot, choose_bootloader, detect_boot
from ansible_collections.podman_fleet.memory.plugins.module_utils._boot.loader import BootloaderError

OFF = "systemd.unified_cgroup_hierarchy=0"
ON = "systemd.unified_cgroup_hierarchy=1"

# --- Raspberry Pi: raspberrypi.com documentation, "The Linux kernel: kernel command line"
CMDLINE = "console=serial0,115200 console=tty1 root=PARTUUID=4f3a-02 rootfstype=ext4 fsck.repair=yes rootwait\n"
PI = {
    "/proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    "/proc/cmdline": "coherent_pool=1M cgroup_disable=memory " + CMDLINE,
    "/boot/firmware/config.txt": "# For more options see http://rptl.io/configtxt\ndtparam=audio=on\n#cmdline=other.txt\n",
}
MEMORY = ["cgroup_enable=memory", "cgroup_memory=1"]


@pytest.mark.parametrize("path", ["/boot/firmware/cmdline.txt", "/boot/cmdline.txt"])
@pytest.mark.parametrize("text", [CMDLINE, CMDLINE.rstrip("\n"), CMDLINE.replace("\n", "\r\n"), CMDLINE + "\n"])
def test_pi_stays_one_line(tmp_path, path, text):
    host = Laid(tmp_path, dict(PI, **{path: text}), {})
    result = host.ensure(present=MEMORY)
    assert (result["bootloader"], result["files"], result["commands"], result["reboot_required"]) == ("raspberry_pi", [path], [], True)
    assert host.read(path) == text.replace("rootwait", "rootwait cgroup_enable=memory cgroup_memory=1")
    assert host.ensure(present=MEMORY)["changed"] is False
    assert host.ensure(absent=MEMORY)["changed"] is True
    assert host.read(path) == text


def test_pi_arguments_of_the_firmware_wait_for_no_reboot(tmp_path):
    running = "coherent_pool=1M cgroup_disable=memory %s cgroup_enable=memory cgroup_memory=1\n" % CMDLINE.strip()
    host = Laid(tmp_path, dict(PI, **{"/boot/cmdline.txt": CMDLINE.strip() + " cgroup_enable=memory cgroup_memory=1\n",
                                      "/proc/cmdline": running}), {})
    assert host.ensure(present=MEMORY, absent=["cgroup_disable=memory"])["reboot_required"] is False
    host.write("/proc/cmdline", running.replace("cgroup_enable", "cgroup_disable=memory cgroup_enable"))
    assert host.ensure(present=MEMORY, absent=["cgroup_disable=memory"])["reboot_required"] is True, "one was ours"


# cmdline.txt and what the firmware of a Raspberry Pi 4 made of it, from notes on GitHub:
# https://github.com/search?type=code&q=%22root%3DPARTUUID%3Da66e351c-02%22+%22coherent_pool%22
PI_4 = ("console=serial0,115200 console=tty1 root=PARTUUID=a66e351c-02 rootfstype=ext4 fsck.repair=yes rootwait "
        "cfg80211.ieee80211_regdom=FI debug\n")
PI_4_RUNNING = (
    "coherent_pool=1M 8250.nr_uarts=0 snd_bcm2835.enable_headphones=0 cgroup_disable=memory numa_policy=interleave "
    "snd_bcm2835.enable_headphones=1 snd_bcm2835.enable_hdmi=1 snd_bcm2835.enable_hdmi=0  smsc95xx.macaddr=DC:A6:32:03:A1:95 "
    "vc_mem.mem_base=0x3eb00000 vc_mem.mem_size=0x3ff00000  console=ttyS0,115200 console=tty1 root=PARTUUID=a66e351c-02 rootfstype=ext4 "
    "fsck.repair=yes rootwait cfg80211.ieee80211_regdom=FI debug\n")
# /proc/cmdline of a Raspberry Pi 5, https://github.com/raspberrypi/linux/issues/6980; its cmdline.txt is the part behind the firmware's
PI_5 = ("cgroup_memory=1 cgroup_enable=memory console=serial0,115200 console=tty1 root=PARTUUID=4d8097e2-02 rootfstype=ext4 fsck.repair=yes "
        "rootwait\n")
PI_5_RUNNING = (
    "reboot=w coherent_pool=1M 8250.nr_uarts=1 pci=pcie_bus_safe cgroup_disable=memory numa_policy=interleave nvme.max_host_mem_size_mb=0  "
    "numa=fake=8 system_heap.max_order=0 smsc95xx.macaddr=2C:CF:67:FB:89:3C vc_mem.mem_base=0x3fc00000 vc_mem.mem_size=0x40000000  "
    "cgroup_memory=1 cgroup_enable=memory console=ttyAMA10,115200 console=tty1 root=PARTUUID=4d8097e2-02 rootfstype=ext4 fsck.repair=yes "
    "rootwait\n")


def test_pi_the_firmwares_own_arguments_are_in_no_file(tmp_path):
    """Of a real Pi 4: cgroup_disable=memory is from the firmware's device tree, and console=serial0 becomes another one."""
    path = "/boot/firmware/cmdline.txt"
    host = Laid(tmp_path, dict(PI, **{path: PI_4, "/proc/cmdline": PI_4_RUNNING}), {})
    result = host.ensure(present=MEMORY, absent=["cgroup_disable=memory"])
    assert (result["files"], result["changed"], result["reboot_required"]) == ([path], True, True)
    assert host.read(path) == PI_4.replace("\n", " cgroup_enable=memory cgroup_memory=1\n")
    host.write("/proc/cmdline", PI_4_RUNNING.replace("\n", " cgroup_enable=memory cgroup_memory=1\n"))
    result = host.ensure(present=MEMORY, absent=["cgroup_disable=memory"])
    assert (result["changed"], result["reboot_required"]) == (False, False)


def test_pi_with_the_arguments_there_already_has_nothing_to_change(tmp_path):
    """Of a real Pi 5, whose kernel 6.12.34 ignored them; that is for cgroup_facts to say (test_snapshot.py)."""
    host = Laid(tmp_path, dict(PI, **{"/boot/firmware/cmdline.txt": PI_5, "/proc/cmdline": PI_5_RUNNING}), {})
    result = host.ensure(present=MEMORY, absent=["cgroup_disable=memory"])
    assert (result["changed"], result["reboot_required"]) == (False, False)
    assert host.read("/boot/firmware/cmdline.txt") == PI_5


@pytest.mark.parametrize("files, words", [
    ({"/boot/cmdline.txt": CMDLINE + "quiet\n"}, ["2 lines", "/boot/cmdline.txt"]),
    ({"/boot/firmware/cmdline.txt": CMDLINE, "/boot/firmware/config.txt": "cmdline=mine.txt\n"},
     ["cmdline=mine.txt", "there is no /boot/firmware/mine.txt"]),
    ({"/boot/firmware/cmdline.txt": CMDLINE, "/boot/firmware/config.txt": "[pi4]\ncmdline=mine.txt\n"}, ["cmdline=mine.txt", "below [pi4]"]),
    ({"/boot/firmware/cmdline.txt": CMDLINE, "/boot/firmware/config.txt": "[pi4]\n[gpio4=1]\nos_prefix=a/\n"}, ["os_prefix=a/", "[pi4] [gpio4=1]"]),
    ({"/boot/firmware/cmdline.txt": CMDLINE, "/boot/firmware/config.txt": "cmdline = cmdline.txt\n"}, ["spaces around"]),
    ({"/boot/firmware/cmdline.txt": CMDLINE, "/boot/firmware/config.txt": "cmdline=cmdline.txt # the default\n"}, ["# the default"]),
    ({"/boot/firmware/cmdline.txt": CMDLINE, "/boot/firmware/config.txt": "os_prefix=a/\n", "/boot/firmware/a/kernel8.img": ""},
     ["os_prefix=a/", "a kernel and no device tree"]),
    ({"/boot/firmware/cmdline.txt": CMDLINE, "/boot/firmware/config.txt": "include a.txt\n", "/boot/firmware/a.txt": "include a.txt\n"},
     ["includes a.txt more than once"]),
])
def test_pi_what_is_refused(tmp_path, files, words):
    host = Laid(tmp_path, dict(PI, **files), {})
    before = host.everything()
    with pytest.raises(BootloaderError) as error:
        host.ensure(present=MEMORY, bootloader="raspberry_pi")
    assert all(word in str(error.value) for word in words), str(error.value)
    assert host.everything() == before


# as in ubuntu-raspi-settings and livecd-rootfs: 20.04 has it in the included syscfg.txt, 22.04 in config.txt, 25.10 with os_prefix
UBUNTU = "[all]\nkernel=vmlinuz\ncmdline=cmdline.txt\ninitramfs initrd.img followkernel\n\n[pi4]\nmax_framebuffers=2\narm_boost=1\n\n[all]\n# Enable\n"
KERNEL = {"/boot/firmware/current/vmlinuz": "", "/boot/firmware/current/bcm2712-rpi-5-b.dtb": ""}


@pytest.mark.parametrize("config, files, path", [
    ("cmdline=cmdline.txt\n", {}, "cmdline.txt"),
    (UBUNTU, {}, "cmdline.txt"),
    ("kernel=vmlinuz\ninclude syscfg.txt\ninclude usercfg.txt\n", {"/boot/firmware/syscfg.txt": "cmdline=cmdline.txt\n"}, "cmdline.txt"),
    ("include syscfg.txt\n", {"/boot/firmware/syscfg.txt": "cmdline=nobtcmd.txt\n", "/boot/firmware/nobtcmd.txt": CMDLINE}, "nobtcmd.txt"),
    ("cmdline=mine.txt\r\n", {"/boot/firmware/mine.txt": CMDLINE}, "mine.txt"),
    ("cmdline=other.txt\ncmdline=mine.txt\n", {"/boot/firmware/mine.txt": CMDLINE, "/boot/firmware/other.txt": CMDLINE}, "mine.txt"),
    ("[pi4]\ncmdline=other.txt\n[all]\ncmdline=cmdline.txt\n", {}, "cmdline.txt"),
    ("[pi4]\ncmdline=cmdline.txt\n[pi5]\ncmdline=cmdline.txt\n", {}, "cmdline.txt"),
    ("[none]\ncmdline=other.txt\n", {}, "cmdline.txt"),
    ("[tryboot]\ncmdline=other.txt\n[pi4]\nos_prefix=new/\n", {}, "cmdline.txt"),
    ("[all]\nkernel=vmlinuz\nos_prefix=current/\n[tryboot]\nos_prefix=new/\n", dict(KERNEL, **{"/boot/firmware/current/cmdline.txt": CMDLINE}),
     "current/cmdline.txt"),
    # no kernel below it: the firmware ignores it
    ("[all]\nos_prefix=gone/\n", {}, "cmdline.txt"),
    ("os_prefix=test-\n", {"/boot/firmware/test-kernel8.img": "", "/boot/firmware/test-bcm2711-rpi-4-b.dtb": "",
                           "/boot/firmware/test-cmdline.txt": CMDLINE}, "test-cmdline.txt"),
    ("#cmdline=other.txt\n # os_prefix=a/\ncmdline_x=1\nCMDLINE=other.txt\n", {}, "cmdline.txt"),
])
def test_pi_the_file_that_config_txt_names(tmp_path, config, files, path):
    host = Laid(tmp_path, dict(PI, **dict({"/boot/firmware/cmdline.txt": CMDLINE, "/boot/firmware/config.txt": config}, **files)), {})
    path = "/boot/firmware/" + path
    assert host.ensure(present=MEMORY)["files"] == [path]
    assert host.read(path) == CMDLINE.replace("rootwait", "rootwait cgroup_enable=memory cgroup_memory=1")
    assert detect_boot(str(tmp_path), ()).path == path


def test_pi_what_can_not_be_told_is_no_next_boot(tmp_path):
    Laid(tmp_path, dict(PI, **{"/boot/firmware/cmdline.txt": CMDLINE, "/boot/firmware/config.txt": "[pi4]\ncmdline=mine.txt\n"}), {})
    detected = detect_boot(str(tmp_path), ())
    assert detected.kind == "cmdline_txt"
    assert "below [pi4]" in detected.why


# --- systemd-boot: kernel-install(8), Boot Loader Specification (uapi-group.org), type #1
ID = "6a9857a393724b7a981ebb5b8495b9ea"
ENTRY = """# Boot Loader Specification type#1 entry
title      Fedora Linux 40
version    %(version)s
machine-id """ + ID + """
sort-key   fedora
options    %(options)s
linux      /""" + ID + """/%(version)s/linux
initrd     /""" + ID + """/%(version)s/initrd
"""
VERSIONS = ("6.8.0-1", "6.9.1-1")


class SystemdBoot(Laid):
    """kernel-install as its manual page describes it: `add` writes the entry from /etc/kernel/cmdline."""

    def __init__(self, root, more=None, options="root=UUID=1 ro quiet"):
        self.fail = None
        files = {"/proc/cmdline": "initrd=\\x\\initrd BOOT_IMAGE=/x root=UUID=1 ro quiet\n"}
        for version in VERSIONS:
            files["/boot/loader/entries/%s-%s.conf" % (ID, version)] = ENTRY % {"version": version, "options": options}
            files["/usr/lib/modules/%s/vmlinuz" % version] = ""
        files["/boot/loader/entries/memtest.conf"] = "title Memtest\nefi /memtest.efi\n"
        files.update(more or {})
        super().__init__(root, files, {"kernel-install": self.install})

    def install(self, argv):
        assert argv[1] == "add"
        if self.fail == argv[2]:
            return 1, "", "No space left on device\n"
        lines = [line for line in self.read("/etc/kernel/cmdline").splitlines() if not line.startswith("#")]
        self.write("/boot/loader/entries/%s-%s.conf" % (ID, argv[2]), ENTRY % {"version": argv[2], "options": " ".join(lines)})
        return 0, "", ""

    def options(self):
        return [re.search("^options *(.*)$", self.read("/boot/loader/entries/%s-%s.conf" % (ID, version)), re.M).group(1)
                for version in VERSIONS]


def test_systemd_boot_makes_every_entry_anew(tmp_path):
    host = SystemdBoot(tmp_path, {"/etc/kernel/cmdline": "# ours\nroot=UUID=1 ro quiet\n"})
    result = host.ensure(present=[ON], absent=["quiet"])
    assert (result["bootloader"], result["files"]) == ("systemd_boot", ["/etc/kernel/cmdline"])
    assert result["commands"] == ["kernel-install add %s /usr/lib/modules/%s/vmlinuz" % (version, version) for version in VERSIONS]
    assert host.read("/etc/kernel/cmdline") == "# ours\nroot=UUID=1 ro %s\n" % ON
    assert host.options() == ["root=UUID=1 ro " + ON] * 2
    assert host.ensure(present=[ON], absent=["quiet"])["changed"] is False


def test_systemd_boot_without_the_file_begins_with_what_runs(tmp_path):
    host = SystemdBoot(tmp_path)
    host.ensure(present=[ON])
    assert host.read("/etc/kernel/cmdline") == "root=UUID=1 ro quiet %s\n" % ON


def test_systemd_boot_begins_with_the_vendors_file(tmp_path):
    host = SystemdBoot(tmp_path, {"/usr/lib/kernel/cmdline": "root=UUID=1 ro\nvendor\n"})
    host.ensure(present=[ON])
    assert host.read("/etc/kernel/cmdline") == "root=UUID=1 ro vendor %s\n" % ON


def test_systemd_boot_fails_at_the_second_kernel(tmp_path):
    host = SystemdBoot(tmp_path, {"/etc/kernel/cmdline": "root=UUID=1 ro quiet\n"})
    before = host.everything()
    host.fail = VERSIONS[1]
    with pytest.raises(BootloaderError) as error:
        host.ensure(present=[ON])
    assert "No space left" in str(error.value) and "as it was before" in str(error.value)
    assert host.everything() == before


def test_systemd_boot_entries_that_are_older_than_the_file(tmp_path):
    host = SystemdBoot(tmp_path, {"/etc/kernel/cmdline": "root=UUID=1 ro quiet %s\n" % ON})
    result = host.ensure(present=[ON])
    assert (result["changed"], result["files"], len(result["commands"])) == (True, [], 2)
    assert all(ON in options for options in host.options())


def test_systemd_boot_debians_kernels(tmp_path):
    host = SystemdBoot(tmp_path, {"/boot/vmlinuz-" + VERSIONS[0]: "", "/boot/initrd.img-" + VERSIONS[0]: ""})
    os.unlink(host.at("/usr/lib/modules/%s/vmlinuz" % VERSIONS[0]))
    result = host.ensure(present=[ON])
    assert result["commands"][0] == "kernel-install add {0} /boot/vmlinuz-{0} /boot/initrd.img-{0}".format(VERSIONS[0])
    os.unlink(host.at("/boot/vmlinuz-" + VERSIONS[0]))
    with pytest.raises(BootloaderError) as refused:
        host.ensure(present=["more"])
    assert "neither in" in str(refused.value)


def test_systemd_boot_without_entries(tmp_path):
    host = Laid(tmp_path, {"/etc/kernel/cmdline": "ro\n", "/proc/cmdline": "ro\n"}, {"kernel-install": None})
    with pytest.raises(BootloaderError) as error:
        host.ensure(present=[ON])
    assert "unified kernel images are not supported" in str(error.value)


# --- grubby: grubby(8), RHEL 8 and 9 "Configuring kernel command-line parameters"
BLS = "/boot/loader/entries/%s-%s.conf"
KERNELS = ("4.18.0-553.el8_10.x86_64", "4.18.0-477.el8.x86_64")
GRUB_CFG = "blscfg\n"


class Grubby(Laid):
    """grubby with boot loader entries: --remove-args name or name=value, --args takes the place of a name's values."""

    def __init__(self, root, options="root=/dev/mapper/rhel-root ro crashkernel=auto rhgb quiet"):
        files = {"/proc/cmdline": "BOOT_IMAGE=(hd0,msdos1)/vmlinuz root=/dev/mapper/rhel-root ro quiet\n",
                 "/boot/grub2/grub.cfg": GRUB_CFG, "/boot/grub2/grubenv": "# GRUB Environment Block\nsaved_entry=x\n" + "#" * 900,
                 "/etc/default/grub": 'GRUB_CMDLINE_LINUX="%s"\n' % options}
        for version in KERNELS:
            files[BLS % (ID, version)] = ENTRY % {"version": version, "options": options + " $tuned_params"}
        self.fail = None
        super().__init__(root, files, {"grubby": self.grubby, "grub2-mkconfig": None, "kernel-install": None})

    def grubby(self, argv):
        if argv[1] == "--info=ALL":
            blocks = ["index=%d\nkernel=\"/boot/vmlinuz-%s\"\nargs=\"%s\"\nroot=\"x\"\n" % (number, version, self.options(version))
                      for number, version in enumerate(KERNELS)]
            return 0, "".join(blocks), ""
        assert argv[1] == "--update-kernel=ALL"
        for version in KERNELS:
            words = self.options(version).split()
            for option in argv[2:]:
                name, _equals, value = option.partition("=")
                for argument in value.split():
                    if name == "--remove-args":
                        words = [word for word in words
                                 if word != argument and ("=" in argument or word.partition("=")[0] != argument)]
                if name == "--args":
                    names = [argument.partition("=")[0] for argument in value.split()]
                    words = [word for word in words if word.partition("=")[0] not in names] + value.split()
            self.write(BLS % (ID, version), ENTRY % {"version": version, "options": " ".join(words)})
            if self.fail:
                return self.fail
        return 0, "", ""

    def options(self, version):
        return re.search("^options *(.*)$", self.read(BLS % (ID, version)), re.M).group(1)


def test_grubby_adds_and_removes_for_all_kernels(tmp_path):
    host = Grubby(tmp_path)
    result = host.ensure(present=[ON], absent=["rhgb", "nothing"])
    assert (result["bootloader"], result["files"]) == ("grubby", [])
    assert result["commands"] == ["grubby --update-kernel=ALL --remove-args=rhgb --args=" + ON]
    assert len(result["before"]) == 2
    for version in KERNELS:
        assert host.options(version).split() == "root=/dev/mapper/rhel-root ro crashkernel=auto quiet $tuned_params".split() + [ON]
    assert host.ensure(present=[ON], absent=["rhgb", "nothing"])["changed"] is False


def test_grubby_keeps_the_other_values_of_a_name(tmp_path):
    host = Grubby(tmp_path, options="ro console=tty0 quiet")
    host.ensure(present=["console=ttyS0"])
    assert [word for word in host.options(KERNELS[0]).split() if word.startswith("console")] == ["console=tty0", "console=ttyS0"]


def test_grubby_changes_a_value(tmp_path):
    host = Grubby(tmp_path, options="ro " + OFF)
    result = host.ensure(present=[ON], absent=["systemd.unified_cgroup_hierarchy"])
    assert result["commands"] == ["grubby --update-kernel=ALL --remove-args=%s --args=%s" % (OFF, ON)]
    assert host.options(KERNELS[1]).split()[-1] == ON


@pytest.mark.parametrize("how, words", [((1, "", "grubby: error writing\n"), ["error writing"]), ((0, "", ""), ["would still not"])])
def test_grubby_stops_half_way(tmp_path, how, words):
    host = Grubby(tmp_path)
    before = host.everything()
    host.fail = how
    with pytest.raises(BootloaderError) as error:
        host.ensure(present=[ON])
    assert all(word in str(error.value) for word in words)
    assert host.everything() == before


def test_grubby_check_mode_and_backups(tmp_path):
    host = Grubby(tmp_path)
    before = host.everything()
    assert host.ensure(check=True, present=[ON])["changed"] is True
    assert host.everything() == before
    result = host.ensure(present=[ON], backup=True)
    entries = [path for path in result["backup_files"] if "/loader/entries/" in path]
    assert entries == [host.at(BLS % (ID, version)) + "~" for version in sorted(KERNELS)]
    with pytest.raises(BootloaderError) as refused:
        host.ensure(present=['x="a b"'])
    assert "space" in str(refused.value)


# --- rpm-ostree: rpm-ostree(1), kargs
class Ostree(Laid):
    """rpm-ostree kargs: shows the arguments of the next deployment, or makes a new one."""

    def __init__(self, root):
        self.line = "rw $ignition_firstboot ostree=/ostree/boot.1/x/0 ignition.platform.id=qemu console=tty0 " + OFF
        self.fail = None
        super().__init__(root, {"/run/ostree-booted": "", "/proc/cmdline": "BOOT_IMAGE=(hd0,gpt3)/ostree/x " + self.line + "\n",
                                "/boot/grub2/grub.cfg": GRUB_CFG}, {"rpm-ostree": self.kargs})

    def kargs(self, argv):
        assert argv[1] == "kargs"
        if self.fail:
            return self.fail
        words = self.line.split()
        for option in argv[2:]:
            name, _equals, value = option.partition("=")
            words = [word for word in words if word != value] + ([value] if name == "--append-if-missing" else [])
        self.line = " ".join(words)
        return 0, self.line + "\n" if len(argv) == 2 else "Kernel arguments updated.\n", ""


def test_rpm_ostree(tmp_path):
    host = Ostree(tmp_path)
    result = host.ensure(present=[ON], absent=["systemd.unified_cgroup_hierarchy", "nothing"])
    assert result["bootloader"] == "rpm_ostree"
    assert result["commands"] == ["rpm-ostree kargs --delete-if-present=%s --append-if-missing=%s" % (OFF, ON)]
    assert host.line.split()[-2:] == ["console=tty0", ON]
    assert host.ensure(present=[ON], absent=["systemd.unified_cgroup_hierarchy"])["changed"] is False


def test_rpm_ostree_fails(tmp_path):
    host = Ostree(tmp_path)
    host.ensure(present=["x"])
    host.tools["rpm-ostree"] = lambda argv: (1, "", "error: Transaction in progress\n") if len(argv) > 2 else host.kargs(argv)
    with pytest.raises(BootloaderError) as error:
        host.ensure(present=[ON])
    assert "Transaction in progress" in str(error.value)


# --- which one it is
DETECTED = DetectedBoot(kind=None, path=None, why=None, ostree=False, container=None, tools=set())


@pytest.mark.parametrize("detected, name", [
    (DETECTED._replace(kind="grub", path="/boot/grub/grub.cfg", tools={"update-grub", "kernel-install"}), "grub"),
    (DETECTED._replace(kind="grub", path="/boot/grub2/grub.cfg", tools={"grub2-mkconfig"}), "suse"),
    (DETECTED._replace(kind="grub", path="/boot/grub2/grub.cfg", tools={"grub2-mkconfig", "grubby"}), "grubby"),
    (DETECTED._replace(kind="bls", path="/boot/loader/entries", tools={"grubby", "kernel-install"}), "grubby"),
    (DETECTED._replace(kind="bls", path="/boot/loader/entries", tools={"kernel-install", "update-grub"}), "systemd_boot"),
    (DETECTED._replace(kind="kernel_install", path="/etc/kernel/cmdline", tools={"kernel-install"}), "systemd_boot"),
    (DETECTED._replace(kind="cmdline_txt", path="/boot/cmdline.txt"), "raspberry_pi"),
    (DETECTED._replace(kind="bls", ostree=True, tools={"rpm-ostree", "grubby"}), "rpm_ostree"),
])
def test_chosen(detected, name):
    assert choose_bootloader(detected).name == name


@pytest.mark.parametrize("detected, words", [
    (DETECTED, ["Found none of these files", "none of these tools", "/boot/grub/grub.cfg", "cmdline.txt", "/boot/loader/entries",
                "rpm-ostree", "bootloader"]),
    (DETECTED._replace(path="/boot/grub/grub.cfg", why="the running kernel was not started by GRUB", tools={"update-grub"}),
     ["Found: /boot/grub/grub.cfg (the running kernel was not started by GRUB)", "installed: update-grub"]),
    (DETECTED._replace(kind="grub", path="/boot/grub2/grub.cfg", tools={"update-grub"}), ["/boot/grub2/grub.cfg"]),
    (DETECTED._replace(kind="bls", path="/boot/loader/entries", tools={"kernel-install", "sdbootutil"}), ["sdbootutil"]),
    (DETECTED._replace(container="podman"), ["podman container"]),
    (DETECTED._replace(ostree=True), ["/run/ostree-booted with rpm-ostree"]),
])
def test_unknown_is_an_error_that_says_what_was_looked_for(detected, words):
    with pytest.raises(BootloaderError) as error:
        choose_bootloader(detected)
    assert all(word in str(error.value) for word in words), str(error.value)


DEBIAN = ("update-grub", "kernel-install")


@pytest.mark.parametrize("label", ["debian12-grub", "debian12-grub-to-v1", "debian12-grub-from-v1"])
def test_recorded_hosts_that_grub_boots(tmp_path, label):
    detected = detect_boot(recorded_hosts.Recorded(label, tmp_path).root, DEBIAN)
    assert choose_bootloader(detected).name == "grub"


@pytest.mark.parametrize("label, words", [
    ("debian12", ["/boot/grub/grub.cfg", "was not started by GRUB"]),
    ("debian12-container", ["container", "its host's"]),
])
def test_recorded_hosts_that_something_else_boots(tmp_path, label, words):
    detected = detect_boot(recorded_hosts.Recorded(label, tmp_path).root, DEBIAN)
    with pytest.raises(BootloaderError) as error:
        choose_bootloader(detected)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_a_wrong_tree_changes_nothing(tmp_path):
    """GRUB's settings without GRUB's menu, as in a chroot or on a host that boots another way."""
    for kind in ("grub", "suse", "raspberry_pi", "systemd_boot"):
        host = Laid(tmp_path / kind, {"/etc/default/grub": "GRUB_CMDLINE_LINUX=\n", "/proc/cmdline": "ro\n"},
                    {"update-grub": None, "grub2-mkconfig": None, "kernel-install": None})
        before = host.everything()
        with pytest.raises(BootloaderError) as error:
            host.ensure(present=[ON], bootloader=kind)
        assert "there is no" in str(error.value), kind
        assert host.everything() == before
