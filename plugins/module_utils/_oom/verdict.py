# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""The decision table: evidence of one container in, verdict out.

Pure: no files, no processes, no Ansible. Module and recorder use the same one. The table with
its sources is in docs/verdict.md. Times are microseconds since the epoch.
"""

from collections import namedtuple

from .._logs.kernel_oom import cause_and_scope
from .._system import times as _times
from .._system.times import SECOND

# The current or the last run. state: never, running, ended, lost (nobody saw its end: the host
# went down). start: from here on a record belongs to this run. first: no run before it (None: not known).
Run = namedtuple("Run", "state start end exit_code first")

# Everything that is known of one container's life. None always means "not known".
#   main_pid          of the run
#   flag              Podman's State.OOMKilled
#   stopped_by_user   Podman's own evidence of stop or kill in this run
#   declared_limit    bytes or None for none
#   kills             [_kernel_oom.Kill] with a victim in the container, of all runs
#   unattributed           [_kernel_oom.UnattributedKill] of the host: kills without a place
#   unit_ooms         [_records.UnitOom] of the container's unit, of all runs
#   oomd              [_records.OomdKill] of the container's cgroup or above, of all runs
#   counters          memory.events of the own cgroup, which begins with the run; only while running
#   ancestors         [(path, memory.events.local)] above the own cgroup, only while running
#   kernel_since      the kernel's log is whole from here on
#   systemd_since     the systemd journal is whole from here on
#   oomd_active       whether systemd-oomd runs on this host
Evidence = namedtuple(
    "Evidence",
    "run main_pid flag stopped_by_user declared_limit kills unattributed unit_ooms oomd counters ancestors "
    "kernel_since systemd_since oomd_active")

# What is decided before it is put into the facts' words.
_Decision = namedtuple("_Decision", "killed cause scope confidence at group victims evidence missing")

SIGKILL_EXIT = 137  # 128 + SIGKILL, which an application may as well return by itself
SIGTERM_EXIT = 143

# From the kill of the main process to Podman's FinishedAt (conmon writes it at once) it usually takes
# milliseconds; 2.3 s were measured on the slowest host. What ends within the first was ended by the
# kill; what ends after the second was not; in between only the main process's pid can tell.
_ENDS_WITHIN = 2 * SECOND
_ENDED_BY_SOMETHING_ELSE = 10 * SECOND
# A unit's record and the kernel's report of the same kill: both reach the journal within this.
_SAME_KILL = 5 * SECOND
_MAX_HISTORY = 50


def decide(ident, evidence):
    """Return the verdict, the dict `oom` of the facts (docs/verdict.md).

    :param ident: the container's id, 64 hex digits.
    :param evidence: Evidence.
    """
    current = [kill for kill in evidence.kills if _in_run(kill, evidence)]
    earlier = [kill for kill in evidence.kills if kill not in current]
    decision = _decide(ident, evidence, current)
    lethal = _lethal(evidence, decision)
    if lethal and evidence.run.state == "running":
        decision.evidence.append("podman: says that it runs, though its main process was killed; nobody told Podman, as "
                                 "when conmon is killed too")
    count = _count(evidence, decision)
    last = max([kill.at for kill in evidence.kills] + [record.at for record in evidence.unit_ooms]
               + [record.at for record in evidence.oomd] + [decision.at or 0])
    history = [_history(ident, kill) for kill in earlier + current][-_MAX_HISTORY:]
    return {
        "killed": decision.killed,
        "cause": decision.cause,
        "scope": decision.scope,
        "lethal": lethal,
        "group": decision.group,
        "confidence": decision.confidence,
        "count": count,
        "last_at": _times.to_iso(last or None),
        "victims": [_victim(victim) for victim in decision.victims],
        "flag_trust": flag_trust(evidence.flag, decision.killed, lethal),
        "history": history,
        "evidence": decision.evidence + _context(evidence, earlier),
        "missing": sorted(set(decision.missing)),
    }


def flag_trust(flag, killed, lethal):
    """Return what Podman's OOMKilled flag is worth beside the truth.

    agrees, stale (true for an earlier run), missed (false after a kill), overstated (true, though
    the container did not end of it), unknown.
    """
    if flag is None or killed is None:
        return "unknown"
    if not flag:
        return "missed" if killed else "agrees"
    if not killed:
        return "stale"
    if lethal is None:
        return "unknown"
    return "agrees" if lethal else "overstated"


def _in_run(record, evidence):
    """Whether a record belongs to the current or last run.

    The counters of a running container begin with its run: when they say that nothing was
    killed, a record that reached the journal late is of an earlier run.
    """
    run = evidence.run
    if run.state == "never":
        return True  # it was killed before it came up
    if run.start is None or record.at < run.start:
        return False
    return not (run.state == "running" and evidence.counters and evidence.counters.get("oom_kill") == 0)


def _decide(ident, evidence, kills):
    """Go through the sources, the strongest first; the first that can tell decides."""
    if evidence.run.state == "never" and not kills:
        return _Decision(False, "none", None, "certain", None, False, [], ["podman: it never ran"], [])
    for source in (_by_kernel, _by_oomd, _by_counters, _by_orphan, _by_unit_record, _by_absence, _by_flag):
        decision = source(ident, evidence, kills)
        if decision:
            return decision
    return _unknown(evidence)


def _by_kernel(ident, evidence, kills):
    if not kills:
        return None
    # Of several kills the one that ended the container says why; it is the last one.
    kill = kills[-1]
    cause, scope = cause_and_scope(kill, ident)
    words = [
        "kernel %s: %s, limit of %s, victim %s (pid %d) in %s%s" % (
            _times.to_iso(each.at), each.constraint, each.oom_memcg or "the host", each.victims[0].task,
            each.victims[0].pid, each.task_memcg, ", the whole group (memory.oom.group)" if each.group else "")
        for each in kills[-5:]
    ]
    victims = [victim for each in kills for victim in each.victims]
    return _Decision(True, cause, scope, "certain", kill.at, kill.group, victims, words, [])


def _by_oomd(_ident, evidence, _kills):
    records = [record for record in evidence.oomd if _in_run(record, evidence)]
    if not records:
        return None
    record = records[-1]
    # It kills all of a cgroup: a run that did not end with SIGKILL was not its victim.
    if evidence.run.state == "ended" and evidence.run.exit_code not in (SIGKILL_EXIT, None):
        return None
    return _Decision(True, "systemd_oomd", record.cgroup or record.unit, "certain", record.at, True, [],
                     ["systemd-oomd %s: %s" % (_times.to_iso(record.at), record.text)], [])


def _by_counters(_ident, evidence, _kills):
    """cgroup v2: `oom` counts where the limit was hit, `oom_kill` where the victim was (cgroup-v2.rst)."""
    counters = evidence.counters
    if evidence.run.state != "running" or not counters or "oom_kill" not in counters:
        return None
    words = "cgroup: memory.events of this run: " + " ".join(
        "%s=%d" % (key, counters[key]) for key in ("oom", "oom_kill", "oom_group_kill") if counters.get(key) is not None)
    if not counters["oom_kill"]:
        return _Decision(False, "none", None, "certain", None, False, [], [words], [])
    missing = ["kernel_log"]
    if counters.get("oom"):
        return _Decision(True, "container_limit", None, "certain", None, False, [], [words], missing)
    if "oom" not in counters or evidence.ancestors is None:
        return _Decision(True, "unknown", None, "likely", None, False, [], [words], missing)
    for path, events in evidence.ancestors:
        if (events or {}).get("oom"):
            return _Decision(True, "ancestor_limit", path, "likely", None, False, [],
                             [words, "cgroup: %s hit its limit %d times" % (path, events["oom"])], missing)
    words += ", and no cgroup above hit its limit"
    return _Decision(True, "host_oom", "host", "likely", None, False, [], [words], missing)


def _by_orphan(_ident, evidence, _kills):
    """A kill without a place whose pid is that of the main process."""
    for orphan in evidence.unattributed:
        if evidence.main_pid == orphan.victim.pid and _in_run(orphan, evidence) and evidence.run.state != "running":
            cause, scope = _orphan_cause(orphan, evidence)
            return _Decision(True, cause, scope, "likely", orphan.at, False, [orphan.victim],
                             ["kernel %s: killed the main process, pid %d; the line that says where was "
                              "suppressed" % (_times.to_iso(orphan.at), orphan.victim.pid)], ["kernel_log"])
    return None


def _orphan_cause(orphan, evidence):
    if not orphan.memcg:
        return "host_oom", "host"
    return ("container_limit" if evidence.declared_limit else "ancestor_limit"), None


def _by_unit_record(_ident, evidence, _kills):
    """The systemd manager saw a kill in the unit: certain that, not whose limit."""
    records = [record for record in evidence.unit_ooms if _in_run(record, evidence)]
    if not records:
        return None
    record = records[-1]
    words = ["systemd %s: the kernel killed a process of %s" % (_times.to_iso(record.at), record.unit)]
    near = [orphan for orphan in evidence.unattributed if abs(orphan.at - record.at) <= _SAME_KILL]
    if near:
        cause, scope = _orphan_cause(near[-1], evidence)
    elif evidence.declared_limit:
        cause, scope = "container_limit", None
        words.append("podman: it has a limit of %d bytes of its own" % evidence.declared_limit)
    else:
        cause, scope = "unknown", None
    return _Decision(True, cause, scope, "likely", record.at, False, [victim for _at, _boot, victim, _memcg in near],
                     words, ["kernel_log"])


def _by_absence(_ident, evidence, _kills):
    """Sources that are whole over the run and hold no kill: only that makes a "false"."""
    run = evidence.run
    if _kernel_gap(evidence) or _oomd_gap(evidence):
        return None
    words = ["kernel: its log is whole since before the run began, and has no OOM kill in this container"]
    if run.state == "running":
        return _Decision(False, "none", None, "certain", None, False, [], words, [])
    if run.state == "lost" or run.exit_code is None:
        words.append("podman: nobody saw how the run ended (the host went down?)")
        return _Decision(False, "unknown", None, "likely", None, False, [], words, ["podman"])
    words.append("podman: exit code %d" % run.exit_code)
    if run.exit_code in (SIGKILL_EXIT, SIGTERM_EXIT):
        return _by_signal(evidence, words)
    return _Decision(False, "application_exit", None, "certain", None, False, [], words, [])


def _by_signal(evidence, words):
    """137 or 143 without an OOM kill: Podman's stop or kill, somebody else's signal, or the application."""
    if evidence.stopped_by_user:
        words.append("podman: stopped or killed through Podman")
        return _Decision(False, "stopped_by_user", None, "certain", None, False, [], words, [])
    if evidence.stopped_by_user is None:
        words.append("not known whether it was stopped through Podman: this version does not keep it, "
                     "and its events of that time could not be read")
        return _Decision(False, "unknown", None, "likely", None, False, [], words, ["systemd"])
    if evidence.run.exit_code == SIGTERM_EXIT:
        return _Decision(False, "application_exit", None, "likely", None, False, [], words, [])
    words.append("podman: not stopped through it; an application that returns 137 by itself looks the same")
    return _Decision(False, "external_sigkill", None, "likely", None, False, [], words, [])


def _kernel_gap(evidence):
    """Whether the kernel's log could hide a kill in this run."""
    run = evidence.run
    if evidence.kernel_since is None or run.start is None or evidence.kernel_since > run.start:
        return True
    end = (run.end or run.start) + _ENDS_WITHIN if run.state == "ended" else float("inf")
    return any(run.start <= orphan.at <= end for orphan in evidence.unattributed)


