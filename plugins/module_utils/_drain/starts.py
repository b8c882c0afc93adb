# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which containers come back after a reboot, what starts them, and why others stay down.

Pure.
"""

import re
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from .._system.versions import parse_version

RunningContainer = Dict[str, Any]  # as describe_container() returns it, an element of the module's result `containers`

RESTART_SERVICE = "podman-restart.service"
_STARTED_BY = ("WantedBy", "RequiredBy", "UpheldBy", "TriggeredBy")
UNIT_PROPERTIES = _STARTED_BY + ("ExecStart", "MainPID")

UnitProperties = Dict[str, Dict[str, str]]  # {unit: {property: value}}, see Systemctl.show()


class BootStarts(NamedTuple):
    """What one systemd manager starts at boot."""

    units: Dict[str, bool]  # {unit: something starts it at boot}
    restart_policies: Tuple[str, ...]  # podman-restart.service starts containers with these; () when it isn't enabled


def runs_container(properties: Dict[str, str], conmon: Any) -> bool:
    """Whether a unit is one that runs containers: it starts Podman, or its main process is the container's conmon.

    :param conmon: process id as inspect shows it.
    """
    return "podman" in properties.get("ExecStart", "") or bool(conmon) and properties.get("MainPID") == str(conmon)


def parse_boot_starts(units: UnitProperties) -> BootStarts:
    """Return the BootStarts of units."""
    started = {unit: any(properties.get(name) for name in _STARTED_BY) for unit, properties in units.items()}
    restart_policies: Tuple[str, ...] = ()
    if started.get(RESTART_SERVICE):
        # --filter restart-policy=always; newer ones have should-start-on-boot=true
        both = "should-start-on-boot" in units[RESTART_SERVICE].get("ExecStart", "")
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
            RESTART_SERVICE, user, restart_policy)
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
