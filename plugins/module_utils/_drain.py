# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stop the running containers of root and rootless users in good order, and wait until they are back.

The first half is pure: which containers come back after a reboot, what starts them, and why others stay down.
"""

import os
import re
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from ._podman.cli import Podman, PodmanError
from ._podman.inspect import InspectError, parse_container
from ._system.command import CommandError, run_command
from ._system.systemctl import Systemctl, SystemctlError
from ._system.users import User
from ._system.versions import parse_version

RunningContainer = Dict[str, Any]  # as describe_container() returns it, an element of the module's result `containers`

_RESTART_SERVICE = "podman-restart.service"
_STARTED_BY = ("WantedBy", "RequiredBy", "UpheldBy", "TriggeredBy")
_PROPERTIES = _STARTED_BY + ("ExecStart",)
_LINGER = "/var/lib/systemd/linger"
_PAUSE = 2  # seconds between two checks


class BootStarts(NamedTuple):
    """What one systemd manager starts at boot."""

    units: Dict[str, bool]  # {unit: something starts it at boot}
    restart_policies: Tuple[str, ...]  # podman-restart.service starts containers with these; () when it isn't enabled


def parse_boot_starts(units: Dict[str, Dict[str, str]]) -> BootStarts:
    """Return the BootStarts in {unit: {property: value}}, see Systemctl.show()."""
    started = {unit: any(properties.get(name) for name in _STARTED_BY) for unit, properties in units.items()}
    restart_policies: Tuple[str, ...] = ()
    if started.get(_RESTART_SERVICE):
        # --filter restart-policy=always; newer ones have should-start-on-boot=true
        both = "should-start-on-boot" in units[_RESTART_SERVICE].get("ExecStart", "")
        restart_policies = ("always", "unless-stopped") if both else ("always",)
    return BootStarts(started, restart_policies)


def describe_container(facts: Dict[str, Any], restart_policy: str, lingers: bool,
                       boot_starts: Optional[BootStarts]) -> RunningContainer:
    """Return the module's entry for a running container.

    :param facts: Container.facts; restart_policy: "" for none.
    :param lingers: whether the user's manager runs without a session.
    :param boot_starts: None when systemd could not be asked.
    """
    returns_by, why = _find_starter(facts, restart_policy, lingers, boot_starts)
    return {
        "id": facts["id"], "name": facts["name"], "user": facts["user"],
        "unit": facts["manager"]["unit"], "restart_policy": restart_policy or None, "infra": facts["is_infra"],
        "limit": facts["declared"]["limit"], "returns_by": returns_by, "why": why,
    }


def _find_starter(facts: Dict[str, Any], restart_policy: str, lingers: bool,
                  boot_starts: Optional[BootStarts]) -> Tuple[Optional[str], Optional[str]]:
    """Return (what starts it after a reboot: unit, restart_service, start; None for nothing, why not)."""
    user, unit = facts["user"], facts["manager"]["unit"]
    if facts["is_infra"]:
        return None, "it comes and goes with its pod"
    if boot_starts is None:
        return None, "systemd could not be asked what it starts at boot"
    if user != "root" and not lingers:
        return None, "%s has no linger, so nothing of this user is started at boot" % user
    if unit:
        if boot_starts.units.get(unit):
            return "unit", None
        return None, "nothing starts %s at boot (it has no [Install] section, or isn't enabled)" % unit
    if restart_policy not in ("always", "unless-stopped"):
        return None, "it has no unit and no restart policy that counts at boot"
    if restart_policy not in boot_starts.restart_policies:
        return None, "%s of %s is not enabled, or does not start containers with the restart policy %s" % (
            _RESTART_SERVICE, user, restart_policy)
    # A container that was stopped by hand is not started again with unless-stopped, and stopping it is what we do.
    return ("restart_service" if restart_policy == "always" else "start"), None


def stop_notes(containers: Sequence[RunningContainer]) -> List[str]:
    """Return what stopping them means, as sentences: how many are stopped, and which don't come back and why."""
    if not containers:
        return ["no container runs"]
    count = len([container for container in containers if not container["infra"]])
    return ["%d container%s %s stopped" % (count, "" if count == 1 else "s", "is" if count == 1 else "are")] + [
        "%s of %s does not come back: %s" % (container["name"], container["user"], container["why"])
        for container in containers if not container["returns_by"] and not container["infra"]]


def supports_cgroup_v2(name: Optional[str], version: Optional[str]) -> Optional[bool]:
    """Whether an OCI runtime can run containers on cgroup v2; None for unknown.

    runc since 1.0.0-rc93 (opencontainers/runc docs/cgroup-v2.md), crun since its beginning.
    """
    if name == "crun":
        return True
    numbers = parse_version(version)
    if name != "runc" or not numbers:
        return None
    candidate = re.match(r"[\d.]+[-~+]?rc\.?(\d+)", version or "")
    return numbers >= (1, 0, 0) and (numbers > (1, 0, 0) or candidate is None or int(candidate.group(1)) >= 93)


class DrainError(Exception):
    """A container could not be stopped, started or inspected."""


# What can go wrong when Podman is run or a container is stopped.
DRAIN_ERRORS = (DrainError, PodmanError, InspectError, CommandError)


