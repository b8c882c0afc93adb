# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our drop-ins on disk, where they go, and what systemd says of units."""

import os
import stat

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.quadlet_units import Unit, UnitError, Units
from ansible_collections.podman_fleet.memory.plugins.module_utils._system import systemctl
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import CommandResult, Identity, current_identity
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.systemctl import SystemctlError

ROOT = Identity("root", 0, 0, "/root")
ALICE = Identity("alice", 1000, 1000, "/home/alice")
NAME = "50-podman-fleet-memory.conf"


@pytest.fixture
def units():
    return Units(current_identity(), 30)


def test_a_drop_in_is_written_replaced_and_removed(units, tmp_path):
    path = str(tmp_path / "a.container.d" / NAME)
    assert units.read_drop_in(path) is None
    units.write_drop_in(path, "[Container]\nMemory=1g\n")
    assert units.read_drop_in(path) == "[Container]\nMemory=1g\n"
    units.write_drop_in(path, "other\n")
    assert os.listdir(os.path.dirname(path)) == [NAME] and units.read_drop_in(path) == "other\n"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o644
    units.write_drop_in(path, None)
    assert not os.path.exists(os.path.dirname(path))
    units.write_drop_in(path, None)


def test_removing_leaves_other_files(units, tmp_path):
    path = str(tmp_path / "a.container.d" / NAME)
    units.write_drop_in(path, "x")
    (tmp_path / "a.container.d" / "10-own.conf").write_text("y")
    units.write_drop_in(path, None)
    assert os.listdir(os.path.dirname(path)) == ["10-own.conf"]


def test_a_failure_says_what_and_leaves_nothing(units, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="Not a directory.*file"):
        units.write_drop_in(str(tmp_path / "file" / "a.container.d" / NAME), "x")
    assert os.listdir(str(tmp_path)) == ["file"]


@pytest.mark.parametrize("owner, source, folder", [
    (ROOT, "/etc/containers/systemd/sub/a.container", "/etc/containers/systemd/a.container.d"),
    (ROOT, "/usr/share/containers/systemd/a.container", "/etc/containers/systemd/a.container.d"),
    (ALICE, "/home/alice/.config/containers/systemd/a.container", "/home/alice/.config/containers/systemd/a.container.d"),
    (ALICE, "/etc/containers/systemd/users/a.container", "/home/alice/.config/containers/systemd/a.container.d"),
    (ALICE, "/etc/containers/systemd/users/1000/x/a.container", "/home/alice/.config/containers/systemd/a.container.d"),
    (ALICE, "/etc/cron.d/a.container", "/home/alice/.config/containers/systemd/a.container.d"),
])
def test_where_it_goes(owner, source, folder):
    assert Units(owner, 30).drop_in_path(Unit("a.service", source, "")) == os.path.join(folder, NAME)


def test_what_systemd_says(monkeypatch):
    """As `systemctl show` of systemd 257 prints it; the order of the properties is its own."""
    output = (b"Id=qd.service\nFragmentPath=/run/systemd/generator/qd.service\n"
              b"SourcePath=/etc/containers/systemd/sub/qd.container\n"
              b"ExecStart={ path=/usr/bin/podman ; argv[]=/usr/bin/podman run --name=systemd-qd --rm --cgroups=split -d bb ; "
              b"ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }\n"
              b"\nId=gone.service\nFragmentPath=\nSourcePath=\n")
    asked = []

    def run(argv, _timeout, _identity):
        asked.append(argv)
        return CommandResult(0, output, "")

    monkeypatch.setattr(systemctl, "run_command", run)
    assert Units(ALICE, 30).lookup(["qd.service", "gone.service", "qd.service", "--version", "a b.service"]) == {
        "qd.service": Unit("qd.service", "/etc/containers/systemd/sub/qd.container", "/run/systemd/generator/qd.service",
                           "/usr/bin/podman run --name=systemd-qd --rm --cgroups=split -d bb"),
        "gone.service": Unit("gone.service", "", "")}
    assert asked == [["systemctl", "--user", "show", "--property=Id,SourcePath,FragmentPath,ExecStart", "--", "gone.service", "qd.service"]]
    assert Units(ROOT, 30).lookup([]) == {} and len(asked) == 1


@pytest.mark.parametrize("line, name, runs", [
    ("/usr/bin/podman run --name=web --rm bb", "web", True), ("/usr/bin/podman run --rm --name web", "web", True),
    ("/usr/bin/podman run --name=web2 bb", "web", False), ("/usr/bin/podman run --name=a.web bb", "web", False),
    ("/usr/bin/podman run bb web", "web", False), ("", "web", False),
])
def test_whose_unit_it_is(line, name, runs):
    """A container that only names a unit, by a label of its image, must not get that unit changed."""
    assert Unit("web.service", "/etc/web.container", "/run/web.service", line).runs(name) is runs


def test_systemd_does_not_answer(monkeypatch):
    monkeypatch.setattr(systemctl, "run_command", lambda *_arguments: CommandResult(1, b"", "Failed to connect to bus"))
    with pytest.raises(SystemctlError, match="systemctl --user daemon-reload: exit code 1: Failed to connect to bus"):
        Units(ALICE, 30).reload()


def test_a_unit_that_is_gone(units):
    with pytest.raises(UnitError, match="a.service.*does not know"):
        units.read_unit(Unit("a.service", "", ""))
