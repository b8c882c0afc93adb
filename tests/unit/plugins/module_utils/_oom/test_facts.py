# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts of a recorded host: which sources are asked, and what is made of answers that lack something."""

import json
import re
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from recorded_host import HOSTS, UIDS, Recorded, read

from ansible_collections.podman_fleet.memory.plugins.module_utils._door.door import parse_facts
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs import kernel_reports
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.journal import JournalEntries, RingBuffer
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.kernel_oom import parse_kernel_log
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.records import parse_entries, parse_kernel_messages
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom import facts, journals, limits, ownership, sources
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.users import UserAnswer
from ansible_collections.podman_fleet.memory.plugins.module_utils._podman.cli import ListedContainer, select_containers
from ansible_collections.podman_fleet.memory.plugins.module_utils._podman.listing import PodmanAnswer
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import Identity
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.systemctl import Systemctl, SystemctlError
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.times import SECOND, parse_iso
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.users import User, user_name
from ansible_collections.podman_fleet.memory.plugins.module_utils._users.deadline import Deadline
from ansible_collections.podman_fleet.memory.plugins.module_utils._users.owners import Owner


class Bench:
    """A recorded host in place of this one: root's and alice's containers, the journal, no ring buffer."""

    def __init__(self, name, monkeypatch):
        self.recorded = Recorded(name)
        self.entries = {kind: parse_entries(read("journal_" + kind, name))[0] for kind in ("kernel", "systemd", "podman")}
        times = [int(entry["__REALTIME_TIMESTAMP"]) for entries in self.entries.values() for entry in entries]
        self.since, self.now = min(times) - SECOND, max(times) + SECOND
        self.kernel_problem = None
        self.counted = 0
        self.unlisted = set()  # names of users whose containers can't be listed
        self.removed = set()  # names of containers that Podman no longer knows
        self.not_inspected = set()  # names of containers that are listed and can't be inspected
        self.also_listed = {}  # {name of a user: id that this user's Podman lists too}
        self.users = sorted(UIDS)  # the option
        self.queries = []  # (uid, ids) whose events were read
        self.unit_answers = {}  # {uid: JournalEntries} of users' systemd managers
        for name, replacement in (
                ("find_owners", self.find_owners), ("UserProcesses", self.user_processes),
                ("podman_version", lambda *_arguments: "5.4.2"),
                ("read_kernel_log", lambda *_arguments: JournalEntries(
                    [] if self.kernel_problem else self.entries["kernel"], 0, self.kernel_problem)),
                ("read_unit_records", lambda *_arguments: JournalEntries(self.entries["systemd"], 0, None)),
                ("read_user_unit_records", lambda _since, uid, _timeout: self.unit_answers.get(uid, JournalEntries([], 0, None))),
                ("read_podman_events", self.read_podman_events),
                ("read_podman_deaths", lambda _since, uid, _timeout: JournalEntries(
                    [entry for entry in self.entries["podman"] if entry["PODMAN_EVENT"] == "died" and int(entry["_UID"]) == uid], 0, None)),
                ("read_ring_buffer", lambda _boot: RingBuffer([], None, "no ring buffer")),
                ("oldest_entry_time", lambda _uid: self.since - SECOND), ("Host", lambda: self)):
            for module in (facts, sources, journals):
                if hasattr(module, name):
                    monkeypatch.setattr(module, name, replacement)

        monkeypatch.setattr(ownership, "_service_users", lambda services, _timeout: {service: 0 for service in services})

    # of the host itself

    def boot_id(self):
        return self.entries["kernel"][-1]["_BOOT_ID"]

    def booted_at(self):
        return self.since - 100 * SECOND

    def oom_kills_since_boot(self):
        return self.counted

    def oomd_active(self):
        return False

    def facts(self, _now):
        return {"hostname": "recorded"}

    # of its sources

    def find_owners(self, _spec):
        return [Owner(Identity(name, uid, uid, "/"), True, True) for name, uid in sorted(UIDS.items())], []

    @contextmanager
    def user_processes(self, owners, request, _seconds, _at_once):
        def answer(owner):
            return UserAnswer(self.query_containers(User(owner.identity, "/storage", True), request["words"]), None, {}, {})

        yield SimpleNamespace(ask=lambda pool: [pool.submit(answer, owner) for owner in owners], asked=owners)

    def query_containers(self, user, words):
        name = user.identity.name
        if name in self.unlisted:
            return PodmanAnswer(user=user, listed=[], containers=[], unmatched=list(words), complete=False, sources=[
                {"name": "podman", "user": name, "status": "unavailable"}], errors=[{"source": "podman", "user": name, "message": "m"}])
        containers = {container.ident: container._replace(running=False, pid=None) for owner, container in self.recorded.containers
                      if owner == name and container.facts["name"] not in self.removed}
        listed = [ListedContainer(ident, container.facts["name"]) for ident, container in containers.items()]
        if name in self.also_listed:
            listed.append(ListedContainer(self.also_listed[name], "claimed"))
        chosen, unmatched = select_containers(listed, words)
        inspected = [containers[entry.ident] for entry in chosen
                     if entry.ident in containers and entry.name not in self.not_inspected]
        return PodmanAnswer(user=user, listed=listed, containers=inspected,
                            unmatched=unmatched, complete=True, sources=[{"name": "podman", "user": name, "status": "ok"}],
                            errors=[])

    def read_podman_events(self, _since, uid, idents, _timeout):
        self.queries.append((uid, idents))
        return JournalEntries([entry for entry in self.entries["podman"]
                               if entry["PODMAN_ID"] in idents and int(entry["_UID"]) == uid], 0, None)

    def collect(self, *words):
        return facts.collect_facts(sources.Options(
            users=self.users, containers=list(words), since=self.since, executable="podman", timeout=60, users_timeout=60,
            state_dir="/nowhere"), self.now)