def _oomd_gap(evidence):
    """Whether systemd-oomd could have ended this run unseen: it kills everything, so the code is 137."""
    if not evidence.oomd_active or evidence.run.state == "running":
        return False
    if evidence.run.exit_code not in (SIGKILL_EXIT, None):
        return False
    return evidence.systemd_since is None or evidence.systemd_since > evidence.run.start


def _by_flag(_ident, evidence, _kills):
    """Podman's flag alone: sticky, so it speaks of this run only when there was none before it."""
    run = evidence.run
    if not (evidence.flag and run.first and run.state == "ended" and run.exit_code == SIGKILL_EXIT
            and not evidence.stopped_by_user):
        return None
    cause = "container_limit" if evidence.declared_limit else "unknown"
    return _Decision(True, cause, None, "likely", None, False, [],
                     ["podman: OOMKilled=true after its only run, exit code 137"], _missing(evidence))


def _unknown(evidence):
    words = []
    if evidence.kernel_since is None:
        words.append("kernel: its log could not be read, or is known to lack records")
    elif evidence.run.start is not None and evidence.kernel_since > evidence.run.start:
        words.append("kernel: its log begins at %s, after the run began" % _times.to_iso(evidence.kernel_since))
    else:
        words.append("kernel or systemd-oomd: kills in the time of this run whose place is not known")
    return _Decision(None, "unknown", None, "unknown", None, False, [], words, _missing(evidence))


