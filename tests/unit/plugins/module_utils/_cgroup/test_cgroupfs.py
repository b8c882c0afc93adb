# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The memory files of cgroup v2 and v1, laid out as the kernel has them."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._cgroup.cgroupfs import CgroupFiles, ContainerCgroups

MIB = 1 << 20
ID = "ab" * 32
OWN = "/machine.slice/libpod-%s.scope" % ID
LEAF = OWN + "/container"
V1_NONE = "9223372036854771712"  # LONG_MAX rounded down to a page of 4 KiB


class Tree:
    """A host's /sys/fs/cgroup and /proc below a temporary directory."""

    def __init__(self, folder):
        self.root, self.proc = str(folder / "cgroup"), str(folder / "proc")
        self._folder = folder

    def write(self, path, text):
        target = self._folder / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def cgroup(self, path, **files):
        """Write files of a cgroup; two underscores are a dot: memory__max."""
        for name, text in files.items():
            self.write("cgroup" + path + "/" + name.replace("__", "."), text + "\n")

    def files(self):
        return CgroupFiles(self.root, self.proc)


@pytest.fixture(name="v2")
def _v2(tmp_path):
    tree = Tree(tmp_path)
    tree.cgroup("", cgroup__controllers="cpu memory pids")
    return tree


@pytest.fixture(name="v1")
def _v1(tmp_path):
    tree = Tree(tmp_path)
    tree.cgroup("/memory", memory__limit_in_bytes=V1_NONE)
    tree.write("proc/cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t2\t70\t1\nmemory\t6\t70\t1\npids\t7\t70\t0\n")
    return tree


def test_the_hierarchy_of_v2(v2):
    assert v2.files().hierarchy == (2, v2.root, ["cpu", "memory", "pids"], None)
    v2.cgroup("", cgroup__controllers="cpu pids")
    assert v2.files().hierarchy.problem == "the memory controller is not there"


def test_the_hierarchy_of_v1(v1):
    assert v1.files().hierarchy == (1, v1.root + "/memory", ["cpu", "memory"], None)


def test_no_hierarchy(tmp_path):
    hierarchy = Tree(tmp_path).files().hierarchy
    assert (hierarchy.version, hierarchy.controllers) == (1, [])
    assert hierarchy.problem == "there is no memory controller in %s" % (tmp_path / "cgroup")


@pytest.mark.parametrize("text, expected", [
    ("0::%s\n" % LEAF, ContainerCgroups(LEAF, OWN)),
    ("1:name=systemd:/x\n0::%s\n" % LEAF, ContainerCgroups(LEAF, OWN)),  # a v1 hierarchy without a controller
    ("0::/user.slice/session-1.scope\n", ContainerCgroups("/user.slice/session-1.scope", None)),
    ("0::/a:b.scope\n", ContainerCgroups("/a:b.scope", None)),
    # line ends that the kernel lets users have in the name of a cgroup
    ("0::/user.slice/a\x0b0::/machine.slice/b\n", ContainerCgroups("/user.slice/a\x0b0::/machine.slice/b", None)),
    ("0::/user.slice/a\u2028b\x0c\x1c\x85c\n", ContainerCgroups("/user.slice/a\u2028b\x0c\x1c\x85c", None)),
    ("nonsense\n", None),
    ("", None),
])
def test_where_a_container_runs_on_v2(v2, text, expected):
    v2.write("proc/7/cgroup", text)
    assert v2.files().container_cgroups(7, ID) == expected


def test_where_a_container_runs_on_v1(v1):
    v1.write("proc/7/cgroup", "12:cpu,cpuacct:/wrong\n9:hugetlb,memory:%s\n1:name=systemd:/wrong\n0::/wrong\n" % OWN)
    assert v1.files().container_cgroups(7, ID) == (OWN, OWN)


def test_a_process_that_is_gone(v2):
    assert v2.files().container_cgroups(7, ID) is None


def test_limits_of_v2(v2):
    v2.cgroup(OWN, memory__max="67108864", memory__swap__max="0", memory__high="max", memory__oom__group="1")
    files = v2.files()
    assert files.limits(OWN) == {"limit": 64 * MIB, "swap": 0, "high": None, "oom_group": True, "oom_kill_disabled": None}
    v2.cgroup(OWN, memory__max="max", memory__oom__group="0")
    assert files.limits(OWN)["limit"] == 64 * MIB, "each cgroup is read once"
    assert v2.files().limits(OWN) == {"limit": None, "swap": 0, "high": None, "oom_group": False, "oom_kill_disabled": None}
    assert files.limits("/gone") == {"limit": None, "swap": None, "high": None, "oom_group": None, "oom_kill_disabled": None}


def test_limits_of_v1(v1):
    v1.cgroup("/memory" + OWN, memory__limit_in_bytes="67108864", memory__memsw__limit_in_bytes=V1_NONE)
    assert v1.files().limits(OWN) == {"limit": 64 * MIB, "swap": None, "high": None, "oom_group": None, "oom_kill_disabled": None}


def test_protection_and_swap(v2, tmp_path):
    v2.cgroup(OWN, memory__low="1048576", memory__swap__max="max")
    files = v2.files()
    assert (files.low(OWN), files.low("/gone")) == (MIB, 0)
    assert (files.counts_swap(OWN), files.counts_swap("/gone")) == (True, False)


