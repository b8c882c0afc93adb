# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user's own process says of the user's containers, through the door: the user may have written it.

Pure. The answer: {podman: a PodmanAnswer without its user, info, next_starts, main_pids}, see _oom/users.py.
"""

from typing import Any, Dict, List, Optional, Set

from .document import DoorError
from .door import container_error, violations_text
from .facts import ERROR, INSPECTED, MAX_CONTAINERS, PATH, PODMAN_INFO, SETTINGS, SOURCE
from .grammar import BOOLEAN, ID, ID_LENGTH, ID_PATTERN, PID, UNIT, integer, items, nullable, otherwise, prose, record, unknown
from .schema import INVALID, Checker

_MAX_LISTED = 20000
_MAX_ERRORS = 200
_MICROS = integer(0, 2 ** 53)  # microseconds: up to the year 2255
_LISTED = record({"ident": ID, "name": prose(512)}, [])
_CONTAINER = record({
    "facts": record({**INSPECTED, "declared": SETTINGS}, ["image", "created_at", "pod", "is_infra"]),
    "ident": ID,
    "created": unknown(_MICROS),
    "started": unknown(_MICROS),
    "finished": unknown(_MICROS),
    "ran": BOOLEAN,
    "running": BOOLEAN,
    "pid": unknown(PID),
    "pidfile": otherwise(nullable(prose(4096)), None),
    "oom_killed_flag": BOOLEAN,
    "stopped_by_user": unknown(BOOLEAN),
    "unhealthy_at": unknown(_MICROS),
    "cgroup_parent": otherwise(prose(4096), ""),
    "own_cgroup": BOOLEAN,
    "auto_remove": BOOLEAN,
    "create_command": otherwise(items(prose(4096), 0), []),  # only the user's own process needs it
}, [])


def _by_id(of: Dict[str, Any]) -> Dict[str, Any]:
    return {"type": "object", "propertyNames": {"maxLength": ID_LENGTH, "pattern": ID_PATTERN}, "additionalProperties": of,
            "maxProperties": MAX_CONTAINERS}


_ANSWER = Checker(record({
    "podman": record({
        "listed": items(_LISTED, _MAX_LISTED),
        "containers": items(_CONTAINER, MAX_CONTAINERS),
        "unmatched": items(prose(512), 1000),
        "complete": BOOLEAN,
        "sources": items(SOURCE, 1),
        "errors": items(ERROR, _MAX_ERRORS),
    }, []),
    "info": PODMAN_INFO,
    "next_starts": _by_id(record({"settings": nullable(SETTINGS), "problem": unknown(prose(500)), "file": unknown(PATH),
                                  "pod_unit": unknown(UNIT)}, [])),
    "main_pids": _by_id(PID),
}, []), depth=3)


def clean_answer(said: Any, user: str, now: int) -> Dict[str, Any]:
    """Return what passes of a user's answer; each value has the type and range that root's code relies on.

    Containers of which something did not pass have an entry in its `errors`; those that are left out in whole make its source
    `partial`.

    :param user: name; nothing in the answer is about anybody else.
    :param now: microseconds since the epoch.
    :raises DoorError: it is no answer as a whole.
    """
    checked = _ANSWER.check(said, now)
    if checked.value is INVALID or not checked.value["podman"]["sources"]:
        raise DoorError("is not what was asked for: %s" % (violations_text(checked.violations[-1:]) or "it has no source"))
    answer: Dict[str, Any] = checked.value
    podman = answer["podman"]
    for entry in podman["sources"] + podman["errors"]:
        entry.update({"user": user}, **({"name": "podman"} if "name" in entry else {"source": "podman"}))
    bad = {str(violation.path[1]) for violation in checked.violations if violation.path[0] == "next_starts" and len(violation.path) > 1}
    errors, left_out = _container_errors(said["podman"]["containers"], user, checked), _remove_doubtful(podman, user, bad)
    others = [violation for violation in checked.violations if violation.path[:2] != ("podman", "containers")
              and not (violation.path[0] == "next_starts" and len(violation.path) > 1)]
    if others:
        errors.append({"source": "podman", "user": user, "message": violations_text(others)})
    podman["errors"] = (errors + left_out + podman["errors"])[:_MAX_ERRORS]
    is_cut = any(violation.path in (("podman", "listed"), ("podman", "containers")) for violation in checked.violations)
    podman["complete"] = podman["complete"] and not is_cut and not any(path[:2] == ("podman", "listed") for path in checked.left_out)
    source = podman["sources"][0]
    if source["status"] == "ok" and (others or left_out or any(len(path) == 3 for path in checked.left_out)):
        source.update(status="partial", detail="what is said of some containers is not valid, and is left out")
    return answer


def _container_errors(given: List[Any], user: str, checked: Any) -> List[Dict[str, Any]]:
    """An entry for each container of which something did not pass."""
    by_number: Dict[int, List[Any]] = {}
    for violation in checked.violations:
        if violation.path[:2] == ("podman", "containers") and len(violation.path) > 2:
            by_number.setdefault(violation.path[2], []).append(violation._replace(path=violation.path[3:]))
    left_out = {path[2] for path in checked.left_out if path[:2] == ("podman", "containers") and len(path) == 3}
    return [container_error(_said_of(given[number]), user, number, violations, number in left_out)
            for number, violations in by_number.items()]


def _said_of(raw: Any) -> Optional[Any]:
    return raw.get("facts") if isinstance(raw, dict) else None


def _remove_doubtful(podman: Dict[str, Any], user: str, bad_next_starts: Set[str]) -> List[Dict[str, Any]]:
    """Remove the containers that name another owner or two ids, and those whose next start is not known; return their errors."""
    kept, errors = [], []
    for container in podman["containers"]:
        facts = container["facts"]
        problem = ("user is not %s" % user if facts["user"] != user else
                   "it has two ids" if facts["id"] != container["ident"] else
                   "the settings of its unit are not valid" if container["ident"] in bad_next_starts else None)
        if problem is None:
            kept.append(container)
        else:
            label = facts["name"] or facts["id"][:12]
            errors.append({"source": "podman", "user": user, "container": label, "container_id": facts["id"],
                           "message": "container %s: %s; it is left out" % (label, problem)})
    podman["containers"] = kept
    return errors
