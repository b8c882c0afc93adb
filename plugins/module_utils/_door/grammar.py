# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What names, ids, sizes and times look like: pieces of schemas (see schema.py), and tests of single values.

Pure.
"""

import re
from typing import Any, Dict, List, Optional

from .schema import Schema

MAX_SIZE = 2 ** 63 - 1  # the kernel and Podman count bytes in 64 bits with a sign
MAX_PID = 2 ** 22  # PID_MAX_LIMIT of 64-bit kernels (include/linux/threads.h)
# libpod/define/config.go: NameRegex. It has no limit; kube's names are up to 253 and 63 characters, joined.
NAME_PATTERN, NAME_LENGTH = "^[a-zA-Z0-9][a-zA-Z0-9_.-]*$", 512
ID_PATTERN, ID_LENGTH = "^[0-9a-f]{64}$", 64
# systemd.io/USER_NAMES, the relaxed rules, and a number where no user has it: what passwd(5) can hold, directory services included.
USER_PATTERN, USER_LENGTH = r"^[^\x00-\x20\x7f-\xa0\ud800-\udfff:/+-][^\x00-\x1f\x7f-\x9f\ud800-\udfff:/]*$", 256
# src/basic/unit-name.c: VALID_CHARS and UNIT_NAME_MAX. A name that begins with "-" would be an option of systemctl.
UNIT_PATTERN, UNIT_LENGTH = r"^[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*[.][a-z]+$", 255
_UNIT = re.compile(UNIT_PATTERN[:-1] + r"\Z")
_NAME = re.compile(NAME_PATTERN[:-1] + r"\Z")
_ID = re.compile(ID_PATTERN[:-1] + r"\Z")


def text(longest: int, pattern: Optional[str] = None) -> Schema:
    """A text of so many characters."""
    return {"type": "string", "maxLength": longest, **({"pattern": pattern} if pattern else {})}


def prose(longest: int) -> Schema:
    """A text for people, which may be cut."""
    return {"type": "string", "maxLength": longest, "x-cut": True}


def integer(least: int, most: int) -> Schema:
    """A whole number."""
    return {"type": "integer", "minimum": least, "maximum": most}


def words(*known: str) -> Schema:
    """One of these texts."""
    return {"type": "string", "enum": list(known)}


def items(of: Schema, most: int, keep: str = "first") -> Schema:
    """A list of so many elements, of which the first or the last are kept when there are more."""
    return {"type": "array", "items": of, "maxItems": most, **({"x-keep": keep} if keep != "first" else {})}


def record(properties: Dict[str, Schema], optional: List[str]) -> Schema:
    """An object with these keys; those in `optional` may be missing."""
    return {"type": "object", "properties": properties, "required": [key for key in properties if key not in optional],
            "additionalProperties": False}


def nullable(schema: Schema) -> Schema:
    """The same, or null."""
    changed = dict(schema, type=[schema["type"], "null"])
    return dict(changed, enum=schema["enum"] + [None]) if "enum" in schema else changed


def otherwise(schema: Schema, value: Any) -> Schema:
    """The same; `value` takes the place of what does not pass."""
    return dict(schema, **{"x-otherwise": value})


def unknown(schema: Schema) -> Schema:
    """The same, or null for "unknown", which is also what takes the place of what does not pass."""
    return otherwise(nullable(schema), None)


ID = text(ID_LENGTH, ID_PATTERN)
NAME = text(NAME_LENGTH, NAME_PATTERN)
USER = text(USER_LENGTH, USER_PATTERN)
UNIT = text(UNIT_LENGTH, UNIT_PATTERN)
SIZE = integer(0, MAX_SIZE)  # bytes, and counts
PID = integer(1, MAX_PID)
EXIT_CODE = integer(-2 ** 31, 2 ** 31 - 1)  # int32 in Podman
BOOLEAN = {"type": "boolean"}
TIME = {"type": "string", "format": "date-time"}
DAY = {"type": "string", "format": "date"}


def is_id(value: Any) -> bool:
    """Whether it is a container's or a pod's id."""
    return isinstance(value, str) and bool(_ID.match(value))


def is_name(value: Any) -> bool:
    """Whether Podman would take it as a container's name."""
    return isinstance(value, str) and len(value) <= NAME_LENGTH and bool(_NAME.match(value))


def is_unit(value: Any) -> bool:
    """Whether systemd would take it as a unit's name, and no command as an option."""
    return isinstance(value, str) and len(value) <= UNIT_LENGTH and bool(_UNIT.match(value))
