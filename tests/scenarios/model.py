# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a scenario is. Knows no host and runs nothing."""

from __future__ import annotations

from dataclasses import dataclass

V2_HOSTS = ("debian12", "debian13", "testing")


@dataclass(frozen=True)
class Target:
    """One container that a scenario leaves behind, and the truth about it.

    name: the container's name, and the row in the matrix unless `row` says another.
    killed, cause, lethal: the verdict on its current or last run.
    kills: kernel records of this container over its whole life; None: any number.
    gone: Podman does not know it any more: it has to be in `removed`, if it was killed.
    unit: the systemd unit that ran it; a removed container is named with it.
    first: of several containers of that name it is the first one, not the present one.
    unprovable: no source ties a kill to it, so "unknown" is an honest answer too.
    causes: further causes that are as right as `cause`.
    """

    name: str
    killed: bool
    cause: str
    lethal: bool = False
    kills: int | None = 0
    gone: bool = False
    unit: str = ""
    first: bool = False
    unprovable: bool = False
    causes: tuple = ()
    row: str = ""

    @property
    def key(self):
        """The row of the matrix."""
        return self.row or self.name


@dataclass(frozen=True)
class Scenario:
    """Something that is done in a guest.

    does: one line for people.
    hosts: where it applies.
    stages: "user": guest/NAME.sh, run as each of `users`; "root": guest/NAME.root.sh, run by root when
        everything else is done, because it touches the whole host.
    """

    name: str
    does: str
    targets: tuple
    hosts: tuple = V2_HOSTS
    users: tuple = ("root", "alice")
    stages: tuple = ("user",)

    def applies(self, host, user):
        """Whether it can be provoked there."""
        return host in self.hosts and user in self.users


def flag_trust(flag, killed, lethal):
    """What State.OOMKilled is worth, given what really happened to the last run."""
    if killed is None:
        return "unknown"
    if not flag:
        return "missed" if killed else "agrees"
    if not killed:
        return "stale"
    return "agrees" if lethal else "overstated"
