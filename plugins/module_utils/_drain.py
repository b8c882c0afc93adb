# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Stop the running containers of root and rootless users in good order, and see that they come back.

First, pure: what a reboot does to running containers, which come back, by whom, and why others don't.
"""

import os
import re
import time
from collections import namedtuple

from ._podman import cli as _podman, inspect as _inspect
from ._system import command as _command
from ._system.systemctl import Systemctl, SystemctlError
from ._system.versions import parse_version

# Of one systemd manager. wanted: {unit: whether something starts it at boot}; restarts: restart policies whose
# containers podman-restart.service starts at boot, empty when it isn't enabled.
Manager = namedtuple("Manager", "wanted restarts")

RESTART_SERVICE = "podman-restart.service"
_STARTED_BY = ("WantedBy", "RequiredBy", "UpheldBy", "TriggeredBy")


def manager(units):
    """Return the Manager of {unit: {property: value}}, see Systemctl.show()."""
    wanted = {unit: any(properties.get(name) for name in _STARTED_BY) for unit, properties in units.items()}
    restarts = ()
    if wanted.get(RESTART_SERVICE):
        # --filter restart-policy=always; newer ones have should-start-on-boot=true
        both = "should-start-on-boot" in units[RESTART_SERVICE].get("ExecStart", "")
        restarts = ("always", "unless-stopped") if both else ("always",)
    return Manager(wanted, restarts)


def described(container, policy, lingers, seen):
    """Return what is told of a running container.

    :param container: the public part of an _inspect.Container.
    :param policy: its restart policy, "" for none.
    :param lingers: whether the user's manager runs without a session; None for unknown.
    :param seen: Manager of the user, None when systemd could not be asked.
    """
    by, why = _returns(container, policy, lingers, seen)
    return {
        "id": container["id"], "name": container["name"], "user": container["user"],
        "unit": container["manager"]["unit"], "restart_policy": policy or None, "infra": container["is_infra"],
        "limit": container["declared"]["limit"], "returns_by": by, "why": why,
    }


def _returns(container, policy, lingers, seen):
    """Return (what starts it after a reboot: unit, restart_service, start; None for nothing, why not)."""
    user, unit = container["user"], container["manager"]["unit"]
    if container["is_infra"]:
        return None, "it comes and goes with its pod"
    if seen is None:
        return None, "systemd could not be asked what it starts at boot"
    if user != "root" and not lingers:
        return None, "%s has no linger, so nothing of this user is started at boot" % user
    if unit:
        if seen.wanted.get(unit):
            return "unit", None
        return None, "nothing starts %s at boot (it has no [Install] section, or isn't enabled)" % unit
    if policy not in ("always", "unless-stopped"):
        return None, "it has no unit and no restart policy that counts at boot"
    if policy not in seen.restarts:
        return None, "%s of %s is not enabled, or does not start containers with the restart policy %s" % (
            RESTART_SERVICE, user, policy)
    # A container that was stopped by hand is not started again with unless-stopped, and stopping it is what we do.
    return ("restart_service" if policy == "always" else "start"), None


def notes(containers):
    """Return what draining means, as sentences: how many are stopped, and which don't come back and why."""
    if not containers:
        return ["no container runs"]
    number = len([each for each in containers if not each["infra"]])
    told = ["%d container%s %s stopped" % (number, "" if number == 1 else "s", "is" if number == 1 else "are")]
    return told + ["%s of %s does not come back: %s" % (each["name"], each["user"], each["why"])
                   for each in containers if not each["returns_by"] and not each["infra"]]


def knows_cgroup_v2(name, version):
    """Whether an OCI runtime can run containers on cgroup v2; None for unknown.

    runc since 1.0.0-rc93 (opencontainers/runc docs/cgroup-v2.md), crun since its beginning.
    """
    if name == "crun":
        return True
    number = parse_version(version)
    if name != "runc" or not number:
        return None
    candidate = re.match(r"[\d.]+[-~+]?rc\.?(\d+)", version)
    return number >= (1, 0, 0) and (number > (1, 0, 0) or candidate is None or int(candidate.group(1)) >= 93)


def absent(expected, running):
    """Return those of the containers that should be back and are not among the running.

    :param expected: [dict] as described() returns them; running: {(user, name)}.
    """
    return [each for each in expected if each["returns_by"] and (each["user"], each["name"]) not in running]


_LINGER = "/var/lib/systemd/linger"
_PAUSE = 2  # seconds between two looks


class DrainError(Exception):
    """A container could not be stopped or looked at."""


# What can go wrong when Podman is asked or a container is stopped.
ERRORS = (DrainError, _podman.PodmanError, _inspect.InspectError, _command.CommandError)


