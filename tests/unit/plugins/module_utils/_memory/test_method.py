# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which way a setting takes, for every version, manager and state: never `persistent` where it can't last."""

import itertools

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.method import (
    ADVICE,
    Context,
    Method,
    Unsupported,
    choose_method,
)

VERSIONS = ((3, 4, 4), (4, 2, 0), (4, 3, 1), (4, 9, 4), (5, 0, 3), (5, 1, 0), (5, 3, 2),
            (5, 4, 0), (5, 4, 2), (5, 5, 0), (5, 8, 6))
MANAGERS = ("none", "quadlet", "systemd", "compose", "kube")
BACKENDS = ("auto", "libpod_api", "cli", "cgroupfs")
MEMORY = {"memory": 1 << 30}
GROUP = {"oom_group": True}


def make_context(version=(5, 4, 2), **more):
    given = dict(version=version, cgroup_version=2, rootless=False, running=True, own_cgroup=True, manager="none", unit_file=None,
                 template=False, pod=False, auto_remove=False)
    return Context(**dict(given, **more))


def method(backend, flags="", reason=None):
    """The Method with these flags set."""
    return Method(backend=backend, reason=reason,
                  **{name: name in flags.split() for name in ("recorded", "resend", "drop_in", "persistent")})


def quadlet(version=(5, 4, 2), **more):
    return make_context(version, manager="quadlet", **dict({"unit_file": "/etc/containers/systemd/a.container"}, **more))


def every():
    """Every context there can be, with what is requested, the backend and `persist`."""
    truth = (True, False)
    for version, cgroup, rootless, running, manager, known, template, pod, auto_remove in itertools.product(
            VERSIONS, (1, 2), truth, truth, MANAGERS, truth, truth, truth, truth):
        if (known or template) and manager != "quadlet":
            continue
        for requested, backend, persist in itertools.product((MEMORY, GROUP), BACKENDS, truth):
            yield (make_context(version, cgroup_version=cgroup, rootless=rootless, running=running, manager=manager, pod=pod,
                                auto_remove=auto_remove, unit_file="/a.container" if known else None,
                                template=template and known), requested, backend, persist)


def test_every_case():
    """What must hold whatever the case is."""
    tried = 0
    for context, requested, backend, persist in every():
        try:
            chosen = choose_method(context, requested, backend, persist)
        except Unsupported as exc:
            assert str(exc)
            continue
        tried += 1
        assert chosen.reason is None or chosen.reason in ADVICE
        # what does not last says why, and what lasts has no reason against it
        assert chosen.persistent is (chosen.reason is None)
        assert chosen.persistent is False or chosen.drop_in or (chosen.recorded and context.version >= (5, 1))
        assert not chosen.drop_in or (context.manager == "quadlet" and persist and context.unit_file and not context.template
                                      and context.version >= (5, 0))
        assert not (chosen.persistent and context.manager in ("systemd", "compose", "kube"))
        assert not (chosen.persistent and context.manager == "none" and (context.pod or context.auto_remove))
        assert chosen.resend is (chosen.recorded and context.version < (5, 4))
        if chosen.backend in ("libpod_api", "cli"):
            assert context.version >= (4, 3) and (context.running or context.version >= (5, 1))
        if chosen.backend == "cgroupfs":
            assert context.cgroup_version == 2 and context.running
        if chosen.backend == "cli":
            assert "oom_group" not in requested and not chosen.resend
        if backend != "auto" and context.running:
            assert chosen.backend == backend
    assert tried > 1000


@pytest.mark.parametrize("version, expected", [
    ((4, 2, 0), method("cgroupfs", "", "version")),
    ((4, 3, 1), method("libpod_api", "", "version")),
    ((5, 0, 3), method("libpod_api", "", "version")),
    ((5, 1, 0), method("libpod_api", "recorded resend persistent")),
    ((5, 3, 2), method("libpod_api", "recorded resend persistent")),
    ((5, 4, 0), method("libpod_api", "recorded persistent")),
    ((5, 8, 6), method("libpod_api", "recorded persistent")),
])
def test_a_standalone_container(version, expected):
    assert choose_method(make_context(version), GROUP, "auto", True) == expected


@pytest.mark.parametrize("version, expected", [
    ((4, 3, 1), method(None, "", "stopped")),
    ((5, 0, 3), method(None, "", "stopped")),
    ((5, 1, 0), method("libpod_api", "recorded resend persistent")),
    ((5, 8, 6), method("libpod_api", "recorded persistent")),
])
def test_a_container_that_does_not_run(version, expected):
    assert choose_method(make_context(version, running=False, own_cgroup=False), GROUP, "auto", True) == expected


@pytest.mark.parametrize("context, persist, expected", [
    (quadlet((4, 9, 4)), True, method("libpod_api", "", "no_drop_ins")),
    (quadlet((5, 0, 3)), True, method("libpod_api", "drop_in persistent")),
    (quadlet((5, 8, 6)), True, method("libpod_api", "recorded drop_in persistent")),
    (quadlet((5, 8, 6)), False, method("libpod_api", "recorded", "persist_off")),
    (quadlet(unit_file=None), True, method("libpod_api", "recorded", "unit_unknown")),
    (quadlet(template=True), True, method("libpod_api", "recorded", "template")),
    (quadlet(own_cgroup=False), True, method(None, "drop_in persistent")),
])
def test_a_quadlet(context, persist, expected):
    assert choose_method(context, GROUP, "auto", persist) == expected


@pytest.mark.parametrize("more, reason", [
    ({"manager": "systemd"}, "systemd"), ({"manager": "compose"}, "compose"), ({"manager": "kube"}, "kube"),
    ({"pod": True}, "pod"), ({"auto_remove": True}, "auto_remove"),
])
def test_what_somebody_else_recreates(more, reason):
    assert choose_method(make_context(**more), GROUP, "auto", True) == method("libpod_api", "recorded", reason)


@pytest.mark.parametrize("context, requested, backend, words", [
    (make_context(cgroup_version=1), GROUP, "auto", ["oom_group", "cgroup v1"]),
    (make_context(cgroup_version=1, rootless=True), MEMORY, "auto", ["rootless", "cgroup v1"]),
    (make_context(cgroup_version=1), MEMORY, "cgroupfs", ["backend", "cgroup v1"]),
    (make_context(own_cgroup=False), MEMORY, "auto", ["--cgroups=disabled"]),
    (make_context((4, 2, 0)), MEMORY, "libpod_api", ["backend", "4.2.0", "4.3.0"]),
    (make_context((5, 2, 0)), MEMORY, "cli", ["backend", "5.2.0", "libpod_api"]),
    (make_context(running=False), MEMORY, "cgroupfs", ["backend", "does not run"]),
    (make_context(), GROUP, "cli", ["backend", "oom_group"]),
    (make_context(), {"memory": None}, "cli", ["backend", "memory"]),
    (make_context(), {"memory_reservation": None}, "cli", ["backend", "memory_reservation"]),
])
def test_what_can_not_be_done_is_said(context, requested, backend, words):
    with pytest.raises(Unsupported) as caught:
        choose_method(context, requested, backend, True)
    assert [word for word in words if word not in str(caught.value)] == []


def test_memory_of_root_on_v1():
    assert choose_method(make_context((4, 3, 1), cgroup_version=1), MEMORY, "auto", True).backend == "libpod_api"
