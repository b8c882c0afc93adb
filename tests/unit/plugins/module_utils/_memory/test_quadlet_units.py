# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our drop-ins on disk, where they go, and what systemd says of units."""

import os
import stat

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._memory import quadlet_units
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.quadlet_units import DropInPlace, Unit, UnitError, Units
from ansible_collections.podman_fleet.memory.plugins.module_utils._system import systemctl
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import CommandResult, Identity, current_identity
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.systemctl import SystemctlError
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.user_files import UserFileError

ROOT = Identity("root", 0, 0, "/root")
ALICE = Identity("alice", 1000, 1000, "/home/alice")
NAME = "50-podman-fleet-memory.conf"


@pytest.fixture
def units():
    return Units(current_identity(), 30)


def test_a_drop_in_is_written_replaced_and_removed(units, tmp_path):
    place = DropInPlace(str(tmp_path / "a.container.d" / NAME), current_identity())
    assert units.read_drop_in(place) is None
    units.write_drop_in(place, "[Container]\nMemory=1g\n")
    assert units.read_drop_in(place) == "[Container]\nMemory=1g\n"
    units.write_drop_in(place, "other\n")
    assert os.listdir(os.path.dirname(place.path)) == [NAME] and units.read_drop_in(place) == "other\n"
    assert stat.S_IMODE(os.stat(place.path).st_mode) == 0o644
    units.write_drop_in(place, None)
    assert not os.path.exists(os.path.dirname(place.path))
    units.write_drop_in(place, None)


def test_removing_leaves_other_files(units, tmp_path):
    place = DropInPlace(str(tmp_path / "a.container.d" / NAME), current_identity())
    units.write_drop_in(place, "x")
    (tmp_path / "a.container.d" / "10-own.conf").write_text("y")
    units.write_drop_in(place, None)
    assert os.listdir(os.path.dirname(place.path)) == ["10-own.conf"]


def test_a_failure_says_what_and_leaves_nothing(units, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserFileError, match="file/a.container.d.*Not a directory|file/a.container.d.*exit code"):
        units.write_drop_in(DropInPlace(str(tmp_path / "file" / "a.container.d" / NAME), current_identity()), "x")
    assert os.listdir(str(tmp_path)) == ["file"]


@pytest.mark.parametrize("owner, me, source, folder, writer", [
    (ROOT, ROOT, "/etc/containers/systemd/sub/a.container", "/etc/containers/systemd/a.container.d", ROOT),
    (ROOT, ROOT, "/usr/share/containers/systemd/a.container", "/etc/containers/systemd/a.container.d", ROOT),
    (ALICE, ROOT, "/home/alice/.config/containers/systemd/a.container",
     "/home/alice/.config/containers/systemd/a.container.d", ALICE),
    (ALICE, ROOT, "/etc/containers/systemd/users/a.container", "/etc/containers/systemd/users/1000/a.container.d", ROOT),
    (ALICE, ROOT, "/etc/containers/systemd/users/1000/x/a.container", "/etc/containers/systemd/users/1000/a.container.d", ROOT),
    (ALICE, ALICE, "/etc/containers/systemd/users/a.container", "/home/alice/.config/containers/systemd/a.container.d", ALICE),
    # a link of the user's to somewhere in /etc is no reason to write there as root
    (ALICE, ROOT, "/etc/cron.d/a.container", "/home/alice/.config/containers/systemd/a.container.d", ALICE),
])
def test_where_it_goes_and_who_writes_it(monkeypatch, owner, me, source, folder, writer):
    monkeypatch.setattr(quadlet_units, "current_identity", lambda: me)
    assert Units(owner, 30).drop_in_place(Unit("a.service", source, "")) == DropInPlace(os.path.join(folder, NAME), writer)


def test_what_systemd_says(monkeypatch):
    """As `systemctl show` of systemd 257 prints it; the order of the properties is its own."""
    output = (b"Id=qd.service\nFragmentPath=/run/systemd/generator/qd.service\n"
              b"SourcePath=/etc/containers/systemd/sub/qd.container\n"
              b"\nId=gone.service\nFragmentPath=\nSourcePath=\n")
    asked = []

    def run(argv, _timeout, _identity):
        asked.append(argv)
        return CommandResult(0, output, "")

    monkeypatch.setattr(systemctl, "run_command", run)
    assert Units(ALICE, 30).lookup(["qd.service", "gone.service", "qd.service", "--version", "a b.service"]) == {
        "qd.service": Unit("qd.service", "/etc/containers/systemd/sub/qd.container", "/run/systemd/generator/qd.service"),
        "gone.service": Unit("gone.service", "", "")}
    assert asked == [["systemctl", "--user", "show", "--property=Id,SourcePath,FragmentPath", "--", "gone.service", "qd.service"]]
    assert Units(ROOT, 30).lookup([]) == {} and len(asked) == 1


def test_systemd_does_not_answer(monkeypatch):
    monkeypatch.setattr(systemctl, "run_command", lambda *_arguments: CommandResult(1, b"", "Failed to connect to bus"))
    with pytest.raises(SystemctlError, match="systemctl --user daemon-reload: exit code 1: Failed to connect to bus"):
        Units(ALICE, 30).reload()


def test_a_unit_that_is_gone(units):
    with pytest.raises(UnitError, match="a.service.*does not know"):
        units.read_unit(Unit("a.service", "", ""))
