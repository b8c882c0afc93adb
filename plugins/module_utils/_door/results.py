# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules that run on hosts return, as schemas (see schema.py), and the check of an answer.

Pure. What each key means is in the module's documentation; the facts of oom_facts have a file of their own, facts.py. Ansible's own
keys (changed, msg, …) are not in here. A list that is longer than any host was seen to need is cut, and what stood behind it is counted.
"""

from typing import Any, Dict, NamedTuple

from .document import DoorError
from .door import violations_text
from .facts import MAX_CONTAINERS, MAX_FACTS_SIZE
from .grammar import BOOLEAN, ID, NAME, SIZE, UNIT, USER, integer, items, nullable, otherwise, prose, record, text, unknown, words
from .schema import INVALID, Checker, Schema

CGROUP_SCHEMA = "podman_fleet.memory/cgroup/v1"
_MAX_USERS, _MAX_TOLD, _MAX_FILES = 1000, 100, 1000
_LINE, _PATH, _ARGUMENT = 2000, 4096, 4096

_SETTINGS = {"limit": nullable(SIZE), "swap_limit": nullable(SIZE), "oom_group": nullable(BOOLEAN)}
_STATE = record({
    "declared": nullable(record({**_SETTINGS, "reservation": nullable(SIZE)}, ["reservation"])),
    "effective": nullable(record({**_SETTINGS, "high": nullable(SIZE)}, ["high"])),
}, [])
_CHANGED = record({
    "name": nullable(prose(512)),  # as it was given, when it could not be read
    "user": USER,
    "id": nullable(ID),
    "changed": BOOLEAN,
    "before": unknown(_STATE),
    "after": unknown(_STATE),
    "applied_live": BOOLEAN,
    "persistent": BOOLEAN,
    "method": words("libpod_api", "cli", "cgroupfs", "libpod_api+quadlet", "cli+quadlet", "cgroupfs+quadlet", "quadlet", "none"),
    "restart_required": BOOLEAN,
    "message": prose(4000),
    "failed": BOOLEAN,
    "gone": BOOLEAN,
}, ["failed", "gone"])

_DEFAULT = record({"user": nullable(USER), "path": text(_PATH, "^/"), "status": words("written", "removed", "unchanged", "refused", "failed"),
                   "reason": nullable(prose(_LINE))}, [])

_STOPPED = record({
    "id": ID, "name": nullable(NAME), "user": USER, "unit": nullable(UNIT), "restart_policy": nullable(prose(60)), "infra": BOOLEAN,
    "limit": nullable(SIZE), "returns_by": nullable(words("unit", "restart_service", "start")), "why": nullable(prose(_LINE)),
}, [])
_PROBLEM = record({"user": nullable(USER), "message": prose(_LINE), "required": BOOLEAN}, [])
_RUNTIME = record({"user": USER, "name": nullable(prose(60)), "version": nullable(prose(100)), "cgroup_v2": nullable(BOOLEAN)}, [])

_TOLD = items(prose(_LINE), _MAX_TOLD)
_FILES = items(text(_PATH), _MAX_FILES)
_ARGUMENTS = items(prose(_ARGUMENT), _MAX_FILES)

# Of each module what it returns beside facts.
RESULTS: Dict[str, Schema] = {
    "cgroup_facts": record({}, []),
    "container_defaults": record({"defaults": items(_DEFAULT, _MAX_USERS)}, ["defaults"]),
    "container_drain": record({
        "containers": items(_STOPPED, MAX_CONTAINERS),
        "missing": items(_STOPPED, MAX_CONTAINERS),
        "notes": _TOLD,
        "problems": items(_PROBLEM, _MAX_USERS),
        "runtimes": items(_RUNTIME, _MAX_USERS),
    }, ["containers", "missing", "notes", "problems", "runtimes"]),
    "container_memory": record({"containers": items(_CHANGED, MAX_CONTAINERS)}, ["containers"]),
    "kernel_cmdline": record({
        "bootloader": prose(60), "before": _ARGUMENTS, "after": _ARGUMENTS, "files": _FILES, "commands": _TOLD, "backup_files": _FILES,
        "reboot_required": BOOLEAN,
    }, ["bootloader", "before", "after", "files", "commands", "backup_files", "reboot_required"]),
    "oom_facts": record({"facts_json": text(MAX_FACTS_SIZE)}, ["facts_json"]),
    "oom_recorder": record({"recorder": record({
        "code": text(_PATH, "^/"), "service": UNIT, "timer": UNIT, "history": text(_PATH, "^/"), "textfile": nullable(text(_PATH, "^/")),
    }, [])}, ["recorder"]),
}

_WORDS = items(prose(60), _MAX_TOLD)
_GIVEN = items(record({"name": prose(_ARGUMENT), "value": nullable(prose(_ARGUMENT)), "effect": prose(_LINE)}, []), _MAX_TOLD)
_UID = integer(0, 2 ** 32 - 2)
_MODES = ("v1", "hybrid", "v2")

# ansible_facts.podman_cgroup
CGROUP_FACTS: Schema = record({
    "schema": words(CGROUP_SCHEMA),
    "mode": nullable(words(*_MODES)),
    "mode_evidence": _TOLD,
    "host": record({
        "kernel": nullable(prose(255)),
        "distribution": nullable(record({key: nullable(prose(255)) for key in ("id", "version", "name")}, [])),
        "systemd": record({"running": nullable(BOOLEAN), "version": nullable(integer(0, 100000)),
                           "default_hierarchy": nullable(words("unified", "hybrid", "legacy"))}, []),
        "container": nullable(prose(255)),
    }, []),
    "controllers": record({"available": nullable(_WORDS), "enabled": nullable(_WORDS), "v1": nullable(_WORDS)}, []),
    "memory": record({
        "present": nullable(BOOLEAN),
        "reasons": items(record({"id": prose(60), "detail": prose(_LINE), "argument": nullable(prose(_ARGUMENT))}, []), _MAX_TOLD),
    }, []),
    "oom_group": record({"supported": nullable(BOOLEAN), "kill_event": nullable(BOOLEAN), "why": nullable(prose(_LINE))}, []),
    "swap_accounting": nullable(BOOLEAN),
    "psi": record({"available": nullable(BOOLEAN), "why": nullable(prose(_LINE))}, []),
    "boot": record({
        "arguments": nullable(_GIVEN),
        "next": nullable(record({"kind": prose(60), "path": text(_PATH), "arguments": _GIVEN,
                                 "mode": nullable(words(*_MODES, "refuses"))}, [])),
        "reboot_pending": nullable(BOOLEAN),
        "evidence": items(nullable(prose(_LINE)), _MAX_TOLD),
    }, []),
    "users": items(record({
        "name": USER, "uid": _UID, "manager_running": nullable(BOOLEAN), "linger": nullable(BOOLEAN), "controllers": nullable(_WORDS),
        "memory_delegated": nullable(BOOLEAN), "configured": nullable(_WORDS), "why": nullable(prose(_LINE)),
    }, []), _MAX_USERS),
    "v2_ready": nullable(BOOLEAN),
    "changes_needed": items(record({
        "id": prose(60), "what": prose(_LINE), "why": prose(_LINE), "argument": nullable(prose(_ARGUMENT)), "file": nullable(text(_PATH)),
        "users": items(USER, _MAX_USERS), "reboot": nullable(BOOLEAN), "configured": nullable(BOOLEAN),
    }, []), _MAX_TOLD),
    "reboot_required_for_changes": nullable(BOOLEAN),
    "missing": items(record({"what": prose(_PATH), "why": otherwise(nullable(prose(_LINE)), None)}, []), _MAX_TOLD),
    "plan": record({
        "present": items(text(_ARGUMENT), _MAX_TOLD), "absent": items(text(_ARGUMENT), _MAX_TOLD), "delegate": nullable(text(_PATH, "^/")),
        "users": items(record({"name": USER, "uid": _UID}, []), _MAX_USERS), "reboot": BOOLEAN, "steps": _TOLD, "obstacles": _TOLD,
    }, []),
    "blockers": _TOLD,
}, [])

# As it is published.
DOCUMENT: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://podman-fleet.example/memory/results-v1.schema.json",
    "title": "podman_fleet.memory results",
    "description": "What the modules on hosts return beside Ansible's own keys and the facts of oom_facts, and what the controller takes "
                   "of it: `results` by module, and `podman_cgroup`. What does not pass is left out with what it is part of and told "
                   "in a warning. Text with x-cut is cut after maxLength characters. What is not named here is left out.",
    "type": "object",
    "properties": {"results": {"type": "object", "properties": RESULTS}, "podman_cgroup": CGROUP_FACTS},
}
_RESULTS = {module: Checker(schema) for module, schema in RESULTS.items()}
_CGROUP = Checker(CGROUP_FACTS)


class Passed(NamedTuple):
    """What passed of an answer."""

    value: Dict[str, Any]
    problems: str  # what did not, in words; empty: nothing


def check_result(module: str, given: Dict[str, Any]) -> Passed:
    """Return what passes of a module's own keys.

    :raises DoorError: nothing does.
    """
    return _check(_RESULTS[module], given, "what %s returns" % module)


def check_cgroup_facts(given: Any) -> Passed:
    """Return what passes of ansible_facts.podman_cgroup.

    :raises DoorError: it is none as a whole.
    """
    return _check(_CGROUP, given, CGROUP_SCHEMA)


def _check(checker: Checker, given: Any, what: str) -> Passed:
    checked = checker.check(given, 0)  # there are no times in it
    if checked.value is INVALID:
        raise DoorError("is not %s: %s" % (what, violations_text(checked.violations[-1:])))
    return Passed(checked.value, violations_text(checked.violations))