def test_protection_and_swap_of_v1(v1):
    v1.cgroup("/memory" + OWN, memory__low="1048576", memory__memsw__limit_in_bytes="5")
    assert (v1.files().low(OWN), v1.files().counts_swap(OWN), v1.files().counts_swap("/gone")) == (0, True, False)


def test_events_of_v2(v2):
    v2.cgroup(OWN, memory__events="low 0\nmax 12\noom_kill 2\nnew_one 1\nno number\n", memory__events__local="oom_kill 1")
    files = v2.files()
    assert files.events(OWN) == {"low": 0, "max": 12, "oom_kill": 2, "new_one": 1}
    assert files.local_events(OWN) == {"oom_kill": 1}
    assert files.events("/gone") is None and files.local_events("/gone") is None


@pytest.mark.parametrize("control, events", [
    ("oom_kill_disable 0\nunder_oom 0\noom_kill 3", {"oom_kill": 3, "max": 9}),
    ("oom_kill_disable 0\nunder_oom 0", None),  # before Linux 4.13
])
def test_events_of_v1(v1, control, events):
    v1.cgroup("/memory" + OWN, memory__oom_control=control, memory__failcnt="9")
    assert v1.files().events(OWN) == events
    assert v1.files().events("/gone") is None and v1.files().local_events(OWN) is None


def test_usage_of_v2(v2):
    v2.cgroup(OWN, memory__current="100", memory__peak="150", memory__swap__current="7", memory__stat="anon 60\ninactive_file 30",
              memory__pressure="some avg10=9.00 avg60=9.00 avg300=9.00 total=9\nfull avg10=0.10 avg60=0.20 avg300=1.25 total=4")
    assert v2.files().usage(OWN) == {
        "current": 100, "working_set": 70, "anon": 60, "peak": 150, "swap": 7, "pressure_full_avg300": 1.25}
    v2.cgroup(OWN, memory__stat="anon 60\ninactive_file 130")  # the two files are read one after the other
    assert v2.files().usage(OWN)["working_set"] == 0
    assert set(v2.files().usage("/gone").values()) == {None}


def test_usage_of_v1(v1):
    v1.cgroup("/memory" + OWN, memory__usage_in_bytes="100", memory__max_usage_in_bytes="150",
              memory__stat="rss 1\ntotal_rss 60\ntotal_inactive_file 30\ntotal_swap 7")
    assert v1.files().usage(OWN) == {
        "current": 100, "working_set": 70, "anon": 60, "peak": 150, "swap": 7, "pressure_full_avg300": None}


def test_writing_needs_the_file(v2):
    v2.cgroup(OWN, memory__max="max")
    v2.files().write(OWN, "memory.max", "100")
    assert v2.files().limits(OWN)["limit"] == 100
    with pytest.raises(OSError, match="memory.high: No such file"):
        v2.files().write(OWN, "memory.high", "100")


def test_v1_counts_in_each_cgroup_alone(v1):
    """Seen on Debian 12: crun's cgroup has oom_kill 1 and 1.2 million failures, the scope that systemd made has 0."""
    v1.cgroup("/memory" + OWN, memory__oom_control="oom_kill_disable 0\nunder_oom 0\noom_kill 0", memory__failcnt="0")
    v1.cgroup("/memory" + LEAF, memory__oom_control="oom_kill_disable 0\nunder_oom 0\noom_kill 1", memory__failcnt="1200000")
    v1.cgroup("/memory" + LEAF + "/init.scope", memory__oom_control="oom_kill_disable 0\nunder_oom 0\noom_kill 2", memory__failcnt="5")
    assert v1.files().events(OWN) == {"oom_kill": 3, "max": 1200005}
    assert v1.files().events("/gone") is None


def test_v2_mounted_with_memory_localevents_counts_so_too(v2):
    v2.cgroup(OWN, memory__events="low 0\noom 0\noom_kill 0")
    v2.cgroup(LEAF, memory__events="low 0\noom 1\noom_kill 1")
    assert v2.files().events(OWN)["oom_kill"] == 0
    v2.write("proc/self/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime,nsdelegate,memory_localevents 0 0\n")
    assert v2.files().events(OWN) == {"low": 0, "oom": 1, "oom_kill": 1}


def test_more_cgroups_than_any_container_has_are_not_counted(v1):
    v1.cgroup("/memory" + OWN, memory__oom_control="oom_kill_disable 0\noom_kill 0")
    for number in range(1001):
        v1.cgroup("/memory%s/%d" % (LEAF, number), tasks="")
    assert v1.files().events(OWN) is None


@pytest.mark.parametrize("control, disabled", [("oom_kill_disable 1\nunder_oom 1\noom_kill 0", True), ("oom_kill_disable 0", False)])
def test_v1_can_turn_the_oom_killer_off(v1, control, disabled):
    v1.cgroup("/memory" + LEAF, memory__limit_in_bytes="20971520", memory__oom_control=control)
    assert v1.files().limits(LEAF)["oom_kill_disabled"] is disabled
    assert v1.files().limits("/gone")["oom_kill_disabled"] is None
