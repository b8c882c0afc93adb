# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""container_memory from its options to its result: read, plan all, apply all, read again.

Knows the order; decides and parses nothing itself.
"""

import os
from typing import Any, Dict, List, Optional, Sequence, Tuple

from .._podman.cli import Podman, PodmanError
from .._system.command import current_identity
from .._system.host import Host
from .._system.versions import parse_version
from .apply import Applier, ApplyError, Job, Step
from .current import RequestRefused, Target, TargetReader
from .method import Unsupported
from .plan import current_values, find_deviations, plan_container
from .request import Options, RequestError, parse_requests
from .result import build_diff, container_entry, failed_entry

Entry = Dict[str, Any]  # an element of the module's result `containers`


class ContainerMemoryError(Exception):
    """The module fails; `result` is what it returns beside the message."""

    def __init__(self, message: str, result: Optional[Dict[str, Any]] = None) -> None:
        super().__init__(message)
        self.result = result or {"changed": False, "containers": []}


def set_container_memory(params: Dict[str, Any], options: Options, check_mode: bool) -> Dict[str, Any]:
    """Return {changed, containers, diff, warnings}.

    :param params: the module's parameters, for the requests in them.
    :raises ContainerMemoryError: nothing was done, or it was rolled back; its result says which.
    """
    page_size = os.sysconf("SC_PAGE_SIZE")
    try:
        requests = parse_requests(params, current_identity().name, page_size)
        version = _read_version(options)
        targets = TargetReader(options.executable, options.timeout, version).read(requests)
    except (RequestError, RequestRefused) as exc:
        raise ContainerMemoryError("%s (nothing was changed)" % exc)
    jobs = _plan(targets, options, page_size)
    if not check_mode:
        _apply(jobs, options)
    entries = [container_entry(job.target, job.plan) for job in jobs]
    restarted = [job for job in jobs if job.plan.restart_required and options.restart == "if_needed"]
    changing = [job for job in jobs if job.plan.update or job.plan.drop_in or job in restarted]
    if changing and not check_mode:
        _restart(restarted, entries, options)
        _verify(jobs, entries, restarted, options, version)
    elif restarted:
        _predict_restart(jobs, entries, restarted)
    result = _build_result(entries, jobs)
    failures = ["%s/%s: %s" % (entry["user"], entry["name"], entry["message"]) for entry in entries if entry.get("failed")]
    if failures:
        raise ContainerMemoryError("; ".join(failures), result)
    return result


def _read_version(options: Options) -> Tuple[int, ...]:
    """Ask Podman; the executable is the same for all users."""
    try:
        text = Podman(options.executable, current_identity(), options.timeout).version()
    except PodmanError as exc:
        raise ContainerMemoryError("executable: %s" % exc)
    version = parse_version(text)
    if not version:
        raise ContainerMemoryError("the version of Podman can't be determined from %r (nothing was changed)" % text)
    return version


def _plan(targets: Sequence[Target], options: Options, page_size: int) -> List[Job]:
    """Return the jobs; every container is planned before the first is touched."""
    memory_total = Host().facts(0)["memory_total"]
    jobs = []
    refusals: Dict[str, str] = {}
    for target in targets:
        try:
            jobs.append(Job(target, plan_container(target.current, target.request.requested, options, page_size, memory_total)))
        except Unsupported as exc:
            refusals[target.container.ident] = str(exc)
    if refusals:
        lines, entries = [], []
        for target in targets:
            refusal = refusals.get(target.container.ident)
            if refusal is None:
                entries.append(dict(failed_entry(target, "not touched, because of others"), failed=False))
            else:
                entries.append(failed_entry(target, refusal))
                lines.append("%s%s/%s: %s" % (target.request.where, target.request.user, target.request.name, refusal))
        raise ContainerMemoryError("%d of %d containers can't be changed, nothing was changed: %s" % (
            len(lines), len(targets), "; ".join(lines)), {"changed": False, "containers": entries})
    return jobs


def _apply(jobs: List[Job], options: Options) -> None:
    try:
        Applier(options.executable, options.timeout).apply(jobs)
    except ApplyError as exc:
        raise ContainerMemoryError(_failure_message(exc), _failure_result(jobs, exc))


def _failure_message(exc: ApplyError) -> str:
    facts = exc.job.target.container.facts
    parts = ["%s/%s: %s" % (facts["user"], facts["name"], exc)]
    parts.append("rolled back: %s" % (_describe_steps(exc.rolled_back) or "nothing, since nothing had been done"))
    if exc.remaining:
        parts.append("could not be rolled back: %s (%s)" % (_describe_steps(exc.remaining), "; ".join(exc.problems)))
    return "; ".join(parts)


def _describe_steps(steps: Sequence[Step]) -> str:
    return ", ".join("%s/%s (%s)" % (step.job.target.identity.name, step.job.target.container.facts["name"], step.what)
                     for step in steps)


def _failure_result(jobs: Sequence[Job], exc: ApplyError) -> Dict[str, Any]:
    """The result of a run that failed midway: who failed, who was rolled back, who was not, who was not touched."""
    rolled_back, remaining = [step.job for step in exc.rolled_back], [step.job for step in exc.remaining]
    entries = []
    for job in jobs:
        if job in remaining:
            entry = dict(container_entry(job.target, job.plan), failed=True, message="changed, and could not be rolled back")
        elif job is exc.job:
            entry = failed_entry(job.target, str(exc) + "; rolled back" * (job in rolled_back))
        else:
            entry = dict(failed_entry(job.target, "changed, then rolled back" if job in rolled_back else "not touched"),
                         failed=False)
        entries.append(entry)
    return {"changed": bool(remaining), "containers": entries}


def _restart(jobs: Sequence[Job], entries: List[Entry], options: Options) -> None:
    try:
        Applier(options.executable, options.timeout).restart(jobs)
    except ApplyError as exc:
        raise ContainerMemoryError("%s/%s could not be restarted, its settings are written: %s" % (
            exc.job.target.identity.name, exc.job.target.container.facts["name"], exc),
            {"changed": True, "containers": entries})


_RESTARTED = {"changed": True, "restart_required": False, "applied_live": True, "message": "set, and its unit is restarted"}


def _predict_restart(jobs: Sequence[Job], entries: Sequence[Entry], restarted: Sequence[Job]) -> None:
    """Set in the entries what a restart of a unit will enforce: what the unit declares."""
    for job, entry in zip(jobs, entries):
        if job in restarted:
            declared = entry["after"]["declared"]
            effective = {"limit": declared["limit"], "swap_limit": declared["swap_limit"], "high": None,
                         "oom_group": bool(declared["oom_group"])}
            entry.update(_RESTARTED, after=dict(entry["after"], effective=effective))


def _verify(jobs: Sequence[Job], entries: List[Entry], restarted: Sequence[Job], options: Options,
            version: Tuple[int, ...]) -> None:
    """Set in the entries what is there now, and mark those that are not as planned as failed."""
    # a unit that was restarted has created another container of that name
    requests = [job.target.request._replace(name=job.target.container.facts["name"] if job in restarted
                                            else job.target.container.ident) for job in jobs]
    try:
        targets = TargetReader(options.executable, options.timeout, version).read(requests)
    except RequestRefused as exc:
        raise ContainerMemoryError("it was changed, but could not be read afterwards: %s" % exc,
                                   {"changed": True, "containers": entries})
    for job, entry, target in zip(jobs, entries, targets):
        current = target.current
        entry["after"] = current_values(current)
        if job in restarted:
            entry.update(_RESTARTED, applied_live=current.enforced is not None, id=target.container.ident)
        plan = job.plan._replace(applied_live=job.plan.applied_live or job in restarted)
        deviations = find_deviations(current, plan, os.sysconf("SC_PAGE_SIZE"))
        if deviations:
            entry.update(failed=True, message="it is not as it should be: %s" % "; ".join(deviations))
        elif job.target.current.enforced is not None and current.enforced is None:
            entry.update(applied_live=False, message="%s; it ended meanwhile" % entry["message"])


def _build_result(entries: List[Entry], jobs: Sequence[Job]) -> Dict[str, Any]:
    warnings = ["%s/%s: %s" % (entry["user"], entry["name"], text)
                for entry, job in zip(entries, jobs) for text in job.plan.warnings]
    warnings += ["%s/%s: %s" % (entry["user"], entry["name"], entry["message"]) for entry, job in zip(entries, jobs)
                 if job.plan.method.reason == "stopped" and not job.plan.persistent]
    return {"changed": any(entry["changed"] for entry in entries), "containers": entries,
            "diff": build_diff(entries), "warnings": warnings}
