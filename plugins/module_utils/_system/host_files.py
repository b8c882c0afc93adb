# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read plain files of a host, telling what isn't there from what can't be read, and replace files atomically.

Knows nothing of what the files mean.
"""

import gzip
import io
import os
import stat
import tempfile
from typing import IO, Dict, List, Optional, Union

_MAX_TEXT = 4 * 1024 * 1024  # a grub.cfg has tens of kilobytes; nothing that is read here has more
_CHUNK = 64 * 1024  # /proc/sys takes a buffer of the size that is asked for and says ENOMEM for megabytes
_LABEL = "security.selinux"


class Files:
    """Files below a root directory.

    :param root: directory in place of /.
    """

    def __init__(self, root: str = "/") -> None:
        self._root = root.rstrip("/")
        # {path: why} of what is there, or may be, and could not be read the last time.
        self.unreadable: Dict[str, str] = {}

    def at(self, path: str) -> str:
        """Return where a path of the host is on this system."""
        return self._root + "/" + path.lstrip("/")

    def read(self, path: str) -> Optional[str]:
        """Return a file's text, its first 4 MiB; None when there is no such file, or it can't be read (see unreadable).

        The text of a compressed file (.gz) is what is compressed in it. Bytes that are not UTF-8 are replaced.
        """
        self.unreadable.pop(path, None)
        try:
            data = _read(self.at(path), _MAX_TEXT)
            if path.endswith(".gz"):
                data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(_MAX_TEXT)
            return data.decode("utf-8", "replace").rstrip("\0")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, EOFError) as exc:
            self.unreadable[path] = getattr(exc, "strerror", None) or str(exc)
            return None

    def read_bytes(self, path: str) -> Optional[bytes]:
        """Return all of a file; None when there is no such file.

        :raises OSError: it can't be read.
        """
        try:
            return _read(self.at(path))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def names(self, path: str) -> Optional[List[str]]:
        """Return the sorted names in a directory; None as for read()."""
        self.unreadable.pop(path, None)
        try:
            return sorted(os.listdir(self.at(path)))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as exc:
            self.unreadable[path] = exc.strerror or str(exc)
            return None

    def is_directory(self, path: str) -> bool:
        """Whether there is such a directory."""
        return os.path.isdir(self.at(path))

    def exists(self, path: str) -> bool:
        """Whether there is something of that name."""
        return os.path.exists(self.at(path))


class NotRegularError(OSError):
    """It is a directory, a pipe, a device …, not a file that can be read to its end."""


def open_regular(path: str, flags: int = 0) -> IO[bytes]:
    """Open a regular file of somebody else's for reading; a pipe does not block, and a device is not read.

    :param flags: more flags of open(2).
    :raises NotRegularError: it is none.
    :raises OSError: it can't be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotRegularError("%s is not a regular file" % path)
    return os.fdopen(descriptor, "rb")


def replace_file(path: str, data: bytes, mode: int, like: Optional[str] = None) -> None:
    """Replace a file atomically: readers see the old or the new one, after a power cut too.

    Safe in another user's directory: no link in it is followed and no existing file written to.

    :param like: a file whose owner, mode and SELinux label it gets instead, if that file is there.
    :raises OSError: the old file is still there, unless only the directory could not be synced.
    """
    directory, name = os.path.split(path)
    # A name that programs which read the directory ignore: boot loaders read *.cfg and *.conf, systemd *.service,
    # node_exporter *.prom.
    descriptor, draft = tempfile.mkstemp(prefix=".%s." % name, suffix=".new", dir=directory)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(data)
            handle.flush()
            if like is None or not _copy_attributes(like, descriptor):
                os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        os.rename(draft, path)
    except BaseException:
        os.unlink(draft)
        raise
    _sync(directory)


def replace_file_in(directory: int, name: str, data: bytes, mode: int) -> None:
    """As replace_file(), in an open directory, which may be renamed or replaced meanwhile."""
    draft = ".%s.%s.new" % (name, os.urandom(8).hex())
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=directory)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(data)
            handle.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        os.rename(draft, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        os.unlink(draft, dir_fd=directory)
        raise
    os.fsync(directory)


def move_file(source: str, target: str) -> None:
    """Replace a file by a finished one, which gets the old one's owner, mode and SELinux label.

    :raises OSError: the target is what it was.
    """
    descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _copy_attributes(target, descriptor)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(source, target)
    _sync(os.path.dirname(target))


def _read(path: str, limit: Optional[int] = None) -> bytes:
    """Plain system calls: the recorder reads thousands of files a minute, and open() costs three times as much.

    O_NONBLOCK: a pipe that a user put there must not block root; it is read as empty.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    chunks, size = [], 0
    try:
        while limit is None or size < limit:
            chunk = os.read(descriptor, _CHUNK)
            if not chunk:
                break
            chunks.append(chunk)
            size += len(chunk)
    finally:
        os.close(descriptor)
    return b"".join(chunks)[:limit]


def _copy_attributes(model: str, descriptor: int) -> bool:
    """Give an open file the owner, mode and SELinux label of another one; return whether that one is there.

    Only what differs is set: on a FAT file system they can't be changed.
    """
    try:
        status = os.stat(model)
    except FileNotFoundError:
        return False
    now = os.fstat(descriptor)
    if (now.st_uid, now.st_gid) != (status.st_uid, status.st_gid):
        os.fchown(descriptor, status.st_uid, status.st_gid)
    if now.st_mode != status.st_mode:
        os.fchmod(descriptor, status.st_mode & 0o7777)
    label = _label(model)
    if label is not None and label != _label(descriptor):
        os.setxattr(descriptor, _LABEL, label)
    return True


def _label(file: Union[str, int]) -> Optional[bytes]:
    try:
        return os.getxattr(file, _LABEL)
    except OSError:  # none here
        return None


def _sync(directory: str) -> None:
    """fsync a directory: a power cut must not undo a rename in it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
