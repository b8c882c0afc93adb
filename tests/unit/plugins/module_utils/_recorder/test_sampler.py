# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The running containers of recorded cgroup trees, and their daily peaks."""

import json
import os
import random
import threading
import time
from contextlib import closing

import pytest
from recorded_journal import FIXTURES, HOSTS

from ansible_collections.podman_fleet.memory.plugins.module_utils._cgroup.cgroupfs import CgroupFiles
from ansible_collections.podman_fleet.memory.plugins.module_utils._cgroup.paths import find_container_id, own_cgroup, owner_uid
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder import quota, sampler
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.database import open_history
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.record import ContainerNames
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.sampler import Sample, find_service, sample_containers
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.writer import add_sample, set_names

IDENT = "ab" * 32
OTHER = "cd" * 32


class Tree:
    """A recorded cgroup tree as files."""

    def __init__(self, host, folder):
        self.root = str(folder)
        with open(os.path.join(FIXTURES, "cgroup", host + ".json"), encoding="utf-8") as handle:
            self.recorded = json.load(handle)
        self.write("/cgroup.controllers", "cpu memory pids\n")
        for path, files in self.recorded.items():
            for name, text in files.items():
                self.write(path + "/" + name, text)

    def write(self, path, text):
        target = self.root + path
        if not os.path.isdir(os.path.dirname(target)):
            os.makedirs(os.path.dirname(target))
        with open(target, "w", encoding="utf-8") as handle:
            handle.write(text)

    def samples(self):
        return self.sampling().samples

    def sampling(self):
        return sample_containers(CgroupFiles(self.root, self.root + "/proc"))

    def owned(self):
        """{id: its topmost cgroup} as the recorded paths tell it."""
        cgroups = {}
        for path in self.recorded:
            ident = find_container_id(path)
            if ident:
                cgroups[ident] = own_cgroup(path, ident)
        return cgroups


@pytest.fixture(params=HOSTS)
def tree(request, tmp_path):
    return Tree(request.param, tmp_path)


def test_every_container_is_found_once_with_what_its_files_say(tree):
    owned, samples = tree.owned(), tree.samples()
    assert sorted(sample.ident for sample in samples) == sorted(owned) and len(samples) > 3
    for sample in samples:
        files = tree.recorded[owned[sample.ident]]
        assert sample.usage["current"] == int(files["memory.current"])
        assert sample.uid == owner_uid(owned[sample.ident])
        assert sample.events["oom_kill"] == int(dict(line.split() for line in files["memory.events"].splitlines())["oom_kill"])


def test_the_limit_is_the_lowest_of_leaf_and_above(tree):
    path, ident = next((path, ident) for ident, path in tree.owned().items() if path + "/container" in tree.recorded)
    tree.write(path + "/container/memory.max", "1048576\n")
    (sample,) = [sample for sample in tree.samples() if sample.ident == ident]
    assert (sample.limits["limit"], sample.limits["source"]) == (1048576, path + "/container")


def test_what_ends_in_between_is_left_out(tree):
    ident, path = next(iter(tree.owned().items()))
    os.unlink(tree.root + path + "/memory.current")
    assert ident not in [sample.ident for sample in tree.samples()]


def test_without_the_memory_controller_there_is_nothing(tree):
    tree.write("/cgroup.controllers", "cpu pids\n")
    assert tree.samples() == []


@pytest.mark.parametrize("path, unit", [
    ("/system.slice/web.service/libpod-payload-" + IDENT, "web.service"),
    ("/user.slice/user-1000.slice/user@1000.service/app.slice/web.service/libpod-payload-" + IDENT, "web.service"),
    ("/machine.slice/libpod-%s.scope" % IDENT, None),
])
def test_the_unit_that_a_container_runs_in(path, unit):
    assert find_service(path) == unit


@pytest.mark.parametrize("name", [b"\xff", b"a b", b"a\x0b", b"", b"-a"])
def test_a_cgroup_that_has_no_name_of_a_unit_stops_no_run(tmp_path, name):
    """Below their own service manager users make cgroups of any name but one with a line feed."""
    folder = b"/user.slice/user-1000.slice/user@1000.service/" + name + b".service/libpod-payload-" + IDENT.encode()
    os.makedirs(os.fsencode(str(tmp_path)) + folder)
    (tmp_path / "cgroup.controllers").write_text("memory")
    with open(os.fsencode(str(tmp_path)) + folder + b"/memory.current", "w", encoding="ascii") as handle:
        handle.write("4096\n")
    sample, = sample_containers(CgroupFiles(str(tmp_path), str(tmp_path / "proc"))).samples
    assert (sample.ident, sample.uid, sample.unit) == (IDENT, 1000, None)


