# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carry out the plans for the containers of one user, and roll back when one fails; runs in the user's process.

First the drop-ins, which touch nothing that runs, then record and kernel. Each step that was done is remembered
with the one that undoes it.
"""

import time
from contextlib import ExitStack, suppress
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from .._cgroup.cgroupfs import CgroupFiles
from .._cgroup.paths import cgroup_lineage, owner_uid
from .._podman.api import PodmanService, ServiceError
from .._podman.run_options import MemorySettings
from .._system.command import CommandError, run_command
from .current import Target
from .method import QUADLET_MEMORY_KEY
from .plan import ContainerPlan, find_deviations, previous_settings
from .quadlet import arguments_set_memory, drop_in_settings, render_drop_in, unit_settings
from .quadlet_units import UNIT_ERRORS, Unit, UnitError, Units
from .settings import to_leaf_files, to_resources, to_run_options

# Podman 5.4 records an update before the runtime finds no scope: the next one succeeds while it is down, and at its next start.
_UPDATES = 5
_PAUSE = 0.7  # seconds between them: less than the period of a crash loop


class Job(NamedTuple):
    """A container and what is to be done to it."""

    target: Target
    plan: ContainerPlan


class Step(NamedTuple):
    """A step that was done."""

    job: Job  # whose
    what: str  # in words
    undo: Callable[[], None]


class ApplyError(Exception):
    """A step failed."""

    def __init__(self, message: str, job: Job, rolled_back: List[Step], remaining: List[Step], problems: List[str]) -> None:
        super().__init__(message)
        self.job = job  # whose step
        self.rolled_back = rolled_back
        self.remaining = remaining  # steps that could not be rolled back
        self.problems = problems  # why not


class Applier:
    """Carries out jobs.

    :param executable: name or path of Podman.
    :param timeout: seconds for each command and call.
    """

    def __init__(self, executable: str, timeout: float) -> None:
        self._executable = executable
        self._timeout = timeout
        self._service: Optional[PodmanService] = None
        self._steps: List[Step] = []
        self._job: Job  # whose step is being done

    def apply(self, jobs: Sequence[Job]) -> None:
        """Carry out all plans, or roll back.

        :raises ApplyError: after what was done has been rolled back.
        """
        with ExitStack() as stack:
            try:
                self._write_drop_ins([(job, job.target.unit) for job in jobs if job.plan.drop_in and job.target.unit])
                for job in jobs:
                    if job.plan.update:
                        self._job = job
                        self._update(job, stack)
            except Exception as exc:  # whatever it is, nothing may stay half done
                raise self._roll_back(exc)

    def restart(self, jobs: Sequence[Job]) -> None:
        """Restart the units of the jobs.

        :raises ApplyError: one did not restart; what was set stays.
        """
        for job in jobs:
            try:
                Units(job.target.identity, self._timeout).restart(job.target.container.facts["manager"]["unit"])
            except UNIT_ERRORS as exc:
                raise ApplyError(str(exc), job, rolled_back=[], remaining=[], problems=[])

    def _roll_back(self, exc: Exception) -> ApplyError:
        """Undo all steps, the last one first, and return the error to raise."""
        rolled_back, remaining, problems = [], [], []
        for step in reversed(self._steps):
            try:
                step.undo()
                rolled_back.append(step)
            except Exception as problem:
                remaining.append(step)
                problems.append("%s: %s" % (step.job.target.container.facts["name"], problem))
        return ApplyError(str(exc), self._job, rolled_back=rolled_back, remaining=remaining, problems=problems)

    def _write_drop_ins(self, pairs: Sequence[Tuple[Job, Unit]]) -> None:
        """Write all drop-ins, reload the manager once, and check that the units have them."""
        if not pairs:
            return
        units = Units(pairs[0][0].target.identity, self._timeout)
        for index, (job, unit) in enumerate(pairs):
            self._job = job
            self._write_drop_in(job, unit, units, last_undo=index == 0)
        units.reload()
        known = units.lookup([unit.name for _job, unit in pairs])
        for job, unit in pairs:
            self._job = job
            _verify_drop_in(job, unit.name, units, known)

    def _write_drop_in(self, job: Job, unit: Unit, units: Units, last_undo: bool) -> None:
        """:param last_undo: its undoing is the last one, so the manager has to reload its units then."""
        path = units.drop_in_path(unit)
        before = units.read_drop_in(path)
        settings = dict(drop_in_settings(before) if before else {}, **job.plan.target)
        memory_key = (job.target.current.context.version >= QUADLET_MEMORY_KEY
                      and not arguments_set_memory(units.read_unit(unit)))

        def undo() -> None:
            units.write_drop_in(path, before)
            if last_undo:
                units.reload()

        self._steps.append(Step(job, "drop-in %s" % path, undo))
        units.write_drop_in(path, render_drop_in(settings, memory_key))

    def _update(self, job: Job, stack: ExitStack) -> None:
        backend = job.plan.method.backend or ""  # a plan with an update has one
        update = {"libpod_api": self._update_by_api, "cli": self._update_by_cli, "cgroupfs": self._update_by_cgroupfs}[backend]
        before, saved = previous_settings(job.target.current, job.plan), _save_kernel_settings(job)
        if backend == "libpod_api":
            self._start_service(job, stack)  # one that does not start has changed nothing

        def undo() -> None:
            try:
                update(job, before, stack)
            finally:
                _restore_kernel_settings(job, saved)

        # remembered before it is tried: Podman records even what it then refuses
        self._steps.append(Step(job, backend, undo))
        update(job, job.plan.target, stack)

    def _update_by_api(self, job: Job, settings: MemorySettings, stack: ExitStack) -> None:
        present = job.target.resources if job.plan.method.resend else None
        service = self._start_service(job, stack)
        _retried(job, lambda: service.update(job.target.container.ident, to_resources(settings, present)))

    def _start_service(self, job: Job, stack: ExitStack) -> PodmanService:
        """The one service, ended with the stack."""
        if self._service is None:
            self._service = stack.enter_context(PodmanService(self._executable, job.target.identity, self._timeout))
        return self._service

    def _update_by_cli(self, job: Job, settings: MemorySettings, _stack: ExitStack) -> None:
        argv = [self._executable, "update"] + to_run_options(settings) + [job.target.container.ident]

        def update() -> None:
            result = run_command(argv, self._timeout)
            if result.rc != 0:
                raise CommandError("podman update: exit code %d: %s" % (result.rc, result.err[-500:] or "(no message)"))

        _retried(job, update)

    def _update_by_cgroupfs(self, job: Job, settings: MemorySettings, _stack: ExitStack) -> None:
        """Write to the leaf, after checking once more that it is still this container's."""
        files = CgroupFiles()
        own = _own_cgroups(files, job)
        if not own:
            raise OSError("the cgroup of its main process (%s) is not its own any more" % job.target.container.pid)
        for name, text in to_leaf_files(settings):
            files.write(own[0], name, text)


