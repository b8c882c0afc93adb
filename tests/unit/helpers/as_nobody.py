# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real user beside root, for tests of what root does for others: nobody, with a home of the test's."""

import os
import pwd

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import identity_from_passwd

NOBODY = identity_from_passwd(pwd.getpwnam("nobody"))
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can have processes of others")


def open_to_all(folder):
    """Let every user reach what is in a temporary directory of root's."""
    for each in (folder, *list(folder.parents)[:-2]):
        os.chmod(str(each), os.stat(str(each)).st_mode | 0o711)


def home_of_nobody(folder):
    """Return nobody's Identity with a home directory below a temporary directory of root's."""
    open_to_all(folder)
    home = folder / "home"
    home.mkdir()
    os.chown(str(home), NOBODY.uid, NOBODY.gid)
    return NOBODY._replace(home=str(home))


def make_folder(identity, path):
    """Make a directory below the home of a user, and those above it, all of them the user's; return its path."""
    made = identity.home
    for part in path.split("/"):
        made = os.path.join(made, part)
        if not os.path.exists(made):
            os.mkdir(made)
            os.chown(made, identity.uid, identity.gid)
    return made
