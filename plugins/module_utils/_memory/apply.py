# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Carry out the plans for the containers of a host, and go back when one fails.

First the drop-ins, which touch nothing that runs, then record and kernel. Each step that was done is kept with
the one that undoes it.
"""

import os
from collections import namedtuple
from contextlib import ExitStack

from .._cgroup.cgroupfs import CgroupFiles
from .._podman.api import PodmanService, ServiceError
from .._system.command import CommandError, run_command
from . import method as _memory_method, plan as _memory_plan, quadlet as _quadlet, settings as _memory_settings
from .quadlet_units import UnitError, Units

# seen: _memory_look.Seen; plan: _memory_plan.Plan.
Job = namedtuple("Job", "seen plan")

# job: whose step it was; what: in words; undo: function without arguments.
_Done = namedtuple("_Done", "job what undo")

_ERRORS = (ServiceError, UnitError, CommandError, OSError, _quadlet.Unreadable)


class ApplyError(Exception):
    """A step failed. job: whose; done: [(Job, what)] that stays; rolled_back: [(Job, what)]; problems: [str] of that."""

    def __init__(self, message, job, done, rolled_back, problems):
        Exception.__init__(self, message)
        self.job = job
        self.done = done
        self.rolled_back = rolled_back
        self.problems = problems


class Apply(object):
    """Carries out jobs.

    :param executable: name or path of Podman.
    :param timeout: seconds for each command and call.
    """

    def __init__(self, executable, timeout):
        self._executable = executable
        self._timeout = timeout
        self._services = {}
        self._done = []
        self._job = None

    def run(self, jobs):
        """Do everything, or as little as possible.

        :raises ApplyError: after what was done has been rolled back.
        """
        with ExitStack() as stack:
            try:
                self._drop_ins([job for job in jobs if job.plan.drop_in])
                for job in jobs:
                    if job.plan.update:
                        self._job = job
                        self._update(job, stack)
            except _ERRORS as exc:
                raise self._failed(exc)

    def restart(self, jobs):
        """Restart the units of the jobs.

        :raises ApplyError: one did not restart; what was set stays.
        """
        for job in jobs:
            self._job = job
            try:
                Units(job.seen.identity, self._timeout).restart(job.seen.container.facts["manager"]["unit"])
            except UnitError as exc:
                raise ApplyError(str(exc), job, [], [], [])

    def _failed(self, exc):
        """Undo, the last step first, and return the error that tells about it."""
        back, stay, problems = [], [], []
        for step in reversed(self._done):
            try:
                step.undo()
                back.append((step.job, step.what))
            except _ERRORS as problem:
                stay.append((step.job, step.what))
                problems.append("%s: %s" % (step.job.seen.container.facts["name"], problem))
        return ApplyError(str(exc), self._job, stay, back, problems)

    def _drop_ins(self, jobs):
        """Write all drop-ins of a user, reload his manager once, and see that the units have it."""
        for uid in sorted({job.seen.identity.uid for job in jobs}):
            mine = [job for job in jobs if job.seen.identity.uid == uid]
            units = Units(mine[0].seen.identity, self._timeout)
            for index, job in enumerate(mine):
                self._job = job
                self._write_drop_in(job, units, last=index == 0)
            units.reload()
            known = units.known([job.seen.unit.name for job in mine])
            for job in mine:
                self._job = job
                self._verify(job, units, known)

    def _write_drop_in(self, job, units, last):
        """:param last: whether its undoing is the user's last one, so the manager has to read its units again."""
        seen = job.seen
        place = units.place(seen.unit)
        before = units.drop_in(place)
        wanted = dict(_quadlet.kept(before) if before else {}, **job.plan.target)
        key = seen.now.case.version >= _memory_method.MEMORY_KEY and not _quadlet.uses_arguments(units.text(seen.unit))

        def undo():
            units.write(place, before)
            if last:
                units.reload()

        self._done.append(_Done(job, "drop-in %s" % os.path.join(place.folder, _quadlet.DROP_IN), undo))
        units.write(place, _quadlet.drop_in(wanted, key))

    def _verify(self, job, units, known):
        unit = known.get(job.seen.unit.name)
        if unit is None or unit.fragment is None:
            raise UnitError("%s: quadlet refuses the unit with our drop-in" % job.seen.unit.name)
        now = job.seen.now._replace(unit=_quadlet.settings(units.text(unit)), live=None)
        missing = _memory_plan.reached(now, job.plan._replace(update=False), 1)
        if missing:
            raise UnitError("%s: another drop-in overrides ours: %s" % (unit.name, missing[0]))

    def _update(self, job, stack):
        write = {"libpod_api": self._by_api, "cli": self._by_cli, "cgroupfs": self._by_cgroupfs}[job.plan.method.write]
        before = _memory_plan.previous(job.seen.now, job.plan)
        if job.plan.method.write == "libpod_api":
            self._service(job.seen.identity, stack)  # one that does not start has changed nothing

        def undo():
            write(job, before, stack)

        # noted before it is tried: Podman writes even what it then refuses into its record
        self._done.append(_Done(job, job.plan.method.write, undo))
        write(job, job.plan.target, stack)

    def _by_api(self, job, settings, stack):
        present = job.seen.present if job.plan.method.resend else None
        service = self._service(job.seen.identity, stack)
        service.update(job.seen.container.ident, _memory_settings.resources(settings, present))

    def _service(self, identity, stack):
        """The one service of a user, ended with the stack."""
        if identity.uid not in self._services:
            self._services[identity.uid] = stack.enter_context(PodmanService(self._executable, identity, self._timeout))
        return self._services[identity.uid]

    def _by_cli(self, job, settings, _stack):
        argv = [self._executable, "update"] + _memory_settings.options(settings) + [job.seen.container.ident]
        result = run_command(argv, self._timeout, job.seen.identity)
        if result.rc != 0:
            raise CommandError("podman update: exit code %d: %s" % (result.rc, result.err[-500:] or "(no message)"))

    def _by_cgroupfs(self, job, settings, _stack):
        """Write to the leaf, after a last look that it is still this container's."""
        files, container = CgroupFiles(), job.seen.container
        place = files.container_cgroups(container.pid, container.ident)
        if place is None or place.own is None:
            raise OSError("the cgroup of its main process (%d) is not its own any more" % container.pid)
        for name, text in _memory_settings.leaf_files(settings):
            files.write(place.leaf, name, text)
