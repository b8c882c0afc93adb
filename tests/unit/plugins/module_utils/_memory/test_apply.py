# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carrying out plans: one service for each user, drop-ins before updates, and the way back."""

from collections import namedtuple

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._memory import (
    apply as _memory_apply,
    result as _memory_result,
    run as _container_memory,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.apply import Apply, ApplyError, Job
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.current import Seen
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.method import Case
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.plan import Live, Now, plan
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.quadlet_units import Place, Unit, UnitError
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.request import Request
from ansible_collections.podman_fleet.memory.plugins.module_utils._podman.api import ServiceError
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import Identity

MIB = 1 << 20
ROOT = Identity("root", 0, 0, "/root")
ALICE = Identity("alice", 1000, 1000, "/home/alice")
Container = namedtuple("Container", "ident pid facts")


class World(object):
    """Stands for Podman and systemd; keeps what happens in order."""

    def __init__(self):
        self.log = []
        self.refused = ()
        self.unit_text = {}
        self.files = {}
        self.broken = False

    def service(self, _executable, identity, _timeout):
        world = self

        class Service(object):
            def __enter__(self):
                world.log.append(("service", identity.name))
                return self

            def __exit__(self, *_exception):
                world.log.append(("end", identity.name))

            def update(self, ident, sent):
                world.log.append(("update", ident, sent))
                if ident in world.refused and sent["memory"]["limit"] == 100 * MIB:
                    raise ServiceError("Podman refused it")

        return Service()

    def units(self, identity, _timeout):
        world = self

        class Units(object):
            def place(self, unit):
                return Place("/etc/%s.d" % unit.name, identity)

            def drop_in(self, place):
                return world.files.get(place.folder)

            def write(self, place, text):
                world.log.append(("write", place.folder, text is not None))
                world.files[place.folder] = text

            def text(self, unit):
                added = world.files.get("/etc/%s.d" % unit.name) or ""
                return "[X-Container]\n" + added.replace("[Container]\n", "")

            def known(self, names):
                return {name: Unit(name, "/a.container", None if world.broken else "/run/a") for name in names}

            def reload(self):
                world.log.append(("reload", identity.name))

            def restart(self, name):
                raise UnitError("%s does not start" % name)

        return Units()


@pytest.fixture
def world(monkeypatch):
    made = World()
    monkeypatch.setattr(_memory_apply, "PodmanService", made.service)
    monkeypatch.setattr(_memory_apply, "Units", made.units)
    return made


def job(name, identity=ROOT, quadlet=False, version=(5, 4, 2), present=None):
    own = "/machine.slice/libpod-%s.scope" % name
    lineage = [(own, {"limit": 50 * MIB, "swap": 0, "high": None, "oom_group": False})]
    case = Case(version, 2, identity.uid != 0, True, True, "quadlet" if quadlet else "none",
                "/a.container" if quadlet else None, False, False, False)
    record = {"limit": 50 * MIB, "swap_limit": 50 * MIB, "reservation": None, "oom_group": None}
    now = Now(case, record, dict.fromkeys(record) if quadlet else None, Live(2, lineage, own, 0, True, 0))
    public = {"name": name, "user": identity.name, "manager": {"kind": case.manager, "unit": name + ".service" if quadlet else None}}
    seen = Seen(Request("", name, identity.name, {"memory": 100 * MIB}), identity, Container(name, 1, public), now,
                Unit(name + ".service", "/a.container", "/run/a") if quadlet else None, None, present)
    return Job(seen, plan(now, {"memory": 100 * MIB}, "auto", True, False, 4096, None))


def sent(limit):
    return {"memory": {"limit": limit * MIB, "swap": limit * MIB}}


def test_one_service_for_each_user(world):
    Apply("podman", 60).run([job("a"), job("b", ALICE), job("c"), job("d", ALICE)])
    assert world.log == [("service", "root"), ("update", "a", sent(100)), ("service", "alice"), ("update", "b", sent(100)),
                         ("update", "c", sent(100)), ("update", "d", sent(100)), ("end", "alice"), ("end", "root")]


def test_drop_ins_first_and_one_reload_for_each_user(world):
    Apply("podman", 60).run([job("a", quadlet=True), job("b"), job("c", quadlet=True)])
    assert [each[0] for each in world.log] == ["write", "write", "reload", "service", "update", "update", "update", "end"]
    assert "--memory=100m --memory-swap=100m" in world.files["/etc/a.service.d"]


def test_everything_that_is_there_is_sent_where_podman_would_forget_it(world):
    Apply("podman", 60).run([job("a", version=(5, 2, 0), present={"pids": {"limit": 9}})])
    assert world.log[1] == ("update", "a", dict(sent(100), pids={"limit": 9}))


def test_a_refusal_in_the_middle_is_rolled_back(world):
    """Also for the one that was refused: Podman has written it down."""
    world.refused = ("b",)
    jobs = [job("a", quadlet=True), job("b"), job("c")]
    with pytest.raises(ApplyError, match="refused") as caught:
        Apply("podman", 60).run(jobs)
    assert world.log[-5:] == [("update", "b", sent(50)), ("update", "a", sent(50)), ("write", "/etc/a.service.d", False),
                              ("reload", "root"), ("end", "root")]
    assert ("update", "c", sent(100)) not in world.log
    error = caught.value
    assert (error.job, error.done, error.problems) == (jobs[1], [], [])
    assert [each.seen.container.ident for each, _what in error.rolled_back] == ["b", "a", "a"]
    result = _container_memory._after_failure(jobs, error)
    assert result["changed"] is False
    assert [(each["name"], each["changed"], each["failed"], each["message"]) for each in result["containers"]] == [
        ("a", False, False, "changed, then rolled back"), ("b", False, True, "Podman refused it; rolled back"),
        ("c", False, False, "not touched")]


def test_what_can_not_be_rolled_back_is_told(world, monkeypatch):
    class Dies(object):
        def __enter__(self):
            return self

        def __exit__(self, *_exception):
            pass

        def update(self, ident, _sent):
            world.log.append(ident)
            if len(world.log) > 1:
                raise ServiceError("no answer")

    monkeypatch.setattr(_memory_apply, "PodmanService", lambda *_arguments: Dies())
    jobs = [job("a"), job("b")]
    with pytest.raises(ApplyError) as caught:
        Apply("podman", 60).run(jobs)
    assert [each.seen.container.ident for each, _what in caught.value.done] == ["b", "a"]
    result = _container_memory._after_failure(jobs, caught.value)
    assert result["changed"] is True and [each["changed"] for each in result["containers"]] == [True, True]
    assert "could not be rolled back: root/b (libpod_api), root/a (libpod_api)" in _container_memory._told(caught.value)


def test_a_unit_that_quadlet_refuses_with_our_drop_in(world):
    world.broken = True
    with pytest.raises(ApplyError, match="a.service: quadlet refuses"):
        Apply("podman", 60).run([job("a", quadlet=True)])
    assert world.log == [("write", "/etc/a.service.d", True), ("reload", "root"), ("write", "/etc/a.service.d", False),
                         ("reload", "root")]


def test_an_older_drop_in_comes_back(world):
    world.files["/etc/a.service.d"] = "[Container]\nPodmanArgs=--cgroup-conf=memory.oom.group=1\n"
    before, world.refused = dict(world.files), ("a",)
    with pytest.raises(ApplyError):
        Apply("podman", 60).run([job("a", quadlet=True)])
    assert world.files == before


def test_a_unit_that_does_not_restart(world):
    with pytest.raises(ApplyError, match="a.service does not start"):
        Apply("podman", 60).restart([job("a", quadlet=True)])


def test_the_entry_and_the_diff():
    entry = _memory_result.entry(*job("a", ALICE))
    assert {key: entry[key] for key in ("name", "user", "id", "changed", "applied_live", "persistent", "method", "message")} == {
        "name": "a", "user": "alice", "id": "a", "changed": True, "applied_live": True, "persistent": True,
        "method": "libpod_api", "message": "set"}
    (diff,) = _memory_result.diff([entry, dict(entry, changed=False)])
    assert diff["before_header"] == diff["after_header"] == "alice/a"
    assert diff["before"].splitlines()[0] == "declared limit: 50m" and diff["after"].splitlines()[0] == "declared limit: 100m"
    assert "effective oom_group: false" in diff["after"] and "declared reservation: none" in diff["after"]


@pytest.mark.parametrize("reason", sorted(_memory_result._memory_method.ADVICE))
def test_every_advice_names_what_to_write(reason):
    seen, made = job("a")
    told = _memory_result.advice(seen, made._replace(method=made.method._replace(reason=reason)))
    assert "{" not in told and ("--memory=100m" in told or "104857600" in told or reason in ("cgroupfs", "persist_off"))


def test_a_service_that_does_not_start_has_changed_nothing(world, monkeypatch):
    class Broken(object):
        def __enter__(self):
            raise ServiceError("podman system service: it ended")

        def __exit__(self, *_exception):
            pass

    monkeypatch.setattr(_memory_apply, "PodmanService", lambda *_arguments: Broken())
    with pytest.raises(ApplyError) as caught:
        Apply("podman", 60).run([job("a"), job("b")])
    assert (caught.value.done, caught.value.rolled_back, caught.value.problems) == ([], [], [])
    assert _container_memory._after_failure([job("a")], caught.value)["changed"] is False


@pytest.mark.parametrize("wanted, above, said", [
    ({"memory": 100 * MIB}, 40 * MIB, "set; a cgroup above it (pod, slice or service) holds it at 40m"),
    ({"memory": None}, 40 * MIB, "set; a cgroup above it (pod, slice or service) holds it at 40m"),
    ({"memory": 100 * MIB}, None, "set"), ({"oom_group": True}, 40 * MIB, "set"),
])
def test_a_lower_limit_above_it_is_told(wanted, above, said):
    seen = job("a").seen
    live = seen.now.live
    live = live._replace(lineage=live.lineage + [("/machine.slice", dict(live.lineage[0][1], limit=above))])
    seen = seen._replace(now=seen.now._replace(live=live))
    made = plan(seen.now, wanted, "auto", True, False, 4096, None)
    assert _memory_result.entry(seen, made)["message"] == said
