# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times: what Podman, Go and people write."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._system.times import SECOND, parse_iso, parse_since, to_iso

NOW = parse_iso("2026-11-23T19:00:00Z")


@pytest.mark.parametrize("text, iso", [
    ("2026-11-23T16:48:14.408168671Z", "2026-11-23T16:48:14.408168Z"),
    ("2026-11-23T17:48:14.4+01:00", "2026-11-23T16:48:14.400000Z"),
    ("2026-11-23T11:18:14-0530", "2026-11-23T16:48:14.000000Z"),
    ("2026-11-23 16:48", "2026-11-23T16:48:00.000000Z"),
    ("2026-11-23", "2026-11-23T00:00:00.000000Z"),
    ("2028-02-29T23:59:60Z", "2028-03-01T00:00:00.000000Z"),
])
def test_iso_times(text, iso):
    assert to_iso(parse_iso(text)) == iso


def test_gos_zero_time_is_never():
    assert parse_iso("0001-01-01T00:00:00Z") is None
    assert to_iso(None) is None


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-02-30", "2026-11-23T25:00:00Z", "12:00", "7"])
def test_what_is_no_time(text):
    with pytest.raises(ValueError):
        parse_iso(text)


@pytest.mark.parametrize("text, seconds", [
    ("90s", 90), ("30m", 1800), ("30min", 1800), ("12h", 43200), ("7d", 604800), ("2w", 1209600), (" 1 h ", 3600),
    ("2026-11-23T18:00:00Z", 3600),
])
def test_how_far_back(text, seconds):
    assert NOW - parse_since(text, NOW) == seconds * SECOND


@pytest.mark.parametrize("text", ["", "7", "d", "-7d", "7y", "last week", "1960-01-01", "2027-01-01T00:00:00Z", "1.5h"])
def test_what_is_no_since(text):
    with pytest.raises(ValueError):
        parse_since(text, NOW)
