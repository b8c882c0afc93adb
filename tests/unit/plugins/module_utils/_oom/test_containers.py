# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the host tells of one container: its next start and its cgroups."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._cgroup.cgroupfs import CgroupFiles
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.kernel_oom import Kill, Victim
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom import containers
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.evidence import Evidence, LiveState, Run
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.verdict import decide
from ansible_collections.podman_fleet.memory.plugins.module_utils._podman.containers_conf import ConfigError
from ansible_collections.podman_fleet.memory.plugins.module_utils._podman.inspect import parse_container
from ansible_collections.podman_fleet.memory.plugins.module_utils._podman.listing import PodmanAnswer
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import Identity
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.systemctl import SystemctlError
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.users import User

ID = "ab" * 32
SINCE = 1795514400 * 10 ** 6  # microseconds
COMMAND = ["/usr/bin/podman", "run", "--memory=20m", "localhost/bb:latest"]


def container(ident=ID, unit=None, running=True, pid=77):
    return parse_container({
        "Id": ident, "Name": "web", "ImageName": "localhost/bb:latest", "PidFile": "/run/pidfile",
        "Created": "2026-11-23T10:00:00Z", "HostConfig": {},
        "State": {"Status": "running" if running else "exited", "StartedAt": "2026-11-23T10:00:00Z", "Pid": pid},
        "Config": {"Labels": {"PODMAN_SYSTEMD_UNIT": unit} if unit else {}, "CreateCommand": COMMAND},
    }, "root")


def answer(*members):
    return PodmanAnswer(user=User(Identity("root", 0, 0, "/root"), "/storage", True), listed=[], containers=list(members),
                        unmatched=[], complete=True, sources=[], errors=[])


@pytest.fixture
def systemctl(monkeypatch):
    """In place of the command; `shown` is what it gives, or the error that it raises."""
    class Replacement:
        shown = {}
        calls = []

        def __init__(self, identity, timeout):
            pass

        def show(self, units, properties, partial=False):
            self.calls.append((list(units), properties, partial))
            return self.shown

    Replacement.calls = []
    monkeypatch.setattr(containers, "Systemctl", Replacement)
    monkeypatch.setattr(containers, "default_oom_group", lambda _identity, _files: False)
    return Replacement


def shown(line):
    return {"Id": "web.service", "ExecStart": "{ path=/usr/bin/podman ; argv[]=%s ; ignore_errors=no ; start_time=[n/a] }" % line}


def test_a_unit_gives_the_settings_of_the_next_start(systemctl):
    line = " ".join(COMMAND).replace("20m", "30m")
    systemctl.shown = {"web.service": shown(line)}
    starts = containers.read_next_starts(answer(container(unit="web.service"), container("cd" * 32)), 60)
    assert list(starts) == [ID] and starts[ID]["settings"]["limit"] == 30 << 20 and starts[ID]["problem"] is None
    # partial: one unit that systemd refuses does not lose the others
    assert systemctl.calls == [(["web.service"], ["ExecStart", "SourcePath", "FragmentPath", "BindsTo"], True)]


def test_a_variable_in_a_unit_is_not_known(systemctl):
    systemctl.shown = {"web.service": shown(" ".join(COMMAND).replace("20m", "${MEM}"))}
    start = containers.read_next_starts(answer(container(unit="web.service")), 60)[ID]
    assert start["settings"] is None and "MEM" in start["problem"]


# what systemctl show printed on Debian 13 (Podman 5.4.2): of t@.container, of sn.container with ServiceName=other, of c.container in p.pod
QUADLET, GENERATED = "/etc/containers/systemd/", "/run/systemd/generator/"


@pytest.mark.parametrize("properties, file, pod_unit", [
    ({"SourcePath": QUADLET + "t@.container", "FragmentPath": GENERATED + "t@.service", "BindsTo": ""}, QUADLET + "t@.container", None),
    ({"SourcePath": QUADLET + "sn.container", "FragmentPath": GENERATED + "other.service", "BindsTo": ""}, QUADLET + "sn.container", None),
    ({"SourcePath": QUADLET + "c.container", "FragmentPath": GENERATED + "c.service", "BindsTo": "p-pod.service"},
     QUADLET + "c.container", "p-pod.service"),
    ({"SourcePath": "", "FragmentPath": "/etc/systemd/system/web.service", "BindsTo": "other.service"},
     "/etc/systemd/system/web.service", None),
    ({"SourcePath": QUADLET + "c.container", "BindsTo": "a.mount p-pod.service b.service"}, QUADLET + "c.container", None),
    ({}, None, None),
])
def test_the_file_and_the_pod_of_a_unit(systemctl, properties, file, pod_unit):
    systemctl.shown = {"web.service": dict(shown("/usr/bin/podman run --name web -m 5m localhost/bb:latest"), **properties)}
    start = containers.read_next_starts(answer(container(unit="web.service")), 60)[ID]
    assert (start["file"], start["pod_unit"]) == (file, pod_unit)