class Drain(object):
    """The containers of one user.

    :param user: _users.User.
    :param executable: name or path of Podman.
    :param timeout: seconds for each command.
    """

    def __init__(self, user, executable, timeout):
        self._identity = user.identity
        self._executable = executable
        self._timeout = timeout
        self._podman = _podman.Podman(executable, user.identity, timeout)
        self._systemctl = Systemctl(user.identity, timeout)
        # Without a session Podman would not see the state of the containers; and then none runs.
        self.silent = user.storage is None or (user.identity.uid != 0 and not user.session)

    @property
    def name(self):
        """Name of the user."""
        return self._identity.name

    def runtime(self):
        """Return {user, name, version, cgroup_v2} of the OCI runtime that new containers get; None for what isn't known."""
        found = self._podman.info()["runtime"]
        return dict(found, user=self.name, cgroup_v2=knows_cgroup_v2(found["name"], found["version"]))

    def running(self):
        """Return [dict], see described(), of the containers that run."""
        if self.silent:
            return []
        raws, messages = self._podman.inspect([each.ident for each in self._podman.listing()])
        if messages:
            raise DrainError("%s: %s" % (self.name, messages[0]))
        found = [(raw, _inspect.parse_container(raw, self.name)) for raw in raws]
        found = [(raw, each.facts) for raw, each in found if each.running]
        seen = self._manager([each["manager"]["unit"] for _raw, each in found]) if found else None
        return [described(each, _policy(raw), self._lingers(), seen) for raw, each in found]

    def _manager(self, units):
        try:
            return manager(self._systemctl.show([each for each in units if each] + [RESTART_SERVICE],
                                                _STARTED_BY + ("ExecStart",)))
        except SystemctlError:
            return None

    def _lingers(self):
        try:
            return self.name in os.listdir(_LINGER)
        except OSError:
            return False

    def stop(self, containers):
        """Stop containers: those of a unit with it, so that systemd does not start them again; infra containers last.

        :raises DrainError: one of them still runs.
        """
        units = sorted({each["unit"] for each in containers if each["unit"]})
        if units:
            self._stop_units(units)
        left = {each["id"] for each in self.running()}
        wanted = sorted((each for each in containers if each["id"] in left), key=lambda each: each["infra"])
        for idents in ([each["id"] for each in wanted if not each["infra"]], [each["id"] for each in wanted if each["infra"]]):
            if idents:
                self._check(self._run(self._executable, "stop", *idents), "podman stop")
        left = [each["name"] for each in self.running() if each["id"] in {one["id"] for one in containers}]
        if left:
            raise DrainError("%s: still running after they were stopped: %s" % (self.name, ", ".join(left)))

    def _stop_units(self, units):
        try:
            self._systemctl.run("stop", "--", *units)
        except SystemctlError as exc:
            raise DrainError("%s: %s" % (self.name, exc))

    def start(self, names):
        """Start containers that were stopped for the reboot and that nothing else starts."""
        self._check(self._run(self._executable, "start", *names), "podman start")

    def _check(self, result, what):
        if result.rc != 0:
            raise DrainError("%s: %s failed with exit code %d: %s" % (self.name, what, result.rc, result.err))

    def _run(self, *argv):
        return _command.run_command(list(argv), self._timeout, self._identity)


def _policy(raw):
    name = ((raw.get("HostConfig") or {}).get("RestartPolicy") or {}).get("Name") or ""
    return "" if name == "no" else name


def drain(drains, dry):
    """Stop everything that runs; return [dict] of it, in the order of the users. `dry`: stop nothing."""
    found = [(each, each.running()) for each in drains]
    for each, containers in found:
        if containers and not dry:
            each.stop(containers)
    return [one for _drain_of_user, containers in found for one in containers]


def wait_for(expected, look, patience, start=None, clock=time.monotonic, sleep=time.sleep):
    """Wait until the containers are back; return those that are not.

    :param expected: [dict] as drain() returned them.
    :param look: function that returns the Drains of now: a user's session may need a moment after the boot.
    :param patience: seconds; start: whether containers that only we can start are started.
    :raises: what Podman had to say at the last look.
    """
    end = clock() + patience
    while True:
        last = clock() >= end
        try:
            gone = _missing(expected, {each.name: each for each in look()}, start)
        except ERRORS:
            # Right after the boot a storage may be locked, a session half there.
            if last:
                raise
            gone = expected
        if not gone or last:
            return gone
        sleep(_PAUSE)


def _missing(expected, drains, start):
    running = {(each["user"], each["name"]) for one in drains.values() for each in one.running()}
    gone = absent(expected, running)
    ours = [each for each in gone if each["returns_by"] == "start" and each["user"] in drains]
    for user in sorted({each["user"] for each in ours}) if start else ():
        if not drains[user].silent:
            drains[user].start([each["name"] for each in ours if each["user"] == user])
    return gone
