# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a reboot does to containers, from what Podman and systemd say, and stopping them."""

import pytest
from fake_podman import FakePodman

from ansible_collections.podman_fleet.memory.plugins.module_utils._drain import containers as _containers, starts
from ansible_collections.podman_fleet.memory.plugins.module_utils._drain.containers import DrainError, UserContainers
from ansible_collections.podman_fleet.memory.plugins.module_utils._drain.run import stop_running, wait_for_containers
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import CommandResult, Identity, current_identity
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.systemctl import SystemctlError, parse_show
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.users import User

# `systemctl show` of systemd 252 (Debian 12, recorded) and 257 (Debian 13, recorded), with the properties that are asked for.
RESTARTS = """Id=podman-restart.service
WantedBy=default.target
ExecStart={ path=/usr/bin/podman ; argv[]=/usr/bin/podman $LOGGING start --all --filter restart-policy=always ; }
"""
JOB = """Id=quadlet-restart-job.service
WantedBy=multi-user.target
ExecStart={ path=/usr/bin/podman ; argv[]=/usr/bin/podman run --name quadlet-restart localhost/bb:latest ; }

"""
NOT_ENABLED = """Id=podman-restart.service
ExecStart={ path=/usr/bin/podman ; argv[]=/usr/bin/podman $LOGGING start --all --filter restart-policy=always ; }
"""
BOTH = RESTARTS.replace("restart-policy=always", "should-start-on-boot=true")
UNITS = """Id=site.service
WantedBy=default.target

Id=batch.service
WantedBy=
TriggeredBy=batch.timer

Id=once.service

"""


def container(name="web", user="root", unit=None, infra=False):
    return {"id": name * 8, "name": name, "user": user, "is_infra": infra, "declared": {"limit": 1},
            "manager": {"kind": "quadlet" if unit else "none", "unit": unit}}


def described(policy="", unit=None, user="root", lingers=False, systemd=UNITS + RESTARTS, infra=False):
    boot_starts = None if systemd is None else starts.parse_boot_starts(parse_show(systemd))
    return starts.describe_container(container(unit=unit, user=user, infra=infra), policy, lingers, boot_starts)


@pytest.mark.parametrize("how, by", [
    ({"unit": "site.service"}, "unit"),
    ({"unit": "batch.service"}, "unit"),
    ({"unit": "site.service", "user": "alice", "lingers": True}, "unit"),
    ({"policy": "always"}, "restart_service"),
    ({"policy": "always", "user": "alice", "lingers": True}, "restart_service"),
    ({"policy": "always", "systemd": BOTH}, "restart_service"),
    ({"policy": "unless-stopped", "systemd": BOTH}, "start"),
])
def test_comes_back(how, by):
    entry = described(**how)
    assert (entry["returns_by"], entry["why"]) == (by, None)


@pytest.mark.parametrize("how, word", [
    ({"unit": "once.service"}, "nothing starts once.service"),
    ({"unit": "unknown.service"}, "nothing starts unknown.service"),
    ({"unit": "site.service", "user": "bob"}, "bob has no linger"),
    ({"policy": "always", "user": "bob"}, "bob has no linger"),
    ({"policy": "always", "systemd": UNITS + NOT_ENABLED}, "is not enabled"),
    ({"policy": "unless-stopped"}, "unless-stopped"),
    ({"policy": "on-failure"}, "no restart policy that counts"),
    ({}, "no unit and no restart policy"),
    ({"policy": "always", "systemd": None}, "systemd could not be asked"),
    ({"infra": True}, "pod"),
])
def test_does_not_come_back(how, word):
    entry = described(**how)
    assert entry["returns_by"] is None
    assert word in entry["why"]


def test_notes():
    assert starts.stop_notes([]) == ["no container runs"]
    one = described(policy="always")
    assert starts.stop_notes([one]) == ["1 container is stopped"]
    notes = starts.stop_notes([one, described(), described(infra=True)])
    assert notes[0] == "2 containers are stopped"
    assert len(notes) == 2 and notes[1].startswith("web of root does not come back: ")


@pytest.mark.parametrize("name, version, supports", [
    ("crun", "0.1", True), ("crun", None, True),
    ("runc", "1.1.5", True), ("runc", "1.0.0", True), ("runc", "1.0.0-rc93", True), ("runc", "1.0.0~rc93+ds1", True),
    ("runc", "1.0.0-rc95", True), ("runc", "1.0.0-rc92", False), ("runc", "1.0.0-rc10", False), ("runc", "1.0.0-rc.92", False),
    ("runc", "0.1.1", False), ("runc", None, None), ("runc", "unknown", None), ("youki", "0.3", None), (None, None, None),
])
def test_runtimes(name, version, supports):
    assert starts.supports_cgroup_v2(name, version) is supports