@pytest.fixture(params=HOSTS)
def bench(request, monkeypatch):
    return Bench(request.param, monkeypatch)


def source(result, name):
    return [entry for entry in result["sources"] if entry["name"] == name]


def test_a_host_whose_sources_all_answer(bench):
    result = bench.collect()
    assert result["errors"] == []
    assert [entry["name"] for entry in result["sources"]] == [
        "podman", "podman", "kernel_log", "systemd", "systemd", "cgroup", "recorder"]
    assert source(result, "kernel_log")[0]["status"] == "ok"
    assert len(result["containers"]) == len(bench.recorded.containers)
    for container in result["containers"]:
        assert sorted(container["memory"]) == ["daily", "declared", "effective", "events", "next_start", "next_start_problem", "usage"]
        assert "declared" not in container
        # without a cgroup of its own only the main process's pid could tell
        assert container["oom"]["killed"] is not None or container["name"].startswith("cgroups-disabled")
    json.dumps(result)


def test_events_are_read_of_those_whose_verdict_depends_on_them(bench):
    result = bench.collect()
    uids = [uid for uid, _idents in bench.queries]
    assert len(uids) == len(set(uids)) and set(UIDS.values()) <= set(uids)  # one call for each
    query = {(uid, ident) for uid, idents in bench.queries for ident in idents}
    every = [(UIDS[container["user"]], container) for container in result["containers"] + result["removed"]]
    killed = {(uid, container["id"]) for uid, container in every if container["oom"]["history"]}
    clean = {(uid, container["id"]) for uid, container in every if "state" in container and container["state"]["exit_code"] == 0} - killed
    assert killed <= query and clean and not clean & query


def test_who_floods_the_journal_is_partial_alone(bench):
    bench.unit_answers[1000] = JournalEntries(
        entries=[], bad_lines=3, problem="too many entries", left_out={}, since=bench.since + 7 * SECOND)
    result = bench.collect()
    assert {entry["user"]: (entry["status"], entry["detail"]) for entry in source(result, "systemd")} == {
        "root": ("ok", None), "alice": ("partial", "too many entries")}
    begins = {entry["user"]: parse_iso(entry["covers_since"]) for entry in source(result, "systemd")}
    assert begins == {"root": bench.since, "alice": bench.since + 7 * SECOND}
    assert result["errors"] == [{"source": "systemd", "user": user_name(1000), "message": "3 journal line(s) could not be read"}]


def test_removed_containers_have_their_names(bench):
    bench.removed.add("pid1-kill")
    entries = [entry for entry in bench.collect()["removed"] if entry["name"] == "pid1-kill"]
    assert {entry["user"] for entry in entries} == {"alice", "root"}
    for entry in entries:
        assert (entry["oom"]["cause"], entry["exit_code"], entry["gone"]) == ("container_limit", 137, True)


