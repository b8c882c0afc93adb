# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carrying out plans: one service for each user, drop-ins before updates, and the way back."""

from collections import namedtuple

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._cgroup.cgroupfs import ContainerCgroups
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory import apply, result, transaction
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.apply import Applier, ApplyError, Job
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.current import Target
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.enforced import Enforced
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.method import ADVICE, Context
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.plan import CurrentState, plan_container
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.quadlet_units import Unit
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.request import Options, Request
from ansible_collections.podman_fleet.memory.plugins.module_utils._podman.api import ServiceError
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import Identity
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.systemctl import SystemctlError

MIB = 1 << 20
ROOT = Identity("root", 0, 0, "/root")
ALICE = Identity("alice", 1000, 1000, "/home/alice")
Container = namedtuple("Container", "ident pid facts")
OPTIONS = Options(persist=True, allow_below_usage=False, backend="auto", restart="never", executable="podman", timeout=60)


class World:
    """Stands for Podman, systemd and the kernel; logs what happens in order."""

    def __init__(self):
        self.kernel = {}
        self.stubborn = False
        self.log = []
        self.refused = ()
        self.ended = {}  # {id of a container: how many updates find no cgroup of it}
        self.unit_text = {}
        self.files = {}
        self.broken = False

    def service(self, _executable, identity, _timeout):
        world = self

        class Service:
            def __enter__(self):
                world.log.append(("service", identity.name))
                return self

            def __exit__(self, *_exception):
                world.log.append(("end", identity.name))

            def update(self, ident, sent):
                world.log.append(("update", ident, sent))
                limit = sent["memory"]["limit"]
                if ident in world.kernel:
                    world.kernel[ident]["memory.max"] = "max" if limit == -1 else str(limit)
                if world.ended.get(ident):
                    world.ended[ident] -= 1
                    raise ServiceError("Podman refused it (HTTP 500): Unit libpod-%s.scope not found" % ident)
                if ident in world.refused and sent["memory"]["limit"] == 100 * MIB:
                    raise ServiceError("Podman refused it")

        return Service()

    def cgroup_files(self):
        """The kernel's files of the containers in `kernel`: {id: {file: text}}."""
        world = self

        class Files:
            def container_cgroups(self, _pid, ident):
                own = "/machine.slice/libpod-%s.scope" % ident
                return ContainerCgroups(own, own) if ident in world.kernel else None

            def settings(self, path):
                return dict(world.kernel[path[len("/machine.slice/libpod-"):-len(".scope")]])

            def write(self, path, name, text):
                world.log.append(("kernel", name, text))
                if not world.stubborn:
                    world.kernel[path[len("/machine.slice/libpod-"):-len(".scope")]][name] = text

        return Files()

    def units(self, identity, _timeout):
        world = self

        class Units:
            def drop_in_path(self, unit):
                return "/etc/%s.d" % unit.name

            def read_drop_in(self, path):
                return world.files.get(path)

            def write_drop_in(self, path, text):
                world.log.append(("write", path, text is not None))
                world.files[path] = text

            def read_unit(self, unit):
                added = world.files.get("/etc/%s.d" % unit.name) or ""
                return "[X-Container]\n" + added.replace("[Container]\n", "")

            def lookup(self, names):
                return {name: Unit(name, "/a.container", "" if world.broken else "/run/a") for name in names}

            def reload(self):
                world.log.append(("reload", identity.name))

            def restart(self, name):
                raise SystemctlError("%s does not start" % name)

        return Units()


@pytest.fixture
def world(monkeypatch):
    fake = World()
    monkeypatch.setattr(apply, "PodmanService", fake.service)
    monkeypatch.setattr(apply, "Units", fake.units)
    monkeypatch.setattr(apply, "CgroupFiles", fake.cgroup_files)
    monkeypatch.setattr(apply, "_has_ended", lambda job: job.target.container.ident in fake.ended)
    monkeypatch.setattr(apply, "_PAUSE", 0)
    return fake