def _missing(evidence):
    """The sources that would have decided."""
    names = ["kernel_log"] if _kernel_gap(evidence) else []
    if _oomd_gap(evidence):
        names.append("systemd")
    if evidence.run.state == "running" and evidence.counters is None:
        names.append("cgroup")
    return names


def _lethal(evidence, decision):
    """Whether the kill ended the container; None where that can't be told."""
    run = evidence.run
    if decision.killed is False:
        return False
    if run.state == "running":
        return _main_was_killed(evidence, decision)
    if run.state == "never":
        return True
    if run.state == "lost" or run.exit_code is None:
        return True if decision.cause == "systemd_oomd" else None
    if run.exit_code != SIGKILL_EXIT:
        return False  # a main process that is killed always gives 137
    if decision.killed is None:
        return None
    if decision.cause == "systemd_oomd" or decision.at is None:
        return True
    if _main_was_killed(evidence, decision) or (decision.group and evidence.main_pid is None):
        return True
    # Not the main process itself, as far as is known: but one that returns its killed child's status
    # at once has ended of it all the same.
    soon = run.end is None or run.end - decision.at <= _ENDS_WITHIN
    if evidence.stopped_by_user:
        return None if soon and evidence.main_pid is None else False
    if soon:
        return True
    return False if run.end - decision.at > _ENDED_BY_SOMETHING_ELSE and evidence.main_pid is not None else None


