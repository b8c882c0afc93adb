# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remove old reports: only directories that publish.py named and that hold a report, never the newest, never `latest`."""

from __future__ import annotations

import datetime
import os
import re
import shutil
from collections.abc import Iterable

from .publish import LATEST, PARTIAL
from .report_file import FILE

# A run that is killed while it removes a report leaves this; publish.py removes it with the next report.
_EXPIRED = PARTIAL + "expired-"
_NAME = re.compile(r"([0-9]{8}T[0-9]{6}Z)(?:-([0-9]+))?")


def prune_reports(reports: str, keep: int, keep_days: int, now: datetime.datetime) -> int:
    """Remove old reports below a directory; return how many.

    Each is renamed first, so that nobody finds half a report.

    :param keep: how many of the newest reports stay, 0: `keep_days` alone decides.
    :param keep_days: how old a report may be, 0: `keep` alone decides. With both 0, all reports stay.
    :raises OSError: one could not be removed.
    """
    if keep <= 0 and keep_days <= 0 or not os.path.isdir(reports):
        return 0
    names = [name for name in os.listdir(reports) if _is_report(os.path.join(reports, name))]
    expired = expired_reports(names, _latest_name(reports), keep, keep_days, now)
    for name in expired:
        renamed = os.path.join(reports, _EXPIRED + name)
        os.rename(os.path.join(reports, name), renamed)
        shutil.rmtree(renamed)
    return len(expired)


def expired_reports(names: Iterable[str], latest: str | None, keep: int, keep_days: int, now: datetime.datetime) -> list[str]:
    """Return the names of reports to remove, oldest first.

    A report stays when it is one of the `keep` newest, or not older than `keep_days`, or `latest`. See prune_reports().

    :param names: of directories; those that are not named as reports are never returned.
    :param latest: the name that the link `latest` points to, None when there is none.
    """
    if keep <= 0 and keep_days <= 0:
        return []
    reports = sorted((key, name) for key, name in ((report_key(name), name) for name in names) if key)
    # the newest one stays even when `latest` is gone
    staying = {name for _key, name in reports[-max(keep, 1):]} | {latest}
    oldest = now - datetime.timedelta(days=keep_days) if keep_days > 0 else None
    return [name for (moment, _number), name in reports if name not in staying and (oldest is None or moment < oldest)]


def report_key(name: str) -> tuple[datetime.datetime, int] | None:
    """Return what to sort a report's directory by (time, number within that second), None when it is not named as one."""
    match = _NAME.fullmatch(name)
    if not match:
        return None
    try:
        moment = datetime.datetime.strptime(match.group(1), "%Y%m%dT%H%M%SZ")
    except ValueError:
        return None
    return moment.replace(tzinfo=datetime.timezone.utc), int(match.group(2) or 1)


def _is_report(path: str) -> bool:
    """Whether it is a directory with a report, and not a link to one."""
    return os.path.isdir(path) and not os.path.islink(path) and os.path.isfile(os.path.join(path, FILE))


def _latest_name(reports: str) -> str | None:
    """Return the name of the directory that the link `latest` points to, None when there is none."""
    path = os.path.join(reports, LATEST)
    return os.path.basename(os.path.realpath(path)) if os.path.islink(path) else None
