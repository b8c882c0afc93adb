# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Read plain files of a host, keeping apart what isn't there and what can't be read."""

import gzip
import os

_MOST = 4 * 1024 * 1024  # a grub.cfg has tens of kilobytes; nothing that is read here has more
_CHUNK = 64 * 1024  # /proc/sys takes a buffer of the size that is asked for and says ENOMEM for megabytes


class Files(object):
    """Files below a root directory.

    :param root: directory in place of /.
    """

    def __init__(self, root="/"):
        self._root = root
        # {path: why} of what is there, or may be, and can't be read.
        self.unreadable = {}

    def _at(self, path):
        return os.path.join(self._root, path.lstrip("/"))

    def read(self, path):
        """Return a file's text; None when there is no such file, or it can't be read (then it is in unreadable)."""
        try:
            opener = gzip.open if path.endswith(".gz") else open
            with opener(self._at(path), "rb") as handle:
                return _all(handle).decode("utf-8", "replace").rstrip("\0")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, EOFError) as exc:
            self.unreadable[path] = getattr(exc, "strerror", None) or str(exc)
            return None

    def names(self, path):
        """Return the sorted names in a directory; None as for read()."""
        try:
            return sorted(os.listdir(self._at(path)))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as exc:
            self.unreadable[path] = exc.strerror
            return None

    def is_directory(self, path):
        """Whether there is such a directory."""
        return os.path.isdir(self._at(path))

    def exists(self, path):
        """Whether there is something of that name."""
        return os.path.exists(self._at(path))


def _all(handle):
    parts, size = [], 0
    while size < _MOST:
        part = handle.read(_CHUNK)
        if not part:
            break
        parts.append(part)
        size += len(part)
    return b"".join(parts)
