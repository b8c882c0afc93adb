# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The mounted hierarchy, what systemd would mount, and what the host is."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._boot.kernel_args import parse_arguments
from ansible_collections.podman_fleet.memory.plugins.module_utils._cgroup_v2.mode import (
    default_hierarchy,
    detect_mode,
    memory_hierarchy,
    mode_at_boot,
    parse_mountinfo,
    parse_mounts,
    parse_proc_cgroups,
    unit_hierarchy,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.platform import Distribution, Systemd

TOP = "/sys/fs/cgroup"


def line(path, kind, options="rw", fields="shared:9 "):
    return "32 23 0:27 / %s rw,nosuid %s- %s %s %s\n" % (path, fields, kind, kind, options)


V2 = line(TOP, "cgroup2", "rw,nsdelegate,memory_recursiveprot")
V1 = (line(TOP, "tmpfs") + line(TOP + "/systemd", "cgroup", "rw,xattr,name=systemd")
      + line(TOP + "/memory", "cgroup", "rw,memory") + line(TOP + "/cpu,cpuacct", "cgroup", "rw,cpu,cpuacct"))
HYBRID = V1 + line(TOP + "/unified", "cgroup2")


@pytest.mark.parametrize("text, expected", [
    (V2, "v2"), (V1, "v1"), (HYBRID, "hybrid"),
    ("", None),
    (line("/", "ext4"), None),
    (line(TOP, "tmpfs"), None),
    (line("/mnt/cgroup2", "cgroup2"), None),
    (V2 + line("/mnt/net_cls", "cgroup", "rw,net_cls"), "v2"),
    (V1 + line(TOP, "cgroup2"), "v2"),  # mounted over it
    (V2 + line(TOP, "tmpfs") + line(TOP + "/memory", "cgroup", "rw,memory"), "v1"),
    (line(TOP, "cgroup2", fields=""), "v2"),
    ("garbage\n- -\n 1 2 3\n" + V2, "v2"),
    (line("/cgroup", "cgroup", "rw,memory"), "v1"),
])
def test_mode(text, expected):
    found = detect_mode(parse_mountinfo(text))
    assert found.mode == expected
    assert found.evidence


def test_the_same_from_proc_mounts():
    text = "tmpfs %s tmpfs ro 0 0\ncgroup %s/memory cgroup rw,nosuid,nodev,noexec,relatime,memory 0 0\n" % (TOP, TOP)
    assert detect_mode(parse_mounts(text)).mode == "v1"
    assert detect_mode(parse_mounts("cgroup2 %s cgroup2 rw,nsdelegate 0 0\nshort line\n" % TOP)).mode == "v2"


def test_v1_mounts_tell_controllers_and_name():
    found = {each.path: each for each in parse_mountinfo(HYBRID)}
    assert found[TOP + "/cpu,cpuacct"].controllers == ["cpu", "cpuacct"]
    assert (found[TOP + "/systemd"].controllers, found[TOP + "/systemd"].name) == ([], "systemd")
    assert memory_hierarchy(found.values()) == TOP + "/memory"


def test_a_path_with_a_space():
    assert parse_mountinfo(line("/mnt/a\\040b", "cgroup", "rw,pids"))[0].path == "/mnt/a b"


@pytest.mark.parametrize("end", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_a_path_of_a_users_file_system_is_no_line(end):
    path = "/home/alice/a%s1\u20032\u20030:3\u2003/\u2003/sys/fs/cgroup\u2003rw" % end
    text = line("/sys/fs/cgroup", "cgroup2", "rw") + line(path, "fuse.x", "rw,user_id=1000")
    assert [mount.kind for mount in parse_mountinfo(text)] == ["cgroup2"]
    text = "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\nx /home/alice/a%sx\u2003/sys/fs/cgroup\u2003x fuse.x rw 0 0\n" % end
    assert [mount.kind for mount in parse_mounts(text)] == ["cgroup2"]


@pytest.mark.parametrize("text, expected", [
    (V2, TOP), (HYBRID, TOP + "/unified"), (V1, TOP + "/systemd"), ("", None), (line("/mnt/x", "cgroup2"), None),
])
def test_where_systemds_units_are(text, expected):
    assert unit_hierarchy(parse_mountinfo(text)) == expected


def test_proc_cgroups():
    text = "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t0\t70\t1\nmemory\t6\t70\t0\nbad line\n"
    assert parse_proc_cgroups(text) == {"cpuset": ("0", True), "memory": ("6", False)}
    assert parse_proc_cgroups("") == {}


@pytest.mark.parametrize("version, said, distro, expected", [
    (252, "unified", ("x", "1"), "unified"),
    (239, "hybrid", ("rhel", "8.10"), "hybrid"),  # what it says of itself wins
    (239, None, ("rhel", "8.10"), "legacy"),
    (245, None, ("ubuntu", "20.04"), "hybrid"),
    (249, None, ("ubuntu", "22.04"), "unified"),
    (241, None, ("debian", "10"), "hybrid"),
    (246, None, ("sles", "15.4"), "hybrid"),
    (255, None, ("unheard-of", "1"), None),
    (255, None, ("arch", None), None),
    (256, None, ("unheard-of", None), "unified"),
    (262, None, ("debian", None), "unified"),
])
def test_default_hierarchy(version, said, distro, expected):
    distribution = Distribution(distro[0], distro[1], None, [])
    assert default_hierarchy(Systemd(version, said), distribution) == expected


OFF, FORCE = "systemd.unified_cgroup_hierarchy=0 ", "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 "
LEGACY = "systemd.legacy_systemd_cgroup_controller"


@pytest.mark.parametrize("text, version, default, expected", [
    ("", 252, "unified", "v2"),
    ("", 239, "legacy", "v1"),
    ("", 245, "hybrid", "hybrid"),
    ("", 240, None, None),
    (OFF, 252, "unified", "hybrid"),
    (OFF + LEGACY, 252, "unified", "v1"),
    (OFF + LEGACY + "=1", 252, "unified", "v1"),
    (OFF + LEGACY + "=0", 252, "unified", "hybrid"),
    (OFF + LEGACY + "=0", 239, "legacy", "hybrid"),
    (OFF, 239, "legacy", "v1"),
    (LEGACY, 252, "unified", "v2"),  # systemd(1): only where unified isn't used
    ("systemd.unified_cgroup_hierarchy", 239, "legacy", "v2"),
    ("systemd.unified_cgroup_hierarchy=1", 239, None, "v2"),
    ("systemd.unified-cgroup-hierarchy=1", 239, None, "v2"),
    ("systemd.unified_cgroup_hierarchy=what", 239, "legacy", "v1"),  # no boolean: as if it weren't there
    (OFF + "systemd.unified_cgroup_hierarchy=1", 239, "legacy", "v2"),
    ("cgroup_no_v1=all", 245, "hybrid", "v2"),
    ("cgroup_no_v1=memory", 245, "hybrid", "hybrid"),
    (OFF + "cgroup_no_v1=all", 245, "hybrid", "hybrid"),  # what is said explicitly wins
    (OFF, 255, "unified", "hybrid"),
    (OFF, 256, "unified", "refuses"),
    (OFF, 257, "unified", "refuses"),
    (OFF + FORCE, 257, "unified", "hybrid"),
    (OFF + "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=0", 257, "unified", "refuses"),
    (OFF + FORCE, 258, "unified", "v2"),
    (FORCE, 257, "unified", "v2"),
])
def test_what_systemd_chooses(text, version, default, expected):
    assert mode_at_boot(parse_arguments(text), version, default) == expected
