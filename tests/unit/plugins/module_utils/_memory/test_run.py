# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""container_memory as a whole, with a Podman whose containers were recorded and cgroups that are plain files."""

import os

import pytest
from fake_podman import FakePodman

from ansible_collections.podman_fleet.memory.plugins.module_utils._cgroup.cgroupfs import CgroupFiles
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory import apply, current, run
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.request import SETTING_OPTIONS, Options
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.run import ContainerMemoryError, set_container_memory
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import current_identity
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.users import User

MIB = 1 << 20
ME = current_identity()
NO_LIMIT = {"limit": None, "swap_limit": None, "reservation": None, "oom_group": None}


class PlainFiles(CgroupFiles):
    """The kernel takes what is written for the whole value; a plain file would keep the rest of a longer one."""

    def write(self, cgroup, name, text):
        path = self.hierarchy.memory_root + cgroup + "/" + name
        if not os.path.exists(path):
            raise OSError("%s: no such file" % path)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text + "\n")


class Host:
    """A host with one running container, `running-unlimited`; the others of the recording have ended."""

    def __init__(self, folder, version):
        self.podman = FakePodman(folder, version)
        for raw in self.podman.containers:
            if raw["Name"] != "running-unlimited" and raw["State"]["Status"] == "running":
                raw["State"]["Status"] = "exited"
        self.podman.set_state(containers=self.podman.containers)
        ident = self.podman.ident("running-unlimited")
        pid = next(raw["State"]["Pid"] for raw in self.podman.containers if raw["Id"] == ident)
        self._cgroup, self._proc = folder / "cgroup", folder / "proc"
        self.leaf = self._cgroup / "machine.slice" / ("libpod-%s.scope" % ident) / "container"
        self.leaf.mkdir(parents=True)
        (self._cgroup / "cgroup.controllers").write_text("cpu memory\n")
        (self._proc / str(pid)).mkdir(parents=True)
        (self._proc / str(pid) / "cgroup").write_text("0::/%s\n" % self.leaf.relative_to(self._cgroup))
        for path in (self.leaf, self.leaf.parent):
            for name, text in (("memory.max", "max"), ("memory.swap.max", "max"), ("memory.high", "max"), ("memory.low", "0"),
                               ("memory.oom.group", "0"), ("memory.current", str(20 * MIB)), ("memory.stat", "inactive_file 0")):
                (path / name).write_text(text + "\n")

    def cgroup_files(self):
        return PlainFiles(str(self._cgroup), str(self._proc))

    def set(self, *containers, check_mode=False, **options):
        nothing = dict.fromkeys(("name", "user") + SETTING_OPTIONS)
        params = dict(nothing, containers=[dict(nothing, **container) for container in containers])
        given = Options(**dict(dict(persist=True, allow_below_usage=False, backend="auto", restart="never",
                                    executable=self.podman.path, timeout=30), **options))
        return set_container_memory(params, given, check_mode)


@pytest.fixture
def make_host(tmp_path, monkeypatch):
    def make(version="debian13-podman5.4.2"):
        host = Host(tmp_path, version)
        monkeypatch.setattr(current, "find_owner", lambda _name: User(ME, "/storage", True))
        for module in (current, apply):
            monkeypatch.setattr(module, "CgroupFiles", host.cgroup_files)
        return host

    return make


def test_check_mode_only_asks(make_host):
    host = make_host()
    result = host.set({"name": "running-unlimited", "memory": "100m", "oom_group": True}, check_mode=True)
    (entry,) = result["containers"]
    assert {key: entry[key] for key in ("changed", "applied_live", "persistent", "method", "restart_required", "message")} == {
        "changed": True, "applied_live": True, "persistent": True, "method": "libpod_api", "restart_required": False,
        "message": "set"}
    assert entry["before"] == {"declared": NO_LIMIT, "effective": {"limit": None, "swap_limit": None, "high": None,
                                                                   "oom_group": False}}
    assert entry["after"]["declared"] == dict(NO_LIMIT, limit=100 * MIB, swap_limit=100 * MIB, oom_group=True)
    assert entry["after"]["effective"] == {"limit": 100 * MIB, "swap_limit": 100 * MIB, "high": None, "oom_group": True}
    assert (result["changed"], len(result["diff"]), result["warnings"]) == (True, 1, [])
    assert [call[0] for call in host.podman.calls()] == ["--version", "ps", "container"]
    assert (host.leaf / "memory.max").read_text() == "max\n"


