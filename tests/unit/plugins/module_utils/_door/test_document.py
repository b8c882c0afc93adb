# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is made of a JSON text that somebody else wrote."""

import time

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._door.document import UNUSABLE, DoorError, parse_document

MIB = 1 << 20


def test_what_json_says():
    assert parse_document(b'{"a": [1, -2.5, null, true, "\xc3\xa4"]}', MIB) == {"a": [1, -2.5, None, True, "ä"]}
    assert parse_document('"\\ud800"', MIB) == "\ud800"
    assert parse_document(b'"\xff"', MIB) == "\ufffd"
    assert parse_document("[-9223372036854775808, 9223372036854775807]", MIB) == [-2 ** 63, 2 ** 63 - 1]


def test_what_costs_only_its_own_place():
    value = parse_document('{"a": %s, "b": {"c": 1, "c": 2}, "d": NaN, "e": 1e999, "f": 1}' % ("9" * 400), MIB)
    assert value["a"] is UNUSABLE and value["b"] is UNUSABLE and value["f"] == 1
    assert value["d"] != value["d"] and value["e"] == float("inf")


@pytest.mark.parametrize("text, message", [
    (" " * (MIB + 1), "^is larger than 1 MiB$"), ('"%s"' % ("\U0001f600" * (MIB // 4)), "^is larger than 1 MiB$"),
    ("[" * 200000, "^is nested too deeply$"), ('{"a":' * 200000, "^is nested too deeply$"),
    ("", "^is not JSON: "), ("{'a': 1}", "^is not JSON: "), ("[1] x", "^is not JSON: "), (b"\x00", "^is not JSON: "),
])
def test_what_is_refused(text, message):
    with pytest.raises(DoorError, match=message):
        parse_document(text, MIB)


def test_the_number_of_values_is_bounded():
    assert parse_document("[1, 2, 3]", MIB, 3) == [1, 2, 3]
    for text in ("[1, 2, 3, 4]", "[[[[]]]]", '{"a": {"b": [{}]}}'):
        with pytest.raises(DoorError, match="^has more than 3 values$"):
            parse_document(text, MIB, 3)


@pytest.mark.parametrize("text", ["9" * (8 * MIB), '"' + "\\" * (8 * MIB), '"' * (8 * MIB), "-" * (8 * MIB), '"' + '\\"' * (4 * MIB)])
def test_linear_time(text):
    began = time.perf_counter()
    try:
        parse_document(text, 64 * MIB)
    except DoorError:
        pass
    assert time.perf_counter() - began < 2