def test_a_container_that_is_listed_and_can_t_be_inspected_is_told_with_its_kill(debian13):
    """Seen on Debian 13 with / full: podman ps answers, podman inspect fails."""
    debian13.not_inspected = {"pid1-kill"}
    found = debian13.collect()
    kills = [each for each in found["removed"] if each["name"] == "pid1-kill" and each["gone"] is not True]
    assert sorted(each["user"] for each in kills) == ["alice", "root"]
    for each in kills:
        assert each["gone"] is False and each["oom"]["killed"] is True and each["oom"]["cause"] == "container_limit"
        assert any("podman inspect failed" in line for line in each["oom"]["evidence"])


def only_killed_processes(bench):
    """What journald keeps of the kernel's reports with MaxLevelStore=warning: "Killed process" has the level err."""
    bench.entries["kernel"] = [entry for entry in bench.entries["kernel"] if "Killed process" in entry["MESSAGE"]]


def test_a_journal_without_the_lines_that_name_the_cgroup(debian13, monkeypatch):
    """K20: what is left is likely at most, nothing that was killed is false, and the setting is the reason."""
    setting = "journald does not store the kernel's line that names the cgroup (MaxLevelStore=warning)"
    whole = {each["id"]: each["oom"] for each in debian13.collect()["containers"]}
    only_killed_processes(debian13)
    monkeypatch.setattr(facts, "missing_kernel_lines", lambda _files: setting)
    part = {each["id"]: each["oom"] for each in debian13.collect()["containers"]}
    killed = [part[ident] for ident, oom in whole.items() if oom["killed"]]
    assert {(oom["killed"], oom["confidence"]) for oom in killed} <= {(True, "likely"), (None, "unknown")}
    assert any(oom["killed"] for oom in killed)
    assert all(setting in oom["evidence"][0] for oom in part.values() if oom["killed"] is None)


def test_long_labels_cost_no_unit(debian13):
    """W17: labels of more than 4,096 bytes, which journalctl gives with --all alone (test_journal.py)."""
    debian13.removed.add("pid1-kill")
    for entry in debian13.entries["podman"]:
        if entry["PODMAN_NAME"] == "pid1-kill":
            entry["PODMAN_LABELS"] = json.dumps({"a": "x" * 5000, "PODMAN_SYSTEMD_UNIT": "web.service"})
    removed = [each for each in debian13.collect()["removed"] if each["name"] == "pid1-kill"]
    assert removed and {(each["manager"]["kind"], each["manager"]["unit"]) for each in removed} == {("systemd", "web.service")}


def without_memory_controller(bench, name):
    """Add the kernel's report of a kill right before a container of root's ended, as Debian 13 with cgroup_disable=memory writes it."""
    (death,) = [entry for entry in bench.entries["podman"]
                if (entry["PODMAN_EVENT"], entry["PODMAN_NAME"], entry["_UID"]) == ("died", name, "0")]
    last = bench.entries["kernel"][-1]
    for number, text in enumerate((
            "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=sort,pid=466,uid=0",
            "Out of memory: Killed process 466 (sort) total-vm:4240kB, anon-rss:128kB, file-rss:1408kB, shmem-rss:0kB, UID:0 pgtables:48kB "
            "oom_score_adj:1000")):
        bench.entries["kernel"].append(dict(
            last, MESSAGE=text, __REALTIME_TIMESTAMP=str(int(death["__REALTIME_TIMESTAMP"]) - SECOND),
            _SOURCE_MONOTONIC_TIMESTAMP=str(9 * 10 ** 11 + number)))


@pytest.mark.parametrize("name, listed", [("external-sigkill", True), ("user-kill", False), ("app-exit-137", False), ("exit-1", False)])
def test_a_removed_container_that_the_kernel_can_t_name_is_told_as_not_known(debian13, name, listed):
    """W02 with --rm: whether the kill at the root of the tree was in it nobody can tell; one that was stopped was not killed, nor one
    that began later."""
    debian13.removed.add(name)
    before = debian13.collect()
    without_memory_controller(debian13, name)
    after = debian13.collect()
    new = [entry for entry in after["removed"] if entry["id"] not in {each["id"] for each in before["removed"]}]
    assert [(each["name"], each["user"], each["exit_code"], each["gone"]) for each in new] == [(name, "root", 137, True)] * listed
    for each in new:
        oom = each["oom"]
        assert (oom["killed"], oom["cause"], oom["confidence"], oom["count"], oom["missing"]) == (None, "unknown", "unknown", 0, ["kernel_log"])