def test_a_change_is_made_and_read_again_and_a_second_run_changes_nothing(make_host):
    host = make_host()
    wanted = {"name": "running-unlimited", "memory": "100m", "oom_group": True}
    first, second = (host.set(wanted, backend="cgroupfs")["containers"][0] for _run in range(2))
    files = ("memory.max", "memory.swap.max", "memory.oom.group")
    assert [(host.leaf / name).read_text().split()[0] for name in files] == [str(100 * MIB), "0", "1"]
    assert (host.leaf.parent / "memory.max").read_text() == "max\n"
    advice = "backend cgroupfs changes only what is enforced now: use libpod_api to keep it"
    assert (first["changed"], first["applied_live"], first["persistent"]) == (True, True, False)
    assert first["message"] == "set; " + advice
    assert (second["changed"], second["applied_live"], second["message"]) == (False, True, "already set; " + advice)
    assert first["after"] == second["before"] == second["after"]


def test_a_change_that_does_not_arrive_fails(make_host, monkeypatch):
    host = make_host()
    monkeypatch.setattr(apply, "to_leaf_files", lambda _settings: [])
    with pytest.raises(ContainerMemoryError, match="running-unlimited: it is not as it should be: the kernel enf") as caught:
        host.set({"name": "running-unlimited", "memory": "100m"}, backend="cgroupfs")
    assert caught.value.result["containers"][0]["failed"] is True


def test_a_failure_is_rolled_back(make_host, monkeypatch):
    host = make_host()
    written = []

    def failing(settings):
        written.append(settings)
        return [("memory.max", "1"), ("not.there", "1")] if len(written) == 1 else [("memory.max", "max")]

    monkeypatch.setattr(apply, "to_leaf_files", failing)
    with pytest.raises(ContainerMemoryError) as caught:
        host.set({"name": "running-unlimited", "memory": "100m"}, backend="cgroupfs")
    assert "not.there" in str(caught.value) and "rolled back: %s/running-unlimited (cgroupfs)" % ME.name in str(caught.value)
    assert caught.value.result["changed"] is False and written[1] == {"limit": None, "swap_limit": None}
    assert (host.leaf / "memory.max").read_text() == "max\n"


@pytest.mark.parametrize("containers, message", [
    ([{"name": "nothing", "memory": "1g"}], r"^containers\[0\].name: .* has no container 'nothing' \(nothing was changed\)$"),
    ([{"name": "exit-0", "memory": "1g"}, {"name": "exit-0", "oom_group": True}], "is the same container as"),
    ([{"name": "exit-0", "memory": "lots"}], r"^containers\[0\].memory: 'lots' .*\(nothing was changed\)$"),
])
def test_a_request_that_is_wrong(make_host, containers, message):
    with pytest.raises(ContainerMemoryError, match=message) as caught:
        make_host().set(*containers)
    assert caught.value.result == {"changed": False, "containers": []}


def test_one_that_can_not_be_changed_keeps_the_others_as_they_are(make_host):
    host = make_host("debian12-podman4.3.1")
    with pytest.raises(ContainerMemoryError, match="^1 of 2 containers can't be changed, nothing was changed: ") as caught:
        host.set({"name": "running-unlimited", "memory": "20m"}, {"name": "exit-0", "memory": "1g", "memory_swap": "2g"})
    entries = caught.value.result["containers"]
    assert [(entry["name"], entry["failed"], entry["changed"]) for entry in entries] == [
        ("running-unlimited", True, False), ("exit-0", False, False)]
    assert "bytes less than" in entries[0]["message"] and entries[1]["message"] == "not touched, because of others"
    assert (host.leaf / "memory.max").read_text() == "max\n"


def test_a_container_that_does_not_run_is_a_warning_before_podman_5_1(make_host):
    result = make_host("debian12-podman4.3.1").set({"name": "exit-0", "memory": "1g"})
    (entry,) = result["containers"]
    assert (entry["changed"], entry["method"], "failed" in entry) == (False, "none", False)
    assert result["warnings"] == ["%s/exit-0: %s" % (ME.name, entry["message"])]
    assert entry["message"].startswith("not set; Podman 4.3.1 can't change a container that does not run (5.1 and newer can)")


def test_no_podman(make_host):
    with pytest.raises(ContainerMemoryError, match="^executable: /nonexistent/podman"):
        make_host().set({"name": "exit-0", "memory": "1g"}, executable="/nonexistent/podman")


@pytest.mark.parametrize("text", ["unknown", "v"])
def test_no_version(make_host, monkeypatch, text):
    monkeypatch.setattr(run.Podman, "version", lambda _podman: text)
    with pytest.raises(ContainerMemoryError, match="version of Podman can't be determined from '%s'.*nothing was changed" % text):
        make_host().set({"name": "exit-0", "memory": "1g"})