class Fake:
    """A user's containers: running() gives one list after the other."""

    inactive = False

    def __init__(self, name, *looks):
        self.name = name
        self.looks = list(looks)
        self.stopped, self.started = [], []

    def running(self):
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(look, Exception):
            raise look
        return look

    def stop(self, containers, _runtime=None):
        self.stopped += [each["name"] for each in containers]

    def start(self, names):
        self.started += names


def waited(expected, fakes, patience=10, start=True):
    ticks = iter(range(1000))
    return wait_for_containers(expected, fakes, patience, start=start, clock=lambda: next(ticks),
                               sleep=lambda _seconds: None)


def test_drain_looks_before_it_stops_and_stops_nothing_in_check_mode():
    fakes = [Fake("root", [described()]), Fake("alice", [])]
    assert [each["name"] for each in stop_running(fakes, check_mode=True)] == ["web"]
    assert fakes[0].stopped == []
    stop_running(fakes, check_mode=False)
    assert (fakes[0].stopped, fakes[1].stopped) == (["web"], [])


def test_waits_until_they_are_back():
    web = described(policy="always")
    assert waited([web], [Fake("root", [], [], [web])]) == []
    assert waited([web], [Fake("root", [])]) == [web]
    assert waited([web], []) == [web], "a user whose session never came"


def test_a_podman_that_can_not_answer_yet_is_asked_again():
    web, locked = described(policy="always"), DrainError("root: locked")
    assert waited([web], [Fake("root", locked, locked, [web])]) == []
    with pytest.raises(DrainError) as caught:
        waited([web], [Fake("root", locked)])
    assert "locked" in str(caught.value)


def test_one_that_was_not_expected_is_not_waited_for():
    assert waited([described()], [Fake("root", [])]) == []


def test_what_only_we_can_start_is_started():
    web = described(policy="unless-stopped", systemd=BOTH)
    fake = Fake("root", [], [web])
    assert waited([web], [fake]) == []
    assert fake.started == ["web"]
    fake = Fake("root", [])
    assert waited([web], [fake], patience=0, start=False) == [web]
    assert fake.started == [], "check mode"


class FakeSystemctl:
    """Stands for systemd: show() gives what was recorded, stopping a unit stops nothing."""

    def __init__(self, text="", error=None):
        self.text, self.error, self.calls = text, error, []

    def show(self, units, _properties):
        self.calls.append(list(units))
        return parse_show(self.text)

    def run(self, *words):
        self.calls.append(words)
        if self.error:
            raise SystemctlError(self.error)


def containers_of(fake, monkeypatch, systemctl, storage="/storage", session=True, identity=None):
    monkeypatch.setattr(_containers, "Systemctl", lambda _identity, _timeout: systemctl)
    return UserContainers(User(identity or current_identity(), storage, session), fake.path, 30)


def running_names(fake):
    return [raw["Name"] for raw in fake.containers if raw["State"]["Status"] == "running"]


def test_what_runs_and_what_starts_it(tmp_path, monkeypatch):
    fake = FakePodman(tmp_path, "debian13-podman5.4.2")
    systemctl = FakeSystemctl(JOB + RESTARTS)
    user = containers_of(fake, monkeypatch, systemctl)
    running = {entry["name"]: entry for entry in user.running()}
    assert list(running) == running_names(fake)
    assert systemctl.calls[0][0] == "quadlet-restart-job.service" and systemctl.calls[0][-1] == "podman-restart.service"
    assert {entry["user"] for entry in running.values()} == {current_identity().name}
    assert (running["quadlet-restart"]["unit"], running["restart-recovers"]["restart_policy"]) == (
        "quadlet-restart-job.service", "on-failure")
    assert running["running-clean"]["restart_policy"] is None and running["pod-limit-infra"]["infra"] is True
    assert user.runtime() == {"name": "crun", "version": "1.21"}


def test_a_user_without_storage_or_session_has_no_running_container(tmp_path, monkeypatch):
    fake, alice = FakePodman(tmp_path), Identity("alice", 1000, 1000, "/home/alice")
    assert containers_of(fake, monkeypatch, FakeSystemctl(), storage=None).running() == []
    user = containers_of(fake, monkeypatch, FakeSystemctl(), session=False, identity=alice)
    assert user.inactive and user.running() == []


