# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""container_memory from its options to its result: look, plan all, apply all, look again.

Knows the order; decides and parses nothing itself.
"""

import os
from collections import namedtuple

from .._podman.cli import Podman, PodmanError
from .._system.command import CommandNotFound, current_identity
from .._system.host import Host
from . import (
    current as _memory_look,
    method as _memory_method,
    plan as _memory_plan,
    request as _memory_request,
    result as _memory_result,
    settings as _memory_settings,
)
from .apply import Apply, ApplyError, Job

# persist, allow_below_usage: bool; backend: auto, libpod_api, cli, cgroupfs; restart: never, if_needed;
# executable: str; timeout: seconds for each command.
Options = namedtuple("Options", "persist allow_below_usage backend restart executable timeout")


class NotDone(Exception):
    """The module fails; `result` is what it returns beside the message."""

    def __init__(self, message, result=None):
        Exception.__init__(self, message)
        self.result = result or {"changed": False, "containers": []}


def run(params, options, check_mode):
    """Return {changed, containers, diff, warnings}.

    :param params: the module's parameters, for the requests in them.
    :param options: Options.
    :raises NotDone: nothing was done, or it was rolled back; its result says which.
    """
    page_size = os.sysconf("SC_PAGE_SIZE")
    try:
        requests = _memory_request.requests(params, current_identity().name, page_size)
        look = _memory_look.Look(options.executable, options.timeout, _version(options))
        seen = look.at(requests)
    except (_memory_request.RequestError, _memory_method.Unsupported, _memory_look.Refused) as exc:
        raise NotDone("%s (nothing was changed)" % exc)
    jobs = _plan(seen, options, page_size)
    if not check_mode:
        _apply(jobs, options)
    entries = [_memory_result.entry(job.seen, job.plan) for job in jobs]
    restarted = [job for job in jobs if job.plan.restart and options.restart == "if_needed"]
    changing = [job for job in jobs if job.plan.update or job.plan.drop_in or job in restarted]
    if changing and not check_mode:
        _restart(restarted, entries, options)
        entries = _look_again(look, jobs, entries, restarted, page_size)
    elif restarted:
        _predict_restart(jobs, entries, restarted)
    result = _result(entries, jobs)
    problems = [each for each in entries if each.get("failed")]
    if problems:
        raise NotDone("; ".join("%s/%s: %s" % (each["user"], each["name"], each["message"]) for each in problems), result)
    return result


def _version(options):
    """Ask Podman; the executable is the same for all users."""
    try:
        return _memory_method.podman_version(Podman(options.executable, current_identity(), options.timeout).version())
    except (CommandNotFound, PodmanError) as exc:
        raise NotDone("executable: %s" % exc)


def _plan(seen, options, page_size):
    """Return [Job]; every container is planned before the first is touched."""
    total = Host().facts(0)["memory_total"]
    jobs, refused = [], {}
    for each in seen:
        try:
            jobs.append(Job(each, _memory_plan.plan(each.now, each.request.wanted, options.backend, options.persist,
                                                    options.allow_below_usage, page_size, total)))
        except _memory_method.Unsupported as exc:
            refused[id(each)] = str(exc)
    if refused:
        entries = [_memory_result.failed(each, refused[id(each)]) if id(each) in refused
                   else dict(_memory_result.failed(each, "not touched, because of others"), failed=False) for each in seen]
        lines = ["%s%s/%s: %s" % (each.request.where, each.request.user, each.request.name, refused[id(each)])
                 for each in seen if id(each) in refused]
        raise NotDone("%d of %d containers can't be changed, nothing was changed: %s" % (
            len(refused), len(seen), "; ".join(lines)), {"changed": False, "containers": entries})
    return jobs


def _apply(jobs, options):
    apply = Apply(options.executable, options.timeout)
    try:
        apply.run(jobs)
    except ApplyError as exc:
        raise NotDone(_told(exc), _after_failure(jobs, exc))


def _told(exc):
    public = exc.job.seen.container.facts
    words = ["%s/%s: %s" % (public["user"], public["name"], exc)]
    words.append("rolled back: %s" % (_names(exc.rolled_back) or "nothing, since nothing had been done"))
    if exc.done:
        words.append("could not be rolled back: %s (%s)" % (_names(exc.done), "; ".join(exc.problems)))
    return "; ".join(words)


def _names(steps):
    return ", ".join("%s/%s (%s)" % (job.seen.identity.name, job.seen.container.facts["name"], what) for job, what in steps)


def _after_failure(jobs, exc):
    """The result of a run that failed midway: who failed, who was rolled back, who was not, who was not touched."""
    back, stays = [job for job, _what in exc.rolled_back], [job for job, _what in exc.done]
    entries = []
    for job in jobs:
        if job in stays:
            each = dict(_memory_result.entry(job.seen, job.plan), failed=True, message="changed, and could not be rolled back")
        elif job is exc.job:
            each = _memory_result.failed(job.seen, str(exc) + "; rolled back" * (job in back))
        else:
            each = dict(_memory_result.failed(job.seen, "changed, then rolled back" if job in back else "not touched"),
                        failed=False)
        entries.append(each)
    return {"changed": bool(stays), "containers": entries}


def _restart(jobs, entries, options):
    try:
        Apply(options.executable, options.timeout).restart(jobs)
    except ApplyError as exc:
        raise NotDone("%s/%s could not be restarted, its settings are written: %s" % (
            exc.job.seen.identity.name, exc.job.seen.container.facts["name"], exc), {"changed": True, "containers": entries})


def _predict_restart(jobs, entries, restarted):
    """What a restart of a unit will enforce: what the unit declares."""
    for job, each in zip(jobs, entries):
        if job in restarted:
            then = each["after"]["declared"]
            effective = {"limit": then["limit"], "swap_limit": then["swap_limit"], "high": None,
                         "oom_group": bool(then["oom_group"])}
            each.update(_RESTARTED, after=dict(each["after"], effective=effective))


_RESTARTED = {"changed": True, "restart_required": False, "applied_live": True, "message": "set, and its unit is restarted"}


def _look_again(look, jobs, entries, restarted, page_size):
    """Return the entries with what is there now, and those that are not as planned as failed."""
    # a unit that was restarted has made another container of that name
    requests = [job.seen.request._replace(name=job.seen.container.facts["name"] if job in restarted
                                          else job.seen.container.ident) for job in jobs]
    try:
        found = look.at(requests)
    except _memory_look.Refused as exc:
        raise NotDone("it was changed, but could not be looked at afterwards: %s" % exc,
                      {"changed": True, "containers": entries})
    for job, each, now in zip(jobs, entries, found):
        each["after"] = {"declared": _memory_settings.declared(now.now.record, now.now.unit),
                         "effective": _memory_plan.enforced(now.now.live)}
        if job in restarted:
            each.update(_RESTARTED, applied_live=now.now.live is not None, id=now.container.ident)
        missing = _memory_plan.reached(now.now, job.plan._replace(live=job.plan.live or job in restarted), page_size)
        if missing:
            each.update(failed=True, message="it is not as it should be: %s" % "; ".join(missing))
        elif job.seen.now.live is not None and now.now.live is None:
            each.update(applied_live=False, message="%s; it ended meanwhile" % each["message"])
    return entries


def _result(entries, jobs):
    warnings = ["%s/%s: %s" % (each["user"], each["name"], text)
                for each, job in zip(entries, jobs) for text in job.plan.warnings]
    warnings += ["%s/%s: %s" % (each["user"], each["name"], each["message"]) for each, job in zip(entries, jobs)
                 if job.plan.method.reason == "stopped" and not job.plan.lasts]
    return {"changed": any(each["changed"] for each in entries), "containers": entries,
            "diff": _memory_result.diff(entries), "warnings": warnings}
