# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GRUB of Debian, Ubuntu and SUSE: on a recorded host's files, and with settings as people write them."""

import os

import pytest
from laid_out import Laid  # noqa: E402

from ansible_collections.podman_fleet.memory.plugins.module_utils._boot.boot_files import BootFiles, FileError
from ansible_collections.podman_fleet.memory.plugins.module_utils._boot.loader import BootloaderError

OFF = "systemd.unified_cgroup_hierarchy=0"
ON = "systemd.unified_cgroup_hierarchy=1"
SETTINGS = "/etc/default/grub"
OWN = "/etc/default/grub.d/zz-kernel-cmdline.cfg"
CLOUD = "/etc/default/grub.d/50-cloudimg-settings.cfg"
CFG = "/boot/grub/grub.cfg"

# As the package grub-pc 2.06 of Debian 12 installs it, without its comments.
DEBIAN = """# If you change this file, run 'update-grub' afterwards to update
# /boot/grub/grub.cfg.
GRUB_DEFAULT=0
GRUB_TIMEOUT=5
GRUB_DISTRIBUTOR=`lsb_release -i -s 2> /dev/null || echo Debian`
GRUB_CMDLINE_LINUX_DEFAULT="quiet"
GRUB_CMDLINE_LINUX=""
"""
# As Ubuntu's cloud images have it (livecd-rootfs, live-build/ubuntu-cpc/hooks.d).
CLOUDIMG = """# Cloud Image specific Grub settings for Generic Cloud Images
GRUB_TIMEOUT=0
GRUB_CMDLINE_LINUX_DEFAULT="console=tty1 console=ttyS0"
"""


class Grub(Laid):
    """update-grub as Debian's: reads the settings, writes what -o names."""

    generate, config, folder = "update-grub", CFG, "/etc/default/grub.d"

    def __init__(self, root, files, running="BOOT_IMAGE=/vmlinuz root=/dev/vda ro quiet\n", more=()):
        tools = {self.generate: self.mkconfig}
        tools.update(dict(more))
        super().__init__(root, dict({"/proc/cmdline": running, "/boot/grub2/x": ""}, **files), tools)
        self.fail = None
        if self.config not in files:
            assert self.mkconfig([self.generate, "-o", self.config])[0] == 0

    def mkconfig(self, argv):
        paths = [SETTINGS]
        if os.path.isdir(self.at(self.folder)):
            paths += [self.folder + "/" + name for name in sorted(os.listdir(self.at(self.folder))) if name.endswith(".cfg")]
        script = "".join(". %s\n" % self.at(path) for path in paths) + 'printf %s "$GRUB_CMDLINE_LINUX $GRUB_CMDLINE_LINUX_DEFAULT"'
        line = self.run(["sh", "-c", script]).out.decode()
        text = "menuentry 'Debian' {\n\tlinux\t/vmlinuz-6.1 root=/dev/vda ro %s\n}\n" % line
        target = argv[argv.index("-o") + 1]
        if self.fail:
            self.write(target + ".new", text[:20])
            return self.fail
        self.write(target, text)
        return 0, "", "done\n"

    def line(self):
        return self.read(self.config).splitlines()[1].partition(" ro ")[2].strip()


def test_an_argument_is_added_in_a_drop_in_of_its_own(tmp_path):
    host = Grub(tmp_path, {SETTINGS: DEBIAN})
    before = host.everything()
    result = host.ensure(present=[ON])
    assert (result["changed"], result["bootloader"], result["files"]) == (True, "grub", [OWN])
    assert result["commands"] == ["update-grub -o " + CFG]
    assert [line.split() for line in result["before"] + result["after"]] == [["quiet"], [ON, "quiet"]]
    assert host.line().split() == [ON, "quiet"]
    assert host.read(SETTINGS) == DEBIAN
    assert result["reboot_required"] is True
    again = host.ensure(present=[ON])
    assert (again["changed"], again["files"], again["commands"]) == (False, [], [])
    assert host.ensure(absent=[ON])["changed"] is True
    assert host.everything() == before, "added and removed is as it was"


def test_check_mode_says_the_same_and_changes_nothing(tmp_path):
    host = Grub(tmp_path, {SETTINGS: DEBIAN})
    before = host.everything()
    foreseen = host.ensure(check=True, present=[ON], absent=["quiet"])
    assert host.everything() == before
    assert host.calls == []
    done = host.ensure(present=[ON], absent=["quiet"])
    assert foreseen == done
    assert [entry["before_header"] for entry in done["diff"]] == [SETTINGS, OWN]
    assert 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"' in done["diff"][0]["before"]
    assert 'GRUB_CMDLINE_LINUX_DEFAULT=""' in done["diff"][0]["after"]


