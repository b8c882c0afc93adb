# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts of a host, podman_fleet.memory/facts/v1, as a schema (see schema.py): what the module oom_facts returns.

Pure. What each key means is in the module's documentation. Where null means "unknown", it takes the place of what does not pass.
Where null means "none" (a declared limit), it would be a lie: there the container is left out, or its verdict is unknown.
"""

from .grammar import (
    BOOLEAN,
    DAY,
    EXIT_CODE,
    ID,
    NAME,
    PID,
    SIZE,
    TIME,
    UNIT,
    USER,
    integer,
    items,
    nullable,
    otherwise,
    prose,
    record,
    text,
    unknown,
    words,
)

FACTS_SCHEMA = "podman_fleet.memory/facts/v1"

# More than any host was seen to have: what a single host may take of the controller.
MAX_CONTAINERS = 5000
MAX_REMOVED = 5000
MAX_SOURCES = 5000  # two for each user
MAX_ERRORS = 2000
MAX_FACTS_SIZE = 64 << 20  # bytes as JSON: 5,000 containers with 90 days of history each are 43 MiB
LABEL_LENGTH = 16 << 10  # characters of a label's value; what is longer is cut
_MAX_LABELS, _LABEL_KEY = 256, 512
_MAX_PROCESSES, _MAX_LINES, _MAX_DAYS = 1000, 200, 4000
_LINE, _PATH = 2000, 4096

SOURCES = ("podman", "cgroup", "kernel_log", "systemd", "recorder")
# libpod/define/containerstate.go; "configured" in Podman 3
STATES = ("unknown", "configured", "created", "initialized", "running", "stopped", "paused", "exited", "removing", "stopping",
          "bad state")
_CAUSES = ("container_limit", "nested_limit", "ancestor_limit", "host_oom", "cpuset_oom", "systemd_oomd", "stopped_by_user",
           "health_check", "external_sigkill", "application_exit", "none", "unknown")
UNKNOWN_VERDICT = {
    "killed": None, "cause": "unknown", "scope": None, "lethal": None, "group": None, "confidence": "unknown", "count": 0,
    "last_at": None, "victims": [], "flag_trust": "unknown", "history": [],
    "evidence": ["the verdict on it was not valid, and is left out"], "missing": [],
}

PODMAN_INFO = unknown(record({
    "version": unknown(prose(255)),
    "conmon": unknown(prose(255)),
    "runtime": unknown(record({"name": unknown(prose(255)), "version": unknown(prose(255))}, ["name", "version"])),
    "cgroup_manager": unknown(prose(255)),
}, ["version", "conmon", "runtime", "cgroup_manager"]))
_HOST = record({
    "hostname": unknown(prose(255)),
    "collected_at": unknown(TIME),
    "boot_id": unknown(text(32, "^[0-9a-f]{32}$")),
    "booted_at": unknown(TIME),
    "kernel": unknown(prose(255)),
    "distribution": unknown(prose(255)),
    "memory_total": unknown(SIZE),
    "swap_total": unknown(SIZE),
    "cgroup_version": unknown(integer(1, 2)),
    "controllers": otherwise(items(prose(255), 100), []),
    "podman": PODMAN_INFO,
    "oomd_active": unknown(BOOLEAN),
}, ["hostname", "collected_at", "boot_id", "booted_at", "kernel", "distribution", "memory_total", "swap_total", "cgroup_version",
    "controllers", "podman", "oomd_active"])

SOURCE = record({
    "name": words(*SOURCES),
    "user": nullable(USER),
    "status": otherwise(words("ok", "partial", "unavailable", "absent"), "unavailable"),
    "covers_since": unknown(TIME),
    "detail": unknown(prose(_LINE)),
}, ["user", "covers_since", "detail"])

ERROR = record({
    "source": otherwise(words(*SOURCES, "facts"), "facts"),
    "user": unknown(USER),
    "message": otherwise(prose(_LINE), "a message that is not valid"),
    "container": unknown(prose(600)),
    "container_id": unknown(ID),
}, ["user", "container", "container_id"])

_PROCESS = {"pid": unknown(PID), "task": unknown(prose(255)), "at": unknown(TIME), "rss": unknown(SIZE)}
_VERDICT = record({
    "killed": nullable(BOOLEAN),
    "cause": otherwise(words(*_CAUSES), "unknown"),
    "scope": unknown(prose(_PATH)),
    "scope_limit": unknown(SIZE),
    "lethal": unknown(BOOLEAN),
    "group": unknown(BOOLEAN),
    "confidence": otherwise(words("certain", "likely", "unknown"), "unknown"),
    "count": SIZE,
    "lethal_count": unknown(SIZE),
    "last_at": unknown(TIME),
    "victims": otherwise(items(record(_PROCESS, list(_PROCESS)), _MAX_PROCESSES), []),
    "flag_trust": otherwise(words("agrees", "stale", "missed", "overstated", "unknown"), "unknown"),
    "history": otherwise(items(record(dict(_PROCESS, cause=otherwise(words(*_CAUSES), "unknown")), list(_PROCESS)),
                               _MAX_PROCESSES, "last"), []),
    "evidence": otherwise(items(prose(_LINE), _MAX_LINES), []),
    "missing": otherwise(items(prose(100), _MAX_LINES), []),
}, ["scope_limit", "lethal_count", "group", "history"])

PATH = text(_PATH, "^/")
_NO_MANAGER = {"kind": "none", "unit": None}
_MANAGER = otherwise(record({
    "kind": words("none", "quadlet", "systemd", "compose", "kube"),
    "unit": unknown(UNIT),
    "file": unknown(PATH),
    "pod_unit": unknown(UNIT),
}, ["file", "pod_unit"]), _NO_MANAGER)

SETTINGS = record({"limit": nullable(SIZE), "swap_limit": nullable(SIZE), "reservation": nullable(SIZE),
                   "oom_group": nullable(BOOLEAN)}, ["reservation"])
_MEMORY = record({
    "declared": SETTINGS,
    "next_start": nullable(SETTINGS),
    "next_start_problem": unknown(prose(500)),
    "effective": unknown(record({
        "limit": nullable(SIZE),
        "swap_limit": nullable(SIZE),
        "high": nullable(SIZE),
        "oom_group": unknown(BOOLEAN),
        "oom_kill_disabled": unknown(BOOLEAN),
        "source": nullable(PATH),
    }, ["high", "oom_kill_disabled"])),
    "usage": unknown(record({
        **{key: unknown(SIZE) for key in ("current", "working_set", "anon", "peak", "swap")},
        "pressure_full_avg300": unknown({"type": "number", "minimum": 0, "maximum": 100}),
    }, ["current", "working_set", "anon", "peak", "swap", "pressure_full_avg300"])),
    "events": unknown(record({key: unknown(SIZE) for key in ("low", "high", "max", "oom", "oom_kill", "oom_group_kill")},
                             ["low", "high", "max", "oom", "oom_kill", "oom_group_kill"])),
    "daily": unknown(items(record({
        "day": DAY,
        "working_set_max": unknown(SIZE),
        "peak": unknown(SIZE),
        "samples": otherwise(SIZE, 0),
    }, []), _MAX_DAYS, "last")),
}, ["next_start", "next_start_problem", "usage", "events", "daily"])

# What Podman says of a container.
INSPECTED = {
    "id": ID,
    "name": unknown(NAME),
    "user": USER,
    "image": unknown(prose(1024)),
    "created_at": unknown(TIME),
    "labels": otherwise({
        "type": "object",
        "propertyNames": {"maxLength": _LABEL_KEY, "pattern": r"^[^\x00-\x1f\x7f-\x9f\ud800-\udfff]*$"},
        "additionalProperties": prose(LABEL_LENGTH),
        "maxProperties": _MAX_LABELS,
    }, {}),
    "pod": unknown(ID),
    "is_infra": otherwise(BOOLEAN, False),
    "manager": _MANAGER,
    "state": record({
        "status": otherwise(words(*STATES), "unknown"),
        "exit_code": unknown(EXIT_CODE),
        "started_at": unknown(TIME),
        "finished_at": unknown(TIME),
        "restart_count": unknown(SIZE),
        "oom_killed_flag": unknown(BOOLEAN),
        "stopped_by_user": unknown(BOOLEAN),
        "ended_meanwhile": otherwise(BOOLEAN, False),
    }, ["exit_code", "started_at", "finished_at", "restart_count", "stopped_by_user", "ended_meanwhile"]),
}
_CONTAINER = record({**INSPECTED, "memory": _MEMORY, "oom": otherwise(_VERDICT, UNKNOWN_VERDICT)},
                    ["image", "created_at", "pod", "is_infra"])

_REMOVED = record({
    "id": ID,
    "user": USER,
    "name": unknown(NAME),
    "image": unknown(prose(1024)),
    "manager": _MANAGER,
    "memory_limit": unknown(SIZE),
    "exit_code": unknown(EXIT_CODE),
    "gone": unknown(BOOLEAN),
    "died_at": unknown(TIME),
    "oom": _VERDICT,
}, ["image", "manager", "memory_limit", "exit_code", "gone", "died_at"])

FACTS = record({
    "schema": words(FACTS_SCHEMA),
    "host": _HOST,
    "sources": items(SOURCE, MAX_SOURCES),
    "containers": items(_CONTAINER, MAX_CONTAINERS),
    "removed": items(_REMOVED, MAX_REMOVED),
    "errors": items(ERROR, MAX_ERRORS),
}, [])

# As it is published.
DOCUMENT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://podman-fleet.example/memory/facts-v1.schema.json",
    "title": FACTS_SCHEMA,
    "description": "What the module oom_facts returns of a host, and what the controller takes of it. Sizes are bytes, times are "
                   "ISO 8601 in UTC between 1970 and one day from now. What does not pass is replaced by x-otherwise, or left "
                   "out with what it is part of, and told in `errors`. Text with x-cut is cut after maxLength characters. What is "
                   "not named here is left out.",
    **FACTS,
}