def job(name, identity=ROOT, quadlet=False, version=(5, 4, 2), present=None):
    own = "/machine.slice/libpod-%s.scope" % name
    lineage = [(own, {"limit": 50 * MIB, "swap": 0, "high": None, "oom_group": False})]
    context = Context(version=version, cgroup_version=2, rootless=identity.uid != 0, running=True, own_cgroup=True,
                      manager="quadlet" if quadlet else "none", unit_file="/a.container" if quadlet else None, template=False,
                      pod=False, auto_remove=False)
    record = {"limit": 50 * MIB, "swap_limit": 50 * MIB, "reservation": None, "oom_group": None}
    enforced = Enforced(cgroup_version=2, lineage=lineage, own=own, low=0, counts_swap=True, working_set=0)
    current = CurrentState(context, record, dict.fromkeys(record) if quadlet else None, enforced)
    facts = {"name": name, "user": identity.name,
             "manager": {"kind": context.manager, "unit": name + ".service" if quadlet else None}}
    target = Target(request=Request("", name, identity.name, {"memory": 100 * MIB}), identity=identity,
                    container=Container(name, 1, facts), current=current,
                    unit=Unit(name + ".service", "/a.container", "/run/a") if quadlet else None, resources=present)
    return Job(target, plan_container(current, {"memory": 100 * MIB}, OPTIONS, 4096, None))


def sent(limit):
    return {"memory": {"limit": limit * MIB, "swap": limit * MIB}}


def test_one_service_for_all_containers(world):
    Applier("podman", 60).apply([job("a", ALICE), job("b", ALICE)])
    assert world.log == [("service", "alice"), ("update", "a", sent(100)), ("update", "b", sent(100)), ("end", "alice")]


def test_drop_ins_first_and_one_reload(world):
    Applier("podman", 60).apply([job("a", quadlet=True), job("b"), job("c", quadlet=True)])
    assert [each[0] for each in world.log] == ["write", "write", "reload", "service", "update", "update", "update", "end"]
    assert "--memory=100m --memory-swap=100m" in world.files["/etc/a.service.d"]


def test_everything_that_is_there_is_sent_where_podman_would_forget_it(world):
    Applier("podman", 60).apply([job("a", version=(5, 2, 0), present={"pids": {"limit": 9}})])
    assert world.log[1] == ("update", "a", dict(sent(100), pids={"limit": 9}))


def test_a_refusal_in_the_middle_is_rolled_back(world):
    """Also for the one that was refused: Podman has written it down."""
    world.refused = ("b",)
    jobs = [job("a", quadlet=True), job("b"), job("c")]
    with pytest.raises(ApplyError, match="refused") as caught:
        Applier("podman", 60).apply(jobs)
    assert world.log[-5:] == [("update", "b", sent(50)), ("update", "a", sent(50)), ("write", "/etc/a.service.d", False),
                              ("reload", "root"), ("end", "root")]
    assert ("update", "c", sent(100)) not in world.log
    error = caught.value
    assert (error.job, error.remaining, error.problems) == (jobs[1], [], [])
    assert [step.job.target.container.ident for step in error.rolled_back] == ["b", "a", "a"]
    assert [(each["name"], each["changed"], each["failed"], each["message"])
            for each in transaction._failure_entries(jobs, error)] == [
        ("a", False, False, "changed, then rolled back"), ("b", False, True, "Podman refused it; rolled back"),
        ("c", False, False, "not touched")]


def drifted(name):
    """A container whose kernel enforces 512 MiB, of which Podman's record says nothing."""
    target, plan = job(name)
    return Job(target._replace(current=target.current._replace(record=dict(target.current.record, limit=None, swap_limit=None))), plan)