@pytest.mark.parametrize("settings, after", [
    ('GRUB_CMDLINE_LINUX="%s"', 'GRUB_CMDLINE_LINUX=""'),
    ('GRUB_CMDLINE_LINUX="panic=10 \\\n  %s"  # from 2019', 'GRUB_CMDLINE_LINUX="panic=10 \\\n "  # from 2019'),
    ("GRUB_CMDLINE_LINUX_DEFAULT='quiet %s splash'", "GRUB_CMDLINE_LINUX_DEFAULT='quiet splash'"),
    ('A=1\nGRUB_CMDLINE_LINUX="$A %s"', 'A=1\nGRUB_CMDLINE_LINUX="$A"'),
    ('export GRUB_CMDLINE_LINUX=%s', 'export GRUB_CMDLINE_LINUX='),
    ('# caf\udce9\nGRUB_CMDLINE_LINUX="%s"', '# caf\udce9\nGRUB_CMDLINE_LINUX=""'),
    ('GRUB_CMDLINE_LINUX="%s"\r\n', 'GRUB_CMDLINE_LINUX=""\r\n'),
])
def test_an_argument_is_removed_where_it_stands(tmp_path, settings, after):
    host = Grub(tmp_path, {SETTINGS: settings % OFF, CLOUD: CLOUDIMG if "DEFAULT" not in settings else "#\n"})
    assert host.ensure(absent=["systemd.unified_cgroup_hierarchy"])["files"] == [SETTINGS]
    assert host.read(SETTINGS) == after
    assert OFF not in host.read(CFG)


def test_a_cloud_image_that_sets_the_variable_anew(tmp_path):
    host = Grub(tmp_path, {SETTINGS: DEBIAN.replace("quiet", "quiet " + OFF), CLOUD: CLOUDIMG})
    assert host.ensure(absent=[OFF])["changed"] is False, "it is overridden, so it counts for nothing"
    result = host.ensure(present=["console=tty0"], absent=["console=ttyS0"])
    assert result["files"] == [CLOUD, OWN]
    assert host.line().split() == ["console=tty0", "console=tty1"]


def test_a_drop_in_that_comes_last_and_sets_all_anew_is_an_error(tmp_path):
    late = "/etc/default/grub.d/zzz-site.cfg"
    host = Grub(tmp_path, {SETTINGS: DEBIAN, late: 'GRUB_CMDLINE_LINUX="net.ifnames=0"\n'})
    before = host.everything()
    with pytest.raises(BootloaderError) as error:
        host.ensure(present=[ON])
    assert ON + " would not get there" in str(error.value)
    assert host.everything() == before


@pytest.mark.parametrize("settings", [
    'V1="%s"\nGRUB_CMDLINE_LINUX="quiet $V1"\n',
    'GRUB_CMDLINE_LINUX="$(echo %s)"\n',
    'GRUB_CMDLINE_LINUX="quiet"\nsite() { GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX $1"; }\nsite %s\n',
])
def test_what_comes_from_elsewhere_is_an_error(tmp_path, settings):
    host = Grub(tmp_path, {SETTINGS: settings % OFF})
    before = host.everything()
    with pytest.raises(BootloaderError) as error:
        host.ensure(absent=[OFF])
    assert OFF + " would still be there" in str(error.value) and SETTINGS in str(error.value)
    assert host.everything() == before


@pytest.mark.parametrize("settings, words", [
    ("cat >/dev/null <<EOF\nEOF\nGRUB_CMDLINE_LINUX=%s\n" % OFF, ["here-document", SETTINGS]),
    ('GRUB_CMDLINE_LINUX="%s\n' % OFF, ["sh", "failed"]),
    ("exit 3\n", ["sh", "exit code 3"]),
])
def test_settings_that_can_not_be_understood(tmp_path, settings, words):
    host = Grub(tmp_path, {SETTINGS: settings, CFG: "menuentry 'x' {\n\tlinux /v ro %s\n}\n" % OFF})
    before = host.everything()
    with pytest.raises(BootloaderError) as error:
        host.ensure(absent=[OFF])
    assert all(word in str(error.value) for word in words), str(error.value)
    assert host.everything() == before


@pytest.mark.parametrize("argument", ["memmap=1G$4G", "x=a;b", "x=`y`", "x='y'", "x=a\\b", "#x", "x={1}"])
def test_what_grub_would_read_as_its_own_is_refused(tmp_path, argument):
    host = Grub(tmp_path, {SETTINGS: DEBIAN})
    with pytest.raises(BootloaderError) as error:
        host.ensure(present=[argument])
    assert argument in str(error.value)


def test_a_value_with_spaces(tmp_path):
    host = Grub(tmp_path, {SETTINGS: DEBIAN})
    host.ensure(present=['dyndbg="file x +p; file y +p"'])
    assert host.ensure(present=['dyndbg="file x +p; file y +p"'])["changed"] is False
    assert 'dyndbg="file x +p; file y +p"' in host.line()
    host.ensure(absent=["dyndbg"])
    assert host.line() == "quiet"


