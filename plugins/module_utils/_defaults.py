# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Give new containers memory.oom.group by a drop-in for containers.conf, or say why not.

Checked so closely because before Podman 4.5 the setting is ignored silently, and where the memory controller is
missing it keeps every new container from starting (measured; `make test-integration`).
"""

import os
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from ._cgroup_v2.facts import cgroup_facts
from ._cgroup_v2.snapshot import read_snapshot
from ._podman.cli import Podman, PodmanError
from ._podman.containers_conf import OOM_GROUP_ON, default_cgroup_conf, drop_in_directory
from ._system.command import Identity, current_identity
from ._system.host_files import Files
from ._system.user_files import remove_user_file, write_user_file
from ._system.users import UserError, find_users
from ._system.versions import parse_version

NAME = "50-podman-memory.conf"
MARK = "# Written by podman_fleet.memory.container_defaults, which removes it with state=absent."
CONTENT = MARK + """
[containers]
cgroup_conf = ["%s"]
""" % OOM_GROUP_ON

_CGROUP_CONF = (4, 5)  # Podman's release notes: cgroup_conf in containers.conf


class Target(NamedTuple):
    """One place where the default is to be."""

    identity: Identity  # whose new containers get it; root's stands for the whole host
    path: str
    text: Optional[str]  # present content, None for no file
    other_values: List[str]  # of cgroup_conf in other files
    other_paths: List[str]  # of these files

    @property
    def user(self) -> Optional[str]:
        """Name of the user, None for the whole host."""
        return self.identity.name if self.identity.uid else None


class DropInPlan(NamedTuple):
    """What is to be done at a target."""

    target: Target
    status: str  # written, removed, unchanged or refused
    text: Optional[str]  # the file's new content, None for no file
    reason: Optional[str] = None  # why it is refused, or not needed


def plan_removal(target: Target) -> DropInPlan:
    """Return the plan that takes the default away."""
    if target.text is None:
        return DropInPlan(target, "unchanged", None)
    if not target.text.startswith(MARK):
        return DropInPlan(target, "refused", target.text, _foreign(target))
    return DropInPlan(target, "removed", None)


def plan_default(target: Target, version: Optional[str], obstacle: Optional[str]) -> DropInPlan:
    """Return the plan that gives the default.

    :param version: of Podman.
    :param obstacle: why there is no memory controller, see find_obstacle().
    """
    def keep(reason: Optional[str], status: str = "refused") -> DropInPlan:
        return DropInPlan(target, status, target.text, reason)

    if parse_version(version) < _CGROUP_CONF:
        return keep("Podman %s ignores cgroup_conf in containers.conf, 4.5 is the first that does not" % version)
    if obstacle:
        return keep("%s: no new container would start" % obstacle)
    if target.text is not None and not target.text.startswith(MARK):
        return keep(_foreign(target))
    if target.other_values:
        if target.text is None and OOM_GROUP_ON in target.other_values:
            return keep("already set by %s" % target.other_paths[-1], "unchanged")
        return keep("%s has a cgroup_conf of its own, and one of the two would replace the other: add %s there"
                    % (target.other_paths[-1], OOM_GROUP_ON))
    return keep(None, "unchanged") if target.text == CONTENT else DropInPlan(target, "written", CONTENT)


def _foreign(target: Target) -> str:
    return "%s exists and was not written by this module" % target.path


def find_obstacle(facts: Dict[str, Any], name: Optional[str]) -> Optional[str]:
    """Return why some users lack the memory controller, None when they have it.

    :param facts: cgroup_facts() of all users whose containers get the default.
    :param name: of the one user to check, None for the whole host.
    """
    if facts["mode"] != "v2":
        return "the host runs cgroup %s" % (facts["mode"] or "of an unknown version")
    if facts["memory"]["present"] is not True:
        return "the kernel has no memory controller"
    for user in facts["users"]:
        if name in (None, user["name"]) and not _has_controller(user):
            return "%s has no memory controller (%s)" % (user["name"], user["why"])
    return None


def _has_controller(user: Dict[str, Any]) -> bool:
    """A user without a running manager gets the controller at the next login, if systemd is configured so."""
    if user["memory_delegated"] is None and user["manager_running"] is False:
        return "memory" in (user["configured"] or [])
    return user["memory_delegated"] is True


class DefaultsError(Exception):
    """Podman's version or a file could not be read."""


def plan_defaults(state: str, names: Sequence[str], executable: str, timeout: float) -> List[DropInPlan]:
    """Return the plans for all targets.

    :param state: present or absent.
    :param names: of rootless users; empty for the whole host.
    :raises UserError: a user does not exist, or the caller may not change them.
    :raises DefaultsError: Podman's version or a file could not be read.
    """
    me = current_identity()
    if names:
        owners = _find_rootless(names)
    elif me.uid == 0:
        owners = [me]
    else:
        raise UserError("users: only root can give a default to the whole host, this is %r (use become, or 'current')" % me.name)
    targets = [_read_target(owner) for owner in owners]
    if state == "absent":
        return [plan_removal(target) for target in targets]
    version, facts = _read_version(executable, me, timeout), _read_cgroup_facts(owners, not names, timeout)
    return [plan_default(target, version, find_obstacle(facts, target.user)) for target in targets]


def apply_plan(plan: DropInPlan, timeout: float) -> None:
    """Write or remove the file of a plan.

    :raises UserFileError: it could not be written or removed.
    """
    if plan.status == "written":
        write_user_file(plan.target.identity, plan.target.path, plan.text or "", timeout)
    elif plan.status == "removed":
        remove_user_file(plan.target.identity, plan.target.path, timeout)


def _find_rootless(names: Sequence[str]) -> List[Identity]:
    users, problems = find_users(names)
    if problems:
        raise UserError("; ".join(problem["message"] for problem in problems))
    owners = [user.identity for user in users if user.identity.uid != 0]
    if not owners:
        raise UserError("users: root's containers have the default of the whole host: leave users empty")
    return owners


def _read_target(identity: Identity) -> Target:
    path = os.path.join(drop_in_directory(identity), NAME)
    files = Files()
    text = files.read(path)
    other_values, other_paths = default_cgroup_conf(identity, files, without=[path])
    for unreadable, why in sorted(files.unreadable.items()):
        raise DefaultsError("%s can't be read: %s" % (unreadable, why))
    return Target(identity=identity, path=path, text=text, other_values=other_values, other_paths=other_paths)


def _read_version(executable: str, identity: Identity, timeout: float) -> str:
    try:
        return Podman(executable, identity, timeout).version()
    except PodmanError as exc:
        raise DefaultsError("Podman's version is not known: %s" % exc)


def _read_cgroup_facts(owners: Sequence[Identity], whole_host: bool, timeout: float) -> Dict[str, Any]:
    """podman_cgroup of those whose containers get the default: on the whole host, all who have container storage."""
    if whole_host:
        owners = [user.identity for user in find_users(["all"])[0]]
    return cgroup_facts(read_snapshot(users=[(owner.name, owner.uid) for owner in owners], timeout=timeout))
