# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""container_memory as a whole, with a Podman whose containers were recorded and cgroups that are plain files."""

import fcntl
import os
import stat
import time

import pytest
from as_nobody import NOBODY, as_root, home_of_nobody
from fake_podman import FakePodman, SharedPodman

from ansible_collections.podman_fleet.memory.plugins.module_utils._cgroup.cgroupfs import CgroupFiles
from ansible_collections.podman_fleet.memory.plugins.module_utils._door.results import check_result
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory import apply, current, lock, run, transaction
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.request import SETTING_OPTIONS, Options, Request
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.run import ContainerMemoryError, set_container_memory
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import Identity, current_identity
from ansible_collections.podman_fleet.memory.plugins.module_utils._users.group import Reply

MIB = 1 << 20
ME = current_identity()
NO_LIMIT = {"limit": None, "swap_limit": None, "reservation": None, "oom_group": None}


class PlainFiles(CgroupFiles):
    """The kernel takes what is written for the whole value; a plain file would keep the rest of a longer one."""

    def write(self, cgroup, name, text):
        super().write(cgroup, name, text.ljust(40) + "\n")


def passing(result):
    """The result; the controller takes all of it."""
    own = {key: value for key, value in result.items() if key not in ("changed", "diff", "warnings")}
    assert check_result("container_memory", own) == (own, "")
    return result


class Host:
    """A host with one running container, `running-unlimited`; the others of the recording have ended."""

    def __init__(self, folder, version, kind=FakePodman):
        self.podman = kind(folder, version)
        for raw in self.podman.containers:
            if raw["Name"] != "running-unlimited" and raw["State"]["Status"] == "running":
                raw["State"]["Status"] = "exited"
        self.podman.set_state(containers=self.podman.containers)
        self.pid = next(raw["State"]["Pid"] for raw in self.podman.containers if raw["Name"] == "running-unlimited")
        self._cgroup, self._proc = folder / "cgroup", folder / "proc"
        self.leaf = self.make_cgroups("machine.slice/libpod-%s.scope" % self.podman.ident("running-unlimited"))
        (self._cgroup / "cgroup.controllers").write_text("cpu memory\n")

    def make_cgroups(self, path):
        """Make the container's cgroup and its leaf; return that."""
        leaf = self._cgroup / path / "container"
        leaf.mkdir(parents=True)
        (self._proc / str(self.pid)).mkdir(parents=True, exist_ok=True)
        (self._proc / str(self.pid) / "cgroup").write_text("0::/%s\n" % leaf.relative_to(self._cgroup))
        for path in (leaf, leaf.parent):
            for name, text in (("memory.max", "max"), ("memory.swap.max", "max"), ("memory.high", "max"), ("memory.low", "0"),
                               ("memory.oom.group", "0"), ("memory.current", str(20 * MIB)), ("memory.stat", "inactive_file 0")):
                (path / name).write_text(text + "\n")
        return leaf

    def cgroup_files(self):
        return PlainFiles(str(self._cgroup), str(self._proc))

    def set(self, *containers, check_mode=False, **options):
        nothing = dict.fromkeys(("name", "user") + SETTING_OPTIONS)
        params = dict(nothing, users_timeout=None, containers=[dict(nothing, **container) for container in containers])
        given = Options(**dict(dict(persist=True, allow_below_usage=False, backend="auto", restart="never",
                                    executable=self.podman.path, timeout=30), **options))
        try:
            return passing(set_container_memory(params, given, check_mode))
        except ContainerMemoryError as exc:
            passing(exc.result)
            raise


@pytest.fixture
def make_host(tmp_path, monkeypatch):
    def make(version="debian13-podman5.4.2"):
        host = Host(tmp_path, version)
        monkeypatch.setattr(run, "find_owner", lambda _name: ME)
        monkeypatch.setattr(run, "runtime_dir", lambda _identity: str(tmp_path))
        monkeypatch.setattr(lock, "runtime_dir", lambda _identity: str(tmp_path))
        monkeypatch.setattr(lock, "_ROOTS", str(tmp_path))
        monkeypatch.setattr(transaction, "find_storage", lambda _identity: "/storage")
        for module in (current, apply):
            monkeypatch.setattr(module, "CgroupFiles", host.cgroup_files)
        return host

    return make