class UserContainers:
    """The containers of one user.

    :param executable: name or path of Podman.
    :param timeout: seconds for each command.
    """

    def __init__(self, user: User, executable: str, timeout: float) -> None:
        self._identity = user.identity
        self._executable = executable
        self._timeout = timeout
        self._podman = Podman(executable, user.identity, timeout)
        self._systemctl = Systemctl(user.identity, timeout)
        self.name = user.identity.name
        # Without a session Podman would not see the state of the containers; and then none runs.
        self.inactive = user.storage is None or (user.identity.uid != 0 and not user.session)

    def runtime(self) -> Dict[str, Any]:
        """Return {user, name, version, cgroup_v2} of the OCI runtime that new containers get; None for what isn't known."""
        runtime = self._podman.info()["runtime"]
        return dict(runtime, user=self.name, cgroup_v2=supports_cgroup_v2(runtime["name"], runtime["version"]))

    def running(self) -> List[RunningContainer]:
        """Return the containers that run.

        :raises DrainError, PodmanError, InspectError: not all can be inspected.
        """
        if self.inactive:
            return []
        raws, messages = self._podman.inspect([container.ident for container in self._podman.list_containers()])
        if messages:
            raise DrainError("%s: %s" % (self.name, messages[0]))
        pairs = [(raw, parse_container(raw, self.name)) for raw in raws]
        running = [(raw, container.facts) for raw, container in pairs if container.running]
        if not running:
            return []
        boot_starts = self._boot_starts([facts["manager"]["unit"] for _raw, facts in running])
        lingers = os.path.exists(os.path.join(_LINGER, self.name))
        return [describe_container(facts, _restart_policy(raw), lingers, boot_starts) for raw, facts in running]

    def _boot_starts(self, units: Sequence[Optional[str]]) -> Optional[BootStarts]:
        try:
            return parse_boot_starts(self._systemctl.show([unit for unit in units if unit] + [_RESTART_SERVICE], _PROPERTIES))
        except SystemctlError:
            return None

    def stop(self, containers: Sequence[RunningContainer]) -> None:
        """Stop containers: those of a unit with it, so that systemd does not restart them; infra containers last.

        :raises DrainError: one of them still runs.
        """
        units = sorted({container["unit"] for container in containers if container["unit"]})
        if units:
            try:
                self._systemctl.run("stop", "--", *units)
            except SystemctlError as exc:
                raise DrainError("%s: %s" % (self.name, exc))
        running = {container["id"] for container in self.running()}
        for infra in (False, True):
            idents = [container["id"] for container in containers if container["id"] in running and container["infra"] is infra]
            if idents:
                self._run_podman("stop", *idents)
        idents = [container["id"] for container in containers]
        remaining = [container["name"] for container in self.running() if container["id"] in idents]
        if remaining:
            raise DrainError("%s: still running after they were stopped: %s" % (self.name, ", ".join(remaining)))

    def start(self, names: Sequence[str]) -> None:
        """Start containers that were stopped for the reboot and that nothing else starts.

        :raises DrainError: Podman could not start them.
        """
        self._run_podman("start", *names)

    def _run_podman(self, command: str, *words: str) -> None:
        result = run_command([self._executable, command] + list(words), self._timeout, self._identity)
        if result.rc != 0:
            raise DrainError("%s: podman %s failed with exit code %d: %s" % (self.name, command, result.rc, result.err))


def _restart_policy(raw: Dict[str, Any]) -> str:
    name = ((raw.get("HostConfig") or {}).get("RestartPolicy") or {}).get("Name") or ""
    return "" if name == "no" else name


def stop_running(users: Sequence[UserContainers], check_mode: bool) -> List[RunningContainer]:
    """Stop everything that runs, in check mode nothing; return it in the order of the users.

    Lists the containers of all users before the first is stopped.
    """
    running = [(user, user.running()) for user in users]
    for user, containers in running:
        if containers and not check_mode:
            user.stop(containers)
    return [container for _user, containers in running for container in containers]


def wait_for_containers(expected: Sequence[RunningContainer], find: Callable[[], List[UserContainers]], timeout: float,
                        start: bool, clock: Callable[[], float] = time.monotonic,
                        sleep: Callable[[float], None] = time.sleep) -> List[RunningContainer]:
    """Wait until the containers are back; return those that are not.

    :param expected: as stop_running() returned them.
    :param find: returns the users of now: a user's session may need a moment after the boot.
    :param timeout: seconds.
    :param start: whether containers that only we can start are started.
    :raises: what Podman reported at the last check.
    """
    end = clock() + timeout
    while True:
        last = clock() >= end
        try:
            missing = _find_missing(expected, {user.name: user for user in find()}, start)
        except DRAIN_ERRORS:
            # Right after the boot a storage may be locked, a session not ready.
            if last:
                raise
            missing = list(expected)
        if not missing or last:
            return missing
        sleep(_PAUSE)


def _find_missing(expected: Sequence[RunningContainer], users: Dict[str, UserContainers], start: bool) -> List[RunningContainer]:
    running = {(container["user"], container["name"]) for user in users.values() for container in user.running()}
    missing = [container for container in expected
               if container["returns_by"] and (container["user"], container["name"]) not in running]
    for name, user in sorted(users.items()):
        ours = [container["name"] for container in missing if container["returns_by"] == "start" and container["user"] == name]
        if ours and start and not user.inactive:
            user.start(ours)
    return missing
