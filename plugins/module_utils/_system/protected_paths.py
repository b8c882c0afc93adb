# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether somebody other than root can change what is at a path, and directories that are opened without being led elsewhere.

Looks at owners and modes only. Access control lists are in it: the group bits of the mode are their mask (acl(5)).
"""

import errno
import os
import stat
from contextlib import suppress
from typing import List, Optional, Tuple

_MAX_LINKS = 40  # as the kernel (path_resolution(7))
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class UnprotectedPath(Exception):
    """Somebody other than root can change what is at a path; says which part of it and why."""


def check_protected(path: str) -> None:
    """Check a path and all directories above it; what isn't there yet is protected by what is.

    Where root is not the caller, the caller's own are allowed too. In a directory such as /tmp, which all write to, only
    its owner can rename or remove an entry (sticky bit, unlink(2)).

    :param path: absolute.
    :raises UnprotectedPath: see there.
    :raises OSError: it can't be looked at.
    """
    _resolved, problem = _resolve(path)
    if problem:
        raise UnprotectedPath(problem)


def open_directory(path: str) -> int:
    """Return a descriptor of a directory that may be another user's; the caller closes it.

    A link is followed only where nobody but root can have made it, so that the owner of a directory on the way can't
    lead elsewhere.

    :param path: absolute.
    :raises OSError: there is none, or a link on the way may be another user's.
    """
    descriptor = os.open("/", _OPEN)
    try:
        for part in _parts(_resolve(path)[0]):
            following = os.open(part, _OPEN, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = following
    except OSError as exc:
        os.close(descriptor)
        raise OSError(exc.errno, exc.strerror, path)
    return descriptor


def _resolve(path: str) -> Tuple[str, Optional[str]]:
    """Return (the path, why others than root can change what is there or None).

    Links are followed as long as root alone can have made them.
    """
    waiting, at, links = _parts(path), "/", 0
    problem = _problem(at, os.lstat(at), last=not waiting)
    while waiting:
        part = waiting.pop(0)
        at = os.path.dirname(at) if part == ".." else os.path.join(at, part)
        try:
            status = os.lstat(at)
        except (FileNotFoundError, NotADirectoryError):
            return os.path.join(at, *waiting), problem
        problem = problem or _problem(at, status, last=not waiting)
        if stat.S_ISLNK(status.st_mode) and not problem:
            links += 1
            if links > _MAX_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            target = os.readlink(at)
            waiting = _parts(target) + waiting
            at = "/" if target.startswith("/") else os.path.dirname(at)
    return at, problem


def _parts(path: str) -> List[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _problem(path: str, status: os.stat_result, last: bool) -> Optional[str]:
    if status.st_uid not in (0, os.geteuid()):
        return "%s belongs to uid %d, who can change it; it must belong to root" % (path, status.st_uid)
    if stat.S_ISLNK(status.st_mode):  # has no mode of its own
        return None
    sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX and not last
    if status.st_mode & 0o022 and not sticky:
        return ("%s has mode %04o, so others than root can change it; take the right to write from its group and others "
                "(chmod go-w)" % (path, stat.S_IMODE(status.st_mode)))
    return None


def remove_leftovers(directory: int, prefix: str, suffix: str) -> None:
    """Remove the files in an open directory whose names begin and end like this: drafts of a program that was killed."""
    for name in os.listdir(directory):
        if name.startswith(prefix) and name.endswith(suffix):
            # another one's directory of that name is none of ours; what is gone needs no removing
            with suppress(IsADirectoryError, FileNotFoundError):
                os.unlink(name, dir_fd=directory)