@pytest.mark.parametrize("answer, known", [
    ("systemd 247 (247.3-7+deb11u7)\n+PAM", False), ("systemd 248 (v248.13)", False), ("systemd 249 (249.11-0ubuntu3)", True),
    ("systemd 257 (257.9-1~deb13u1)", True), (SystemctlError("no systemctl"), False),
])
def test_systemd_oomd_before_249_kills_without_a_record(debian13, monkeypatch, answer, known):
    def run(_systemctl, *arguments):
        assert arguments == ("--version",)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(Systemctl, "run", run)
    monkeypatch.setattr(debian13, "oomd_active", lambda: True)
    (killed,) = [each for each in debian13.collect()["containers"] if each["name"] == "external-sigkill" and each["user"] == "root"]
    assert (killed["oom"]["killed"], killed["oom"]["cause"]) == ((False, "external_sigkill") if known else (None, "unknown"))
    assert known or killed["oom"]["missing"] == ["systemd"]


def test_a_user_whose_containers_are_not_listed_may_still_have_the_removed_ones(bench):
    bench.unlisted.add("alice")
    result = bench.collect()
    assert {entry["gone"] for entry in result["removed"] if entry["user"] == "alice"} == {None}
    assert result["errors"] == [{"source": "podman", "user": "alice", "message": "m"}]


def test_words_mean_removed_containers_too(bench):
    result = bench.collect("exit-0", "rm", "no-such")
    assert {container["name"] for container in result["containers"]} == {"exit-0"}
    assert {container["name"] for container in result["removed"]} == {"rm"}
    assert [error["message"] for error in result["errors"]] == ["containers: no container 'no-such' of the users looked at"]


def test_without_the_kernels_log_systemds_record_stands_in(bench):
    """Who can't read the kernel's log: the record of a service gets its container by Podman's record of the death."""
    bench.kernel_problem, bench.counted = "permission denied", 5
    result = bench.collect()
    (kernel,) = source(result, "kernel_log")
    assert kernel["status"] == "unavailable" and kernel["detail"].endswith("(permission denied) (no ring buffer)")
    verdicts = {container["name"]: container["oom"] for container in result["containers"] if container["user"] == "root"}
    assert verdicts["pid1-kill"]["killed"] is True and verdicts["pid1-kill"]["missing"] == ["kernel_log"]
    assert verdicts["exit-0"]["killed"] is None


def test_a_log_that_lacks_counted_kills_proves_nothing(bench):
    bench.counted = 10 ** 6
    result = bench.collect()
    assert source(result, "kernel_log")[0]["status"] == "partial"
    assert not [container for container in result["containers"] if container["oom"]["cause"] == "application_exit"]


def test_a_user_who_was_not_found_is_told_with_the_kills_in_the_kernels_record(monkeypatch):
    """Debian 12's recording has a kill of a third user, whom the directory service does not list: silence until now."""
    bench = Bench("debian12-podman4.3.1", monkeypatch)
    assert not [entry for entry in bench.collect()["removed"] if entry["user"] not in UIDS]
    bench.users = ["all"]
    result = bench.collect()
    (removed,) = [entry for entry in result["removed"] if entry["user"] not in UIDS]
    assert (removed["user"], removed["gone"], removed["oom"]["killed"]) == (user_name(1001), None, True)
    (message,) = [entry["message"] for entry in result["errors"] if entry["user"] == user_name(1001)]
    assert message.startswith("uid 1001 has no name on this host, so nobody can be asked for its containers")
    assert [entry["detail"] for entry in source(result, "podman") if entry["status"] == "unavailable"] == [message]


def test_a_user_of_whom_the_kernel_tells_is_asked(monkeypatch):
    """A directory service knows her, and does not list her: what her Podman says counts as everybody's."""
    bench = Bench("debian12-podman4.3.1", monkeypatch)
    bench.users = ["all"]
    monkeypatch.setattr(sources, "find_owners_by_uid", lambda uids: ([Owner(Identity("carol", uid, uid, "/"), True, True) for uid in uids], []))
    result = bench.collect()
    assert {entry["user"]: entry["status"] for entry in source(result, "podman")} == {"alice": "ok", "root": "ok", "carol": "ok"}
    assert "carol" in [entry["user"] for entry in source(result, "systemd")] and result["errors"] == []
    assert [entry["gone"] for entry in result["removed"] if entry["user"] == "carol"] == [True]
    bench.users = ["root", "alice"]
    assert "carol" not in [entry["user"] for entry in bench.collect()["sources"]]


