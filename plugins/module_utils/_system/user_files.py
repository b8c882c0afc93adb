# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Put a small file at a user's place, or remove it, as that user: nobody's links can lead elsewhere."""

from .command import CommandError, run_command

# Scripts for sh with a directory and a name. The file is whole or not there: it is written beside, then renamed.
WRITE = """set -e
umask 022
mkdir -p -- "$1"
new=$(mktemp -- "$1/.$2.XXXXXX")
trap 'rm -f -- "$new"' EXIT
cat >"$new"
chmod 0644 -- "$new"
mv -f -- "$new" "$1/$2"
"""
REMOVE = 'rm -f -- "$1/$2"'


class UserFileError(Exception):
    """The file could not be written or removed."""


def write_user_file(identity, directory, name, text, timeout):
    """Write a file atomically, with its directory.

    :raises UserFileError: says why not.
    """
    _shell(identity, WRITE, directory, name, timeout, text.encode("utf-8"))


def remove_user_file(identity, directory, name, timeout):
    """Remove a file; none is fine.

    :raises UserFileError: says why not.
    """
    _shell(identity, REMOVE, directory, name, timeout, b"")


def _shell(identity, script, directory, name, timeout, data):
    try:
        result = run_command(["sh", "-c", script, "sh", directory, name], timeout, identity, stdin=data)
    except CommandError as exc:
        raise UserFileError("%s/%s: %s" % (directory, name, exc))
    if result.rc != 0:
        raise UserFileError("%s/%s: %s" % (directory, name, result.err or "exit code %d" % result.rc))