def _main_was_killed(evidence, decision):
    return evidence.main_pid is not None and evidence.main_pid in [victim.pid for victim in decision.victims]


def _count(evidence, decision):
    """Kills over all runs; of records of the same kill one."""
    if evidence.kills:
        return len(evidence.kills)
    times = sorted(record.at for record in list(evidence.unit_ooms) + list(evidence.oomd))
    kills = [at for index, at in enumerate(times) if index == 0 or at - times[index - 1] > _SAME_KILL]
    return len(kills) or (1 if decision.killed else 0)


def _context(evidence, earlier):
    """What a reader wants to know beside the deciding evidence."""
    words = []
    if evidence.flag is not None:
        words.append("podman: OOMKilled=%s" % ("true" if evidence.flag else "false"))
    if evidence.run.state == "ended" and evidence.run.exit_code is not None:
        words.append("podman: the run ended at %s with exit code %d" % (
            _times.to_iso(evidence.run.end), evidence.run.exit_code))
    if earlier:
        words.append("kernel: %d OOM kill(s) in earlier runs, the last at %s" % (
            len(earlier), _times.to_iso(earlier[-1].at)))
    return words


def _history(ident, kill):
    victim = kill.victims[0]
    return {"at": _times.to_iso(kill.at), "pid": victim.pid, "task": victim.task, "rss": victim.rss,
            "cause": cause_and_scope(kill, ident)[0]}


def _victim(victim):
    return {"pid": victim.pid, "task": victim.task, "at": _times.to_iso(victim.at), "rss": victim.rss}
