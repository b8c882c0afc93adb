# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which way a setting takes, for every version, manager and state: never `persistent` where it can't last."""

import itertools

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.method import (
    ADVICE,
    Case,
    Method,
    Unsupported,
    choose,
    podman_version,
)

VERSIONS = ((3, 4, 4), (4, 2, 0), (4, 3, 1), (4, 9, 4), (5, 0, 3), (5, 1, 0), (5, 3, 2), (5, 4, 0), (5, 4, 2), (5, 5, 0), (5, 8, 6))
MANAGERS = ("none", "quadlet", "systemd", "compose", "kube")
BACKENDS = ("auto", "libpod_api", "cli", "cgroupfs")
MEMORY = {"memory": 1 << 30}
GROUP = {"oom_group": True}


def case(version=(5, 4, 2), **more):
    given = dict(version=version, cgroup=2, rootless=False, running=True, own=True, manager="none", unit_file=None,
                 template=False, pod=False, removed=False)
    return Case(**dict(given, **more))


def quadlet(version=(5, 4, 2), **more):
    return case(version, manager="quadlet", **dict({"unit_file": "/etc/containers/systemd/a.container"}, **more))


def every():
    """Every case that can be, with what is wanted, the backend and `persist`."""
    truth = (True, False)
    for version, cgroup, rootless, running, manager, known, template, pod, removed in itertools.product(
            VERSIONS, (1, 2), truth, truth, MANAGERS, truth, truth, truth, truth):
        if (known or template) and manager != "quadlet":
            continue
        for wanted, backend, persist in itertools.product((MEMORY, GROUP), BACKENDS, truth):
            yield (case(version, cgroup=cgroup, rootless=rootless, running=running, manager=manager, pod=pod, removed=removed,
                        unit_file="/a.container" if known else None, template=template and known), wanted, backend, persist)


def test_every_case():
    """What must hold whatever the case is."""
    seen = 0
    for each, wanted, backend, persist in every():
        try:
            method = choose(each, wanted, backend, persist)
        except Unsupported as exc:
            assert str(exc)
            continue
        seen += 1
        assert method.reason is None or method.reason in ADVICE
        # what does not last says why, and what lasts has no reason against it
        assert method.persistent is (method.reason is None)
        assert method.persistent is False or method.drop_in or (method.records and each.version >= (5, 1))
        assert not method.drop_in or (each.manager == "quadlet" and persist and each.unit_file and not each.template
                                      and each.version >= (5, 0))
        assert not (method.persistent and each.manager in ("systemd", "compose", "kube"))
        assert not (method.persistent and each.manager == "none" and (each.pod or each.removed))
        assert method.resend is (method.records and each.version < (5, 4))
        if method.write in ("libpod_api", "cli"):
            assert each.version >= (4, 3) and (each.running or each.version >= (5, 1))
        if method.write == "cgroupfs":
            assert each.cgroup == 2 and each.running
        if method.write == "cli":
            assert "oom_group" not in wanted and not method.resend
        if backend != "auto" and each.running:
            assert method.write == backend
    assert seen > 1000


@pytest.mark.parametrize("version, expected", [
    ((4, 2, 0), Method("cgroupfs", False, False, False, False, "version")),
    ((4, 3, 1), Method("libpod_api", False, False, False, False, "version")),
    ((5, 0, 3), Method("libpod_api", False, False, False, False, "version")),
    ((5, 1, 0), Method("libpod_api", True, True, False, True, None)),
    ((5, 3, 2), Method("libpod_api", True, True, False, True, None)),
    ((5, 4, 0), Method("libpod_api", True, False, False, True, None)),
    ((5, 8, 6), Method("libpod_api", True, False, False, True, None)),
])
def test_a_standalone_container(version, expected):
    assert choose(case(version), GROUP, "auto", True) == expected


@pytest.mark.parametrize("version, expected", [
    ((4, 3, 1), Method(None, False, False, False, False, "stopped")),
    ((5, 0, 3), Method(None, False, False, False, False, "stopped")),
    ((5, 1, 0), Method("libpod_api", True, True, False, True, None)),
    ((5, 8, 6), Method("libpod_api", True, False, False, True, None)),
])
def test_a_container_that_does_not_run(version, expected):
    assert choose(case(version, running=False, own=False), GROUP, "auto", True) == expected


@pytest.mark.parametrize("each, persist, expected", [
    (quadlet((4, 9, 4)), True, Method("libpod_api", False, False, False, False, "no_drop_ins")),
    (quadlet((5, 0, 3)), True, Method("libpod_api", False, False, True, True, None)),
    (quadlet((5, 8, 6)), True, Method("libpod_api", True, False, True, True, None)),
    (quadlet((5, 8, 6)), False, Method("libpod_api", True, False, False, False, "persist_off")),
    (quadlet(unit_file=None), True, Method("libpod_api", True, False, False, False, "unit_unknown")),
    (quadlet(template=True), True, Method("libpod_api", True, False, False, False, "template")),
    (quadlet(own=False), True, Method(None, False, False, True, True, None)),
])
def test_a_quadlet(each, persist, expected):
    assert choose(each, GROUP, "auto", persist) == expected


@pytest.mark.parametrize("more, reason", [
    ({"manager": "systemd"}, "systemd"), ({"manager": "compose"}, "compose"), ({"manager": "kube"}, "kube"),
    ({"pod": True}, "pod"), ({"removed": True}, "removed"),
])
def test_what_somebody_else_makes_anew(more, reason):
    assert choose(case(**more), GROUP, "auto", True) == Method("libpod_api", True, False, False, False, reason)


@pytest.mark.parametrize("each, wanted, backend, words", [
    (case(cgroup=1), GROUP, "auto", ["oom_group", "cgroup v1"]),
    (case(cgroup=1, rootless=True), MEMORY, "auto", ["rootless", "cgroup v1"]),
    (case(cgroup=1), MEMORY, "cgroupfs", ["backend", "cgroup v1"]),
    (case(own=False), MEMORY, "auto", ["--cgroups=disabled"]),
    (case((4, 2, 0)), MEMORY, "libpod_api", ["backend", "4.2.0", "4.3.0"]),
    (case((5, 2, 0)), MEMORY, "cli", ["backend", "5.2.0", "libpod_api"]),
    (case(running=False), MEMORY, "cgroupfs", ["backend", "does not run"]),
    (case(), GROUP, "cli", ["backend", "oom_group"]),
    (case(), {"memory": None}, "cli", ["backend", "memory"]),
    (case(), {"memory_reservation": None}, "cli", ["backend", "memory_reservation"]),
])
def test_what_can_not_be_done_is_said(each, wanted, backend, words):
    with pytest.raises(Unsupported) as caught:
        choose(each, wanted, backend, True)
    assert [word for word in words if word not in str(caught.value)] == []


def test_memory_of_root_on_v1():
    assert choose(case((4, 3, 1), cgroup=1), MEMORY, "auto", True).write == "libpod_api"


@pytest.mark.parametrize("text, version", [
    ("5.4.2", (5, 4, 2)), ("5.0.0-rc1", (5, 0, 0)), ("4.9.4-rhel", (4, 9, 4)), ("6.0", (6, 0, 0)), ("10.11.12", (10, 11, 12))])
def test_version(text, version):
    assert podman_version(text) == version


@pytest.mark.parametrize("text", ["", None, "unknown", "v"])
def test_no_version(text):
    with pytest.raises(Unsupported, match="version"):
        podman_version(text)
