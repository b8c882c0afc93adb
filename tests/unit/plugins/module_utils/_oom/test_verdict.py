# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every row of the decision table, and every way in which evidence can be missing."""

import itertools

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.kernel_oom import Kill, UnattributedKill, Victim
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.records import OomdKill, UnitOom
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.evidence import Evidence, Run
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.verdict import decide, flag_trust
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.times import SECOND

IDENT = "ab" * 32
SCOPE = "/machine.slice/libpod-%s.scope" % IDENT
LEAF = SCOPE + "/container"
T0 = 1800000000 * SECOND
START, END = T0 + 100 * SECOND, T0 + 200 * SECOND


def kill(at=END, oom_memcg=SCOPE, pid=500, group=False, constraint="CONSTRAINT_MEMCG", more=(), nodes=None):
    victims = [Victim(number, "sort", at, 4096) for number in (pid,) + tuple(more)]
    return Kill(at=at, boot="boot", constraint=constraint, oom_memcg=oom_memcg, task_memcg=LEAF, victims=victims, group=group,
                nodes=nodes)


def unattributed_kill(at=END, pid=500, memcg=True):
    return UnattributedKill(at, "boot", Victim(pid, "sort", at, 4096), memcg)


def ended(code, start=START, end=END, first=True):
    return Run(state="ended", start=start, end=end, exit_code=code, first=first)


RUNNING = Run("running", START, first=True)


def evidence(run, **more):
    """Complete sources that hold nothing, and what `more` says otherwise."""
    known = dict(
        run=run, main_pid=500, flag=False, stopped_by_user=False, declared_limit=20 << 20, kills=[], group_kills=[], unattributed=[],
        unit_ooms=[], oomd_kills=[], counters=None, own_oom=None, ancestors=None, kernel_since=T0, systemd_since=T0, oomd_active=False)
    if run.state == "running":
        known.update(counters={"oom": 0, "oom_kill": 0}, own_oom=0, ancestors=[])
    known.update(more)
    return Evidence(**known)


def verdict(run, **more):
    return decide(IDENT, evidence(run, **more))


def short(result):
    return result["killed"], result["cause"], result["lethal"], result["confidence"]


# --- kernel records ---------------------------------------------------------------------------

@pytest.mark.parametrize("record, cause, scope", [
    (kill(), "container_limit", SCOPE),
    (kill(oom_memcg=LEAF), "container_limit", LEAF),
    (kill(oom_memcg="/machine.slice/machine-libpod_pod_%s.slice" % ("cd" * 32)), "ancestor_limit",
     "/machine.slice/machine-libpod_pod_%s.slice" % ("cd" * 32)),
    (kill(oom_memcg="/system.slice/web.service"), "ancestor_limit", "/system.slice/web.service"),
    (kill(oom_memcg=None, constraint="CONSTRAINT_NONE"), "host_oom", "host"),
    (kill(oom_memcg=None, constraint="CONSTRAINT_CPUSET", nodes="NUMA node 4 (cpuset a)"), "cpuset_oom", "NUMA node 4 (cpuset a)"),
    (kill(oom_memcg=LEAF + "/inner-job"), "nested_limit", LEAF + "/inner-job"),
    (kill(oom_memcg=LEAF + "/system.slice/web.service"), "nested_limit", LEAF + "/system.slice/web.service"),
    # without crun's cgroup
    (kill(oom_memcg=SCOPE + "/inner-job"), "nested_limit", SCOPE + "/inner-job"),
    # quadlet has none, and neither has the cgroupfs manager: there the name is what runs inside's
    (kill(oom_memcg="/system.slice/a.service/libpod-payload-%s/container" % IDENT), "nested_limit",
     "/system.slice/a.service/libpod-payload-%s/container" % IDENT),
    (kill(oom_memcg="/system.slice/a.service/libpod-payload-" + IDENT), "container_limit",
     "/system.slice/a.service/libpod-payload-" + IDENT),
])
def test_the_kernel_says_whose_limit(record, cause, scope):
    result = verdict(ended(137), kills=[record])
    assert short(result) == (True, cause, True, "certain")
    assert result["scope"] == scope
    assert result["victims"][0]["pid"] == 500
    assert result["missing"] == []


