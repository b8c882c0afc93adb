# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes of one user's containers, all or none: read, plan all, apply all, read again. Runs in the user's process.

Knows the order; decides and parses nothing itself. Between two requests it keeps what was planned.
"""

import os
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from .._system.command import Identity
from .._system.users import User
from .._users.storage import StorageError, find_storage
from .apply import Applier, ApplyError, Job, Step
from .current import Reading, RequestRefused, Target, TargetReader
from .lock import ChangeLock, Locked
from .method import Unsupported
from .plan import current_values, find_deviations, plan_container
from .request import Options, Request
from .result import container_entry, failed_entry, unread_entry

Entry = Dict[str, Any]  # an element of the module's result `containers`


class Outcome(NamedTuple):
    """What a request comes to; as a dict the answer of the user's process."""

    entries: List[Entry]  # one for each request, in their order; [] when they can't be read
    messages: List[str]  # why it failed; [] when it did not
    warnings: List[str]
    changing: bool  # there is something to be carried out


class Transaction:
    """The handler of a user's process.

    First a request {do: plan, identity, session, requests, options, version, memory_total, check_mode}, with tuples as
    lists; then, if nothing failed, {do: apply}. Each is answered by an Outcome as a dict.
    """

    def __init__(self) -> None:
        self._jobs: List[Job] = []
        self._lock: Optional[ChangeLock] = None
        self._page_size = os.sysconf("SC_PAGE_SIZE")
        self._user: User  # set by the request to plan, like the next ones
        self._options: Options
        self._version: Tuple[int, ...]

    def answer(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """Handle a request."""
        outcome = self._plan(request) if request["do"] == "plan" else self._carry_out()
        return outcome._asdict()

    def close(self) -> None:
        """Let others change the user's containers; the end of the process does the same."""
        if self._lock:
            self._lock.release()

    def _plan(self, request: Dict[str, Any]) -> Outcome:
        identity = Identity(*request["identity"])
        self._options, self._version = Options(*request["options"]), tuple(request["version"])
        requests = [Request(*each) for each in request["requests"]]
        try:
            if not request["check_mode"]:
                self._lock = ChangeLock(identity)
                self._lock.acquire()
            self._user = User(identity, find_storage(identity), request["session"])
            reading = self._reader().read(self._user, requests)
        except (Locked, RequestRefused, StorageError) as exc:
            return Outcome([], ["%s (nothing was changed)" % exc], [], False)
        refusals = {id(refusal.request): refusal.reason for refusal in reading.refusals}
        for target in reading.targets:
            try:
                self._jobs.append(Job(target, plan_container(
                    target.current, target.request.requested, self._options, self._page_size, request["memory_total"])))
            except Unsupported as exc:
                where = target.request
                refusals[id(where)] = "%s%s/%s: %s" % (where.where, where.user, where.name, exc)
        if refusals:
            return _refused(requests, reading, refusals)
        entries = [container_entry(job.target, job.plan) for job in self._jobs]
        if request["check_mode"]:
            _predict_restart(self._jobs, entries, self._restarted())
        return Outcome(entries, [], _warnings(self._jobs, entries), self._changing())

    def _carry_out(self) -> Outcome:
        entries = [container_entry(job.target, job.plan) for job in self._jobs]
        try:
            Applier(self._options.executable, self._options.timeout).apply(self._jobs)
        except ApplyError as exc:
            return Outcome(_failure_entries(self._jobs, exc), [_failure_message(exc)], [], False)
        try:
            Applier(self._options.executable, self._options.timeout).restart(self._restarted())
        except ApplyError as exc:
            entries[self._jobs.index(exc.job)].update(failed=True)
            return Outcome(entries, ["%s/%s could not be restarted, its settings are written: %s" % (
                self._user.identity.name, exc.job.target.container.facts["name"], exc)], [], False)
        message = self._verify(entries)
        messages = [message] if message else ["%s/%s: %s" % (entry["user"], entry["name"], entry["message"])
                                              for entry in entries if entry.get("failed")]
        return Outcome(entries, messages, _warnings(self._jobs, entries), False)

    def _reader(self) -> TargetReader:
        return TargetReader(self._options.executable, self._options.timeout, self._version)

    def _restarted(self) -> List[Job]:
        return [job for job in self._jobs if job.plan.restart_required and self._options.restart == "if_needed"]

    def _changing(self) -> bool:
        return any(job.plan.update or job.plan.drop_in for job in self._jobs) or bool(self._restarted())

    def _verify(self, entries: List[Entry]) -> Optional[str]:
        """Set in the entries what is there now, and mark those that are not as planned as failed.

        :return: why that could not be read.
        """
        restarted = self._restarted()
        # a unit that was restarted, or that is in a crash loop, has created another container of that name
        requests = [job.target.request._replace(name=job.target.container.facts["name"] if job.target.unit
                                                else job.target.container.ident) for job in self._jobs]
        try:
            reading = self._reader().read(self._user, requests)
        except RequestRefused as exc:
            return "it was changed, but could not be read afterwards: %s" % exc
        targets = {id(target.request): target for target in reading.targets}
        lost = {id(refusal.request): refusal.reason for refusal in reading.refusals}
        for job, entry, request in zip(self._jobs, entries, requests):
            if id(request) in targets:
                self._verify_one(job, entry, targets[id(request)], job in restarted)
            elif job.plan.drop_in and job not in restarted:  # its unit was read again before
                entry.update(applied_live=False, message="%s; it ended meanwhile" % entry["message"])
            else:
                entry.update(failed=True, message="it was changed, but could not be read afterwards: %s" % lost[id(request)])
        return None

    def _verify_one(self, job: Job, entry: Entry, target: Target, restarted: bool) -> None:
        current = target.current
        entry["after"] = current_values(current)
        if restarted:
            entry.update(_RESTARTED, applied_live=current.enforced is not None, id=target.container.ident)
        replaced = target.container.ident != job.target.container.ident
        plan = job.plan._replace(applied_live=job.plan.applied_live or restarted, update=job.plan.update and not replaced)
        deviations = find_deviations(current, plan, self._page_size)
        if deviations:
            entry.update(failed=True, message="it is not as it should be: %s" % "; ".join(deviations))
        elif job.target.current.enforced is not None and (current.enforced is None or (replaced and not restarted)):
            entry.update(applied_live=False, message="%s; it ended meanwhile" % entry["message"])


def _refused(requests: Sequence[Request], reading: Reading, refusals: Dict[int, str]) -> Outcome:
    """The Outcome when some of the containers can't be read or changed.

    :param refusals: {id of a request: why}.
    """
    targets = {id(target.request): target for target in reading.targets}
    unread = {id(refusal.request): refusal for refusal in reading.refusals}
    entries = []
    for request in requests:
        target, refusal = targets.get(id(request)), refusals.get(id(request))
        if target is None:
            entries.append(dict(unread_entry(request, unread[id(request)].ident, refusal or ""), gone=unread[id(request)].gone))
        elif refusal is None:
            entries.append(dict(failed_entry(target, "not touched, because of others"), failed=False))
        else:
            entries.append(failed_entry(target, refusal))
    return Outcome(entries, ["%d of %d containers can't be changed, nothing was changed: %s" % (
        len(refusals), len(requests), "; ".join(refusals.values()))], [], False)


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


def _failure_entries(jobs: Sequence[Job], exc: ApplyError) -> List[Entry]:
    """The entries of a run that failed midway: who failed, who was rolled back, who was not, who was not touched."""
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
    return entries


_RESTARTED = {"changed": True, "restart_required": False, "applied_live": True, "message": "set, and its unit is restarted"}


def _predict_restart(jobs: Sequence[Job], entries: Sequence[Entry], restarted: Sequence[Job]) -> None:
    """Set in the entries what a restart of a unit will enforce: what the unit declares."""
    for job, entry in zip(jobs, entries):
        if job in restarted:
            declared = entry["after"]["declared"]
            effective = {"limit": declared["limit"], "swap_limit": declared["swap_limit"], "high": None,
                         "oom_group": bool(declared["oom_group"])}
            entry.update(_RESTARTED, after=dict(entry["after"], effective=effective))


def _warnings(jobs: Sequence[Job], entries: Sequence[Entry]) -> List[str]:
    warnings = ["%s/%s: %s" % (entry["user"], entry["name"], text)
                for entry, job in zip(entries, jobs) for text in job.plan.warnings]
    return warnings + ["%s/%s: %s" % (entry["user"], entry["name"], entry["message"]) for entry, job in zip(entries, jobs)
                       if job.plan.method.reason == "stopped" and not job.plan.persistent]
