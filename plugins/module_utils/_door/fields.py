# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fields of an object that somebody else wrote, each of the type that is asked for.

Pure. For objects of which only a few fields are read, such as what `podman container inspect` prints; a whole document has a
schema.
"""

from typing import Any, Dict, List, Optional

from .._system.times import parse_iso

_TIME = 64  # characters of a time: with nanoseconds and a zone they are 35


class FieldError(ValueError):
    """A field has another type or value than it may have; the message names it."""


class Fields:
    """An object and its name in messages.

    Its methods return None, or what is empty of their type, for a field that is missing or null, and raise FieldError for one of
    another type or out of range.
    """

    def __init__(self, value: Any, name: str = "") -> None:
        """:raises FieldError: it is no object."""
        if not isinstance(value, dict):
            raise FieldError("%s is not an object" % (name or "it"))
        self._value: Dict[str, Any] = value
        self._name = name

    def __contains__(self, key: str) -> bool:
        return key in self._value

    def object(self, key: str) -> "Fields":
        """Return the object in a field."""
        value = self._value.get(key)
        return Fields({} if value is None else value, self._path(key))

    def text(self, key: str, longest: int) -> str:
        """Return the text, which has at most so many characters and no NUL; each lone surrogate as "?"."""
        value = self._value.get(key)
        if value is None:
            return ""
        return self._as_text(value, key, longest)

    def integer(self, key: str, least: int, most: int) -> Optional[int]:
        """Return the whole number."""
        value = self._value.get(key)
        if value is not None and not (isinstance(value, int) and not isinstance(value, bool) and least <= value <= most):
            raise FieldError("%s is not an integer from %d to %d" % (self._path(key), least, most))
        return value

    def flag(self, key: str) -> Optional[bool]:
        """Return whether it is true."""
        value = self._value.get(key)
        if value is not None and not isinstance(value, bool):
            raise FieldError("%s is not true or false" % self._path(key))
        return value

    def time(self, key: str) -> Optional[int]:
        """Return the microseconds since the epoch; None for Go's zero time, too."""
        text = self.text(key, _TIME)
        try:
            return parse_iso(text) if text else None
        except ValueError:
            raise FieldError("%s is not an ISO 8601 time" % self._path(key))

    def texts(self, key: str, longest: int) -> List[str]:
        """Return the list of texts."""
        value = self._value.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise FieldError("%s is not a list" % self._path(key))
        return [self._as_text(each, key, longest) for each in value]

    def objects(self, key: str) -> List["Fields"]:
        """Return the list of objects."""
        value = self._value.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise FieldError("%s is not a list" % self._path(key))
        return [Fields(each, self._path(key)) for each in value]

    def pairs(self, key: str, longest: int) -> Dict[str, str]:
        """Return the object whose values are texts."""
        value = self._value.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise FieldError("%s is not an object" % self._path(key))
        return {self._as_text(name, key, longest): self._as_text(each, key, longest) for name, each in value.items()}

    def _as_text(self, value: Any, key: str, longest: int) -> str:
        if not isinstance(value, str) or len(value) > longest or "\0" in value:
            raise FieldError("%s is not a text of at most %d characters" % (self._path(key), longest))
        return value.encode("utf-8", "replace").decode("utf-8")

    def _path(self, key: str) -> str:
        return "%s.%s" % (self._name, key) if self._name else key
