# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Whether new containers can be given memory.oom.group by containers.conf, and what its drop-in has to be.

Pure. Why it is looked at so closely: before Podman 4.5 the setting is ignored without a word, and where the
memory controller is missing it keeps every new container from starting (measured; `make test-integration`).
"""

import os
from collections import namedtuple

from ._cgroup_v2 import facts as _cgroup_facts, snapshot as _cgroup_host

# plan: _container_defaults.Step; identity: who writes it.
from ._podman import containers_conf as _containers_conf
from ._podman.cli import Podman, PodmanError
from ._system import host_files as _host_files, user_files as _drop_in, users as _users
from ._system.command import CommandError, current_identity
from ._system.versions import parse_version

NAME = "50-podman-memory.conf"
MARK = "# Written by podman_fleet.memory.container_defaults, which removes it with state=absent."
CONTENT = MARK + """
[containers]
cgroup_conf = ["%s"]
""" % _containers_conf.OOM_GROUP_ON

_FIRST = (4, 5)  # Podman's release notes: cgroup_conf in containers.conf

# One place where the default is to be. user: name, None for the whole host; path; text: what is there now, None
# for no file; others: values that other files give; others_at: paths of these files.
Target = namedtuple("Target", "user path text others others_at")

# What is to be done at a Target. status: written, removed, unchanged or refused; text: the file's new content,
# None for no file; reason: why it is refused, or not needed.
Step = namedtuple("Step", "target status text reason")


def absent(target):
    """Return the Step that takes the default away."""
    if target.text is None:
        return Step(target, "unchanged", None, None)
    if not target.text.startswith(MARK):
        return Step(target, "refused", target.text, "%s is there, and not by this module" % target.path)
    return Step(target, "removed", None, None)


def present(target, version, unfit):
    """Return the Step that gives the default.

    :param version: of Podman, a text.
    :param unfit: why the memory controller is not to be had, None when it is.
    """
    def left(reason, status="refused"):
        return Step(target, status, target.text, reason)

    if parse_version(version) < _FIRST:
        return left("Podman %s ignores cgroup_conf in containers.conf, 4.5 is the first that does not" % version)
    if unfit:
        return left("%s: no new container would start" % unfit)
    if target.text is not None and not target.text.startswith(MARK):
        return left("%s is there, and not by this module" % target.path)
    if target.others:
        if target.text is None and _containers_conf.OOM_GROUP_ON in target.others:
            return left("it is given by %s already" % target.others_at[-1], "unchanged")
        return left("%s has a cgroup_conf of its own, and one of the two would replace the other: add %s there"
                    % (target.others_at[-1], _containers_conf.OOM_GROUP_ON))
    return left(None, "unchanged") if target.text == CONTENT else Step(target, "written", CONTENT, None)


def unfit(facts, name):
    """Return why the memory controller is not to be had for some of these users, None when it is.

    :param facts: _cgroup_facts.facts of all users whose containers get the default.
    :param name: of the one user that it is about, None for the whole host.
    """
    if facts["mode"] != "v2":
        return "the host runs cgroup %s" % (facts["mode"] or "of an unknown version")
    if facts["memory"]["present"] is not True:
        return "the kernel has no memory controller"
    for user in facts["users"]:
        if name in (None, user["name"]) and not _delegated(user):
            return "%s has no memory controller (%s)" % (user["name"], user["why"])
    return None


def _delegated(user):
    """A user without a manager gets one with his next login, as systemd has it configured."""
    if user["memory_delegated"] is None and user["manager_running"] is False:
        return "memory" in (user["configured"] or [])
    return user["memory_delegated"] is True


Placed = namedtuple("Placed", "plan identity")


class Unasked(Exception):
    """The host does not tell what has to be known."""


def steps(state, names, executable, timeout):
    """Return the [Placed] of all that has to be done.

    :param names: of rootless users; empty for the whole host.
    :raises _users.UserError: somebody who is not there, or not ours to change.
    :raises Unasked: Podman can't be asked for its version, or a file can't be read.
    """
    me = current_identity()
    if names:
        owners = _rootless(names)
    elif me.uid == 0:
        owners = [me]
    else:
        raise _users.UserError("users: only root can give a default to the whole host, this is %r (use become, or 'current')"
                               % me.name)
    targets = [(_target(each), each) for each in owners]
    if state == "absent":
        return [Placed(absent(target), identity) for target, identity in targets]
    version, facts = _version(executable, me, timeout), _facts(owners, not names, timeout)
    return [Placed(present(target, version, unfit(facts, target.user)), identity)
            for target, identity in targets]


def carry_out(placed, timeout):
    """Write or remove the file of a step.

    :raises _drop_in.UserFileError: says why not.
    """
    if placed.plan.status == "written":
        _drop_in.write_user_file(placed.identity, placed.plan.target.path, placed.plan.text, timeout)
    elif placed.plan.status == "removed":
        _drop_in.remove_user_file(placed.identity, placed.plan.target.path, timeout)


def _rootless(names):
    found, problems = _users.find_users(names)
    if problems:
        raise _users.UserError("; ".join(each["message"] for each in problems))
    owners = [each.identity for each in found if each.identity.uid != 0]
    if not owners:
        raise _users.UserError("users: root's containers have the default of the whole host: leave users empty")
    return owners


def _target(identity):
    path = os.path.join(_containers_conf.drop_in_directory(identity), NAME)
    files = _host_files.Files()
    text = files.read(path)
    others, others_at = _containers_conf.default_cgroup_conf(identity, files, without=[path])
    for each, why in sorted(files.unreadable.items()):
        raise Unasked("%s can't be read: %s" % (each, why))
    return Target(identity.name if identity.uid else None, path, text, others, others_at)


def _version(executable, identity, timeout):
    try:
        return Podman(executable, identity, timeout).version()
    except (PodmanError, CommandError) as exc:
        raise Unasked("Podman's version is not known: %s" % exc)


def _facts(owners, is_whole_host, timeout):
    """podman_cgroup of those whose containers get the default: on the whole host, all who have container storage."""
    if is_whole_host:
        owners = [each.identity for each in _users.find_users(["all"])[0]]
    users = [(each.name, each.uid) for each in owners]
    return _cgroup_facts.cgroup_facts(_cgroup_host.read_snapshot(users=users, timeout=timeout))