def test_check_mode_only_asks(make_host):
    host = make_host()
    result = host.set({"name": "running-unlimited", "memory": "100m", "oom_group": True}, check_mode=True)
    (entry,) = result["containers"]
    assert {key: entry[key] for key in ("changed", "applied_live", "persistent", "method", "restart_required", "message")} == {
        "changed": True, "applied_live": True, "persistent": True, "method": "libpod_api", "restart_required": False,
        "message": "set"}
    assert entry["before"] == {"declared": NO_LIMIT, "effective": {"limit": None, "swap_limit": None, "high": None,
                                                                   "oom_group": False}}
    assert entry["after"]["declared"] == dict(NO_LIMIT, limit=100 * MIB, swap_limit=100 * MIB, oom_group=True)
    assert entry["after"]["effective"] == {"limit": 100 * MIB, "swap_limit": 100 * MIB, "high": None, "oom_group": True}
    assert (result["changed"], len(result["diff"]), result["warnings"]) == (True, 1, [])
    assert [call[0] for call in host.podman.calls()] == ["--version", "ps", "container"]
    assert (host.leaf / "memory.max").read_text().split() == ["max"]


def test_a_change_is_made_and_read_again_and_a_second_run_changes_nothing(make_host):
    host = make_host()
    wanted = {"name": "running-unlimited", "memory": "100m", "oom_group": True}
    first, second = (host.set(wanted, backend="cgroupfs")["containers"][0] for _run in range(2))
    files = ("memory.max", "memory.swap.max", "memory.oom.group")
    assert [(host.leaf / name).read_text().split()[0] for name in files] == [str(100 * MIB), "0", "1"]
    assert (host.leaf.parent / "memory.max").read_text().split() == ["max"]
    advice = "backend cgroupfs changes only what is enforced now: use libpod_api to keep it"
    assert (first["changed"], first["applied_live"], first["persistent"]) == (True, True, False)
    assert first["message"] == "set; " + advice
    assert (second["changed"], second["applied_live"], second["message"]) == (False, True, "already set; " + advice)
    assert first["after"] == second["before"] == second["after"]


def test_a_change_that_does_not_arrive_fails(make_host, monkeypatch):
    host = make_host()
    monkeypatch.setattr(apply, "to_leaf_files", lambda _settings: [])
    with pytest.raises(ContainerMemoryError, match="running-unlimited: it is not as it should be: the kernel enf") as caught:
        host.set({"name": "running-unlimited", "memory": "100m"}, backend="cgroupfs")
    assert caught.value.result["containers"][0]["failed"] is True


def test_a_failure_is_rolled_back(make_host, monkeypatch):
    host = make_host()
    written = []

    def failing(settings):
        written.append(settings)
        return [("memory.max", "1"), ("not.there", "1")] if len(written) == 1 else [("memory.max", "max")]

    monkeypatch.setattr(apply, "to_leaf_files", failing)
    with pytest.raises(ContainerMemoryError) as caught:
        host.set({"name": "running-unlimited", "memory": "100m"}, backend="cgroupfs")
    assert "not.there" in str(caught.value) and "rolled back: %s/running-unlimited (cgroupfs)" % ME.name in str(caught.value)
    assert caught.value.result["changed"] is False and written[1] == {"limit": None, "swap_limit": None}
    assert (host.leaf / "memory.max").read_text().split() == ["max"]


def test_a_request_that_is_wrong(make_host):
    with pytest.raises(ContainerMemoryError, match=r"^containers\[0\].memory: 'lots' .*\(nothing was changed\)$") as caught:
        make_host().set({"name": "exit-0", "memory": "lots"})
    assert caught.value.result == {"changed": False, "containers": []}


