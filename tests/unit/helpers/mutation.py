# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents with one odd value in them: every node of a JSON document, and what may stand in its place.

The odd values are pieces of JSON text, because some of them (a depth of 100,000, a key that stands twice) are in no Python object.
"""

import copy
import json
import random

_PLACE = "@the odd value@"
_DEEP = 100000

# What a value may be replaced by.
ODD = [
    # types
    "null", "true", "false", "0", "1", "-1", '""', '"x"', "[]", "{}", "[[]]", '{"a": {}}', "[null]", '["x"]', "[0]", '{"": ""}',
    # sizes
    "-0", "-0.0", "0.1", "1.5", "1e308", "1e999", "-1e999", "NaN", "Infinity", "-Infinity", "4194304", "4194305", "2147483648",
    "9223372036854775807", "9223372036854775808", "18446744073709551616", "-9223372036854775809", "9" * 400, "-" + "9" * 400, "9" * 5000,
    "100.0000001", '"12"',
    # times
    '"9999-12-31T23:59:59Z"', '"10000-01-01T00:00:00Z"', '"0000-00-00T00:00:00Z"', '"0001-01-01T00:00:00Z"',
    '"1969-12-31T23:59:59Z"', '"1970-01-01T00:00:00Z"', '"2026-02-30T00:00:00Z"', '"2026-11-23T24:60:60Z"', '"2026-11-23"',
    '"2026-11-23T10:00:00+14:00"', '"yesterday"', '"2026-11-23%sx"' % (" " * 2000), '"\u0662\u0660\u0662\u0666-11-23T10:00:00Z"',
    # depth
    "[" * _DEEP + "]" * _DEEP, '{"a":' * _DEEP + "1" + "}" * _DEEP, "[" * 400 + "]" * 400, '{"a":' * 400 + "1" + "}" * 400,
    # text
    '"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"\\udfff\\ud800"', '"\\u001b[2J"', '"\\u202edcba"', '"a\\r\\nb"', '"\\u2028"', '"%s"' % ("x" * 70000),
    '"%s"' % ("\\n" * 3000), '"{{ lookup(\'pipe\', \'id\') }}"', '"$(reboot)"', '"--host=x"', '"../../../etc/passwd"', '"=cmd|x"',
    '"<script>alert(1)</script>"', '"root"', '"' + "[" * 3000 + '"', '"\\ud83d\\ude00"', '"a,b=c"',
    # several
    '{"a": 1, "a": 2}', "[%s]" % ", ".join(["{}"] * 3000), "{%s}" % ", ".join('"%d": "x"' % number for number in range(3000)),
    "[%s]" % ", ".join(["9" * 30] * 500),
]
# What a key may be renamed to; None: it is left out.
KEYS = [None, "", "\x00", "\ud800", "\x1b[2J", "x" * 5000, "__class__", "a.b"]


def nodes(document, path=()):
    """Yield the path of each value in a document, the document first."""
    yield path
    items = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    for key, value in items:
        yield from nodes(value, path + (key,))


def _with_copied_path(document, path):
    """Return (a copy of the document of which only what is on the path is new, what holds the end of the path)."""
    top = where = copy.copy(document)
    for key in path[:-1]:
        where[key] = copy.copy(where[key])
        where = where[key]
    return top, where


def replaced(document, path, odd):
    """Return the JSON text of a document with an odd value at a path."""
    if not path:
        return odd
    top, where = _with_copied_path(document, path)
    where[path[-1]] = _PLACE
    return json.dumps(top).replace('"%s"' % _PLACE, odd)


def renamed(document, path, key):
    """Return the JSON text of a document with another key, or none, at a path that ends with a key."""
    top, where = _with_copied_path(document, path)
    value = where.pop(path[-1])
    if key is not None:
        where[key] = value
    return json.dumps(top)


def mutations(documents, count, seed):
    """Yield (number of the document, path, what is odd, JSON text), so many of them; each node comes up in turn."""
    rng = random.Random(seed)
    places = [(number, path) for number, document in enumerate(documents) for path in nodes(document)]
    turn = []
    for _number in range(count):
        if not turn:
            turn = rng.sample(places, len(places))
        number, path = turn.pop()
        if path and isinstance(path[-1], str) and rng.random() < 0.1:
            key = rng.choice(KEYS)
            yield number, path, "key %r" % (key and key[:20],), renamed(documents[number], path, key)
        else:
            odd = rng.choice(ODD)
            yield number, path, odd[:40], replaced(documents[number], path, odd)
