# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What passes a schema, what does not, and what is left of it."""

import time

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._door import grammar as g
from ansible_collections.podman_fleet.memory.plugins.module_utils._door.schema import INVALID, Checker, Violation
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.times import SECOND, parse_iso

NOW = parse_iso("2026-11-29T12:00:00Z")
ID = "0123456789abcdef" * 4


def check(schema, value):
    return Checker(schema).check(value, NOW)


def passes(schema, value):
    checked = check(schema, value)
    return checked.value == value and type(checked.value) is type(value) and not checked.violations


@pytest.mark.parametrize("schema, good, bad", [
    (g.ID, [ID], ["", ID[1:], ID + "\n", ID.upper(), "../home/alice", None, 5, [ID], {}]),
    (g.NAME, ["a", "web-1_2.x", "a" * 512], ["", "-a", "a b", "a\n", "{{ 1 }}", "a" * 513, "é", "a\0", None]),
    (g.USER, ["root", "alice", "DOM\\al.ice", "a b", "1000", "zoë"], [
        "", "-u", "+1", "a:b", "a/b", "../x", " a", "a\n", "a\0", "\ud800", "a" * 257, None]),
    (g.UNIT, ["web.service", "web@1.service", "a\\x2db.scope"], [
        "*", "--host=x.service", "-H.service", "a b.service", "web", "web.service\n", "w" * 250 + ".service", None]),
    (g.PID, [1, 2 ** 22], [0, -1, 2 ** 22 + 1, True, 1.0, "1", "../home/alice", None, [1]]),
    (g.SIZE, [0, 2 ** 63 - 1], [-1, 2 ** 63, 10 ** 400, 1.5, float("nan"), float("inf"), False, "0"]),
    (g.TIME, ["1970-01-01T00:00:00Z", "2026-11-30T12:00:00.000000Z", "2024-02-29T23:59:59Z"], [
        "1969-12-31T23:59:59Z", "2026-11-30T12:00:01Z", "2023-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-11-23", "2026-11-23T24:00:00Z", "2026-11-23T00:00:00+01:00", "9999-12-31T23:59:59Z", "0000-00-00T00:00:00Z",
        "2026-11-23T00:00:00Z\n", "２026-11-23T00:00:00Z", 1, None]),
    (g.DAY, ["2026-11-30"], ["2026-12-01", "2026-02-30", "1969-12-31", 20261130]),
    (g.BOOLEAN, [True, False], [0, 1, "true", None]),
    (g.words("a", "b"), ["a"], ["c", "", None, [], {}, ["a"]]),
    ({"type": "number", "minimum": 0, "maximum": 100}, [0, 100, 0.5], [-0.1, 100.1, float("nan"), float("inf"), True, 10 ** 400]),
])
def test_single_values(schema, good, bad):
    assert all(passes(schema, value) for value in good)
    for value in bad:
        checked = check(schema, value)
        assert checked.value is INVALID and [violation.path for violation in checked.violations] == [()], value


def test_minus_zero_is_zero():
    assert str(check({"type": "number", "minimum": 0, "maximum": 1}, -0.0).value) == "0.0"


def test_text_that_passes_can_be_written_and_shown():
    value = check(g.text(100), "a\0b\x1b[31m\ud800\x85 ok\tä\n").value
    assert value == "a\ufffdb\ufffd[31m\ufffd\ufffd ok\tä\n"
    assert check(g.text(100), "".join(map(chr, [0x61c, 0x200e, 0x200f, *range(0x202a, 0x202f), *range(0x2066, 0x206a)]))).value == "\ufffd" * 12
    value.encode("utf-8")


def test_long_text_is_cut_where_it_may_be():
    assert check(g.prose(5), "abcdefgh") == ("abcd…", [], [])
    assert check(g.text(5), "abcdefgh").value is INVALID


def test_null():
    assert passes(g.nullable(g.SIZE), None) and passes(g.nullable(g.words("a")), None)
    assert check(g.nullable(g.SIZE), -1).value is INVALID
    assert check(g.unknown(g.SIZE), -1) == (None, [Violation((), "is not an integer from 0 to 9223372036854775807")], [])


def test_what_does_not_pass_takes_what_it_is_part_of_along_up_to_where_something_else_can_be_said():
    part = g.record({"a": g.SIZE, "b": g.unknown(g.SIZE)}, [])
    schema = g.record({"outer": g.otherwise(g.record({"part": part}, []), {"part": None})}, [])
    assert check(schema, {"outer": {"part": {"a": 1, "b": "x"}}}).value == {"outer": {"part": {"a": 1, "b": None}}}
    checked = check(schema, {"outer": {"part": {"a": "x", "b": 1}}})
    assert checked.value == {"outer": {"part": None}}
    assert [violation.path for violation in checked.violations] == [("outer", "part", "a")]
    checked.value["outer"]["part"] = 5
    assert check(schema, {}).value == {"outer": {"part": None}}, "each has a value of its own"


def test_keys():
    schema = g.record({"a": g.SIZE, "b": g.SIZE}, ["b"])
    assert check(schema, {"a": 1, "z": {"deep": []}}) == ({"a": 1}, [], [])
    assert check(schema, {"b": 1}).violations == [Violation(("a",), "is missing")]
    for value in ([], None, "a", 5):
        assert check(schema, value).value is INVALID


def test_lists_and_maps_lose_what_does_not_pass():
    assert check(g.items(g.PID, 10), [1, "x", 2, 0]) == ([1, 2], [
        Violation((1,), "is not an integer from 1 to 4194304"), Violation((3,), "is not an integer from 1 to 4194304")], [(1,), (3,)])
    assert check(g.items(g.PID, 2), [1, 2, 3]).value == [1, 2]
    assert check(g.items(g.PID, 2, "last"), [1, 2, 3]) == (
        [2, 3], [Violation((), "has 3 elements, of which the last 2 are kept")], [])
    labels = {"type": "object", "propertyNames": {"maxLength": 3, "pattern": "^[a-z]*$"}, "additionalProperties": g.text(3),
              "maxProperties": 3}
    checked = check(labels, {"a": "b", "A": "b", "c": "long!", "d": "e"})
    assert checked.value == {"a": "b"}
    assert [violation.path for violation in checked.violations] == [(), ("A",), ("c",)]


def test_violations_are_bounded_for_each_part():
    schema = g.record({"all": g.items(g.items(g.PID, 10 ** 6), 10)}, [])
    checked = check(schema, {"all": [[0] * 10 ** 5, [0]]})
    assert len(checked.violations) == 11 and checked.violations[-1].path == ("all", 1, 0)


@pytest.mark.parametrize("value", [[[[]]], {"a": {"a": {}}}])
def test_depth_of_the_value_does_not_matter(value):
    for _level in range(100000):
        value = [value]
    assert check(g.items(g.PID, 10), value).value == []
    while value:  # Python's own release of such a list is fine, pytest's way to show it is not
        value = value.pop() if isinstance(value, list) else None


@pytest.mark.parametrize("schema, unit", [(g.USER, "a"), (g.UNIT, "a-"), (g.NAME, "a."), (g.TIME, "2"), (g.prose(99), "\x1b")])
def test_linear_time(schema, unit):
    began = time.perf_counter()
    check(schema, unit * (4 << 20))
    assert time.perf_counter() - began < 1


def test_now_is_what_the_caller_says():
    assert Checker(g.TIME).check("2026-11-29T12:00:00Z", NOW - 2 * 24 * 3600 * SECOND).value is INVALID
