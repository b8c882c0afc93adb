# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the inventory says of a host, for the policy's `host.groups` and `host.vars`: never what the host says of itself.

Ansible's variables of a host have its facts among them, over those of the inventory. There is no public interface for the
others alone; here its manager of variables is asked without its caches of facts, registered results and set_fact. Templates see no
facts either: one that needs them is an error.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

from .._policy.policy import HostInventory
from .._text import printable


class _NoFacts(dict[str, Any]):
    """A cache of facts without any: up to ansible-core 2.18 it is asked with a default, from 2.19 on it raises KeyError."""

    def get(self, key: str, default: Any = None) -> Any:
        """Return the default, there is nothing else."""
        if default is None:
            raise KeyError(key)
        return default


def _without_facts(manager: Any) -> Any:
    """A manager of variables like this one; the copy module leaves out the loader of files, up to ansible-core 2.18."""
    bare = object.__new__(type(manager))
    vars(bare).update(vars(manager), _fact_cache=_NoFacts(), _nonpersistent_fact_cache=defaultdict(dict), _vars_cache=defaultdict(dict))
    return bare


class Inventory:
    """The inventory, as far as a policy asks for it."""

    def __init__(self, action: ActionBase, task_vars: Mapping[str, Any], names: tuple[str, ...]) -> None:
        """:param names: of variables, the policy's host_variables."""
        self._action, self._names = action, names
        hostvars = task_vars.get("hostvars")
        self._inventory = getattr(hostvars, "_inventory", None)
        manager = getattr(hostvars, "_variable_manager", None)
        self._manager = None if manager is None else _without_facts(manager)

    def find(self, name: str) -> HostInventory:
        """Return what there is of a host; nothing of one that is not in the inventory.

        :raises AnsibleActionFail: a variable can't be templated.
        """
        host = self._inventory.get_host(name) if self._inventory is not None else None
        if host is None or self._manager is None:
            return HostInventory()
        groups = tuple(sorted(str(group.name) for group in host.get_groups() if group.name != "all"))
        if not self._names:
            return HostInventory(groups)
        variables = self._manager.get_vars(play=self._action._task.get_play(), host=host, include_hostvars=False)
        templar = self._action._templar.copy_with_new_env(available_variables=variables)
        values = {}
        for variable in self._names:
            if variable not in variables:
                continue
            try:
                value = templar.template(variables[variable])
            except AnsibleError as exc:
                raise AnsibleActionFail(
                    "host_variables of the policy: %s of host %s can't be had from the inventory, where there are no facts: %s" % (
                        variable, printable(name, 60), printable(exc))) from exc
            # plain values, without what Ansible notes on them; a date is a text
            values[variable] = json.loads(json.dumps(value, default=str))
        return HostInventory(groups, values)
