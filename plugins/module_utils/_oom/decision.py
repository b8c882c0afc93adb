# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision table: which source decides whether the current or last run had an OOM kill, and whose limit it was.

Pure: no files, no processes, no Ansible. The table with its sources is in the documentation, "How a verdict is reached".
Times are microseconds since the epoch.
"""

from typing import List, NamedTuple, Optional, Sequence, Tuple

from .._logs.kernel_oom import Kill, UnattributedKill, Victim, cause_and_scope
from .._system.text import inert
from .._system.times import SECOND, to_iso
from .evidence import SIGKILL_EXIT, SIGTERM_EXIT, Evidence

# From the kill of the main process to Podman's FinishedAt (conmon writes it at once) it usually takes
# milliseconds; 2.3 s were measured on the slowest host. What ends within this was ended by the kill.
ENDS_WITHIN = 2 * SECOND
# A unit's record and the kernel's report of the same kill: both reach the journal within this.
SAME_KILL = 5 * SECOND

# The check itself kills or stops the container (libpod/healthcheck.go). With a stop that has to wait for its 10 seconds, 16 s were
# measured on the slowest host.
_HEALTH_ENDS_WITHIN = 30 * SECOND
# oom_kill_process(): ten reports in five seconds
_RATE_LIMIT = "the kernel writes ten of them in five seconds"


class Decision(NamedTuple):
    """What the strongest conclusive source says of the run."""

    killed: Optional[bool]  # None: unknown
    cause: str
    confidence: str  # certain, likely, unknown
    evidence: List[str]  # in words
    scope: Optional[str] = None  # the cgroup whose limit was hit, "host"; for systemd-oomd what it killed
    at: Optional[int] = None  # of the kill; None: unknown
    group: bool = False  # the whole cgroup was killed
    victims: Sequence[Victim] = ()
    missing: Sequence[str] = ()  # sources that would have told more


def decide_run(ident: str, evidence: Evidence, kills: List[Kill]) -> Decision:
    """Go through the sources, the strongest first; the first conclusive one decides.

    :param kills: those of evidence.kills that are of this run.
    """
    if kills:
        return _by_kernel(ident, kills)
    if evidence.run.state == "never":
        return Decision(killed=False, cause="none", confidence="certain", evidence=["podman: it never ran"])
    for source in (_by_oomd, _by_counters, _by_group, _by_main_pid, _by_unit_record, _by_absence, _by_flag):
        decision = source(evidence)
        if decision:
            return decision
    return _unknown(evidence)


def is_in_run(at: int, evidence: Evidence) -> bool:
    """Whether a record of this time belongs to the current or last run.

    The counters of a running container begin with its run: when they say that nothing was
    killed, a record that reached the journal late is of an earlier run.
    """
    run = evidence.run
    if run.state == "never":
        return True  # it was killed before it came up
    if run.start is None or at < run.start:
        return False
    return not (run.state == "running" and evidence.counters and evidence.counters.get("oom_kill") == 0)


def _by_kernel(ident: str, kills: List[Kill]) -> Decision:
    # Of several kills the one that ended the container says why; it is the last one.
    last = kills[-1]
    cause, scope = cause_and_scope(last, ident)
    lines = [
        "kernel %s: %s, limit of %s, victim %s (pid %d) in %s%s" % (
            to_iso(kill.at), kill.constraint, kill.oom_memcg or kill.nodes or "the host", inert(kill.victims[0].task),
            kill.victims[0].pid, kill.task_memcg, ", the whole group (memory.oom.group)" if kill.group else "")
        for kill in kills[-5:]
    ]
    return Decision(
        killed=True, cause=cause, scope=scope, confidence="certain", evidence=lines, at=last.at, group=last.group,
        victims=[victim for kill in kills for victim in kill.victims])


def _by_oomd(evidence: Evidence) -> Optional[Decision]:
    kills = [kill for kill in evidence.oomd_kills if is_in_run(kill.at, evidence)]
    # It kills all of a cgroup: a run that did not end with SIGKILL was not its victim.
    if not kills or (evidence.run.state == "ended" and evidence.run.exit_code not in (SIGKILL_EXIT, None)):
        return None
    last = kills[-1]
    return Decision(
        killed=True, cause="systemd_oomd", scope=last.cgroup or last.unit, confidence="certain", at=last.at, group=True,
        evidence=["systemd-oomd %s: %s" % (to_iso(last.at), last.text)])


def _by_counters(evidence: Evidence) -> Optional[Decision]:
    """cgroup v2: `oom` counts where the limit was hit, `oom_kill` where the victim was (cgroup-v2.rst)."""
    counters = evidence.counters
    if evidence.run.state != "running" or not counters or "oom_kill" not in counters:
        return None
    line = "cgroup: memory.events of this run: " + " ".join(
        "%s=%s" % (key, counters[key]) for key in ("oom", "oom_kill", "oom_group_kill") if counters.get(key) is not None)
    if not counters["oom_kill"]:
        return Decision(killed=False, cause="none", confidence="certain", evidence=[line])
    missing = ["kernel_log"]
    if counters.get("oom"):
        return _by_own_limits(evidence, line, missing)
    if "oom" not in counters or evidence.ancestors is None:
        return Decision(killed=True, cause="unknown", confidence="likely", evidence=[line], missing=missing)
    for path, events in evidence.ancestors:
        if events and events.get("oom"):
            return Decision(killed=True, cause="ancestor_limit", scope=path, confidence="likely", missing=missing,
                            evidence=[line, "cgroup: %s hit its limit %s times" % (path, events["oom"])])
    return Decision(killed=True, cause="host_oom", scope="host", confidence="likely", missing=missing,
                    evidence=[line + ", and no cgroup above hit its limit"])


def _by_own_limits(evidence: Evidence, line: str, missing: List[str]) -> Decision:
    """A limit in the container was hit: memory.events counts those of the cgroups inside it too, memory.events.local does not."""
    if evidence.own_oom is None:  # before Linux 5.2
        return Decision(killed=True, cause="container_limit", confidence="likely", evidence=[line], missing=missing)
    if evidence.own_oom:
        return Decision(killed=True, cause="container_limit", confidence="certain", evidence=[line], missing=missing)
    return Decision(killed=True, cause="nested_limit", confidence="certain", missing=missing,
                    evidence=[line, "cgroup: memory.events.local: its own limit was not hit, that of a cgroup inside it was"])


def _by_group(evidence: Evidence) -> Optional[Decision]:
    """The kernel's line about memory.oom.group names the container, but not whose limit it was."""
    kills = [kill for kill in evidence.group_kills if is_in_run(kill.at, evidence)]
    if not kills:
        return None
    last = kills[-1]
    cause, scope = _guess_cause(last, evidence)
    return Decision(
        killed=True, cause=cause, scope=scope, confidence="likely", at=last.at, group=True, victims=[kill.victim for kill in kills],
        evidence=["kernel %s: killed all processes in %s (memory.oom.group); the line that names the limit was suppressed" % (
            to_iso(last.at), last.place)], missing=["kernel_log"])