def test_a_unit_that_does_not_run_it(systemctl):
    """H11: the label of an image names any unit."""
    systemctl.shown = {"web.service": dict(shown("/usr/bin/podman run --name other image"), SourcePath=QUADLET + "other.container")}
    start = containers.read_next_starts(answer(container(unit="web.service")), 60)[ID]
    assert start["file"] is None and start["settings"] is None


@pytest.mark.parametrize("kind, file, expected", [
    ("systemd", QUADLET + "web.container", "quadlet"), ("systemd", "/etc/systemd/system/web.service", "systemd"), ("none", None, "none")])
def test_a_quadlet_with_another_mode_of_cgroups(kind, file, expected):
    start = {"file": file, "pod_unit": None} if file else None
    assert containers.manager_facts({"kind": kind, "unit": None}, start) == {"kind": expected, "unit": None, "file": file, "pod_unit": None}


# what systemctl show printed on Debian 13 of k.kube, and podman-kube@.service as Podman 5.4.2 ships it
PLAYED = "/usr/bin/podman kube play --replace --service-container=true --network none /etc/containers/systemd/k.yaml"
TEMPLATE = "/usr/bin/podman play kube --replace --service-container=true /srv/k.yaml"


@pytest.mark.parametrize("line, file", [(PLAYED, "/etc/containers/systemd/k.yaml"), (TEMPLATE, "/srv/k.yaml"), (PLAYED + " x", None),
                                        ("/usr/bin/podman start /srv/k.yaml", None)])
def test_the_yaml_that_a_unit_plays(systemctl, line, file):
    played = container(unit="k.service")
    played.facts["manager"]["kind"] = "kube"
    systemctl.shown = {"k.service": dict(shown(line), SourcePath="/etc/containers/systemd/k.kube")}
    start = containers.read_next_starts(answer(played), 60)[ID]
    assert (start["file"], start["settings"], start["problem"]) == (file, None, None)
    assert containers.manager_facts(played.facts["manager"], start) == {"kind": "kube", "unit": "k.service", "file": file, "pod_unit": None}


def test_without_units_nothing_is_run(systemctl):
    assert containers.read_next_starts(answer(container()), 60) == {} and systemctl.calls == []


def test_without_an_answer_podmans_record_is_all_there_is(systemctl):
    def refuse(*_arguments, **_options):
        raise SystemctlError("no bus")

    systemctl.show = refuse
    assert containers.read_next_starts(answer(container(unit="web.service")), 60) == {}


def test_a_containers_conf_that_is_not_understood_is_said(systemctl, monkeypatch):
    def refuse(_identity, _files):
        raise ConfigError("/etc/containers/containers.conf: line 3: ] is missing")

    monkeypatch.setattr(containers, "default_oom_group", refuse)
    systemctl.shown = {"web.service": {"Id": "web.service", "ExecStart": "{ path=/usr/bin/podman ; argv[]=%s ; }" % " ".join(COMMAND)}}
    asked = answer(container(unit="web.service"))
    assert containers.read_next_starts(asked, 60) == {}
    assert "line 3: ] is missing" in asked.errors[0]["message"]


@pytest.fixture
def tree(tmp_path):
    """A cgroup tree and /proc with the container's main process, 77."""
    def write(path, text):
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    own = "machine.slice/libpod-%s.scope" % ID
    write("cgroup/cgroup.controllers", "memory pids\n")
    write("cgroup/%s/memory.max" % own, "20971520\n")
    write("cgroup/%s/memory.current" % own, "4096\n")
    write("cgroup/%s/memory.events" % own, "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\n")
    write("cgroup/%s/memory.events.local" % own, "oom 0\n")
    write("cgroup/%s/container/memory.events.local" % own, "oom 1\n")
    write("cgroup/%s/container/job/memory.max" % own, "4096\n")
    write("cgroup/machine.slice/memory.events.local", "oom 2\n")
    write("proc/77/cgroup", "0::/%s/container\n" % own)
    return tmp_path


