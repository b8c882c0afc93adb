# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Give new containers memory.oom.group by a drop-in for containers.conf, or say why not.

Checked so closely because before Podman 4.5 the setting is ignored silently, and where the memory controller is
missing it keeps every new container from starting (measured; `make test-integration`).
"""

import os
from contextlib import suppress
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from ._cgroup_v2.facts import cgroup_facts
from ._cgroup_v2.snapshot import read_snapshot
from ._door.grammar import items, nullable, record, text
from ._door.schema import Checker
from ._podman.cli import Podman, PodmanError
from ._podman.containers_conf import OOM_GROUP_ON, ConfigError, default_cgroup_conf, drop_in_directory
from ._system.command import Identity, current_identity
from ._system.host_files import Files, replace_file
from ._system.users import UserError
from ._system.versions import parse_version
from ._users.container_owners import find_container_owners
from ._users.group import UserGroup

NAME = "50-podman-memory.conf"
MARK = "# Written by podman_fleet.memory.container_defaults, which removes it with state=absent."
CONTENT = MARK + """
[containers]
cgroup_conf = ["%s"]
""" % OOM_GROUP_ON

_MAX_ANSWER = 256 * 1024  # bytes
# What a user's process says of the user's files: a Target without its owner.
_READ = Checker(record({"path": text(4096), "text": nullable(text(64 * 1024)), "other_values": items(text(4096), 100),
                        "other_paths": items(text(4096), 100)}, optional=[]))

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
    status: str  # written, removed, unchanged, refused, or failed: the owner's files can't be read or written
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
    """Podman's version is not known, or a file can't be read."""


class Options(NamedTuple):
    """Options of the module."""

    state: str  # present or absent
    users: List[str]  # names of rootless users; empty for the whole host
    executable: str
    timeout: float  # seconds for each command, and for each user


def set_defaults(options: Options, check_mode: bool) -> List[DropInPlan]:
    """Read, plan and, unless in check mode, write or remove all drop-ins, each in a process that is its owner.

    :return: the plans; what fails for one owner is `failed` in that owner's.
    :raises UserError: a user does not exist, or the caller may not change them.
    :raises DefaultsError: Podman's version is not known.
    """
    me = current_identity()
    if options.users:
        owners = _find_rootless(options.users)
    elif me.uid == 0:
        owners = [me]
    else:
        raise UserError("users: only root can give a default to the whole host, this is %r (use become, or 'current')" % me.name)
    version, facts = None, {}
    if options.state == "present":
        version, facts = _read_version(options.executable, me, options.timeout), _read_cgroup_facts(owners, options)
    with UserGroup(owners, answer_user) as group:
        replies = group.ask({owner.uid: {"identity": list(owner)} for owner in owners}, options.timeout, _MAX_ANSWER)
        plans = []
        for owner in owners:
            target = _parse_target(owner, replies[owner.uid].answer)
            if target is None:
                plans.append(_failed(owner, replies[owner.uid].error or "what is said of the files is not valid"))
            elif options.state == "absent":
                plans.append(plan_removal(target))
            else:
                plans.append(plan_default(target, version, find_obstacle(facts, target.user)))
        return plans if check_mode else _apply(plans, group, options.timeout)


def _apply(plans: Sequence[DropInPlan], group: UserGroup, timeout: float) -> List[DropInPlan]:
    requests = {plan.target.identity.uid: {"identity": list(plan.target.identity), "text": plan.text}
                for plan in plans if plan.status in ("written", "removed")}
    replies = group.ask(requests, timeout, _MAX_ANSWER)
    errors = {uid: reply.error for uid, reply in replies.items() if reply.error}
    return [plan if plan.target.identity.uid not in errors
            else plan._replace(status="failed", text=plan.target.text, reason=errors[plan.target.identity.uid]) for plan in plans]


def _failed(owner: Identity, reason: str) -> DropInPlan:
    path = os.path.join(drop_in_directory(owner), NAME)
    return DropInPlan(Target(identity=owner, path=path, text=None, other_values=[], other_paths=[]), "failed", None, reason)


def _find_rootless(names: Sequence[str]) -> List[Identity]:
    users, problems = find_container_owners(names)
    if problems:
        raise UserError("; ".join(problem["message"] for problem in problems))
    owners = [user.identity for user in users if user.identity.uid != 0]
    if not owners:
        raise UserError("users: root's containers have the default of the whole host: leave users empty")
    return owners


def answer_user(request: Dict[str, Any]) -> Any:
    """Handle a request in the owner's process: read the files, or write or remove the drop-in.

    :param request: {identity}, and to write or remove it `text`, None for no file.
    :return: when it reads, a Target without its identity.
    :raises DefaultsError: a file can't be read.
    :raises OSError: the drop-in can't be written or removed.
    """
    identity = Identity(*request["identity"])
    path = os.path.join(drop_in_directory(identity), NAME)
    if "text" not in request:
        target = _read_target(identity, path)._asdict()
        del target["identity"]
        return target
    if request["text"] is None:
        with suppress(FileNotFoundError):
            os.unlink(path)
    else:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        replace_file(path, request["text"].encode("utf-8"), 0o644)
    return None


def _read_target(identity: Identity, path: str) -> Target:
    files = Files()
    content = files.read(path)
    try:
        other_values, other_paths = default_cgroup_conf(identity, files, without=[path])
    except ConfigError as exc:
        raise DefaultsError(str(exc))
    for unreadable, why in sorted(files.unreadable.items()):
        raise DefaultsError("%s can't be read: %s" % (unreadable, why))
    return Target(identity=identity, path=path, text=content, other_values=other_values, other_paths=other_paths)


def _parse_target(owner: Identity, said: Any) -> Optional[Target]:
    """The Target in what the owner's process said, None when it is none."""
    checked = _READ.check(said, now=0)
    if checked.violations:
        return None
    path = os.path.join(drop_in_directory(owner), NAME)
    return Target(identity=owner, **dict(checked.value, path=path))


def _read_version(executable: str, identity: Identity, timeout: float) -> str:
    try:
        return Podman(executable, identity, timeout).version()
    except PodmanError as exc:
        raise DefaultsError("Podman's version is not known: %s" % exc)


def _read_cgroup_facts(owners: Sequence[Identity], options: Options) -> Dict[str, Any]:
    """podman_cgroup of those whose containers get the default: on the whole host, all who have container storage."""
    if not options.users:
        owners = [user.identity for user in find_container_owners(["all"])[0]]
    return cgroup_facts(read_snapshot(users=[(owner.name, owner.uid) for owner in owners], timeout=options.timeout))
