# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words of commands that somebody pastes: only what the grammar of its kind allows, so that it means that one thing.

Pure. Quoting for the shell is not enough: the arguments of `ansible -a` are templates, its first one is a pattern, `sudo -i`
hands its words to another shell without quoting "$", and zsh does not know remarks at its prompt, so that it runs what is
in them. A function returns None for what does not pass; then there is no command, see NO_COMMAND.
"""

from __future__ import annotations

import ipaddress
import re

from ...module_utils._door.grammar import is_id, is_name, is_unit
from .._model.container_facts import Facts
from .._model.container_key import ContainerKey

NO_COMMAND = "# no command can be shown: the name of the %s has characters that mean something to a shell or to Ansible"
# useradd(8), and what directory services add: a domain before "\" or after "@". Numbers are users without a name: sudo has no
# login shell for them.
_USER = re.compile(r"(?![0-9]+\Z)[A-Za-z0-9_][A-Za-z0-9_.\\@-]{0,255}\Z")
# No pattern of hosts (Ansible, "Patterns: targeting hosts and groups"), no option, no template.
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}\Z")
_GROUPS = ("all", "ungrouped")  # which every inventory has
# Names that systemd and Podman give to cgroups; cgroup-v2.rst lets them have any character but "/" and line breaks.
_CGROUP = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9:_.\\@-]{1,255}){1,64}\Z")


def container_word(container: Facts, key: ContainerKey) -> str | None:
    """Return a container's name, or its id where the name is none that Podman takes."""
    ident = container.get("id")
    return key.name if is_name(key.name) else ident if is_id(ident) else None


def user_word(user: str | None) -> str | None:
    """Return the name of a user."""
    return user if isinstance(user, str) and _USER.match(user) else None


def service_word(service: str | None) -> str | None:
    """Return the name of a service in a compose file; compose names containers by it, so it is no other than they can have."""
    return service if is_name(service) else None


def unit_word(unit: str | None) -> str | None:
    """Return the name of a unit of systemd; it is no pattern, which systemctl takes too."""
    return unit if is_unit(unit) else None


def cgroup_word(path: str | None) -> str | None:
    """Return the path of a cgroup, from the root of the hierarchy on."""
    return path if isinstance(path, str) and _CGROUP.match(path) else None


def path_word(path: str | None) -> str | None:
    """Return the path of a file, from the root on, of the same characters as a cgroup's."""
    return cgroup_word(path)


def host_word(host: str) -> str | None:
    """Return a host's name in the inventory, where it is no pattern for other hosts."""
    if _HOST.match(host) and host not in _GROUPS:
        return host
    try:
        return host if ipaddress.IPv6Address(host) and "%" not in host else None
    except ValueError:
        return None