def test_the_main_process_killed_is_lethal_however_long_the_end_took():
    assert verdict(ended(137), kills=[kill(at=END - 60 * SECOND)])["lethal"] is True


def test_a_child_killed_long_before_the_end_is_not_lethal():
    result = verdict(ended(137), kills=[kill(at=END - 60 * SECOND, pid=501)])
    assert short(result) == (True, "container_limit", False, "certain")


def test_a_main_process_that_returns_its_killed_childs_status_at_once_has_ended_of_it():
    assert verdict(ended(137), kills=[kill(at=END - SECOND // 10, pid=501)])["lethal"] is True


@pytest.mark.parametrize("main_pid, seconds, stopped, lethal", [
    (500, 1, False, True),
    (500, 5, False, None),
    (500, 11, False, False),
    (500, 1, True, False),
    (None, 1, False, True),
    (None, 5, False, None),
    (None, 60, False, None),
    (None, 60, True, False),
    (None, 1, True, None),
])
def test_a_killed_child_and_137_soon_or_later(main_pid, seconds, stopped, lethal):
    """A loaded host needs seconds from the kill to the end; nobody knows then whose death it was."""
    result = verdict(ended(137), main_pid=main_pid, stopped_by_user=stopped, kills=[kill(at=END - seconds * SECOND, pid=501)])
    assert result["lethal"] is lethal


@pytest.mark.parametrize("code", [0, 1, 143, 255])
def test_another_exit_code_means_the_main_process_was_not_killed(code):
    assert verdict(ended(code), kills=[kill(pid=501)])["lethal"] is False


def test_group_kill_is_lethal_and_reported():
    result = verdict(ended(137), kills=[kill(group=True, more=(501, 502))])
    assert result["lethal"] is True and result["group"] is True
    assert [victim["pid"] for victim in result["victims"]] == [500, 501, 502]


def test_group_kill_is_lethal_without_the_main_pid():
    assert verdict(ended(137), main_pid=None, kills=[kill(at=END - 9 * SECOND, group=True)])["lethal"] is True


def test_podman_says_running_though_the_main_process_was_killed():
    """Its conmon was killed with it, as by a pod's limit: nobody wrote an exit code (seen on 5.8.6, rootless)."""
    result = verdict(RUNNING, counters=None, ancestors=None, kills=[kill(at=START + SECOND)])
    assert short(result) == (True, "container_limit", True, "certain")
    assert any("says that it runs" in line for line in result["evidence"])


def test_a_kill_in_a_running_container_is_not_lethal():
    result = verdict(RUNNING, kills=[kill(at=START + SECOND, pid=501)], counters={"oom": 1, "oom_kill": 1})
    assert short(result) == (True, "container_limit", False, "certain")


def test_kills_of_earlier_runs_count_but_do_not_kill():
    result = verdict(ended(0), kills=[kill(at=START - 50 * SECOND)], flag=True)
    assert short(result) == (False, "application_exit", False, "certain")
    assert result["count"] == 1 and len(result["history"]) == 1
    assert result["flag_trust"] == "stale"
    assert result["last_at"] is not None


def test_live_counters_put_a_late_record_into_an_earlier_run():
    result = verdict(RUNNING, kills=[kill(at=START + SECOND)], counters={"oom": 0, "oom_kill": 0}, flag=True)
    assert short(result) == (False, "none", False, "certain")
    assert result["count"] == 1 and result["flag_trust"] == "stale"


def test_the_last_of_several_kills_decides():
    result = verdict(ended(137), kills=[kill(at=END - 50 * SECOND, pid=501),
                                        kill(oom_memcg=None, constraint="CONSTRAINT_NONE")])
    assert result["cause"] == "host_oom" and result["count"] == 2 and len(result["victims"]) == 2


# --- live counters ----------------------------------------------------------------------------

@pytest.mark.parametrize("own_oom, cause, confidence", [
    (1, "container_limit", "certain"), (0, "nested_limit", "certain"),
    (None, "container_limit", "likely"),  # before Linux 5.2: memory.events counts the cgroups inside too
])
def test_counters_alone_name_the_own_limit(own_oom, cause, confidence):
    result = verdict(RUNNING, counters={"oom": 1, "oom_kill": 1}, own_oom=own_oom, kernel_since=None)
    assert short(result) == (True, cause, False, confidence)
    assert result["missing"] == ["kernel_log"]


@pytest.mark.parametrize("unstored, reason", [(None, "ten of them in five seconds"), ("MaxLevelStore=warning", "MaxLevelStore=warning")])
def test_a_missing_line_has_its_reason(unstored, reason):
    result = verdict(ended(137), unattributed=[unattributed_kill()], unstored=unstored)
    assert short(result) == (True, "container_limit", True, "likely") and reason in result["evidence"][0]


@pytest.mark.parametrize("deaths, count", [
    ([], 0),
    ([(START - 90 * SECOND, 137), (START - 60 * SECOND, 137), (START - 30 * SECOND, 137)], 3),
    # a child was killed: the run went on, or ended with another code
    ([(START - 90 * SECOND, 0), (START - 60 * SECOND, 137), (START - 30 * SECOND, 137)], 2), ([(START, 137)], 0),
])
def test_earlier_runs_that_ended_by_their_kill_are_counted(deaths, count):
    """restart=always, looked at while the next run is not killed yet."""
    kills = [kill(at=START - seconds * SECOND - SECOND) for seconds in (90, 60, 30)]
    running = verdict(RUNNING, kills=kills, deaths=deaths)
    assert (running["killed"], running["count"], running["lethal_count"]) == (False, 3, count)
    now = verdict(ended(137), kills=kills + [kill()], deaths=deaths + [(END, 137)])
    assert (now["lethal"], now["count"], now["lethal_count"]) == (True, 4, count + 1)
    # a child and then its parent are one end
    both = verdict(RUNNING, kills=[kills[0]._replace(at=kills[0].at - 1)] + kills, deaths=deaths)
    assert both["lethal_count"] == count


def test_names_are_inert():
    """Anybody may give a process any name of 15 bytes."""
    victims = [Victim(500, "a\nb\x1b[31m\u202e\t", END, 1)]
    for record in (kill()._replace(victims=victims), kill(at=START - SECOND)._replace(victims=victims)):
        result = verdict(ended(137), kills=[record])
        names = [each["task"] for each in result["victims"] + result["history"]]
        assert names and set(names) == {"a\ufffdb\ufffd[31m\ufffd\ufffd"}
        assert all(line.isprintable() for line in result["evidence"])


def test_counters_alone_name_an_ancestor_that_hit_its_limit():
    result = verdict(RUNNING, counters={"oom": 0, "oom_kill": 1}, kernel_since=None,
                     ancestors=[("/a.slice/a-b.slice", {"oom": 2}), ("/a.slice", {"oom": 0})])
    assert short(result) == (True, "ancestor_limit", False, "likely")
    assert result["scope"] == "/a.slice/a-b.slice"


def test_counters_alone_leave_the_host():
    result = verdict(RUNNING, counters={"oom": 0, "oom_kill": 1}, kernel_since=None, ancestors=[("/a.slice", {"oom": 0})])
    assert short(result) == (True, "host_oom", False, "likely")


def test_v1_counters_do_not_say_whose_limit():
    result = verdict(RUNNING, counters={"oom_kill": 1}, kernel_since=None)
    assert short(result) == (True, "unknown", False, "likely")


def test_counters_of_zero_need_no_log():
    assert short(verdict(RUNNING, kernel_since=None)) == (False, "none", False, "certain")


# --- systemd, systemd-oomd --------------------------------------------------------------------

def unit_record(at=END):
    return UnitOom(at, "libpod-%s.scope" % IDENT, 1000)


def test_systemds_record_stands_in_for_the_kernels():
    result = verdict(ended(137), unit_ooms=[unit_record()], kernel_since=None)
    assert short(result) == (True, "container_limit", True, "likely")
    assert result["missing"] == ["kernel_log"]


def test_systemds_record_without_a_limit_leaves_the_cause_unknown():
    result = verdict(ended(137), unit_ooms=[unit_record()], kernel_since=None, declared_limit=None)
    assert short(result) == (True, "unknown", True, "likely")


def test_a_suppressed_report_still_says_that_it_was_the_host():
    result = verdict(ended(137), unit_ooms=[unit_record()], kernel_since=None,
                     unattributed=[unattributed_kill(memcg=False, pid=77)])
    assert result["cause"] == "host_oom" and result["confidence"] == "likely"


def test_a_suppressed_report_of_the_main_process_is_attributed_by_its_pid():
    result = verdict(ended(137), unattributed=[unattributed_kill()])
    assert short(result) == (True, "container_limit", True, "likely")


def test_a_suppressed_report_of_a_group_kill_names_the_container():
    kill = unattributed_kill(pid=77)._replace(place="/machine.slice/libpod-%s.scope" % IDENT, group=True)
    result = verdict(ended(137), group_kills=[kill])
    assert short(result) == (True, "container_limit", True, "likely") and result["group"] and result["count"] == 1
    assert "memory.oom.group" in result["evidence"][0] and result["missing"] == ["kernel_log"]
    assert verdict(ended(137), group_kills=[kill], declared_limit=None)["cause"] == "ancestor_limit"
    assert verdict(ended(0, start=kill.at + SECOND, end=kill.at + 2 * SECOND), group_kills=[kill])["killed"] is False


def test_two_records_of_one_kill_count_once():
    assert verdict(ended(137), unit_ooms=[unit_record(), unit_record(END + SECOND)], kernel_since=None)["count"] == 1


def test_systemd_oomd():
    record = OomdKill(at=END, cgroup=LEAF, unit=None, uid=0, text="Killed %s due to memory pressure for /a.slice" % LEAF)
    result = verdict(ended(137), oomd_kills=[record], oomd_active=True)
    assert short(result) == (True, "systemd_oomd", True, "certain")
    assert result["scope"] == LEAF


def test_systemd_oomd_did_not_kill_what_ended_by_itself():
    record = OomdKill(at=END, cgroup="/a.slice", unit=None, uid=0, text="Killed /a.slice due to memory pressure")
    assert verdict(ended(0), oomd_kills=[record], oomd_active=True)["cause"] == "application_exit"


# --- no OOM evidence --------------------------------------------------------------------------

@pytest.mark.parametrize("code, stopped, cause, confidence", [
    (0, False, "application_exit", "certain"),
    (1, None, "application_exit", "certain"),
    (137, True, "stopped_by_user", "certain"),
    (143, True, "stopped_by_user", "certain"),
    (137, False, "external_sigkill", "likely"),
    (143, False, "application_exit", "likely"),
    (0, True, "application_exit", "certain"),
])
def test_ends_without_an_oom_kill(code, stopped, cause, confidence):
    result = verdict(ended(code), stopped_by_user=stopped)
    assert short(result) == (False, cause, False, confidence)


def test_137_without_knowing_who_stopped_it_is_unknown():
    result = verdict(ended(137), stopped_by_user=None)
    assert (result["killed"], result["cause"], result["missing"]) == (False, "unknown", ["systemd"])


def test_a_container_that_never_ran():
    result = verdict(Run("never", first=True), flag=None, kernel_since=None)
    assert short(result) == (False, "none", False, "certain")


def test_a_container_that_was_killed_before_it_came_up():
    result = verdict(Run("never", first=True), flag=None, kills=[kill()])
    assert short(result) == (True, "container_limit", True, "certain")


def test_a_run_whose_end_was_not_recorded():
    result = verdict(Run("lost", START))
    assert (result["killed"], result["cause"], result["missing"]) == (False, "unknown", ["podman"])


# --- not checked is never clean ---------------------------------------------------------------

@pytest.mark.parametrize("stopped", [True, False, None])
@pytest.mark.parametrize("code", [0, 1, 137, 143])
@pytest.mark.parametrize("since", [None, START + 1])
def test_no_false_without_the_kernels_log(code, stopped, since):
    result = verdict(ended(code), stopped_by_user=stopped, kernel_since=since)
    assert result["killed"] is None and result["cause"] == "unknown" and result["confidence"] == "unknown"
    assert "kernel_log" in result["missing"]
    assert result["flag_trust"] == "unknown"


def test_no_false_when_a_kill_without_a_place_falls_into_the_run():
    result = verdict(ended(0), unattributed=[unattributed_kill(at=START + 5 * SECOND, pid=77)])
    assert result["killed"] is None and result["missing"] == ["kernel_log"]


def test_a_kill_without_a_place_before_the_run_does_not_matter():
    assert verdict(ended(0), unattributed=[unattributed_kill(at=START - SECOND, pid=77)])["killed"] is False


def test_no_false_for_137_where_oomd_runs_and_its_journal_is_gone():
    result = verdict(ended(137), oomd_active=True, systemd_since=None)
    assert result["killed"] is None and result["missing"] == ["systemd"]


def test_a_running_container_without_counters_and_log_is_unknown():
    result = verdict(RUNNING, counters=None, kernel_since=None)
    assert result["killed"] is None and result["missing"] == ["cgroup", "kernel_log"]
    assert result["lethal"] is False


# --- Podman's flag ----------------------------------------------------------------------------

def test_the_flag_alone_is_likely_after_the_only_run():
    result = verdict(ended(137), flag=True, kernel_since=None)
    assert short(result) == (True, "container_limit", True, "likely")


@pytest.mark.parametrize("change", [
    {"run": ended(137, first=False)}, {"run": ended(137, first=None)}, {"run": ended(0)}, {"stopped_by_user": True},
])
def test_the_flag_alone_proves_nothing_elsewhere(change):
    run = change.pop("run", ended(137))
    assert verdict(run, flag=True, kernel_since=None, **change)["killed"] is None


@pytest.mark.parametrize("flag, killed, lethal, trust", [
    (None, True, True, "unknown"), (True, None, None, "unknown"), (False, None, False, "unknown"),
    (False, True, True, "missed"), (False, True, False, "missed"), (False, False, False, "agrees"),
    (True, False, False, "stale"), (True, True, True, "agrees"), (True, True, False, "overstated"),
    (True, True, None, "unknown"),
])
def test_flag_trust(flag, killed, lethal, trust):
    assert flag_trust(flag, killed, lethal) == trust


# --- over everything --------------------------------------------------------------------------

STATES = [Run("never", first=True), RUNNING, Run("lost", START)] + [
    ended(code, first=first) for code in (0, 137, 143, None) for first in (True, None)]


@pytest.mark.parametrize("run", STATES)
def test_invariants(run):
    """False needs proof, unknown names what is missing, and a verdict never contradicts itself."""
    for flag, stopped, since, kills, oomd, counters in itertools.product(
            (True, False, None), (True, False, None), (None, T0), ([], [kill()]), (True, False),
            (None, {"oom": 0, "oom_kill": 0}, {"oom": 1, "oom_kill": 1})):
        result = verdict(run, flag=flag, stopped_by_user=stopped, kernel_since=since, kills=kills, oomd_active=oomd,
                         systemd_since=since, counters=counters if run.state == "running" else None)
        if result["killed"] is None:
            assert result["missing"] and result["cause"] == "unknown" and result["confidence"] == "unknown"
        if result["killed"] is False:
            assert run.state == "never" or since == T0 or (run.state == "running" and counters)
            assert result["lethal"] is False and not result["victims"]
        if result["killed"]:
            assert result["count"] >= 1
            assert result["cause"] not in ("none", "application_exit", "stopped_by_user", "external_sigkill")
        assert result["evidence"]
