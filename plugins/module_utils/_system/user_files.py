# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read, write and remove a small file of a user as that user, so that no link of the user's can lead root elsewhere.

Each function raises UserFileError.
"""

import os
from typing import Optional

from .command import CommandError, Identity, run_command

# Scripts for sh with a directory and a name.
_READ = 'if [ -e "$1/$2" ]; then echo yes && cat -- "$1/$2"; fi'
# The file is whole or not there, after a power cut too: it is written beside, then renamed.
_WRITE = """set -e
umask 022
mkdir -p -- "$1"
new=$(mktemp -- "$1/.$2.XXXXXX")
trap 'rm -f -- "$new"' EXIT
cat >"$new"
chmod 0644 -- "$new"
sync -- "$new"
mv -f -- "$new" "$1/$2"
sync -- "$1"
"""
_REMOVE = 'rm -f -- "$1/$2"'
_REMOVE_WITH_DIRECTORY = _REMOVE + ' && { rmdir -- "$1" 2>/dev/null || :; }'


class UserFileError(Exception):
    """The file could not be read, written or removed; says which and why."""


def read_user_file(identity: Identity, path: str, timeout: float) -> Optional[str]:
    """Return the text of a file, None when there is none."""
    answer = _shell(identity, _READ, path, timeout)
    return answer.partition("\n")[2] if answer else None


def write_user_file(identity: Identity, path: str, text: str, timeout: float) -> None:
    """Replace a file at once; its directory is created. After an error the file is as it was."""
    _shell(identity, _WRITE, path, timeout, text.encode("utf-8"))


def remove_user_file(identity: Identity, path: str, timeout: float, with_directory: bool = False) -> None:
    """Remove a file, if it is there.

    :param with_directory: remove its directory too, if nothing else is in it.
    """
    _shell(identity, _REMOVE_WITH_DIRECTORY if with_directory else _REMOVE, path, timeout)


def _shell(identity: Identity, script: str, path: str, timeout: float, data: bytes = b"") -> str:
    directory, name = os.path.split(path)
    try:
        result = run_command(["sh", "-c", script, "sh", directory, name], timeout, identity, stdin=data)
    except CommandError as exc:
        raise UserFileError("%s: %s" % (path, exc))
    if result.rc != 0:
        raise UserFileError("%s: %s" % (path, result.err[-500:] or "exit code %d" % result.rc))
    return result.out.decode("utf-8", "replace")
