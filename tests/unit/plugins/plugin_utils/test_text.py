# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text that comes from hosts does nothing to a terminal and fits where it is put."""

from __future__ import annotations

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._text import (
    display_width,
    format_age,
    human_size,
    pad,
    printable,
    truncate,
)


@pytest.mark.parametrize("raw, expected", [
    ("web", "web"),
    ("café", "café"),
    ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
    ("evil\u202egnp", "evil\\u202egnp"),
    ("zero\u200bwidth", "zero\\u200bwidth"),
    ("two\nlines\r", "two lines "),
    ("\ud800", "\\ud800"),
    (None, "None"),
])
def test_printable_is_harmless(raw, expected):
    assert printable(raw) == expected


def test_printable_is_bounded():
    assert len(printable("x" * 1000000)) == 400


@pytest.mark.parametrize("text, width, expected", [
    ("short", 10, "short"), ("exactly", 7, "exactly"), ("too long", 5, "too…"), ("日本語", 5, "日本…"), ("日本語", 6, "日本語"),
])
def test_truncate_counts_columns(text, width, expected):
    assert truncate(text, width) == expected
    assert display_width(pad(text, width)) == width


@pytest.mark.parametrize("count, expected", [
    (0, "0 B"), (1023, "1023 B"), (20 * 2**20, "20 MiB"), (1536 * 2**20, "1.5 GiB"), (None, "unknown"), (-1, "unknown"),
    (True, "unknown"), ("20", "unknown"), (20418560, "19.5 MiB"),
])
def test_human_size(count, expected):
    assert human_size(count) == expected


@pytest.mark.parametrize("then, expected", [
    ("2026-11-23T18:59:50Z", "just now"), ("2026-11-23T18:48:00Z", "12 min ago"), ("2026-11-22T13:00:00Z", "30 h ago"),
    ("2026-11-20T19:00:00.123456Z", "2 d ago"), (None, ""), ("no time", ""),
])
def test_format_age(then, expected):
    assert format_age(then, "2026-11-23T19:00:00Z") == expected
