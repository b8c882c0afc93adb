# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Change files of a host so that each is whole at any moment, and take it back when something goes wrong.

Knows nothing of what the files mean.
"""

import os

from .._system.host_files import Files, move_file, replace_file


class FileError(Exception):
    """A file could not be read or written; says which and why."""


class BootFiles(object):
    """Files below a root directory that are replaced as a whole.

    :param root: directory in place of /, for tests.
    """

    def __init__(self, root="/"):
        self._files = Files(root)
        # {path: text, None where there was no such file} of what was changed, or may be by a command.
        self._before = {}

    def at(self, path):
        """Return where the file of the host really is; links are followed."""
        return os.path.realpath(self._files.at(path))

    def read(self, path):
        """Return the text, with every byte kept (surrogateescape); None when there is no such file."""
        try:
            data = self._files.read_bytes(path)
        except OSError as exc:
            raise FileError("%s can't be read: %s" % (path, exc.strerror))
        return None if data is None else data.decode("utf-8", "surrogateescape")

    def names(self, directory):
        """Return the sorted names in a directory, [] when there is no such directory."""
        names = self._files.names(directory)
        if directory in self._files.unreadable:
            raise FileError("%s can't be read: %s" % (directory, self._files.unreadable[directory]))
        return names or []

    def exists(self, path):
        """Whether there is something of that name."""
        return self._files.exists(path)

    def check_writable(self, path):
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

    def guard(self, paths):
        """Remember files that a command is about to change, so that undo() can restore them."""
        for path in paths:
            self._before.setdefault(path, self.read(path))

    def write(self, path, text):
        """Replace a file, or remove it (None). It is the old or the new one at any moment.

        :raises FileError: nothing was changed.
        """
        self.guard([path])
        self._put(path, text)

    def undo(self):
        """Restore everything that was written or guarded and isn't as it was; return [message] of what that failed for."""
        problems = []
        for path, text in reversed(list(self._before.items())):
            try:
                if self.read(path) != text:
                    self._put(path, text)
            except FileError as exc:
                problems.append(str(exc))
        return problems

    def _put(self, path, text):
        target = self.at(path)
        try:
            if text is None:
                os.unlink(target)
            else:
                os.makedirs(os.path.dirname(target), exist_ok=True)
                replace_file(target, text.encode("utf-8", "surrogateescape"), 0o644, like=target)
        except FileNotFoundError:
            if text is not None:
                raise
        except OSError as exc:
            raise FileError("%s can't be written: %s" % (path, exc.strerror))

    def move(self, source, target):
        """Put a finished file in the place of another one, with that one's owner, mode and label.

        :raises FileError: the target is what it was.
        """
        try:
            move_file(self.at(source), self.at(target))
        except OSError as exc:
            raise FileError("%s can't be written: %s" % (target, exc.strerror))

    def discard(self, path):
        """Remove a file that may be there."""
        try:
            os.unlink(self.at(path))
        except FileNotFoundError:
            pass
        except OSError as exc:
            raise FileError("%s can't be removed: %s" % (path, exc.strerror))
