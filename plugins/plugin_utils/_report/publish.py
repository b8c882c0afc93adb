# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put a report into the directory of reports, whole or not at all.

A run that is killed at any moment leaves the reports before it and `latest` as they were.
"""

from __future__ import annotations

import datetime
import os
import shutil
import tempfile
import time
from collections.abc import Callable

LATEST = "latest"
PARTIAL = ".partial-"
_MAX_AGE = 24 * 3600  # seconds; a partial report of yesterday is that of a killed run


def publish(reports: str, moment: datetime.datetime, build: Callable[[str], None]) -> str:
    """Build a report in a directory of its own and return that directory's path.

    :param reports: the directory of all reports; created when it is missing.
    :param moment: gives the directory its name, such as 20261123T192005Z.
    :param build: writes the files into the directory whose path it is given.
    :raises OSError: nothing is published then.
    """
    os.makedirs(reports, exist_ok=True)
    _remove_leftovers(reports)
    partial = tempfile.mkdtemp(prefix=PARTIAL, dir=reports)
    try:
        build(partial)
        _sync_directory(partial)
        os.chmod(partial, 0o777 & ~_current_umask())  # mkdtemp's 0700 would hide it from its readers
        final = _rename(reports, moment, partial)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _set_latest(reports, os.path.basename(final))
    return final


def latest_report(reports: str) -> str | None:
    """Return the path of the latest report's directory, None when there is none."""
    path = os.path.join(reports, LATEST)
    return os.path.realpath(path) if os.path.isdir(path) else None


def _rename(reports: str, moment: datetime.datetime, partial: str) -> str:
    """Give the directory its name; two runs of the same second get different ones."""
    stamp = moment.astimezone(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    for number in range(1, 1000):
        final = os.path.join(reports, stamp if number == 1 else "%s-%d" % (stamp, number))
        if os.path.lexists(final):
            continue
        try:
            os.rename(partial, final)  # refuses a directory with files in it, should one have come
            return final
        except OSError:
            if not os.path.lexists(final):
                raise
    raise FileExistsError("%s: a thousand reports of one second" % reports)


def _set_latest(reports: str, name: str) -> None:
    """Point the link `latest` to a report, atomically."""
    temporary = os.path.join(reports, "%slatest-%d" % (PARTIAL, os.getpid()))
    if os.path.lexists(temporary):
        os.unlink(temporary)
    os.symlink(name, temporary)
    try:
        os.replace(temporary, os.path.join(reports, LATEST))
    except OSError:
        os.unlink(temporary)
        raise


def _sync_directory(directory: str) -> None:
    """fsync all files: the name must not say that a report is there before it is on the disk."""
    for name in [*os.listdir(directory), "."]:
        handle = os.open(os.path.join(directory, name), os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _current_umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _remove_leftovers(reports: str) -> None:
    """Remove what killed runs left behind."""
    with os.scandir(reports) as entries:
        for entry in entries:
            try:
                if entry.name.startswith(PARTIAL) and time.time() - entry.stat(follow_symlinks=False).st_mtime > _MAX_AGE:
                    os.unlink(entry.path) if entry.is_symlink() else shutil.rmtree(entry.path, ignore_errors=True)
            except OSError:
                continue
