# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A JSON text that somebody else wrote: its size, the number of its values, and what JSON leaves to each reader.

Pure. What the values mean is said by a schema, see schema.py.
"""

import json
from typing import Any, List, Tuple, Union

MIB = 1024 * 1024
# A value takes about 100 bytes of memory as a Python object: 400 MB at most.
MAX_VALUES = 4000000
# 2^63 has 19 digits and a sign. int() takes quadratic time for long ones, and from Python 3.11 on refuses those of more than 4,300.
_MAX_DIGITS = 20


class DoorError(ValueError):
    """It can't be let in as a whole; the message says why, and goes on from "its answer …"."""


class Unusable:
    """Stands for a value that readers of JSON understand differently; no schema takes it."""


UNUSABLE = Unusable()


def parse_document(text: Union[bytes, str], max_size: int, max_values: int = MAX_VALUES) -> Any:
    """Return the value of a JSON text.

    Integers of more than 20 digits and objects in which a key stands twice become UNUSABLE, NaN and Infinity stay floats:
    the schema refuses them where they stand, and keeps the rest. Bytes that are no UTF-8 become U+FFFD.

    :param max_size: of bytes in UTF-8.
    :param max_values: commas in texts count as well.
    :raises DoorError: it is too large, nested too deeply, or no JSON.
    """
    if _size(text, max_size) > max_size:
        raise DoorError("is larger than %d MiB" % (max_size // MIB))
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if sum(text.count(sign) for sign in ",[{") > max_values:
        raise DoorError("has more than %d values" % max_values)
    try:
        return json.loads(text, parse_int=_integer, object_pairs_hook=_distinct)
    except RecursionError:  # Python's own limit, about 1,000 levels
        raise DoorError("is nested too deeply")
    except ValueError as exc:
        raise DoorError("is not JSON: %s" % str(exc)[:200])


def _size(text: Union[bytes, str], enough: int) -> int:
    """The bytes of a text in UTF-8; its characters, where those are too many already or few enough whatever they are."""
    if isinstance(text, bytes) or len(text) > enough or 4 * len(text) <= enough:
        return len(text)
    return len(text.encode("utf-8", "surrogatepass"))


def _integer(digits: str) -> Any:
    return int(digits) if len(digits) <= _MAX_DIGITS else UNUSABLE


def _distinct(pairs: List[Tuple[str, Any]]) -> Any:
    values = dict(pairs)
    return values if len(values) == len(pairs) else UNUSABLE