@pytest.mark.parametrize("second, message", [
    ({"name": "nothing", "memory": "1g"}, r"containers\[1\].name: .* has no container 'nothing'$"),
    ({"name": "running-unlimited", "oom_group": True}, r"containers\[1\].name: 'running-unlimited' is the same container as containers\[0\]"),
])
def test_one_that_can_not_be_read_is_an_entry_of_its_own(make_host, second, message):
    with pytest.raises(ContainerMemoryError, match="^1 of 2 containers can't be changed, nothing was changed: " + message) as caught:
        make_host().set({"name": "running-unlimited", "memory": "1g"}, second)
    entries = caught.value.result["containers"]
    assert [(entry["name"], entry["failed"], entry["changed"]) for entry in entries] == [
        ("running-unlimited", False, False), (second["name"], True, False)]


def test_one_that_can_not_be_changed_keeps_the_others_as_they_are(make_host):
    host = make_host("debian12-podman4.3.1")
    with pytest.raises(ContainerMemoryError, match="^1 of 2 containers can't be changed, nothing was changed: ") as caught:
        host.set({"name": "running-unlimited", "memory": "20m"}, {"name": "exit-0", "memory": "1g", "memory_swap": "2g"})
    entries = caught.value.result["containers"]
    assert [(entry["name"], entry["failed"], entry["changed"]) for entry in entries] == [
        ("running-unlimited", True, False), ("exit-0", False, False)]
    assert "bytes less than" in entries[0]["message"] and entries[1]["message"] == "not touched, because of others"
    assert (host.leaf / "memory.max").read_text().split() == ["max"]


def test_a_container_that_does_not_run_is_a_warning_before_podman_5_1(make_host):
    result = make_host("debian12-podman4.3.1").set({"name": "exit-0", "memory": "1g"})
    (entry,) = result["containers"]
    assert (entry["changed"], entry["method"], "failed" in entry) == (False, "none", False)
    assert result["warnings"] == ["%s/exit-0: %s" % (ME.name, entry["message"])]
    assert entry["message"].startswith("not set; Podman 4.3.1 can't change a container that does not run (5.1 and newer can)")


def test_no_podman(make_host):
    with pytest.raises(ContainerMemoryError, match="^executable: /nonexistent/podman"):
        make_host().set({"name": "exit-0", "memory": "1g"}, executable="/nonexistent/podman")


@pytest.mark.parametrize("text", ["unknown", "v"])
def test_no_version(make_host, monkeypatch, text):
    monkeypatch.setattr(run.Podman, "version", lambda _podman: text)
    with pytest.raises(ContainerMemoryError, match="version of Podman can't be determined from '%s'.*nothing was changed" % text):
        make_host().set({"name": "exit-0", "memory": "1g"})


class SharedHost(Host):
    """A host on which nobody has the same containers as root; the kernel's files of nobody's are nobody's own."""

    def __init__(self, folder, version):
        super().__init__(folder, version, SharedPodman)
        self.roots = self.leaf
        self.nobodys = self.make_cgroups("user.slice/user-%d.slice/libpod-%s.scope" % (
            NOBODY.uid, self.podman.ident("running-unlimited")))
        os.chmod(str(self._cgroup), 0o755)
        for folder, _folders, files in os.walk(str(self._cgroup / "user.slice")):
            for name in files:
                os.chown(os.path.join(folder, name), NOBODY.uid, NOBODY.gid)
        self.set_cgroup(self.roots)

    def set_cgroup(self, leaf, pid=None):
        """Have the kernel say that a process is there."""
        folder = self._proc / str(pid or self.pid)
        folder.mkdir(exist_ok=True)
        (folder / "cgroup").write_text("0::/%s\n" % leaf.relative_to(self._cgroup))

    def cgroup_files(self):
        if os.getuid() == NOBODY.uid:
            return PlainFiles(str(self._cgroup), str(self._proc / "of-nobody"))
        return super().cgroup_files()

    def limits(self):
        """memory.max of root's container and of nobody's."""
        return [(leaf / "memory.max").read_text().strip() for leaf in (self.roots, self.nobodys)]

    def set_both(self, **options):
        """Give both 100 MiB; return (result, message), message None when it succeeded."""
        wanted = [{"name": "running-unlimited", "memory": "100m", "user": name} for name in ("root", "nobody")]
        try:
            return self.set(*wanted, **dict({"backend": "cgroupfs"}, **options)), None
        except ContainerMemoryError as exc:
            return exc.result, str(exc)


