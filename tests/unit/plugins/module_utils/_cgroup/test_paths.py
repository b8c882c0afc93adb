# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths of cgroups as seen on Debian 12, 13 and testing."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._cgroup.paths import (
    cgroup_lineage,
    delegated_uid,
    find_container_id,
    oomd_victim,
    own_cgroup,
    owner_uid,
    system_service,
)

A, B = "ab" * 32, "cd" * 32
ROOTLESS = "/user.slice/user-1000.slice/user@1000.service"


@pytest.mark.parametrize("path, own", [
    ("/machine.slice/libpod-%s.scope/container" % A, "/machine.slice/libpod-%s.scope" % A),
    ("/machine.slice/libpod-%s.scope" % A, "/machine.slice/libpod-%s.scope" % A),
    ("/machine.slice/machine-libpod_pod_%s.slice/libpod-%s.scope/container" % (B, A),
     "/machine.slice/machine-libpod_pod_%s.slice/libpod-%s.scope" % (B, A)),
    ("/system.slice/web.service/libpod-payload-%s" % A, "/system.slice/web.service/libpod-payload-%s" % A),
    (ROOTLESS + "/user.slice/libpod-%s.scope/container" % A, ROOTLESS + "/user.slice/libpod-%s.scope" % A),
    ("/libpod_parent/libpod-%s" % A, "/libpod_parent/libpod-%s" % A),
    ("/machine.slice/libpod-%s.scope/container/system.slice/x.service" % A, "/machine.slice/libpod-%s.scope" % A),
])
def test_containers(path, own):
    assert find_container_id(path) == A
    assert own_cgroup(path, A) == own
    assert own_cgroup(path, B) is None


@pytest.mark.parametrize("path", ["/machine.slice/libpod-%s.scope/libpod-%s.scope", ROOTLESS + "/libpod-payload-%s/x/libpod-%s", "/libpod-%s.scope/%s"])
def test_what_lies_in_another_container_is_that_ones(path):
    assert own_cgroup(path % (B, A), A) is None
    outer = path.split("%s")[0] + A
    assert own_cgroup(path % (A, B), A) in (outer, outer + ".scope")


@pytest.mark.parametrize("path", [
    "/", "/init.scope", "/system.slice/web.service",
    "/machine.slice/libpod-conmon-%s.scope" % A,
    "/machine.slice/machine-libpod_pod_%s.slice" % A,
    "/system.slice/docker-%s.scope" % A,
    "/kubepods.slice/crio-%s.scope" % A,
    "/user.slice/podman-1033.scope",
])
def test_not_a_container(path):
    assert find_container_id(path) is None


def test_a_bare_id_counts_only_when_podman_knows_it():
    path = "/user.slice/user-1000.slice/session-2.scope/" + A
    assert find_container_id(path) is None
    assert find_container_id(path, {A}) == A
    assert own_cgroup(path, A) == path


@pytest.mark.parametrize("path, uid", [
    ("/machine.slice/libpod-%s.scope" % A, 0), (ROOTLESS + "/user.slice/libpod-%s.scope" % A, 1000),
    ("/user.slice/user-0.slice/session-1.scope", 0), ("/user.slice", 0),
    # names of somebody's choice, further down
    ("/machine.slice/libpod-%s.scope/user.slice/user-1000.slice" % A, 0), ("/x/user.slice/user-1000.slice", 0),
    (ROOTLESS + "/user.slice/user-1001.slice/user@1001.service", 1000), ("/user.slice/user-1000.slicex", 0),
    ("/user.slice/user-\u0661.slice", 0), ("user.slice/user-1000.slice", 0),
])
def test_owner(path, uid):
    assert owner_uid(path) == uid


@pytest.mark.parametrize("path, uid", [
    (ROOTLESS, 1000), (ROOTLESS + "/app.slice", 1000), (ROOTLESS + "x", None), ("/user.slice/user-1000.slice/session-3.scope", None),
    ("/user.slice/user-1000.slice/user@1001.service", None), ("/user.slice/user-1000.slice", None), ("/machine.slice", None),
])
def test_what_systemd_has_given_to_a_user(path, uid):
    assert delegated_uid(path) == uid


@pytest.mark.parametrize("path, service", [
    ("/system.slice/web.service/libpod-payload-%s" % A, "web.service"), ("/system.slice/system-x.slice/x@1.service", "x@1.service"),
    (ROOTLESS + "/app.slice/web.service", None), ("/machine.slice/libpod-%s.scope/x.service" % A, None), ("/init.scope", None),
])
def test_services_of_the_systems_manager(path, service):
    assert system_service(path) == service


def test_names_in_a_container_are_the_containers():
    path = "/machine.slice/libpod-%s.scope/container/libpod-%s.scope" % (A, B)
    assert find_container_id(path) == A
    assert find_container_id("/machine.slice/libpod-%s.scope\n" % A) is None


def test_lineage_is_leaf_first_without_the_root():
    assert cgroup_lineage("/a.slice/b.scope/c") == ["/a.slice/b.scope/c", "/a.slice/b.scope", "/a.slice"]
    assert cgroup_lineage("/") == []


@pytest.mark.parametrize("cgroup, unit, uid, victim", [
    (ROOTLESS + "/user.slice/libpod-%s.scope" % A, None, 0, (A, 1000)),  # systemd-oomd itself names the cgroup
    ("/system.slice/web.service", None, 0, (None, 0)),
    (None, "libpod-%s.scope" % A, 1000, (A, 1000)),  # the manager of a user names the unit
    (None, "web.service", 0, (None, 0)),
    (None, A, 0, (None, 0)),
])
def test_victim_of_oomd(cgroup, unit, uid, victim):
    assert oomd_victim(cgroup, unit, uid) == victim


def test_victim_of_oomd_that_podman_knows():
    assert oomd_victim("/x/" + A, None, 0, {A}) == (A, 0)
