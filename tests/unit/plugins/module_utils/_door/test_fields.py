# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Single fields of an object that somebody else wrote."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._door.fields import FieldError, Fields

ODD = [5, 1.5, "x", True, [], {}, [[]], "\0", "\ud800", 10 ** 400, float("nan")]


def test_what_is_missing_is_none_or_empty():
    for fields in (Fields({}), Fields({"a": None})):
        assert (fields.text("a", 5), fields.integer("a", 0, 5), fields.flag("a"), fields.time("a")) == ("", None, None, None)
        assert (fields.texts("a", 5), fields.pairs("a", 5), fields.object("a").object("b").text("c", 5)) == ([], {}, "")


def test_values():
    fields = Fields({"t": "ä\ud800", "i": 3, "f": False, "at": "1970-01-01T00:00:01Z", "l": ["a"], "p": {"a": "b"}, "o": {"i": 1}})
    assert (fields.text("t", 5), fields.integer("i", 0, 5), fields.flag("f"), fields.time("at")) == ("ä?", 3, False, 1000000)
    assert (fields.texts("l", 5), fields.pairs("p", 5), fields.object("o").integer("i", 0, 5)) == (["a"], {"a": "b"}, 1)
    assert "t" in fields and "x" not in fields


@pytest.mark.parametrize("method, good", [
    (lambda fields: fields.text("o.a", 5), (str,)), (lambda fields: fields.integer("o.a", 0, 10), (int,)),
    (lambda fields: fields.flag("o.a"), (bool,)), (lambda fields: fields.time("o.a"), ()),
    (lambda fields: fields.texts("o.a", 5), (list,)), (lambda fields: fields.pairs("o.a", 5), (dict,)),
    (lambda fields: fields.object("o.a"), (dict,))])
@pytest.mark.parametrize("value", ODD)
def test_other_types_are_an_error_that_names_the_field(method, good, value):
    try:
        method(Fields({"o.a": value}))
    except FieldError as exc:
        assert str(exc).startswith("o.a is not ")
    else:
        assert type(value) in good


@pytest.mark.parametrize("value", [None, [], "x", 5])
def test_what_is_no_object(value):
    with pytest.raises(FieldError, match="^it is not an object$"):
        Fields(value)