@pytest.fixture
def shared(tmp_path, monkeypatch):
    host = SharedHost(tmp_path, "debian13-podman5.4.2")
    home_of_nobody(tmp_path)
    (tmp_path / "proc" / "of-nobody" / str(host.pid)).mkdir(parents=True)
    (tmp_path / "proc" / "of-nobody" / str(host.pid) / "cgroup").write_text(
        "0::/%s\n" % host.nobodys.relative_to(tmp_path / "cgroup"))
    runtime = {0: str(tmp_path), NOBODY.uid: str(tmp_path / "home")}
    monkeypatch.setattr(run, "find_owner", lambda name: {"root": ME, "nobody": NOBODY}[name])
    for module in (run, lock):
        monkeypatch.setattr(module, "runtime_dir", lambda identity: runtime[identity.uid])
    monkeypatch.setattr(lock, "_ROOTS", str(tmp_path))
    monkeypatch.setattr(transaction, "find_storage", lambda _identity: "/storage")
    for module in (current, apply):
        monkeypatch.setattr(module, "CgroupFiles", host.cgroup_files)
    return host


DONE, AS_IT_WAS = str(100 * MIB), "max"


def outcome(result):
    return [(entry["user"], entry["changed"], entry.get("failed", False)) for entry in result["containers"]]


@as_root
def test_each_users_containers_are_changed_by_the_user(shared):
    result, message = shared.set_both()
    assert message is None and outcome(result) == [("root", True, False), ("nobody", True, False)]
    assert shared.limits() == [DONE, DONE]
    assert (shared.nobodys / "memory.max").stat().st_uid == NOBODY.uid
    result, message = shared.set_both()
    assert message is None and outcome(result) == [("root", False, False), ("nobody", False, False)]


@as_root
@pytest.mark.parametrize("what, why", [
    ("sys.exit(125)", "podman ps"), ("print('x'); sys.exit(0)", "not a container in its answer"),
    ("if words[0] == 'container': fail('Error: unable to parse its config')", "unable to parse"),
    ("if words[0] == 'container': print('[{\"Id\": 5}]'); sys.exit(0)", ""),
])
def test_one_users_containers_can_not_be_read(shared, what, why):
    """H8: root's is changed, whatever the other one's Podman says."""
    shared.podman.change_script('if words[0] == "ps":', 'if os.getuid():\n    %s\nif words[0] == "ps":' % what)
    result, message = shared.set_both()
    assert outcome(result) == [("root", True, False), ("nobody", False, True)]
    assert shared.limits() == [DONE, AS_IT_WAS]
    assert message and why in message and "(nothing was changed)" in message
    assert result["changed"] is True and result["containers"][1]["id"] is None


@as_root
def test_one_users_refusal_undoes_nothing_of_roots(shared):
    """H8: a change that fails midway is rolled back for that user alone."""
    os.chown(str(shared.nobodys / "memory.max"), 0, 0)
    os.chmod(str(shared.nobodys / "memory.max"), 0o644)
    result, message = shared.set_both()
    assert outcome(result)[0] == ("root", True, False) and outcome(result)[1][2] is True
    assert shared.limits() == [DONE, AS_IT_WAS] and "Permission denied" in message


@as_root
@pytest.mark.parametrize("when", ["ps", "container"])
def test_one_who_hangs_keeps_nobody_waiting(shared, when, monkeypatch):
    monkeypatch.setattr(run, "_EACH", 1)
    shared.podman.change_script('if words[0] == "ps":',
                                'if os.getuid() and words[0] == %r:\n    import time; time.sleep(600)\nif words[0] == "ps":' % when)
    began = time.monotonic()
    result, message = shared.set_both(timeout=3)
    assert time.monotonic() - began < 30
    assert outcome(result) == [("root", True, False), ("nobody", False, True)] and "nobody" in message
    assert shared.limits() == [DONE, AS_IT_WAS]


@as_root
def test_one_who_hangs_while_it_is_changed(shared, monkeypatch):
    """Whether it was changed is not known then, and that is said."""
    monkeypatch.setattr(run, "_EACH", 1)
    real = transaction.Applier.apply
    monkeypatch.setattr(transaction.Applier, "apply", lambda self, jobs: time.sleep(600) if os.getuid() else real(self, jobs))
    result, message = shared.set_both(timeout=1)
    assert outcome(result) == [("root", True, False), ("nobody", True, True)]
    assert "what was changed is not known" in message and shared.limits()[0] == DONE


