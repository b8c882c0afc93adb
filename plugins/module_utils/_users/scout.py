# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether paths exist in directories that may hang: homes on a file server that is down, in a user's FUSE.

Another process looks, because one that hangs there can neither be killed nor waited for. It looks only, it opens nothing.
"""

import os
import selectors
import signal
import time
from contextlib import suppress
from typing import List, Optional, Sequence

_PATIENCE = 3.0  # seconds for one path
_PATIENT = 4  # paths that hang and are waited for so long
_SHARE_LATER = 0.1  # of it, for those after them: somebody who has some that hang must not hide the others, which answer at once
_MAX_HANGING = 64  # what comes after so many is not looked at


def paths_exist(paths: Sequence[str], patience: float = _PATIENCE) -> List[Optional[bool]]:
    """Return for each path whether there is something (also what the caller may not look at); None: it gave no answer.

    :param patience: seconds for each path, as long as few hang.
    """
    found: List[Optional[bool]] = []
    hanging = 0
    while len(found) < len(paths) and hanging < _MAX_HANGING:
        found += _look(paths[len(found):], patience if hanging < _PATIENT else patience * _SHARE_LATER)
        if len(found) < len(paths):  # the next one hangs
            found.append(None)
            hanging += 1
    return found + [None] * (len(paths) - len(found))


def _look(paths: Sequence[str], patience: float) -> List[Optional[bool]]:
    """Return the answers up to the first path that gives none."""
    answers, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(answers)
            for path in paths:
                os.write(writer, b"+" if _exists(path) else b"-")
        finally:
            os._exit(0)
    os.close(writer)
    try:
        return [mark == ord("+") for mark in _read(answers, len(paths), patience)]
    finally:
        os.close(answers)
        _end(pid)


def _exists(path: str) -> bool:
    try:
        os.stat(path)
    except PermissionError:
        return True  # a home that root may not read (root_squash of NFS)
    except (OSError, ValueError):
        return False
    return True


def _read(descriptor: int, wanted: int, patience: float) -> bytes:
    data = b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while len(data) < wanted and selector.select(patience):
            part = os.read(descriptor, 65536)
            if not part:
                break
            data += part
    return data


def _end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    for _attempt in range(50):
        with suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                time.sleep(0.002)
                continue
        return
