# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Change files of a host so that each is complete at any moment, and restore them when something goes wrong.

Knows nothing of what the files mean.
"""

import os
from typing import Dict, Iterable, List, Optional

from .._system.host_files import Files, move_file, replace_file


class FileError(Exception):
    """A file could not be read or written; says which and why."""


class BootFiles:
    """Files below a root directory that are replaced as a whole.

    :param root: directory in place of /, for tests.
    """

    def __init__(self, root: str = "/") -> None:
        self._files = Files(root)
        # {path: text, None where there was no such file} of what was changed, or may be by a command.
        self._before: Dict[str, Optional[str]] = {}

    def at(self, path: str) -> str:
        """Return where a file of the host is on this system, links followed."""
        return os.path.realpath(self._files.at(path))

    def read(self, path: str) -> Optional[str]:
        """Return the text, with every byte kept (surrogateescape); None when there is no such file.

        :raises FileError: it can't be read.
        """
        try:
            data = self._files.read_bytes(path)
        except OSError as exc:
            raise FileError("%s can't be read: %s" % (path, exc.strerror))
        return None if data is None else data.decode("utf-8", "surrogateescape")

    def names(self, directory: str) -> List[str]:
        """Return the sorted names in a directory, [] when there is no such directory.

        :raises FileError: it can't be read.
        """
        names = self._files.names(directory)
        if directory in self._files.unreadable:
            raise FileError("%s can't be read: %s" % (directory, self._files.unreadable[directory]))
        return names or []

    def exists(self, path: str) -> bool:
        """Whether there is something of that name."""
        return self._files.exists(path)

    def check_writable(self, path: str) -> None:
        """Check that the file could be replaced, as far as can be told without writing.

        :raises FileError: its directory isn't there, or is on a file system that is mounted read only.
        """
        directory = os.path.dirname(self.at(path))
        while not os.path.isdir(directory):
            directory = os.path.dirname(directory)
        if os.statvfs(directory).f_flag & os.ST_RDONLY:
            raise FileError("%s can't be written: its file system is mounted read only" % path)
        if not os.access(directory, os.W_OK):
            raise FileError("%s can't be written: no permission to write into %s (use become)" % (path, directory))

    def remember(self, paths: Iterable[str]) -> None:
        """Remember files that a command is about to change, so that restore() can restore them.

        :raises FileError: one can't be read.
        """
        for path in paths:
            self._before.setdefault(path, self.read(path))

    def write(self, path: str, text: Optional[str]) -> None:
        """Replace a file, or remove it (None). It is the old or the new one at any moment.

        :raises FileError: nothing was changed.
        """
        self.remember([path])
        self._replace(path, text)

    def restore(self) -> List[str]:
        """Restore what was written or remembered and has changed; return a message for each that could not be restored."""
        problems = []
        for path, text in reversed(list(self._before.items())):
            try:
                if self.read(path) != text:
                    self._replace(path, text)
            except FileError as exc:
                problems.append(str(exc))
        return problems

    def _replace(self, path: str, text: Optional[str]) -> None:
        if text is None:
            self.remove(path)
            return
        target = self.at(path)
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            replace_file(target, text.encode("utf-8", "surrogateescape"), 0o644, like=target)
        except OSError as exc:
            raise FileError("%s can't be written: %s" % (path, exc.strerror))

    def move(self, source: str, target: str) -> None:
        """Put a finished file in the place of another one, with that one's owner, mode and label.

        :raises FileError: the target is what it was.
        """
        try:
            move_file(self.at(source), self.at(target))
        except OSError as exc:
            raise FileError("%s can't be written: %s" % (target, exc.strerror))

    def remove(self, path: str) -> None:
        """Remove a file that may be there.

        :raises FileError: it is still there.
        """
        try:
            os.unlink(self.at(path))
        except FileNotFoundError:
            pass
        except OSError as exc:
            raise FileError("%s can't be removed: %s" % (path, exc.strerror))