def lie(entry, **changes):
    return {"entries": [dict(entry, **changes)], "messages": [], "warnings": [], "changing": True}


@as_root
@pytest.mark.parametrize("make", [
    lambda _entry: None, lambda _entry: [], lambda _entry: {}, lambda entry: lie(entry, id="../x"), lambda entry: lie(entry, name="\x1b[31m"),
    lambda entry: lie(entry, before={"declared": {"limit": 10 ** 400}, "effective": None}), lambda entry: lie(entry, changed="yes"),
    lambda entry: dict(lie(entry), entries=[entry] * 3), lambda entry: dict(lie(entry), entries=[]),
    lambda entry: dict(lie(entry), warnings=[{}]),
])
def test_an_answer_of_another_shape_is_none(shared, monkeypatch, make):
    real = transaction.Transaction.answer

    def answer(self, request):
        said = real(self, request)
        return make(said["entries"][0]) if os.getuid() else said

    monkeypatch.setattr(transaction.Transaction, "answer", answer)
    result, message = shared.set_both(check_mode=True)
    assert outcome(result) == [("root", True, False), ("nobody", False, True)] and "is not valid" in message


@as_root
def test_nobody_can_speak_for_root(shared, monkeypatch):
    real = transaction.Transaction.answer

    def answer(self, request):
        said = real(self, request)
        return dict(said, entries=[dict(said["entries"][0], user="root", message="x" * 10000)]) if os.getuid() else said

    monkeypatch.setattr(transaction.Transaction, "answer", answer)
    result, _message = shared.set_both(check_mode=True)
    assert [entry["user"] for entry in result["containers"]] == ["root", "nobody"]
    assert len(result["containers"][1]["message"]) == 4000


@as_root
@pytest.mark.parametrize("pid", ["../victim", "self/../../victim", -1, 0, 10 ** 400, True, [1], {}])
def test_a_process_id_that_is_a_path(shared, tmp_path, pid):
    """C2: nothing is written where a user's word leads."""
    ident = shared.podman.ident("running-unlimited")
    victim = tmp_path / "victim"
    leaf = victim / ("libpod-%s.scope" % ident)
    leaf.mkdir(parents=True, mode=0o700)
    (leaf / "memory.max").write_text("of root's\n")
    os.chmod(str(leaf / "memory.max"), 0o600)
    (victim / "cgroup").write_text("0::/../victim/libpod-%s.scope\n" % ident)
    containers = [dict(raw, State=dict(raw["State"], Pid=pid)) if raw["Id"] == ident else raw for raw in shared.podman.containers]
    shared.podman.set_state(containers=containers)
    _result, message = shared.set_both()
    assert message is not None
    assert (leaf / "memory.max").read_text() == "of root's\n"
    assert shared.limits() == [AS_IT_WAS, AS_IT_WAS]


@as_root
@pytest.mark.parametrize("path, why", [
    ("/../victim/libpod-%s.scope", "outside of what can be seen"), ("/link/libpod-%s.scope", "Not a directory|symbolic links"),
    ("/user.slice/user-%d.slice/libpod-%%s.scope" % NOBODY.uid, "belongs to uid %d, not to root" % NOBODY.uid)])
def test_a_cgroup_that_is_not_roots(shared, tmp_path, path, why):
    """For root's containers nothing is written outside of the tree, through a link, or in the part of a user."""
    ident = shared.podman.ident("running-unlimited")
    leaf = tmp_path / "victim" / ("libpod-%s.scope" % ident)
    leaf.mkdir(parents=True)
    for name in ("memory.max", "memory.swap.max"):
        (leaf / name).write_text("max\n")
    (tmp_path / "cgroup" / "link").symlink_to(tmp_path / "victim")
    (tmp_path / "proc" / str(shared.pid) / "cgroup").write_text("0::%s\n" % (path % ident))
    with pytest.raises(ContainerMemoryError, match=why):
        shared.set({"name": "running-unlimited", "memory": "100m"}, backend="cgroupfs", allow_below_usage=True)
    assert (leaf / "memory.max").read_text() == "max\n" and shared.limits() == [AS_IT_WAS, AS_IT_WAS]


