# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sizes: what is one, what isn't, and that nothing is lost on the way."""

import pytest
from hypothesis import given, strategies as st

from ansible_collections.podman_fleet.memory.plugins.module_utils._system.sizes import (
    MAX_SIZE,
    format_size,
    parse_podman_size,
    parse_size,
)

KIB, MIB, GIB, TIB = 1024, 1024 ** 2, 1024 ** 3, 1024 ** 4


@pytest.mark.parametrize("value, expected", [
    (1, 1), (536870912, 512 * MIB), (512.0, 512), ("536870912", 512 * MIB), ("512.0", 512), ("7b", 7),
    ("4k", 4 * KIB), ("4K", 4 * KIB), ("4kb", 4 * KIB), ("4KiB", 4 * KIB), ("512m", 512 * MIB), ("512 MiB", 512 * MIB),
    ("512MB", 512 * MIB), ("1.5GiB", 1536 * MIB), ("8g", 8 * GIB), ("2t", 2 * TIB), (" 1g ", GIB), ("007m", 7 * MIB),
    ("0.3k", 307), ("0.1g", 107374182), (str(MAX_SIZE), MAX_SIZE), ("8388607.9t", 8388607 * TIB + TIB * 9 // 10),
    ("unlimited", None), (" Unlimited", None),
])
def test_size(value, expected):
    assert parse_size(value) == expected


@pytest.mark.parametrize("value, why", [
    (-1, "-1 is negative"), ("-1", "'-1' is negative"), ("-0.5g", "is negative"), (float("-inf"), "-inf is negative"),
    (0, "0 is not a usable size"), ("0m", "is not a usable size"), ("0.0001k", "is not a usable size"),
    (1.5, "1.5 is not a whole number of bytes"), ("1.5", "is not a whole number of bytes"),
    ("1.5b", "is not a whole number of bytes"),
    (True, "True is not a size"), (None, "None is not a size"), ([], "is not a size"), ({"a": 1}, "is not a size"),
    ("", "'' is not a size"), (" ", "is not a size"), ("m", "is not a size"), ("lots", "'lots' is not a size"),
    ("5x", "is not a size"), ("5ib", "is not a size"), ("5 m b", "is not a size"), ("5  m", "is not a size"),
    ("1,5g", "is not a size"), ("1e3", "is not a size"), ("0x10", "is not a size"), ("1_000", "is not a size"),
    (".5g", "is not a size"), ("5.g", "is not a size"), ("1.2.3m", "is not a size"), ("50%", "is not a size"),
    (float("nan"), "nan is not a size"), (float("inf"), "inf is not a size"), (1e30, "is not a size"),
    # the Kelvin sign, an Arabic digit, a dotless i: they look like a size, or fold to one
    ("5\u212a", "is not a size"), ("\u0665m", "is not a size"), ("5m\u0131b", "is not a size"), ("5m\n5m", "is not a size"),
    (MAX_SIZE + 1, "is more than any host can have"), ("9000000t", "is more than any host can have"),
    ("9" * 100000, "is not a size"),
])
def test_no_size(value, why):
    with pytest.raises(ValueError) as caught:
        parse_size(value)
    message = str(caught.value)
    assert why in message
    assert "such as 512m" in message or "at most" in message
    assert len(message) < 250


@pytest.mark.parametrize("count, text", [
    (None, "unlimited"), (0, "0"), (1, "1"), (1000, "1000"), (KIB, "1k"), (512 * MIB, "512m"), (1536 * MIB, "1536m"),
    (8 * GIB, "8g"), (2048 * TIB, "2048t"), (MIB + 1, "1048577"),
])
def test_format(count, text):
    assert format_size(count) == text


@given(st.integers(min_value=1, max_value=MAX_SIZE))
def test_nothing_is_lost(count):
    assert parse_size(format_size(count)) == parse_size(count) == parse_size(str(count)) == count


@given(st.integers(min_value=1, max_value=2 ** 20), st.sampled_from("kmgt"), st.sampled_from(["", "b", "ib", "iB", "B"]),
       st.booleans(), st.sampled_from(["", " "]))
def test_every_spelling_means_the_same(number, unit, suffix, upper, space):
    text = "%d%s%s%s" % (number, space, unit.upper() if upper else unit, suffix)
    assert parse_size(text) == number * 1024 ** ("kmgt".index(unit) + 1)


@given(st.integers(min_value=0, max_value=999), st.integers(min_value=1, max_value=999), st.sampled_from("kmgt"))
def test_fractions_are_cut_never_rounded_up(whole, thousandths, unit):
    factor = 1024 ** ("kmgt".index(unit) + 1)
    assert parse_size("%d.%03d%s" % (whole, thousandths, unit)) == (whole * 1000 + thousandths) * factor // 1000


@given(st.one_of(st.text(), st.floats(), st.integers(), st.none(), st.booleans(), st.binary(), st.lists(st.integers())))
def test_anything_is_a_size_or_a_clear_no(value):
    try:
        count = parse_size(value)
    except ValueError as exc:
        assert "size" in str(exc) or "negative" in str(exc) or "bytes" in str(exc) or "host" in str(exc)
    else:
        assert count is None or 0 < count <= MAX_SIZE


@pytest.mark.parametrize("text, expected", [
    ("512m", 512 * MIB), ("512M", 512 * MIB), ("512mb", 512 * MIB), ("512MiB", 512 * MIB), ("512mi", 512 * MIB), ("512 m", 512 * MIB),
    (".5g", 512 * MIB), ("5.m", 5 * MIB), ("+5m", 5 * MIB), ("1.5", 1), ("1p", 1024 * TIB), ("0", 0), ("0b", 0), ("0m", 0), ("7b", 7),
])
def test_as_podman_reads_it(text, expected):
    assert parse_podman_size(text) == expected


@pytest.mark.parametrize("text", ["", ".", "m", "-1", "5x", "unlimited", "5  m", " 5m", "5m ", "1,5g", "${MEM}", "%i", "9000p", "\u0665m"])
def test_what_podman_refuses(text):
    with pytest.raises(ValueError, match="is not a size|any host"):
        parse_podman_size(text)


@given(st.integers(0, MAX_SIZE))
def test_podman_reads_what_is_written(count):
    assert parse_podman_size(format_size(count)) == count