def test_a_limit_that_podman_does_not_know_comes_back(world):
    """H8: 512 MiB must not become "unlimited" because the record that is sent back has none."""
    world.kernel = {"a": {"memory.max": str(512 * MIB), "memory.swap.max": "0"}}
    world.refused = ("b",)
    with pytest.raises(ApplyError) as caught:
        Applier("podman", 60).apply([drifted("a"), job("b")])
    assert ("update", "a", {"memory": {"limit": -1, "swap": -1}}) in world.log, "what the record was"
    assert world.kernel == {"a": {"memory.max": str(512 * MIB), "memory.swap.max": "0"}}
    assert caught.value.remaining == []


def test_a_limit_comes_back_if_podman_refuses_to_set_it_back(world, monkeypatch):
    world.kernel = {"a": {"memory.max": str(512 * MIB)}}
    real = world.service

    def service(*arguments):
        made = real(*arguments)
        update = made.update
        made.update = lambda ident, sent: refuse() if sent["memory"]["limit"] == -1 else update(ident, sent)
        return made

    def refuse():
        raise ServiceError("Podman refused it")

    world.refused = ("b",)
    monkeypatch.setattr(apply, "PodmanService", service)
    with pytest.raises(ApplyError) as caught:
        Applier("podman", 60).apply([drifted("a"), job("b")])
    assert world.kernel == {"a": {"memory.max": str(512 * MIB)}}
    assert [step.job.target.container.ident for step in caught.value.remaining] == ["a"], "its record is another one"


def test_a_limit_that_does_not_come_back_is_told(world):
    world.kernel, world.refused, world.stubborn = {"a": {"memory.max": str(512 * MIB)}}, ("b",), True
    with pytest.raises(ApplyError) as caught:
        Applier("podman", 60).apply([drifted("a"), job("b")])
    assert [step.job.target.container.ident for step in caught.value.remaining] == ["a"]
    assert "memory.max is max, it was %d" % (512 * MIB) in caught.value.problems[0]


def test_a_limit_that_can_not_be_read_is_not_changed(world):
    """It could not be given back."""
    world.kernel = {"a": {}}
    with pytest.raises(ApplyError, match="can't be read") as caught:
        Applier("podman", 60).apply([job("a")])
    assert [entry for entry in world.log if entry[0] == "update"] == [] and caught.value.remaining == []


def test_what_can_not_be_rolled_back_is_told(world, monkeypatch):
    class Dies:
        def __enter__(self):
            return self

        def __exit__(self, *_exception):
            pass

        def update(self, ident, _sent):
            world.log.append(ident)
            if len(world.log) > 1:
                raise ServiceError("no answer")

    monkeypatch.setattr(apply, "PodmanService", lambda *_arguments: Dies())
    jobs = [job("a"), job("b")]
    with pytest.raises(ApplyError) as caught:
        Applier("podman", 60).apply(jobs)
    assert [step.job.target.container.ident for step in caught.value.remaining] == ["b", "a"]
    assert [each["changed"] for each in transaction._failure_entries(jobs, caught.value)] == [True, True]
    assert "could not be rolled back: root/b (libpod_api), root/a (libpod_api)" in transaction._failure_message(caught.value)


def test_a_unit_that_quadlet_refuses_with_our_drop_in(world):
    world.broken = True
    with pytest.raises(ApplyError, match="a.service: quadlet refuses"):
        Applier("podman", 60).apply([job("a", quadlet=True)])
    assert world.log == [("write", "/etc/a.service.d", True), ("reload", "root"), ("write", "/etc/a.service.d", False),
                         ("reload", "root")]


def test_an_older_drop_in_comes_back(world):
    world.files["/etc/a.service.d"] = "[Container]\nPodmanArgs=--cgroup-conf=memory.oom.group=1\n"
    before, world.refused = dict(world.files), ("a",)
    with pytest.raises(ApplyError):
        Applier("podman", 60).apply([job("a", quadlet=True)])
    assert world.files == before