@pytest.fixture
def debian13(monkeypatch):
    return Bench("debian13-podman5.4.2", monkeypatch)


def test_a_list_of_one_user_suppresses_nothing_of_anothers(debian13):
    """alice's Podman lists root's removed container."""
    before = debian13.collect()
    (ident,) = [entry["id"] for entry in before["removed"] if (entry["user"], entry["name"]) == ("root", "rm")]
    debian13.also_listed["alice"] = ident
    after = debian13.collect()
    assert after["removed"] == before["removed"] and after["containers"] == before["containers"]


def test_a_forged_cgroup_in_ones_own_subtree_is_no_kill_of_anothers_and_is_told(debian13):
    before = debian13.collect()
    calm = [entry for entry in before["containers"] if (entry["user"], entry["name"]) == ("root", "exit-0")][0]
    killed = [entry for entry in before["containers"] if (entry["user"], entry["name"]) == ("root", "pid1-kill")][0]
    forged = []
    for entry in debian13.entries["kernel"]:
        if ("oom-kill:" in entry["MESSAGE"] and "user-1000" in entry["MESSAGE"] and not forged) or len(forged) == 1:
            message = re.sub("libpod-[0-9a-f]{64}", "libpod-" + calm["id"], entry["MESSAGE"])
            forged.append(dict(entry, MESSAGE=message, _SOURCE_MONOTONIC_TIMESTAMP="9" * 12))
    debian13.entries["kernel"] += forged
    after = debian13.collect()
    containers = {entry["id"]: entry for entry in after["containers"]}
    assert containers[calm["id"]] == calm and containers[killed["id"]] == killed
    assert calm["id"] not in [entry["id"] for entry in after["removed"]]
    (error,) = after["errors"]
    assert (error["source"], error["user"]) == ("kernel_log", user_name(1000))
    assert error["message"].startswith("suspicious record: a user's cgroup or unit has the name of a container of root's (1 ")


def test_a_text_in_another_message_of_the_kernels_changes_no_verdict(debian13):
    before = debian13.collect()
    last = debian13.entries["kernel"][-1]
    debian13.entries["kernel"] += [dict(entry, MESSAGE="tmpfs: Unknown parameter '%s'" % entry["MESSAGE"],
                                        _SOURCE_MONOTONIC_TIMESTAMP=str(int(last["__MONOTONIC_TIMESTAMP"]) + number))
                                   for number, entry in enumerate(list(debian13.entries["kernel"]))]
    after = debian13.collect()
    assert after["containers"] == before["containers"] and after["removed"] == before["removed"]
    (error,) = after["errors"]
    assert error["user"] is None and error["message"].startswith("suspicious record: a message of the kernel's holds the words")


def test_a_user_who_makes_thousands_of_containers_with_kills_takes_nothing_from_others(debian13, monkeypatch):
    monkeypatch.setattr(limits, "_MAX_USER", 3)
    result = debian13.collect()
    of_alice = [entry for entry in result["removed"] if entry["user"] == "alice"]
    assert len(of_alice) <= 3 and [entry for entry in result["removed"] if entry["user"] == "root"]
    assert [error["user"] for error in result["errors"]] == [user_name(1000)]
    assert "oldest were left out" in result["errors"][0]["message"]


