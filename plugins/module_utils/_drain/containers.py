# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stop and start the running containers of one user; all of it runs in the user's own process.

answer_user() is what that process does; what it says is the user's word.
"""

import os
from typing import Any, Dict, List, Optional, Sequence

from .._podman.cli import Podman
from .._podman.inspect import parse_container
from .._system.command import Identity, find_executable, run_command
from .._system.systemctl import Systemctl, SystemctlError, is_unit_name
from .._system.users import User
from .._users.storage import find_storage
from .starts import (
    RESTART_SERVICE,
    UNIT_PROPERTIES,
    RunningContainer,
    UnitProperties,
    describe_container,
    parse_boot_starts,
    runs_container,
)

_LINGER = "/var/lib/systemd/linger"
# `podman start` as a unit of the user's own manager: what it leaves running has neither the limits of our process nor its cgroup.
# A oneshot has started when its command has ended, so systemd-run waits for that, and says if it failed; --wait and --pipe would
# need the user's D-Bus daemon, which many hosts don't have. Without KillMode=process systemd would end what runs with the unit.
_OWN_MANAGER = ("systemd-run", "--user", "--quiet", "--collect", "--property=Type=oneshot", "--property=KillMode=process", "--")


class DrainError(Exception):
    """A container could not be stopped, started or inspected."""


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
        """Return {name, version} of the OCI runtime that new containers get; None for what isn't known."""
        return dict(self._podman.info()["runtime"])

    def running(self) -> List[RunningContainer]:
        """Return the containers that run.

        :raises DrainError, PodmanError, InspectError: not all can be inspected.
        """
        if self.inactive:
            return []
        raws, messages = self._podman.inspect([container.ident for container in self._podman.list_containers()])
        if messages:
            raise DrainError(messages[0])
        pairs = [(raw, parse_container(raw, self.name)) for raw in raws]
        running = [(raw, container.facts) for raw, container in pairs if container.running]
        if not running:
            return []
        shown = self._show_units([facts["manager"]["unit"] for _raw, facts in running])
        boot_starts = None if shown is None else parse_boot_starts(shown)
        lingers = os.path.exists(os.path.join(_LINGER, self.name))
        return [describe_container(_with_own_unit(facts, raw, shown), _restart_policy(raw), lingers, boot_starts)
                for raw, facts in running]

    def _show_units(self, units: Sequence[Optional[str]]) -> Optional[UnitProperties]:
        try:
            return self._systemctl.show([unit for unit in units if unit] + [RESTART_SERVICE], UNIT_PROPERTIES)
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
                raise DrainError(str(exc))
        running = {container["id"] for container in self.running()}
        for infra in (False, True):
            idents = [container["id"] for container in containers if container["id"] in running and container["infra"] is infra]
            if idents:
                self._run_podman("stop", *idents)
        idents = [container["id"] for container in containers]
        remaining = [container["name"] for container in self.running() if container["id"] in idents]
        if remaining:
            raise DrainError("still running after they were stopped: %s" % ", ".join(remaining))

    def start(self, names: Sequence[str]) -> None:
        """Start containers that were stopped for the reboot and that nothing else starts.

        :raises DrainError: Podman could not start them.
        """
        prefix = [] if self._identity.uid == 0 else list(_OWN_MANAGER)
        self._run(prefix + [find_executable(self._executable), "start", "--"] + list(names), "start")

    def switch_runtime(self, runtime: str) -> None:
        """Give all existing containers another OCI runtime; Podman stops those that run.

        :raises DrainError: Podman could not.
        """
        self._run_podman("system", "migrate", "--new-runtime=" + runtime)

    def _run_podman(self, command: str, *words: str) -> None:
        self._run([self._executable, command] + list(words), command)

    def _run(self, argv: Sequence[str], command: str) -> None:
        result = run_command(argv, self._timeout)
        if result.rc != 0:
            raise DrainError("podman %s failed with exit code %d: %s" % (command, result.rc, result.err))


def answer_user(request: Dict[str, Any]) -> Any:
    """Handle a request in the user's process.

    :param request: {do, identity, session, executable, timeout}, and by `do`: look: runtime (whether it is asked for);
        stop: containers (what a look returned), runtime (what existing containers get then, None to leave them);
        start: names.
    :return: for look {running, runtime}, runtime None for one who has no containers.
    """
    identity = Identity(*request["identity"])
    user = User(identity, find_storage(identity), request["session"])
    containers = UserContainers(user, request["executable"], request["timeout"])
    if request["do"] == "look":
        return {"running": containers.running(),
                "runtime": containers.runtime() if request["runtime"] and not containers.inactive else None}
    if request["do"] == "start":
        return containers.start(request["names"])
    containers.stop(request["containers"])
    if request["runtime"]:
        containers.switch_runtime(request["runtime"])
    return None


def _with_own_unit(facts: Dict[str, Any], raw: Dict[str, Any], shown: Optional[UnitProperties]) -> Dict[str, Any]:
    """The facts without a unit that the container only names: its label may come from an image, and name any unit.

    :param shown: None when systemd could not be asked.
    """
    unit = facts["manager"]["unit"]
    conmon = (raw.get("State") or {}).get("ConmonPid")
    if unit and is_unit_name(unit) and (shown is None or runs_container(shown.get(unit, {}), conmon)):
        return facts
    return dict(facts, manager=dict(facts["manager"], unit=None))


def _restart_policy(raw: Dict[str, Any]) -> str:
    name = ((raw.get("HostConfig") or {}).get("RestartPolicy") or {}).get("Name") or ""
    return "" if name == "no" else name
