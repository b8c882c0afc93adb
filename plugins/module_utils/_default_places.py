# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Look at a host for _container_defaults: whose files, which Podman, which controllers; and write the files."""

import os
from collections import namedtuple

from . import _defaults as _container_defaults
from ._cgroup_v2 import facts as _cgroup_facts
from ._cgroup_v2 import snapshot as _cgroup_host
from ._podman import containers_conf as _containers_conf
from ._podman.cli import Podman, PodmanError
from ._system import host_files as _host_files
from ._system import user_files as _drop_in
from ._system import users as _users
from ._system.command import CommandError, current_identity

# plan: _container_defaults.Step; identity: who writes it.
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
        return [Placed(_container_defaults.absent(target), identity) for target, identity in targets]
    version, facts = _version(executable, me, timeout), _facts(owners, not names, timeout)
    return [Placed(_container_defaults.present(target, version, _container_defaults.unfit(facts, target.user)), identity)
            for target, identity in targets]


def carry_out(placed, timeout):
    """Write or remove the file of a step.

    :raises _drop_in.DropInError: says why not.
    """
    directory, name = os.path.split(placed.plan.target.path)
    if placed.plan.status == "written":
        _drop_in.write(placed.identity, directory, name, placed.plan.text, timeout)
    elif placed.plan.status == "removed":
        _drop_in.remove(placed.identity, directory, name, timeout)


def _rootless(names):
    found, problems = _users.discover(names)
    if problems:
        raise _users.UserError("; ".join(each["message"] for each in problems))
    owners = [each.identity for each in found if each.identity.uid != 0]
    if not owners:
        raise _users.UserError("users: root's containers have the default of the whole host: leave users empty")
    return owners


def _target(identity):
    path = os.path.join(_containers_conf.drop_in_directory(identity), _container_defaults.NAME)
    files = _host_files.Files()
    text = files.read(path)
    others, others_at = _containers_conf.default(identity, files, without=[path])
    for each, why in sorted(files.unreadable.items()):
        raise Unasked("%s can't be read: %s" % (each, why))
    return _container_defaults.Target(identity.name if identity.uid else None, path, text, others, others_at)


def _version(executable, identity, timeout):
    try:
        return Podman(executable, identity, timeout).version()
    except (PodmanError, CommandError) as exc:
        raise Unasked("Podman's version is not known: %s" % exc)


def _facts(owners, is_whole_host, timeout):
    """podman_cgroup of those whose containers get the default: on the whole host, all who have container storage."""
    if is_whole_host:
        owners = [each.identity for each in _users.discover(["all"])[0]]
    users = [(each.name, each.uid) for each in owners]
    return _cgroup_facts.facts(_cgroup_host.read(users=users, timeout=timeout))
