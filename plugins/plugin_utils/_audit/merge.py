# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""One report of several slices' reports: what one run over all of them would have written.

No Ansible. Holds one host's facts in memory at a time.
"""

from __future__ import annotations

import os
from typing import Any, Iterable

from .._report import publish as _publish, reader as _reader
from .._report.report_file import FILE
from .._text import parse_time
from .audit import Audit, Outcome
from .slices import SliceError, Slices


def merge_slices(slices: Slices, reports: str, order: Iterable[str], run: dict[str, Any], formats: Iterable[str] = (),
          write: bool = True) -> Outcome:
    """Write the merged report below `reports` and return what it amounts to.

    Findings are compared with those of the latest report there, so that it has to be the directory of merged
    reports and not that of a slice.

    :param order: the inventory's hosts, in its order; may be empty.
    :param run: what the slices cannot know of the report's `run`.
    :param formats: what to write beside report.json, of _render.FORMATS.
    :param write: False: only say what it would amount to (check mode).
    :raises SliceError: the slices' time is none.
    """
    moment = parse_time(slices.generated_at())
    if moment is None:
        raise SliceError("slices: generated_at %r is not a time" % slices.generated_at())
    previous = _before(reports, slices.generated_at())
    audit = Audit(reports, previous, moment, formats=formats)
    judged = slices.judged(order)
    outcome = audit.write_judged(judged, {**slices.run(), **run, "previous": previous}) if write else audit.count_judged(judged)
    return outcome._replace(warnings=slices.warnings() + outcome.warnings)


def _before(reports: str, generated_at: str) -> str | None:
    """Return the report to compare with; when the latest is of the same slices, the one that it was compared with."""
    latest = _publish.latest_report(reports)
    if latest is None:
        return None
    path = os.path.join(latest, FILE)
    try:
        head = _reader.head(path)
        if head["generated_at"] != generated_at or "slices" not in head["run"]:
            return path
        before = head["run"]["previous"]
        # removed since, as too old: compared with itself, nothing is new that was not
        return before if before is None or os.path.exists(before) else path
    except (OSError, ValueError, KeyError, TypeError):
        return path  # Audit says what is wrong with it