@pytest.mark.parametrize("times", [1, 4])
def test_one_in_a_crash_loop_is_updated_again(world, times):
    """E4, Podman 5.4.2: HTTP 500, "Unit libpod-….scope not found", although the record is changed."""
    world.ended["a"] = times
    Applier("podman", 60).apply([job("a"), job("b")])
    assert [each[1] for each in world.log if each[0] == "update"] == ["a"] * (times + 1) + ["b"]


def test_one_that_runs_is_not_updated_again(world):
    world.refused = ("a",)
    with pytest.raises(ApplyError):
        Applier("podman", 60).apply([job("a")])
    assert [each for each in world.log if each[0] == "update"] == [("update", "a", sent(100)), ("update", "a", sent(50))]


def test_one_that_stays_away(world):
    world.ended["a"] = 99
    with pytest.raises(ApplyError, match="scope not found"):
        Applier("podman", 60).apply([job("a")])


def test_the_unit_of_one_that_stays_away_has_it(world):
    """The next container of a quadlet has another id, and starts with the drop-in."""
    world.ended["a"] = 99
    Applier("podman", 60).apply([job("a", quadlet=True)])
    assert "100m" in world.files["/etc/a.service.d"]


def test_a_unit_that_does_not_restart(world):
    with pytest.raises(ApplyError, match="a.service does not start"):
        Applier("podman", 60).restart([job("a", quadlet=True)])


def test_the_entry_and_the_diff():
    entry = result.container_entry(*job("a", ALICE))
    assert {key: entry[key] for key in ("name", "user", "id", "changed", "applied_live", "persistent", "method", "message")} == {
        "name": "a", "user": "alice", "id": "a", "changed": True, "applied_live": True, "persistent": True,
        "method": "libpod_api", "message": "set"}
    (diff,) = result.build_diff([entry, dict(entry, changed=False)])
    assert diff["before_header"] == diff["after_header"] == "alice/a"
    assert diff["before"].splitlines()[0] == "declared limit: 50m" and diff["after"].splitlines()[0] == "declared limit: 100m"
    assert "effective oom_group: false" in diff["after"] and "declared reservation: none" in diff["after"]


@pytest.mark.parametrize("reason", sorted(ADVICE))
def test_every_advice_names_what_to_write(reason):
    target, plan = job("a")
    advice = result.persistence_advice(target, plan._replace(method=plan.method._replace(reason=reason)))
    assert "{" not in advice and ("--memory=100m" in advice or "104857600" in advice or reason in ("cgroupfs", "persist_off"))


def test_a_service_that_does_not_start_has_changed_nothing(world, monkeypatch):
    class Broken:
        def __enter__(self):
            raise ServiceError("podman system service: it ended")

        def __exit__(self, *_exception):
            pass

    monkeypatch.setattr(apply, "PodmanService", lambda *_arguments: Broken())
    with pytest.raises(ApplyError) as caught:
        Applier("podman", 60).apply([job("a"), job("b")])
    assert (caught.value.remaining, caught.value.rolled_back, caught.value.problems) == ([], [], [])
    assert [each["changed"] for each in transaction._failure_entries([job("a")], caught.value)] == [False]


@pytest.mark.parametrize("requested, above, message", [
    ({"memory": 100 * MIB}, 40 * MIB, "set; a cgroup above it (pod, slice or service) holds it at 40m"),
    ({"memory": None}, 40 * MIB, "set; a cgroup above it (pod, slice or service) holds it at 40m"),
    ({"memory": 100 * MIB}, None, "set"), ({"oom_group": True}, 40 * MIB, "set"),
])
def test_a_lower_limit_above_it_is_told(requested, above, message):
    target = job("a").target
    enforced = target.current.enforced
    enforced = enforced._replace(lineage=enforced.lineage + [("/machine.slice", dict(enforced.lineage[0][1], limit=above))])
    target = target._replace(current=target.current._replace(enforced=enforced))
    plan = plan_container(target.current, requested, OPTIONS, 4096, None)
    assert result.container_entry(target, plan)["message"] == message