@as_root
def test_two_at_once(shared, tmp_path):
    held = os.open(str(tmp_path / lock.NAME), os.O_RDWR | os.O_CREAT, 0o600)
    os.write(held, b"4711")
    fcntl.flock(held, fcntl.LOCK_EX)
    result, message = shared.set_both()
    assert outcome(result) == [("root", False, True), ("nobody", True, False)]
    assert "already, in process 4711" in message and shared.limits() == [AS_IT_WAS, DONE]
    assert shared.set_both(check_mode=True)[1] is None, "a look needs no lock"
    os.close(held)
    assert shared.set_both()[1] is None and shared.limits() == [DONE, DONE]
    assert stat.S_IMODE(os.stat(str(tmp_path / lock.NAME)).st_mode) == 0o600


@as_root
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.symlink("/etc/passwd", path), os.mkdir])
def test_something_else_in_place_of_the_lock(shared, tmp_path, make):
    make(str(tmp_path / "home" / lock.NAME))
    began = time.monotonic()
    result, _message = shared.set_both()
    assert outcome(result)[0] == ("root", True, False) and time.monotonic() - began < 20


class Silent:
    """The processes of root's, with many containers, and of alice and others, who stop theirs."""

    def __init__(self, identities, _handler):
        self.asked = []  # (uid, what, seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        pass

    def ask_one(self, uid, request, seconds, _size):
        self.asked.append((uid, request["do"], seconds))
        if uid:
            time.sleep(0.3)
            return Reply(None, "did not answer in time")
        state = {"declared": None, "effective": None}
        entry = {"name": "a", "id": None, "changed": True, "before": state, "after": state, "applied_live": True, "persistent": True,
                 "restart_required": False, "method": "cli", "message": "set"}
        return Reply(run.Outcome([entry] * 40, [], [], request["do"] == "plan")._asdict(), None)


def test_who_gives_no_answer_delays_nobody(monkeypatch):
    made = []
    monkeypatch.setattr(run, "UserGroup", lambda *arguments: made.append(Silent(*arguments)) or made[-1])
    options = Options(persist=True, allow_below_usage=False, backend="auto", restart="never", executable="podman", timeout=60)
    parts = [run._Part(Identity(name, uid, uid, "/"), [Request("", "a", name, {})] * number)
             for name, uid, number in [("alice%d" % number, 1000 + number, 1) for number in range(6)] + [("root", 0, 40)]]
    began = time.monotonic()
    outcomes = run._work(parts, options, (5, 4), False, None)
    assert time.monotonic() - began < 1.2
    assert [outcome.messages == [] for uid, outcome in sorted(outcomes.items())] == [True] + [False] * 6
    asked = made[0].asked
    # its change waits for nobody's plan, and for the others no longer than for their own containers
    assert (0, "apply") in [each[:2] for each in asked[:6]]
    assert {seconds for uid, _what, seconds in asked if uid} == {60 * 4 + 20}


def test_all_users_have_the_time_of_the_host_together(monkeypatch):
    """However many containers alice has: 33 of them would take more than the 900 s that enforcement has for a host."""
    made = []
    monkeypatch.setattr(run, "UserGroup", lambda *arguments: made.append(Silent(*arguments)) or made[-1])
    options = Options(persist=True, allow_below_usage=False, backend="auto", restart="never", executable="podman", timeout=60)
    parts = [run._Part(Identity(name, uid, uid, "/"), [Request("", "a", name, {})] * 40)
             for name, uid in [("root", 0)] + [("alice%d" % number, 1000 + number) for number in range(7)]]
    outcomes = run._work(parts, options, (5, 4), False, 400)
    assert outcomes[0].messages == []
    given = {(uid, what): seconds for uid, what, seconds in made[0].asked}
    assert 99 < given[0, "plan"] == given[0, "apply"] <= 100  # eight users, four at once: each has half of the time
    assert all(seconds <= 201 for seconds in given.values())
