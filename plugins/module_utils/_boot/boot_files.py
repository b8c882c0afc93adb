# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Change files of a host so that each is whole at any moment, and take it back when something goes wrong.

Knows nothing of what the files mean.
"""

import os
import tempfile

_LABEL = "security.selinux"


class FileError(Exception):
    """A file could not be read or written; says which and why."""


class BootFiles(object):
    """Files below a root directory that are replaced as a whole.

    :param root: directory in place of /, for tests.
    """

    def __init__(self, root="/"):
        self._root = root
        # {path: text, None where there was no such file} of what was changed, or may be by a command.
        self._before = {}

    def at(self, path):
        """Return where the file of the host really is; links are followed."""
        return os.path.realpath(os.path.join(self._root, path.lstrip("/")))

    def read(self, path):
        """Return the text, with every byte kept (surrogateescape); None when there is no such file."""
        try:
            with open(self.at(path), encoding="utf-8", errors="surrogateescape", newline="") as handle:
                return handle.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as exc:
            raise FileError("%s can't be read: %s" % (path, exc.strerror))

    def names(self, directory):
        """Return the sorted names in a directory, [] when there is no such directory."""
        try:
            return sorted(os.listdir(self.at(directory)))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as exc:
            raise FileError("%s can't be read: %s" % (directory, exc.strerror))

    def exists(self, path):
        """Whether there is something of that name."""
        return os.path.exists(self.at(path))

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
                _replace(target, text.encode("utf-8", "surrogateescape"))
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
            here, there = self.at(source), self.at(target)
            _like(there, here)
            _flushed(here)
            os.rename(here, there)
            _flushed(os.path.dirname(there))
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


def _replace(target, data):
    directory, name = os.path.split(target)
    # A name that no boot loader takes for one of its files: they read *.cfg and *.conf.
    handle, draft = tempfile.mkstemp(prefix=".%s." % name, suffix=".new", dir=directory)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        if not _like(target, draft):
            os.chmod(draft, 0o644)
        _flushed(draft)
        os.rename(draft, target)
    except OSError:
        os.unlink(draft)
        raise
    _flushed(directory)


def _like(model, path):
    """Give a file the owner, mode and SELinux label of another one; return whether that one is there.

    A FAT file system has none of these of its own, and what isn't different isn't set.
    """
    try:
        wanted = os.stat(model)
    except FileNotFoundError:
        return False
    now = os.stat(path)
    if (now.st_uid, now.st_gid) != (wanted.st_uid, wanted.st_gid):
        os.chown(path, wanted.st_uid, wanted.st_gid)
    if now.st_mode != wanted.st_mode:
        os.chmod(path, wanted.st_mode & 0o7777)
    label = _label(model)
    if label != _label(path):
        os.setxattr(path, _LABEL, label)
    return True


def _label(path):
    try:
        return os.getxattr(path, _LABEL)
    except OSError:  # none here
        return None


def _flushed(path):
    """Have the file or directory on the disk: a boot file that the next power cut empties is none."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