def _retried(job: Job, update: Callable[[], None]) -> None:
    """Update a container, and once more where it ended meanwhile: the runtime finds no cgroup then, or another one.

    Its unit has the drop-in where it is gone for good; the unit's next container starts with that.
    """
    for attempt in range(_UPDATES):
        try:
            update()
            return
        except (CommandError, ServiceError):
            if not _has_ended(job):
                raise
            if attempt == _UPDATES - 1:
                if job.plan.drop_in and job.target.container.pid:
                    return
                raise
            time.sleep(_PAUSE)


def _has_ended(job: Job) -> bool:
    """Whether the main process that was read, if any, is no longer there."""
    container = job.target.container
    return not container.pid or CgroupFiles().container_cgroups(container.pid, container.ident) is None


def _own_cgroups(files: CgroupFiles, job: Job) -> List[str]:
    """Return the paths of the container's own cgroups, leaf first; [] when it has none or does not run.

    :raises OSError: root would write into the part of the tree that belongs to a user, or outside of it.
    """
    container = job.target.container
    cgroups = files.container_cgroups(container.pid, container.ident) if container.pid else None
    if cgroups is None or cgroups.own is None:
        return []
    if ".." in cgroups.leaf.split("/"):
        raise OSError("the cgroup %s is outside of what can be seen here" % cgroups.leaf)
    if job.target.identity.uid == 0 and owner_uid(cgroups.leaf) != 0:
        raise OSError("the cgroup %s belongs to uid %d, not to root" % (cgroups.leaf, owner_uid(cgroups.leaf)))
    above = cgroup_lineage(cgroups.own)[1:]
    return [path for path in cgroup_lineage(cgroups.leaf) if path not in above]


_Saved = Dict[str, Dict[str, str]]  # {path of a cgroup: {file: text}}


def _save_kernel_settings(job: Job) -> _Saved:
    """Return what the kernel has now for the container's own cgroups.

    :raises OSError: it runs, and its limit can't be read, so that it could not be given back.
    """
    files = CgroupFiles()
    saved = {path: files.settings(path) for path in _own_cgroups(files, job)}
    if saved and not any(saved.values()) and not _has_ended(job):
        raise OSError("its present limit can't be read, so it could not be given back after a failure")
    return saved


def _restore_kernel_settings(job: Job, saved: _Saved) -> None:
    """Give the container's own cgroups exactly what they had: Podman's record may have said something else.

    :raises OSError: they don't have it.
    """
    files = CgroupFiles()
    for path in _own_cgroups(files, job):
        wanted = saved.get(path, {})
        for _attempt in range(2):  # v1 takes memory and swap in one order only
            for name, text in files.settings(path).items():
                if text != wanted.get(name, text):
                    with suppress(OSError):  # what it has then is compared below
                        files.write(path, name, wanted[name])
        for name, text in files.settings(path).items():
            if text != wanted.get(name, text):
                raise OSError("%s/%s is %s, it was %s" % (path, name, text, wanted[name]))


def _verify_drop_in(job: Job, unit_name: str, units: Units, known: Dict[str, Unit]) -> None:
    unit = known.get(unit_name)
    if unit is None or not unit.fragment:
        raise UnitError("%s: quadlet refuses the unit with our drop-in" % unit_name)
    current = job.target.current._replace(unit=unit_settings(units.read_unit(unit)), enforced=None)
    deviations = find_deviations(current, job.plan._replace(update=False), page_size=1)
    if deviations:
        raise UnitError("%s: another drop-in overrides ours: %s" % (unit_name, deviations[0]))