def test_reports_of_one_user_that_were_left_out_cost_nobody_else_a_verdict(bench, monkeypatch):
    """All of root's verdicts are as before, with the kernel's own count; alice's are right or unknown, and it is told."""
    kernel = bench.entries["kernel"]
    bench.counted = parse_kernel_log(parse_kernel_messages(kernel)).killed_per_boot[bench.boot_id()]
    before = bench.collect()
    monkeypatch.setattr(kernel_reports, "MAX_USERS", 4000)
    reader = kernel_reports.KernelReports()
    for entry in kernel:
        reader.keep(dict(entry), len(json.dumps(entry)))
    assert set(reader.left_out) == {1000}
    monkeypatch.setattr(sources, "read_kernel_log", lambda *_arguments: JournalEntries(
        entries=reader.entries(), bad_lines=0, problem=None, left_out=reader.left_out, dropped=reader.dropped))
    after = bench.collect()
    assert source(after, "kernel_log")[0]["status"] == "ok"

    def verdicts(result, user):
        return {entry["id"]: entry["oom"] for entry in result["containers"] + result["removed"] if entry["user"] == user}

    assert verdicts(after, "root") == verdicts(before, "root")
    known, told = verdicts(before, "alice"), verdicts(after, "alice")
    assert {ident for ident, oom in told.items() if oom["killed"] != known[ident]["killed"]}
    for ident, oom in told.items():
        assert oom["killed"] in (None, known[ident]["killed"]), (ident, oom)
    (error,) = after["errors"]
    assert error["user"] == user_name(1000) and "oldest were left out" in error["message"]


def collected_with_bob(monkeypatch, many=0, label=""):
    """The facts of a host of root's, alice's and bob's containers, through the controller's door too.

    :param many: containers that alice has more; label: of each of them, 250 times.
    """
    bench = Bench(HOSTS[0], monkeypatch)
    query = bench.query_containers

    def query_containers(user, words):
        name = user.identity.name
        if name != "bob":
            answer = query(user, words)
        else:
            answer = query(user._replace(identity=user.identity._replace(name="alice")), words)
            answer = answer._replace(user=user, sources=[{"name": "podman", "user": name, "status": "ok"}], containers=[
                container._replace(facts=dict(container.facts, user="bob")) for container in answer.containers])
        if name == "alice":
            model = answer.containers[0]
            labels = {str(number): label for number in range(250)} if label else {}
            answer = answer._replace(containers=answer.containers + [model._replace(
                ident="%064x" % number, facts=dict(model.facts, id="%064x" % number, name="n%d" % number, labels=labels))
                for number in range(many)])
        return answer

    bench.query_containers = query_containers
    bench.find_owners = lambda _spec: ([Owner(Identity(name, uid, uid, "/"), True, True) for name, uid in (
        ("root", 0), ("alice", 1000), ("bob", 1001))], [])
    monkeypatch.setattr(facts, "find_owners", bench.find_owners)
    monkeypatch.setattr(bench, "unit_answers", {1001: SimpleNamespace(problem=None, left_out={}, since=None, entries=[], bad_lines=0)})
    return parse_facts(json.dumps(bench.collect(), separators=(",", ":")), bench.now)


def ids_of(found, user):
    return [container["id"] for container in found["containers"] if container["user"] == user]


def podman_status(found, user):
    return [entry["status"] for entry in found["sources"] if (entry["name"], entry["user"]) == ("podman", user)]


@pytest.mark.parametrize("many, label", [(4990, ""), (10, "x" * 16000)])
def test_a_user_with_too_much_lacks_containers_alone(monkeypatch, many, label):
    usual = collected_with_bob(monkeypatch)
    found = collected_with_bob(monkeypatch, many, label)
    for user in ("root", "bob"):
        assert ids_of(found, user) == ids_of(usual, user) != [] and podman_status(found, user) == ["ok"]
    assert len(ids_of(usual, "alice")) <= len(ids_of(found, "alice")) < many + len(ids_of(usual, "alice"))
    assert podman_status(found, "alice") == ["partial"]
    assert any(error["user"] == "alice" and "left out" in error["message"] for error in found["errors"])


@pytest.mark.parametrize("coverage", [None, "no journal"])
def test_what_users_take_is_no_more_than_the_time_for_all_of_them(bench, monkeypatch, coverage):
    """Each part of it is used up by somebody: by a process that stops itself, by a flood of the journal."""
    seconds, taken = 240, []
    bench.kernel_problem = coverage
    processes = bench.user_processes

    def user_processes(owners, request, given, at_once):
        taken.append(given)
        return processes(owners, request, given, at_once)

    monkeypatch.setattr(sources, "UserProcesses", user_processes)
    monkeypatch.setattr(journals, "Deadline", lambda given, *_arguments: taken.append(given) or Deadline(given, *_arguments))
    facts.collect_facts(sources.Options(users=["all"], containers=[], since=bench.since, executable="podman", timeout=60,
                                        users_timeout=seconds, state_dir="/nowhere"), bench.now)
    assert len(taken) > 2 and sum(taken) <= seconds
