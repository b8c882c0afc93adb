# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What follows a report: old ones are removed, and what goes wrong then is a warning."""

from __future__ import annotations

import pytest

pytest.importorskip("ansible")

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._ansible import conclusion  # noqa: E402
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.audit import Outcome  # noqa: E402
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report.tally import Tally  # noqa: E402

NAMES = ["2026112%dT030000Z" % day for day in range(1, 5)]


@pytest.fixture
def outcome(tmp_path):
    for name in NAMES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text("{}", encoding="ascii")
    return Outcome(Tally(), "2026-11-24T03:00:00Z", str(tmp_path / NAMES[-1] / "report.json"), True, None, [], {})


def test_old_reports_are_removed(outcome, tmp_path):
    result = {"msg": "1 finding"}
    conclusion.prune(result, outcome, {"keep": 3, "keep_days": 0})
    assert (result["msg"], outcome.warnings) == ("1 finding; 1 old report removed", [])
    assert sorted(path.name for path in tmp_path.iterdir()) == NAMES[1:]


def test_all_stay_by_default_and_in_check_mode(outcome, tmp_path):
    result = {"msg": "1 finding"}
    conclusion.prune(result, outcome, {name: conclusion.SPEC[name]["default"] for name in ("keep", "keep_days")})
    conclusion.prune(result, outcome._replace(path=None), {"keep": 1, "keep_days": 1})
    assert (result["msg"], outcome.warnings, len(list(tmp_path.iterdir()))) == ("1 finding", [], 4)


def test_what_cannot_be_removed_is_a_warning(outcome, monkeypatch):
    def refuse(*_given):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(conclusion, "prune_reports", refuse)
    result = {"msg": "1 finding"}
    conclusion.prune(result, outcome, {"keep": 1, "keep_days": 0})
    assert (result["msg"], outcome.warnings) == (
        "1 finding", ["old reports could not be removed: [Errno 13] Permission denied"])
