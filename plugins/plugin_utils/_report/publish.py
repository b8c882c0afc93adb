# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Put a report into the directory of reports, whole or not at all.

A run that is killed at any moment leaves the reports before it and `latest` as they were.
"""

from __future__ import annotations

import datetime
import os
import shutil
import tempfile
import time
from typing import Callable

LATEST = "latest"
PARTIAL = ".partial-"
_OLD = 24 * 3600  # a partial report of yesterday is that of a killed run


def publish(reports: str, moment: datetime.datetime, build: Callable[[str], None]) -> str:
    """Make a report in a directory of its own and return that directory's path.

    :param reports: the directory of all reports; made when it is not there.
    :param moment: gives the directory its name, such as 20261123T192005Z.
    :param build: writes the files into the directory whose path it is given.
    :raises OSError: nothing is published then.
    """
    os.makedirs(reports, exist_ok=True)
    _sweep(reports)
    partial = tempfile.mkdtemp(prefix=PARTIAL, dir=reports)
    try:
        build(partial)
        _sync(partial)
        os.chmod(partial, 0o777 & ~_umask())  # mkdtemp's 0700 would hide it from its readers
        final = _settle(reports, moment, partial)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _point(reports, os.path.basename(final))
    return final


def latest_report(reports: str) -> str | None:
    """Return the path of the latest report's directory, None when there is none."""
    path = os.path.join(reports, LATEST)
    return os.path.realpath(path) if os.path.isdir(path) else None


def _settle(reports: str, moment: datetime.datetime, partial: str) -> str:
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


def _point(reports: str, name: str) -> None:
    """Let `latest` point to a report, in one step."""
    temporary = os.path.join(reports, "%slatest-%d" % (PARTIAL, os.getpid()))
    if os.path.lexists(temporary):
        os.unlink(temporary)
    os.symlink(name, temporary)
    try:
        os.replace(temporary, os.path.join(reports, LATEST))
    except OSError:
        os.unlink(temporary)
        raise


def _sync(directory: str) -> None:
    """Have everything on the disk before the name says that it is there."""
    for name in [*os.listdir(directory), "."]:
        handle = os.open(os.path.join(directory, name), os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _sweep(reports: str) -> None:
    """Remove what killed runs left behind."""
    with os.scandir(reports) as entries:
        for entry in entries:
            try:
                if entry.name.startswith(PARTIAL) and time.time() - entry.stat(follow_symlinks=False).st_mtime > _OLD:
                    os.unlink(entry.path) if entry.is_symlink() else shutil.rmtree(entry.path, ignore_errors=True)
            except OSError:
                continue
