# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""What a reboot does to running containers: which come back, by whom, and why others don't.

Pure. Knows the texts and dicts that Podman and systemd gave.
"""

import re
from collections import namedtuple

# Of one systemd manager. wanted: {unit: whether something starts it at boot}; restarts: restart policies whose
# containers podman-restart.service starts at boot, empty when it isn't enabled.
Manager = namedtuple("Manager", "wanted restarts")

RESTART_SERVICE = "podman-restart.service"
_STARTED_BY = ("WantedBy", "RequiredBy", "UpheldBy", "TriggeredBy")


def manager(text):
    """Return the Manager of `systemctl show --property=Id,WantedBy,…,ExecStart` for units."""
    wanted, restarts = {}, ()
    for block in text.split("\n\n"):
        fields = dict(line.partition("=")[::2] for line in block.strip().splitlines())
        if not fields.get("Id"):
            continue
        wanted[fields["Id"]] = any(fields.get(name) for name in _STARTED_BY)
        if fields["Id"] == RESTART_SERVICE and wanted[fields["Id"]]:
            # --filter restart-policy=always; newer ones have should-start-on-boot=true
            both = "should-start-on-boot" in fields.get("ExecStart", "")
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
    match = re.match(r"(\d+)\.(\d+)\.(\d+)(?:[-~+.]?rc\.?(\d+))?", version or "")
    if name != "runc" or not match:
        return None
    number, candidate = tuple(int(part) for part in match.groups()[:3]), match.group(4)
    return number >= (1, 0, 0) and (number > (1, 0, 0) or candidate is None or int(candidate) >= 93)


def absent(expected, running):
    """Return those of the containers that should be back and are not among the running.

    :param expected: [dict] as described() returns them; running: {(user, name)}.
    """
    return [each for each in expected if each["returns_by"] and (each["user"], each["name"]) not in running]