class Bombed:
    """A cgroup tree with containers of root, alice (1000, the attacker) and bob (1001)."""

    ALICE = "/user.slice/user-1000.slice/user@1000.service"
    BOB = "/user.slice/user-1001.slice/user@1001.service/user.slice"

    def __init__(self, folder):
        self.root = str(folder)
        self.victims = []
        os.makedirs(self.root + self.ALICE + "/user.slice")
        with open(self.root + "/cgroup.controllers", "w", encoding="utf-8") as handle:
            handle.write("memory\n")
        for uid, folder in ((0, "/machine.slice"), (1001, self.BOB)):
            for _number in range(5):
                self.victims.append((self.container(folder), uid))

    def container(self, folder, ident=None):
        ident = ident or "%064x" % random.getrandbits(256)
        path = "%s%s/libpod-%s.scope" % (self.root, folder, ident)
        os.makedirs(path)
        for name, text in (("memory.current", "4096\n"), ("memory.max", "8192\n")):
            with open(path + "/" + name, "w", encoding="utf-8") as handle:
                handle.write(text)
        return ident

    def sampling(self):
        """What is sampled; the victims always are."""
        sampling = sample_containers(CgroupFiles(self.root, self.root + "/proc"))
        sampled = [(sample.ident, sample.uid) for sample in sampling.samples]
        assert set(sampled) >= set(self.victims) and len(sampled) == len(set(sampled))
        assert set(sampling.left_out) <= {1000}
        return [ident for ident, uid in sampled if uid == 1000], sampling.left_out.get(1000, 0)


@pytest.fixture
def bombed(tmp_path):
    return Bombed(tmp_path)


def test_many_containers_of_one_user_crowd_out_nobody(bombed, monkeypatch):
    monkeypatch.setattr(quota, "MAX_PER_USER", 7)
    for _number in range(20):
        bombed.container(bombed.ALICE)
    sampled, left_out = bombed.sampling()
    assert (len(sampled), left_out) == (7, 13)


def test_a_width_bomb_costs_its_owner_only(bombed, monkeypatch):
    monkeypatch.setattr(sampler, "_MAX_CGROUPS", 500)
    for number in range(1000):
        os.makedirs("%s%s/%d/x" % (bombed.root, bombed.ALICE, number))
    _sampled, left_out = bombed.sampling()
    assert left_out > 100


def test_a_depth_bomb_costs_its_owner_only(bombed):
    os.makedirs(bombed.root + bombed.ALICE + "/d" * 300)
    mine = bombed.container(bombed.ALICE + "/user.slice")
    sampled, left_out = bombed.sampling()
    assert (sampled, left_out) == ([mine], 1)


def test_time_that_one_user_takes_is_that_users(bombed, monkeypatch):
    real = CgroupFiles.usage
    for _number in range(50):
        bombed.container(bombed.ALICE)

    def usage(files, path):
        if path.startswith(bombed.ALICE):
            threading.Event().wait(0.05)
        return real(files, path)

    monkeypatch.setattr(CgroupFiles, "usage", usage)
    monkeypatch.setattr(sampler, "_SECONDS", 1.5)
    began = time.monotonic()
    sampled, left_out = bombed.sampling()
    assert len(sampled) + left_out == 50 and left_out > 0 and time.monotonic() - began < 5


@pytest.mark.parametrize("name", ["user-0.slice", "user-1001.slice", "machine.slice"])
def test_names_of_cgroups_make_nobody_else_their_owner(bombed, name):
    victim = bombed.victims[0][0]
    bombed.container(bombed.ALICE + "/" + name, victim)
    assert bombed.sampling() == ([victim], 0)


def test_the_same_id_twice_is_one_container(bombed):
    mine = bombed.container(bombed.ALICE)
    bombed.container(bombed.ALICE + "/again", mine)
    assert bombed.sampling() == ([mine], 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_what_systemd_delegates_to_a_user_is_not_roots(bombed):
    """A service of the system's with User= and Delegate=: the user makes cgroups in it, of any name."""
    victim = bombed.victims[0][0]
    bombed.container("/system.slice/job.service/x", victim)
    for path in ("/system.slice/job.service", "/system.slice/job.service/x"):
        os.chown(bombed.root + path, 1000, 1000)
    assert bombed.sampling() == ([victim], 0)


def look(folder, day, ident=IDENT, called=("web", None), **usage):
    """One look at a container."""
    used = dict({"current": 10, "working_set": 8, "peak": 20}, **usage)
    sample = Sample(ident=ident, uid=0, unit=None, limits={"limit": 64}, usage=used, events=None)
    names = ContainerNames(called[0], None, called[1])
    with closing(open_history(str(folder))) as database:
        set_names(database, ident, 0, 1, names)
        add_sample(database, day, 2, sample, names)
        return {(row[0], row[1]): row[2:] for row in database.execute("SELECT day, workload, working_set_max, peak, samples FROM daily")}


def test_the_largest_look_of_a_day(tmp_path):
    look(tmp_path, "d1", working_set=8)
    look(tmp_path, "d1", working_set=30)
    assert look(tmp_path, "d1", working_set=9) == {("d1", "web"): (30, 20, 3)}


def test_a_peak_belongs_to_the_day_on_which_it_grew(tmp_path):
    look(tmp_path, "d1", peak=100)
    days = look(tmp_path, "d2", peak=100, current=11)
    assert days[("d1", "web")][1] == 100 and days[("d2", "web")][1] == 11
    assert look(tmp_path, "d2", peak=140)[("d2", "web")][1] == 140


def test_a_recreated_container_has_a_peak_of_its_own(tmp_path):
    look(tmp_path, "d1", peak=100)
    assert look(tmp_path, "d2", ident=OTHER, peak=60)[("d2", "web")][1] == 60


def test_a_kernel_without_memory_peak(tmp_path):
    assert look(tmp_path, "d1", peak=None) == {("d1", "web"): (8, None, 1)}


def test_the_unit_is_what_lasts(tmp_path):
    look(tmp_path, "d1", called=("systemd-web", "web.service"))
    assert set(look(tmp_path, "d1", ident=OTHER, called=("systemd-web", "web.service"))) == {("d1", "web.service")}