def test_settings_that_nobody_has_put_into_force(tmp_path):
    host = Grub(tmp_path, {SETTINGS: DEBIAN.replace('LINUX=""', 'LINUX="%s"' % ON), CFG: "menuentry 'x' {\n\tlinux /v ro quiet\n}\n"})
    result = host.ensure(present=[ON])
    assert (result["changed"], result["files"], result["commands"]) == (True, [], ["update-grub -o " + CFG])
    assert ON in host.read(CFG)
    assert host.ensure(present=[ON])["changed"] is False


@pytest.mark.parametrize("how, words", [
    ((1, "", "grub-probe: error: cannot find a device\n"), ["exit code 1", "cannot find a device"]),
    ((0, "", "done\n"), ["did not write"]),
])
def test_update_grub_fails(tmp_path, how, words):
    host = Grub(tmp_path, {SETTINGS: DEBIAN.replace('LINUX=""', 'LINUX="%s"' % OFF)})
    before = host.everything()
    host.fail = how
    with pytest.raises(BootloaderError) as error:
        host.ensure(present=[ON], absent=[OFF])
    assert all(word in str(error.value) for word in words + ["as it was before"]), str(error.value)
    assert host.everything() == before


def test_a_menu_that_does_not_follow_the_settings(tmp_path):
    """A default entry that an administrator has written by hand, say."""
    host = Grub(tmp_path, {SETTINGS: DEBIAN})
    host.tools["update-grub"] = lambda argv: (host.write(argv[2], "menuentry 'mine' {\n\tlinux /v ro mine\n}\n"), (0, "", ""))[1]
    before = host.everything()
    with pytest.raises(BootloaderError) as error:
        host.ensure(present=[ON])
    assert "would still not have" in str(error.value) and "mine" in str(error.value)
    assert host.everything() == before


def test_the_new_menu_has_mode_and_links_of_the_old_one(tmp_path):
    host = Grub(tmp_path, {SETTINGS: DEBIAN})
    os.rename(host.at(CFG), host.at("/boot/real.cfg"))
    os.symlink("../real.cfg", host.at(CFG))
    os.chmod(host.at("/boot/real.cfg"), 0o600)
    host.ensure(present=[ON])
    assert os.path.islink(host.at(CFG))
    assert os.stat(host.at("/boot/real.cfg")).st_mode & 0o777 == 0o600
    assert ON in host.read("/boot/real.cfg")


def test_backups_are_of_what_was_there(tmp_path):
    host = Grub(tmp_path, {SETTINGS: DEBIAN})
    copied = []

    def keep(path):
        copied.append((path, host.read(SETTINGS)))
        return path + "~"

    result = host.ensure(present=[ON], copy=keep)
    assert (copied, result["backup_files"]) == ([], []), "it was not asked for"
    result = host.ensure(check=True, absent=["quiet"], backup=True, copy=keep)
    assert (copied, result["backup_files"]) == ([], []), "check mode"
    result = host.ensure(absent=["quiet"], backup=True, copy=keep)
    assert result["backup_files"] == [host.at(SETTINGS) + "~"]
    assert copied == [(host.at(SETTINGS), DEBIAN)]


class Suse(Grub):
    """grub2-mkconfig, as the SUSE Linux Enterprise Server 15 Administration Guide, "The boot loader GRUB 2", has it."""

    generate, config, folder = "grub2-mkconfig", "/boot/grub2/grub.cfg", "/nowhere"


# From the same guide: what YaST writes.
SLES = """GRUB_DISTRIBUTOR=
GRUB_DEFAULT=saved
GRUB_CMDLINE_LINUX_DEFAULT="splash=silent quiet security=apparmor mitigations=auto"
GRUB_CMDLINE_LINUX=""
GRUB_TERMINAL="gfxterm"
"""


def test_suse(tmp_path):
    host = Suse(tmp_path, {SETTINGS: SLES})
    before = host.everything()
    result = host.ensure(present=[ON])
    assert (result["bootloader"], result["files"]) == ("suse", [SETTINGS])
    assert result["commands"] == ["grub2-mkconfig -o /boot/grub2/grub.cfg"]
    assert host.read(SETTINGS) == SLES.replace("mitigations=auto", "mitigations=auto " + ON)
    assert host.line().endswith(ON)
    host.ensure(absent=["systemd.unified_cgroup_hierarchy"])
    assert host.everything() == before


def test_read_only(tmp_path, monkeypatch):
    host = Grub(tmp_path, {SETTINGS: DEBIAN})
    before = host.everything()

    def refuse(self, path):
        if path == CFG:
            raise FileError("%s can't be written: its file system is mounted read only" % path)

    monkeypatch.setattr(BootFiles, "check_writable", refuse)
    for check in (True, False):
        with pytest.raises(FileError) as error:
            host.ensure(check=check, present=[ON])
        assert "read only" in str(error.value)
    assert host.everything() == before
    assert host.calls == []