def _by_main_pid(evidence: Evidence) -> Optional[Decision]:
    """A kill without a place whose pid is that of the main process."""
    for kill in evidence.unattributed:
        if evidence.main_pid == kill.victim.pid and is_in_run(kill.at, evidence) and evidence.run.state != "running":
            cause, scope = _guess_cause(kill, evidence)
            return Decision(
                killed=True, cause=cause, scope=scope, confidence="likely", at=kill.at, victims=[kill.victim],
                evidence=["kernel %s: killed the main process, pid %d; the line that names the cgroup is missing: %s" % (
                    to_iso(kill.at), kill.victim.pid, evidence.unstored or _RATE_LIMIT)], missing=["kernel_log"])
    return None


def _guess_cause(kill: UnattributedKill, evidence: Evidence) -> Tuple[str, Optional[str]]:
    """(cause, scope) of a kill without a place that was in the container."""
    if kill.memcg is None:
        return "unknown", None
    if not kill.memcg:
        return "host_oom", "host"
    return ("container_limit" if evidence.declared_limit else "ancestor_limit"), None


def _by_unit_record(evidence: Evidence) -> Optional[Decision]:
    """The systemd manager recorded a kill in the unit, but not whose limit it was."""
    records = [record for record in evidence.unit_ooms if is_in_run(record.at, evidence)]
    if not records:
        return None
    last = records[-1]
    lines = ["systemd %s: the kernel killed a process of %s" % (to_iso(last.at), last.unit)]
    near = [kill for kill in evidence.unattributed if abs(kill.at - last.at) <= SAME_KILL]
    cause: str = "unknown"
    scope: Optional[str] = None
    if near:
        cause, scope = _guess_cause(near[-1], evidence)
    elif evidence.declared_limit:
        cause = "container_limit"
        lines.append("podman: it has a limit of %d bytes of its own" % evidence.declared_limit)
    return Decision(killed=True, cause=cause, scope=scope, confidence="likely", evidence=lines, at=last.at,
                    victims=[kill.victim for kill in near], missing=["kernel_log"])


