# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose containers the records are about: asks the system's manager for the users of services, and tells what is doubtful."""

import os
import pwd
from typing import Any, Dict, Iterable, List, Optional, Sequence, Set, Tuple

from .._cgroup.paths import delegated_uid, owner_uid
from .._logs.kernel_oom import DOUBTS, DoubtfulRecord
from .._podman.listing import PodmanAnswer
from .._system.command import current_identity
from .._system.systemctl import Systemctl, SystemctlError
from .._system.text import inert
from .._system.times import to_iso
from .._system.users import user_name
from .._users.owners import subordinate_uids
from .attribution import ContainerKey, HostRecords, Ownership, RecordsByContainer, UidOwners
from .journals import Period, read_service_writers

# In the facts' `errors`, for the rule suspicious-record.
SUSPICIOUS = "suspicious record: "
_HONEST = ("incomplete",)  # kinds of DOUBTS that need nobody who tries something
_MAX_SAMPLE = 200  # characters


def are_all_wanted(names: Sequence[str]) -> bool:
    """Whether the option `users` means each user of the host."""
    return "all" in names or (not names and os.geteuid() == 0)


def find_ownership(records: HostRecords, answers: Sequence[PodmanAnswer], period: Period) -> Ownership:
    """Return what is known of the owners of the containers in the records.

    Processes are needed only where a service with a container had a kill, and there are users.
    """
    ownership = Ownership({answer.user.identity.uid: {listed.ident for listed in answer.listed} for answer in answers},
                          uids=_uid_owners(records))
    if set(ownership.listed) <= {0} and not any(kill.uid for kill in records.kills):
        return ownership
    services = RecordsByContainer(records, ownership).unknown_services()
    if services:
        ownership = ownership._replace(services=_service_users(services, period.timeout))
    gone = {service: idents for service, idents in services.items() if service not in ownership.services}
    return ownership._replace(writers=read_service_writers(gone, period)) if gone else ownership


def uids_in_records(index: RecordsByContainer, recorded: Iterable[ContainerKey]) -> Set[int]:
    """Return the uids, other than root's, of those in whose part of the cgroup tree there were kills, and of containers' owners.

    :param recorded: containers that the recorder knows.
    """
    keys = list(index.killed_containers()) + list(recorded)
    return ({uid for _ident, uid in keys} | {owner_uid(kill.task_memcg) for kill in index.kills_elsewhere}) - {0}


def _uid_owners(records: HostRecords) -> UidOwners:
    uids = {kill.victim.uid for kill in records.unattributed if kill.victim.uid is not None}
    return UidOwners(subordinate_uids(), {uid for uid in uids if _has_name(uid)}) if uids else UidOwners()


def _has_name(uid: int) -> bool:
    try:
        return bool(pwd.getpwuid(uid))
    except (KeyError, OverflowError):
        return False


def _service_users(services: Iterable[str], timeout: float) -> Dict[str, int]:
    """{service: uid of its User=} of services of the system's manager; those that are gone are not in it."""
    try:
        shown = Systemctl(current_identity(), timeout).show(services, ["User", "LoadState"], partial=True)
    except SystemctlError:
        return {}
    users = {unit: _uid(properties.get("User", "")) for unit, properties in shown.items()
             if properties.get("LoadState") == "loaded"}
    return {unit: uid for unit, uid in users.items() if uid is not None}


def _uid(user: str) -> Optional[int]:
    """The uid of User= as systemd shows it, None for a user that is not known."""
    if not user or user.isdigit():
        return int(user or 0)
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        return None


def describe_doubts(records: Iterable[DoubtfulRecord], since: int) -> List[Dict[str, Any]]:
    """Return entries for the facts' `errors`, one for each kind and user.

    :param since: microseconds; older records are left out.
    """
    groups: Dict[Tuple[str, Optional[int]], List[DoubtfulRecord]] = {}
    for record in records:
        if record.at >= since:
            owner = delegated_uid(record.place) if record.place else None
            groups.setdefault((record.kind, owner), []).append(record)
    entries = []
    for (kind, owner), group in sorted(groups.items(), key=lambda item: (item[0][0], item[0][1] or 0)):
        last = max(group, key=lambda record: record.at)
        entries.append({
            "source": "kernel_log", "user": None if owner is None else user_name(owner),
            "message": "%s%s (%d record(s), the last at %s): %s" % (
                "" if kind in _HONEST else SUSPICIOUS, DOUBTS[kind], len(group), to_iso(last.at), inert(last.text[:_MAX_SAMPLE]))})
    return entries
