# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user with containers is. Who they are: the room _users."""

import pwd
from typing import NamedTuple, Optional

from .command import Identity


class User(NamedTuple):
    """A user who may own containers."""

    identity: Identity
    storage: Optional[str]  # path of the container storage, None when there is none
    session: bool  # whether the user's runtime directory (/run/user/UID) is there now


class UserError(Exception):
    """The containers of a user that the option `users` names can't be read."""


def user_name(uid: int) -> str:
    """Return the name of a uid; the number as text when no user has it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
