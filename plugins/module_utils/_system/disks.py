# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The disk that a path is on, in words for an error: SQLite says "disk I/O error" for one that is full, and names none."""

import os


def with_disk(problem: str, path: str) -> str:
    """Return a problem of writing together with the disk that it may be about."""
    disk = describe_disk(path)
    return "%s (%s)" % (problem, disk) if disk else problem


def describe_disk(path: str) -> str:
    """Return where the disk is mounted and what is left of it; "" when it can't be asked."""
    try:
        status, mount = os.statvfs(path), os.path.realpath(path)
        while not os.path.ismount(mount):
            mount = os.path.dirname(mount)
    except OSError:
        return ""
    if status.f_flag & os.ST_RDONLY:
        return "the disk mounted on %s is read only" % mount
    # what root may take; quotas of projects are not in it
    free, files = status.f_bfree * status.f_frsize, status.f_ffree
    # some file systems (btrfs) count no files
    text = "the disk mounted on %s has %d KiB free" % (mount, free // 1024)
    return text + (" and no file left" if status.f_files and not files else "")