def live_memory(tree, inspected):
    return containers.live_memory(inspected, 76, CgroupFiles(str(tree / "cgroup"), str(tree / "proc")))


def test_a_running_container_has_its_memory_and_counters(tree):
    own = "/machine.slice/libpod-%s.scope" % ID
    memory, live = live_memory(tree, container())
    assert (memory["effective"]["limit"], memory["effective"]["source"]) == (20 << 20, own)
    assert memory["usage"]["current"] == 4096
    assert memory["events"] == {"low": 0, "high": 0, "max": 3, "oom": 1, "oom_kill": 1, "oom_group_kill": None}
    assert (live.main_pid, live.cgroup, live.counters["oom_kill"]) == (77, own, 1)
    assert live.ancestors == [("/machine.slice", {"oom": 2})] and live.own_oom == 1


def test_on_v1_a_running_container_has_the_counters_of_all_its_cgroups(tmp_path):
    """V17c, seen on Debian 12: oom_kill is 1 in crun's cgroup and 0 in the scope; a child was killed, the main process lives."""
    own = "memory/machine.slice/libpod-%s.scope" % ID
    for path, kills, failures in ((own, 0, 0), (own + "/container", 1, 1200000)):
        folder = tmp_path / "cgroup" / path
        folder.mkdir(parents=True)
        (folder / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill %d\n" % kills)
        (folder / "memory.failcnt").write_text("%d\n" % failures)
    (tmp_path / "cgroup/memory/memory.limit_in_bytes").write_text("9223372036854771712\n")
    (tmp_path / "proc/77").mkdir(parents=True)
    (tmp_path / "proc/cgroups").write_text("#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t6\t70\t1\n")
    (tmp_path / "proc/77/cgroup").write_text("9:memory:/machine.slice/libpod-%s.scope/container\n" % ID)
    memory, live = live_memory(tmp_path, container())
    assert (memory["events"]["max"], live.counters["oom_kill"]) == (1200000, 1)
    scope = "/machine.slice/libpod-%s.scope" % ID
    kill = Kill(at=SINCE + 1, boot="b", constraint="CONSTRAINT_MEMCG", oom_memcg=scope + "/container", task_memcg=scope + "/container",
                victims=[Victim(78, "sort", SINCE + 1, 1)], group=False)
    for kills, confidence in (([kill], "certain"), ([], "likely")):
        known = Evidence(
            run=Run("running", SINCE, first=True), main_pid=77, flag=False, stopped_by_user=None, declared_limit=20 << 20, kills=kills,
            unattributed=[], group_kills=[], unit_ooms=[], oomd_kills=[], counters=live.counters, own_oom=live.own_oom,
            ancestors=live.ancestors, kernel_since=None, systemd_since=None, oomd_active=False)
        oom = decide(ID, known)
        assert (oom["killed"], oom["lethal"], oom["confidence"]) == (True, False, confidence)


@pytest.mark.parametrize("cause, scope, limit", [
    ("nested_limit", "/container/job", 4096), ("nested_limit", "/container/gone", None), ("container_limit", "", None),
    ("nested_limit", None, None), ("cpuset_oom", "NUMA node 1 (cpuset a)", None), ("ancestor_limit", "/../../../etc", None)])
def test_the_limit_of_a_cgroup_that_is_not_the_containers_own(tree, cause, scope, limit):
    files = CgroupFiles(str(tree / "cgroup"), str(tree / "proc"))
    path = scope and ("/machine.slice/libpod-%s.scope" % ID + scope if scope.startswith("/") else scope)
    assert containers.add_scope_limit({"cause": cause, "scope": path, "scope_limit": None}, files)["scope_limit"] == limit


@pytest.mark.parametrize("inspected, main_pid", [
    (container(running=False, pid=0), 76), (container(pid=78), 78),
])
def test_one_that_does_not_run_has_only_its_pid(tree, inspected, main_pid):
    memory, live = live_memory(tree, inspected)
    assert set(memory.values()) == {None} and live == LiveState(main_pid)