def _by_absence(evidence: Evidence) -> Optional[Decision]:
    """Sources that are complete over the run and hold no kill: only that proves a "false"."""
    run = evidence.run
    if _has_kernel_gap(evidence) or _has_oomd_gap(evidence):
        return None
    lines = ["kernel: its log is complete since before the run began, and has no OOM kill in this container"]
    if run.state == "running":
        return Decision(killed=False, cause="none", confidence="certain", evidence=lines)
    if run.state == "lost" or run.exit_code is None:
        lines.append("podman: the end of the run was not recorded (the host went down?)")
        return Decision(killed=False, cause="unknown", confidence="likely", evidence=lines, missing=["podman"])
    lines.append("podman: exit code %d" % run.exit_code)
    if run.exit_code in (SIGKILL_EXIT, SIGTERM_EXIT):
        return _by_signal(evidence, lines)
    return Decision(killed=False, cause="application_exit", confidence="certain", evidence=lines)


def _by_signal(evidence: Evidence, lines: List[str]) -> Decision:
    """137 or 143 without an OOM kill: Podman's stop or kill, another process's signal, or the application."""
    if evidence.unhealthy_at is not None and evidence.stopped_by_user is not False and evidence.run.end is not None:
        soon = evidence.run.end - evidence.unhealthy_at <= _HEALTH_ENDS_WITHIN
        when = " at %s" % to_iso(evidence.unhealthy_at) if evidence.unhealthy_at else ""
        return Decision(killed=False, cause="health_check", confidence="certain" if soon else "likely", evidence=lines + [
            "podman: its health check failed%s, and a failure ends it (--health-on-failure)" % when])
    if evidence.stopped_by_user:
        return Decision(killed=False, cause="stopped_by_user", confidence="certain",
                        evidence=lines + ["podman: stopped or killed through Podman"])
    if evidence.stopped_by_user is None:
        lines = lines + ["not known whether it was stopped through Podman: this version does not record it, "
                         "and its events of that time could not be read"]
        return Decision(killed=False, cause="unknown", confidence="likely", evidence=lines, missing=["systemd"])
    if evidence.run.exit_code == SIGTERM_EXIT:
        return Decision(killed=False, cause="application_exit", confidence="likely", evidence=lines)
    lines = lines + ["podman: not stopped through it; an application that returns 137 by itself looks the same"]
    return Decision(killed=False, cause="external_sigkill", confidence="likely", evidence=lines)


def _has_kernel_gap(evidence: Evidence) -> bool:
    """Whether the kernel's log could lack a kill of this run."""
    run = evidence.run
    if evidence.kernel_since is None or run.start is None or evidence.kernel_since > run.start:
        return True
    end = (run.end or run.start) + ENDS_WITHIN if run.state == "ended" else float("inf")
    return any(run.start <= kill.at <= end for kill in evidence.unattributed)


def _has_oomd_gap(evidence: Evidence) -> bool:
    """Whether systemd-oomd could have ended this run without a record: it kills everything, so the exit code is 137."""
    run = evidence.run
    if not evidence.oomd_active or run.state == "running" or run.exit_code not in (SIGKILL_EXIT, None):
        return False
    return evidence.systemd_since is None or run.start is None or evidence.systemd_since > run.start


def _by_flag(evidence: Evidence) -> Optional[Decision]:
    """Podman's flag alone: it is never reset, so it is evidence for this run only when there was none before it."""
    run = evidence.run
    if not (evidence.flag and run.first and run.state == "ended" and run.exit_code == SIGKILL_EXIT
            and not evidence.stopped_by_user):
        return None
    return Decision(
        killed=True, cause="container_limit" if evidence.declared_limit else "unknown", confidence="likely",
        evidence=["podman: OOMKilled=true after its only run, exit code 137"], missing=_missing_sources(evidence))


def _unknown(evidence: Evidence) -> Decision:
    if evidence.kernel_since is None:
        line = "kernel: its log could not be read, or is known to lack records"
    elif evidence.run.start is not None and evidence.kernel_since > evidence.run.start:
        line = "kernel: its log begins at %s, after the run began" % to_iso(evidence.kernel_since)
    else:
        line = "kernel or systemd-oomd: kills in the time of this run whose place is not known"
        if evidence.unstored:
            line += ": " + evidence.unstored
    return Decision(killed=None, cause="unknown", confidence="unknown", evidence=[line], missing=_missing_sources(evidence))


def _missing_sources(evidence: Evidence) -> List[str]:
    """The sources that would have decided."""
    names = ["kernel_log"] if _has_kernel_gap(evidence) else []
    if _has_oomd_gap(evidence):
        names.append("systemd")
    if evidence.run.state == "running" and evidence.counters is None:
        names.append("cgroup")
    return names
