# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a host's facts would change settings of the fleet: those come from its owner alone.

Facts are what a host says of itself. As variables they override the inventory and the defaults of roles, and a task with
run_once takes the variables of one host for all of them (Ansible, "Variable precedence": "host facts" come after them, and
play vars, set_fact and extra vars after facts). Knows Ansible's cache of facts and Jinja's syntax; no host.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import jinja2
from jinja2 import nodes

from .._text import plural, printable

# What roles and playbooks read, and what they register and set for themselves.
_SETTING = re.compile(r"_*(podman_memory|oom_audit|memory_policy|cgroup_v2|audit_schedule|oom_recorder|awx)_")
# Functions of templates: a variable of that name takes their place.
_FUNCTIONS = ("lookup", "query", "q")
# Of these no value is the owner's: what hosts say, and all variables of all hosts.
_NOT_READ = ("ansible_facts", "ansible_local", "hostvars", "vars")
_MAX_HOSTS, _MAX_FACTS = 10, 5  # named in the message
_JINJA = jinja2.Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])  # for its syntax only; nothing is rendered


class Intrusion(NamedTuple):
    """A fact that would change a setting."""

    fact: str
    setting: str | None  # which reads it; None: the fact has a setting's name itself


def is_setting(name: str) -> bool:
    """Whether a variable of that name is one of the collection's settings, or of its roles' own variables."""
    return _SETTING.match(name) is not None


def names_read(variables: Mapping[str, Any], facts: Container[str]) -> dict[str, str]:
    """Return {variable: a setting} of all that templates in settings read, and what those read in turn.

    :param variables: of one host, as an action gets them: not templated.
    :param facts: names of that host's; their text is not looked at.
    """
    read = dict.fromkeys(_FUNCTIONS, "every lookup")
    waiting = [(name, name) for name in variables if is_setting(name)]
    while waiting:
        name, setting = waiting.pop()
        if name in facts or name in _NOT_READ:
            continue
        for found in _names_in(variables.get(name)):
            if found not in read:
                read[found] = setting
                waiting.append((found, setting))
    return read


def _names_in(value: Any) -> Iterator[str]:
    """Yield the variables that templates in a value read."""
    if isinstance(value, dict):
        for element in value.values():
            yield from _names_in(element)
    elif isinstance(value, (list, tuple)):
        for element in value:
            yield from _names_in(element)
    elif isinstance(value, str) and ("{{" in value or "{%" in value):
        try:
            parsed = _JINJA.parse(str(value))
        except jinja2.TemplateSyntaxError:
            return  # Ansible says so when it is used
        for node in parsed.find_all(nodes.Name):
            yield node.name
        for call in parsed.find_all(nodes.Call):
            # lookup('vars', 'name')
            if isinstance(call.node, nodes.Name) and call.node.name in _FUNCTIONS:
                yield from (argument.value for argument in call.args if isinstance(argument, nodes.Const) and isinstance(argument.value, str))


def intrusions(facts: Iterable[str], read: Mapping[str, str]) -> list[Intrusion]:
    """Return the facts that would change settings.

    Facts named ansible_… are left out where a setting reads them: that is what they are there for.

    :param facts: their names; read: from names_read.
    """
    found = [Intrusion(name, None if is_setting(name) else read[name]) for name in map(str, facts)
             if is_setting(name) or (name in read and not name.startswith("ansible_"))]
    return sorted(found, key=lambda intrusion: intrusion.fact)


def cached_facts(task_vars: Mapping[str, Any], hosts: Iterable[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (host, its facts by name).

    Out of the cache itself, which has no public interface: hostvars copies all facts of a host for each look at it (22 s for
    1,000 hosts with 300 facts each, ansible-core 2.16).
    """
    cache = task_vars["hostvars"]._variable_manager._fact_cache
    for host in hosts:
        try:
            facts = cache.get(host)
        except KeyError:  # from ansible-core 2.19 on, for a host without facts
            facts = None
        yield host, facts or {}


def find_intrusions(task_vars: Mapping[str, Any], hosts: list[str]) -> dict[str, list[Intrusion]]:
    """Return what would change settings in the facts of hosts: {host: its intrusions, at least one}.

    A task with run_once takes the variables of the first host that is left. Where a fact of one hides what a setting reads, the
    next one is looked at as well, until the first one that is left has no intrusions.

    :param task_vars: of a task with run_once; hosts: first those of the batch.
    """
    here = task_vars["inventory_hostname"]
    facts = {host: frozenset(map(str, names)) for host, names in cached_facts(task_vars, {here: None, **dict.fromkeys(hosts)})}
    read, looked = names_read(task_vars, facts[here]), {here}
    while True:
        found = {host: bad for host in hosts if (bad := intrusions(facts[host], read))}
        first = next((host for host in hosts if host not in found), None)
        if first is None or first in looked:
            return found
        looked.add(first)
        read.update(names_read(task_vars["hostvars"].raw_get(first), facts[first]))


def refusal(found: Mapping[str, list[Intrusion]]) -> str:
    """Return the message on all intrusions.

    :param found: by host; none of the lists is empty.
    """
    hosts = sorted(found)
    lines = ["Facts of a host must not set what the fleet's owner sets:"]
    lines += ["host %s: %s" % (printable(host, 60), _named(found[host])) for host in hosts[:_MAX_HOSTS]]
    if len(hosts) > _MAX_HOSTS:
        lines.append("and %s" % plural(len(hosts) - _MAX_HOSTS, "more host"))
    lines.append("A setting belongs in the inventory or in --extra-vars. Find out how it came into the facts: the host sent it, or a task "
                 "set it with cacheable. --flush-cache removes cached facts; --limit 'all:!HOST' leaves the host out.")
    return "\n".join(lines)


def reason(found: list[Intrusion]) -> str:
    """Return why one host is left out."""
    return "not asked: its facts must not set what the fleet's owner sets: %s" % _named(found)


def _named(found: list[Intrusion]) -> str:
    texts = ["%s%s" % (printable(intrusion.fact, 60), " (read by %s)" % printable(intrusion.setting, 60) if intrusion.setting else "")
             for intrusion in found[:_MAX_FACTS]]
    return ", ".join(texts) + (" and %d more" % (len(found) - _MAX_FACTS) if len(found) > _MAX_FACTS else "")