def test_one_that_can_not_be_inspected_is_an_error(tmp_path, monkeypatch):
    fake = FakePodman(tmp_path)
    fake.set_state(broken=[fake.ident("running-clean")])
    with pytest.raises(DrainError, match="unable to parse its config"):
        containers_of(fake, monkeypatch, FakeSystemctl()).running()


def test_units_first_infra_containers_last(tmp_path, monkeypatch):
    fake, systemctl = FakePodman(tmp_path, "debian13-podman5.4.2"), FakeSystemctl(JOB + RESTARTS)
    user = containers_of(fake, monkeypatch, systemctl)
    user.stop(user.running())
    assert ("stop", "--", "quadlet-restart-job.service") in systemctl.calls
    first, last = [call for call in fake.calls() if call[0] == "stop"]
    assert last == ["stop", fake.ident("pod-limit-infra")] and len(first) == len(running_names(fake))
    assert user.running() == []
    user.start(["running-clean"])
    assert [entry["name"] for entry in user.running()] == ["running-clean"]


def test_one_that_does_not_stop_is_an_error(tmp_path, monkeypatch):
    fake = FakePodman(tmp_path)
    fake.set_state(stuck=[fake.ident("running-clean")])
    user = containers_of(fake, monkeypatch, FakeSystemctl(RESTARTS))
    with pytest.raises(DrainError, match="still running after they were stopped: running-clean$"):
        user.stop(user.running())


def test_a_unit_that_does_not_stop_is_an_error(tmp_path, monkeypatch):
    fake = FakePodman(tmp_path, "debian13-podman5.4.2")
    user = containers_of(fake, monkeypatch, FakeSystemctl(JOB + RESTARTS, error="systemctl stop: exit code 1: busy"))
    with pytest.raises(DrainError, match="exit code 1: busy"):
        user.stop(user.running())
    assert [call for call in fake.calls() if call[0] == "stop"] == []


@pytest.mark.parametrize("label", ["*", "--host=evil", "-H", "--all", "a.service b.service", "*.service", "sshd.service", "init.scope"])
def test_a_label_stops_no_unit_but_its_own(tmp_path, monkeypatch, label):
    """An image can have any label: what it names is not stopped, the container itself is."""
    fake = FakePodman(tmp_path, "debian13-podman5.4.2")
    raw = next(raw for raw in fake.containers if raw["Name"] == "running-clean")
    raw["Config"]["Labels"] = {"PODMAN_SYSTEMD_UNIT": label}
    fake.set_state(containers=fake.containers)
    systemctl = FakeSystemctl(JOB + RESTARTS + "\nId=sshd.service\nMainPID=700\n"
                              "ExecStart={ path=/usr/sbin/sshd ; argv[]=/usr/sbin/sshd -D $SSHD_OPTS ; }\n")
    user = containers_of(fake, monkeypatch, systemctl)
    entry = next(entry for entry in user.running() if entry["name"] == "running-clean")
    assert entry["unit"] is None
    user.stop(user.running())
    assert [call for call in systemctl.calls if call[0] == "stop"] == [("stop", "--", "quadlet-restart-job.service")]
    assert user.running() == []


def test_a_unit_whose_main_process_is_conmon(tmp_path, monkeypatch):
    """One that runs a script, which runs Podman."""
    fake = FakePodman(tmp_path, "debian13-podman5.4.2")
    raw = next(raw for raw in fake.containers if raw["Name"] == "running-clean")
    raw["Config"]["Labels"] = {"PODMAN_SYSTEMD_UNIT": "web.service"}
    fake.set_state(containers=fake.containers)
    text = "Id=web.service\nMainPID=%d\nExecStart={ path=/usr/local/bin/web ; argv[]=/usr/local/bin/web ; }\n\n"
    for pid, unit in ((raw["State"]["ConmonPid"], "web.service"), (raw["State"]["ConmonPid"] + 1, None)):
        user = containers_of(fake, monkeypatch, FakeSystemctl(text % pid + RESTARTS))
        assert next(entry for entry in user.running() if entry["name"] == "running-clean")["unit"] == unit


def test_what_podman_starts_is_the_users_managers(tmp_path, monkeypatch):
    """Neither the limits nor the cgroup of our process pass on to containers."""
    fake, called = FakePodman(tmp_path), []
    monkeypatch.setattr(_containers, "run_command", lambda argv, _timeout: called.append(argv) or CommandResult(0, b"", ""))
    containers_of(fake, monkeypatch, FakeSystemctl(), identity=Identity("alice", 1000, 1000, "/home/alice")).start(["web"])
    assert called[0][:2] == ["systemd-run", "--user"] and called[0][-4:] == [fake.path, "start", "--", "web"]
    assert "--property=KillMode=process" in called[0]
