# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evidence of one container in, its verdict out: the dict `oom` of the facts.

Pure: no files, no processes, no Ansible. decision.py says what happened in the run; this file adds whether that ended the
container, what happened in earlier runs, and what Podman's own flag is worth. Times are microseconds since the epoch.
"""

from typing import Any, Dict, List, Optional

from .._logs.kernel_oom import Kill, Victim, cause_and_scope
from .._system.text import inert
from .._system.times import SECOND, to_iso
from .decision import ENDS_WITHIN, SAME_KILL, Decision, decide_run, is_in_run
from .evidence import SIGKILL_EXIT, Evidence

# A run that ended this long after the kill was not ended by it; between ENDS_WITHIN and this only the main
# process's pid can tell.
_UNRELATED_AFTER = 10 * SECOND
# From a kill to the event of the death, which Podman writes when it cleans up: 11 s were measured on the slowest host.
EVENT_AFTER = 30 * SECOND
_MAX_HISTORY = 50


def decide(ident: str, evidence: Evidence) -> Dict[str, Any]:
    """Return the verdict, the dict `oom` of the facts (see RETURN of the module oom_facts).

    :param ident: the container's id, 64 hex digits.
    """
    current = [kill for kill in evidence.kills if is_in_run(kill.at, evidence)]
    earlier = [kill for kill in evidence.kills if kill not in current]
    decision = decide_run(ident, evidence, current)
    lethal = _is_lethal(evidence, decision)
    deaths = [_death_by(kill, evidence) for kill in earlier]
    times = [kill.at for kill in evidence.kills] + _record_times(evidence) + [decision.at or 0]
    return {
        "killed": decision.killed,
        "cause": decision.cause,
        "scope": decision.scope,
        "scope_limit": None,  # see add_scope_limit()
        "lethal": lethal,
        "group": decision.group,
        "confidence": decision.confidence,
        "count": _count_kills(evidence, decision),
        "lethal_count": len({death for death in deaths if death is not None}) + bool(lethal and decision.killed),
        "last_at": to_iso(max(times) or None),
        "victims": [_victim_facts(victim) for victim in decision.victims],
        "flag_trust": flag_trust(evidence.flag, decision.killed, lethal),
        "history": [_past_kill(ident, kill) for kill in earlier + current][-_MAX_HISTORY:],
        "evidence": decision.evidence + _context(evidence, earlier, lethal),
        "missing": sorted(set(decision.missing)),
    }


def flag_trust(flag: Optional[bool], killed: Optional[bool], lethal: Optional[bool]) -> str:
    """Return what Podman's OOMKilled flag is worth beside the truth.

    agrees, stale (true for an earlier run), missed (false after a kill), overstated (true, though
    the kill did not end the container), unknown.
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


def _is_lethal(evidence: Evidence, decision: Decision) -> Optional[bool]:
    """Whether the kill ended the container; None: unknown."""
    run = evidence.run
    if decision.killed is False:
        return False
    if run.state == "running":
        return _main_process_was_killed(evidence, decision)
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
    if _main_process_was_killed(evidence, decision) or (decision.group and evidence.main_pid is None):
        return True
    # Not the main process itself, as far as is known: but one that returns its killed child's status
    # at once was ended by the kill nevertheless.
    delay = None if run.end is None else run.end - decision.at
    soon = delay is None or delay <= ENDS_WITHIN
    if evidence.stopped_by_user:
        return None if soon and evidence.main_pid is None else False
    if delay is None or soon:
        return True
    return False if delay > _UNRELATED_AFTER and evidence.main_pid is not None else None


def _main_process_was_killed(evidence: Evidence, decision: Decision) -> bool:
    return evidence.main_pid is not None and evidence.main_pid in [victim.pid for victim in decision.victims]


def _death_by(kill: Kill, evidence: Evidence) -> Optional[int]:
    """The time of the end of an earlier run, if this kill ended that run; None: not, or not known.

    By Podman's events alone: the pid of an earlier run's main process is not kept.
    """
    death = next(((at, code) for at, code in evidence.deaths if at >= kill.at), None)
    if death is None or death[1] != SIGKILL_EXIT or death[0] - kill.at > EVENT_AFTER:
        return None
    return death[0]


def _record_times(evidence: Evidence) -> List[int]:
    """The times of records of kills other than the kernel's whole reports."""
    return [record.at for record in evidence.unit_ooms] + [kill.at for kill in evidence.oomd_kills] + [
        kill.at for kill in evidence.group_kills]


def _count_kills(evidence: Evidence, decision: Decision) -> int:
    """Kills over all runs; several records of the same kill count once."""
    if evidence.kills:
        return len(evidence.kills)
    times = sorted(_record_times(evidence))
    kills = [at for index, at in enumerate(times) if index == 0 or at - times[index - 1] > SAME_KILL]
    return len(kills) or (1 if decision.killed else 0)


def _context(evidence: Evidence, earlier: List[Kill], lethal: Optional[bool]) -> List[str]:
    """What a reader wants to know beside the deciding evidence."""
    lines = []
    if lethal and evidence.run.state == "running":
        lines.append("podman: says that it runs, though its main process was killed; Podman was not notified, as when conmon "
                     "is killed too")
    if evidence.flag is not None:
        lines.append("podman: OOMKilled=%s" % ("true" if evidence.flag else "false"))
    if evidence.run.state == "ended" and evidence.run.exit_code is not None:
        lines.append("podman: the run ended at %s with exit code %d" % (to_iso(evidence.run.end), evidence.run.exit_code))
    if earlier:
        lines.append("kernel: %d OOM kill(s) in earlier runs, the last at %s" % (len(earlier), to_iso(earlier[-1].at)))
    return lines


def _past_kill(ident: str, kill: Kill) -> Dict[str, Any]:
    victim = kill.victims[0]
    return {"at": to_iso(kill.at), "pid": victim.pid, "task": inert(victim.task), "rss": victim.rss,
            "cause": cause_and_scope(kill, ident)[0]}


def _victim_facts(victim: Victim) -> Dict[str, Any]:
    return {"pid": victim.pid, "task": inert(victim.task), "at": to_iso(victim.at), "rss": victim.rss}
