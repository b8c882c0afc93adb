# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts of a host through the door: what passes, and in `errors` what did not.

Pure. A container that is left out in whole or in part has an entry in `errors` that names it (`container`, `container_id`, `user`),
of which the audit makes the finding evidence-missing. When it is left out in whole, its owner's source podman is `partial`, so
that nothing of an earlier report counts as resolved.
"""

from typing import Any, Dict, List, Optional, Set, Tuple, Union

from .document import DoorError, parse_document
from .facts import FACTS, FACTS_SCHEMA, MAX_ERRORS, MAX_FACTS_SIZE
from .grammar import NAME, USER, is_id
from .schema import INVALID, Checked, Checker, Violation

_LISTS = ("containers", "removed")
_MAX_PROBLEMS = 3  # that are told of one container, or of one part of the facts
_MAX_KEY = 60  # characters of a key in a message
_FACTS, _USER, _NAME = Checker(FACTS), Checker(USER), Checker(NAME)

Facts = Dict[str, Any]


def parse_facts(text: Union[bytes, str], now: int) -> Facts:
    """Return the facts of a JSON text, see clean_facts().

    :raises DoorError: it is no facts as a whole.
    """
    return clean_facts(parse_document(text, MAX_FACTS_SIZE), now)


def clean_facts(given: Any, now: int) -> Facts:
    """Return what passes of a host's facts; each value has the type and range that the schema FACTS says.

    :param now: microseconds since the epoch.
    :raises DoorError: they are no facts as a whole.
    """
    checked = _FACTS.check(given, now)
    if checked.value is INVALID:
        raise DoorError("is not %s: %s" % (FACTS_SCHEMA, _describe(checked.violations[-1])))
    facts: Facts = checked.value
    if checked.violations:
        _tell(facts, given, checked)
    return facts


def _tell(facts: Facts, given: Facts, checked: Checked) -> None:
    """Add an entry to `errors` for each container, and each other part, of which something did not pass."""
    left_out = {path for path in checked.left_out if len(path) == 2}
    parts: Dict[Tuple[Any, ...], List[Violation]] = {}
    for violation in checked.violations:
        is_element = violation.path[0] in _LISTS and len(violation.path) > 1
        parts.setdefault(violation.path[:2 if is_element else 1], []).append(violation)
    entries, owners, all_owners = [], set(), False
    for part, violations in parts.items():
        if len(part) == 1:
            entries.append(_error("facts", None, violations_text(violations)))
            # whose containers are missing is not known
            all_owners |= part[0] in ("containers", "removed", "sources")
            continue
        entries.append(container_error(
            given[part[0]][part[1]], None, part[1], [violation._replace(path=violation.path[2:]) for violation in violations],
            part in left_out))
        if part in left_out:
            owners.add(entries[-1]["user"])
    facts["errors"] = _limited(entries, MAX_ERRORS // 2) + facts["errors"]
    facts["errors"] = _limited(facts["errors"], MAX_ERRORS)
    _mark_partial(facts, None if all_owners or None in owners else owners)


def _limited(entries: List[Dict[str, Any]], most: int) -> List[Dict[str, Any]]:
    """At most so many; the last one says how many more there are."""
    if len(entries) <= most:
        return entries
    return entries[:most - 1] + [_error("facts", None, "%d more errors, which are left out" % (len(entries) - most + 1))]


def container_error(raw: Any, user: Optional[str], number: int, violations: List[Violation], is_left_out: bool) -> Dict[str, Any]:
    """Return the entry in `errors` for a container of which something did not pass.

    :param raw: what was said of it, with the keys user, name and id if it is anything; number: in its list, from 0.
    :param user: whose it is; None: whose it says.
    :param violations: with paths inside of it.
    """
    raw = raw if isinstance(raw, dict) else {}
    user, name = user or _passing(_USER, raw.get("user")), _passing(_NAME, raw.get("name"))
    ident = raw.get("id") if is_id(raw.get("id")) else None
    label = name or (ident[:12] if ident else "number %d" % (number + 1))
    what = "it is left out" if is_left_out else "that is left out"
    entry = _error("podman", user, "container %s: %s; %s" % (label, violations_text(violations), what))
    return dict(entry, container=label, container_id=ident)


def _passing(checker: Checker, value: Any) -> Optional[str]:
    result = checker.check(value, 0).value
    return None if result is INVALID else result


def _error(source: str, user: Optional[str], message: str) -> Dict[str, Any]:
    return {"source": source, "user": user, "message": message}


def violations_text(violations: List[Violation]) -> str:
    """Return what did not pass, in words that do nothing to a terminal."""
    return ", ".join(_describe(violation) for violation in violations[:_MAX_PROBLEMS]) + (
        " and more" if len(violations) > _MAX_PROBLEMS else "")


def _describe(violation: Violation) -> str:
    """In words that do nothing to a terminal: "oom.count is missing"."""
    # ascii(): a key may be anything
    name = ".".join(part if isinstance(part, str) and part.isidentifier() and len(part) <= _MAX_KEY
                    else ascii(part[:_MAX_KEY] if isinstance(part, str) else part) for part in violation.path)
    return "%s %s" % (name or "it", violation.problem)


def _mark_partial(facts: Facts, owners: Optional[Set[Optional[str]]]) -> None:
    """Make the source podman of these users partial; None: of all."""
    for source in facts["sources"]:
        if source["name"] == "podman" and source["status"] == "ok" and (owners is None or source.get("user") in owners):
            source["status"] = "partial"
            source["detail"] = source.get("detail") or "what is said of some containers is not valid, and is left out"
