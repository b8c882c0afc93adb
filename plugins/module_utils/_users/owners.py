# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which users of this host may own containers, by evidence that is root's: nothing of theirs is opened.

Whether they do is asked of a process that is the user.
"""

import os
import pwd
import re
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Set, Tuple

from .._system.command import Identity, current_identity, identity_from_passwd, runtime_dir
from .._system.host_files import Files
from .._system.users import UserError
from .scout import paths_exist

_RUNTIME = "/run/user"  # a directory for each user with a session or a lingering manager
_LINGER = "/var/lib/systemd/linger"  # a file for each lingering user (loginctl(1))
_SUBUID = "/etc/subuid"  # rootless containers need a range there, subuid(5)
_SLICES = ("/sys/fs/cgroup/user.slice", "/sys/fs/cgroup/systemd/user.slice", "/sys/fs/cgroup/unified/user.slice")
_SLICE = re.compile(r"user-(\d{1,10})\.slice")
# Below the home of an account for which there is no other evidence.
_TRACES = (".local/share/containers", ".config/containers")
_MAX_OWNERS = 400  # each costs a process
_NO_UID = 2 ** 32 - 1
# In a process's name, which is above it, the kernel escapes "\n" and the backslash alone (proc_task_name()).
_UID_LINE = re.compile(r"\nUid:\t([0-9]{1,10})\t")


class Owner(NamedTuple):
    """A user who may own containers."""

    identity: Identity
    session: bool  # whether the user's runtime directory (/run/user/UID) is there now
    named: bool  # asked for by name, or the caller: without containers that is said


def find_owners(names: Sequence[str]) -> Tuple[List[Owner], List[Dict[str, str]]]:
    """Return (users in order, each once; {user, message} for each user whose containers can't be read).

    :param names: of the option `users`; ``all`` stands for root and each user who may have containers,
        ``current`` for the caller; empty: ``all`` for root, ``current`` otherwise.
    :raises UserError: there is not one user left.
    """
    me = current_identity()
    owners: Dict[int, Owner] = {}
    problems: List[Dict[str, str]] = []
    for name in names or ["all" if me.uid == 0 else "current"]:
        try:
            if name == "all":
                found, more = _all_owners(me)
                problems += more
            else:
                found = [_owner(_identity(name, me), named=True)]
        except UserError as exc:
            problems.append({"user": name, "message": str(exc)})
            continue
        for owner in found:
            owners.setdefault(owner.identity.uid, owner)
    if not owners:
        raise UserError("; ".join(problem["message"] for problem in problems))
    return list(owners.values()), problems


def _identity(name: str, me: Identity) -> Identity:
    if name in ("current", me.name):
        return me
    try:
        identity = identity_from_passwd(pwd.getpwnam(name))
    except KeyError:
        raise UserError("users: there is no user %r on this host (name one, or 'all', or 'current')" % name)
    if me.uid not in (0, identity.uid):
        raise UserError("users: only root can read the containers of %r, this is %r (use become, or 'current')" % (name, me.name))
    return identity


def _owner(identity: Identity, named: bool) -> Owner:
    return Owner(identity, runtime_dir(identity) is not None, named)


def _all_owners(me: Identity) -> Tuple[List[Owner], List[Dict[str, str]]]:
    if me.uid != 0:
        raise UserError("users: only root can read the containers of 'all' users, this is %r (use become, or 'current')" % me.name)
    files = Files()
    identities = {entry.pw_uid: identity_from_passwd(entry) for entry in reversed(pwd.getpwall())}
    present = _uids_with_sessions(files)
    evidence = present | _uids_with_ranges(files, {identity.name: uid for uid, identity in identities.items()})
    evidence |= _uids_by_name(files.names(_LINGER) or [])
    problems = []
    others = []
    for uid in sorted(evidence - {0, _NO_UID}):
        identity = identities.get(uid) or _look_up(uid)
        if identity:
            others.append(identity)
        elif uid in present:
            problems.append(_nameless(uid))
    rest = [identity for uid, identity in sorted(identities.items()) if uid not in evidence and uid != 0]
    traced, more = _with_traces(rest)
    others += traced
    problems += more
    if len(others) > _MAX_OWNERS:
        problems.append({"user": "all", "message": "%d users may have containers, %d of them are looked at (name others in "
                                                   "the option users)" % (len(others), _MAX_OWNERS)})
    return [_owner(me, named=True)] + [_owner(identity, named=False) for identity in others[:_MAX_OWNERS]], problems


def find_owners_by_uid(uids: Iterable[int]) -> Tuple[List[Owner], List[Dict[str, str]]]:
    """Return the same of users of whom records tell, and find_owners() did not: a directory service does not list its users."""
    identities = {uid: _look_up(uid) for uid in sorted(uids)}
    owners = [_owner(identity, named=False) for identity in identities.values() if identity]
    return owners[:_MAX_OWNERS], [_nameless(uid) for uid, identity in identities.items() if not identity]


def _nameless(uid: int) -> Dict[str, str]:
    return {"user": str(uid), "message": "uid %d has no name on this host, so nobody can be asked for its containers (is the "
                                         "directory service down?)" % uid}


def _look_up(uid: int) -> Optional[Identity]:
    try:
        return identity_from_passwd(pwd.getpwuid(uid))
    except (KeyError, OverflowError):
        return None


def _uids_with_sessions(files: Files) -> Set[int]:
    uids = {int(name) for name in files.names(_RUNTIME) or [] if name.isdigit()}
    for path in _SLICES:
        uids |= {int(match.group(1)) for match in map(_SLICE.fullmatch, files.names(path) or []) if match}
    return uids


def _uids_with_ranges(files: Files, uids: Dict[str, int]) -> Set[int]:
    """The users of subuid(5), which has names or numbers."""
    owners = [words[0] for words in _subuid_lines(files)]
    return {uids[owner] for owner in owners if owner in uids} | {int(owner) for owner in owners if owner.isdigit()} | (
        _uids_by_name(owner for owner in owners if owner and not owner.isdigit() and owner not in uids))


def _subuid_lines(files: Files) -> List[List[str]]:
    """[owner, first uid, number of uids] of each line of subuid(5), as far as it has them."""
    return [line.split(":") for line in (files.read(_SUBUID) or "").splitlines()]


def _uids_by_name(names: Iterable[str]) -> Set[int]:
    uids = set()
    for name in names:
        try:
            uids.add(pwd.getpwnam(name).pw_uid)
        except (KeyError, ValueError):
            continue
    return uids


def _with_traces(identities: Sequence[Identity]) -> Tuple[List[Identity], List[Dict[str, str]]]:
    """Return (those in whose home there may be something of Podman's, {user, message} where the home does not answer)."""
    homes = [identity for identity in identities if len(identity.home) > 1 and os.path.isabs(identity.home)]
    paths = [os.path.join(identity.home, trace) for identity in homes for trace in _TRACES]
    answers = paths_exist(paths)
    found, problems = [], []
    for index, identity in enumerate(homes):
        of_user = answers[index * len(_TRACES):(index + 1) * len(_TRACES)]
        if True in of_user:
            found.append(identity)
        elif None in of_user:
            problems.append({"user": identity.name, "message": "%s does not answer, so it is not known whether there are containers"
                                                               % identity.home})
    return found, problems


def subordinate_uids() -> List[Tuple[int, int, int]]:
    """Return (first uid, number of uids, uid of the owner) of each line of subuid(5) whose owner this host knows."""
    ranges = []
    for words in _subuid_lines(Files()):
        if len(words) == 3 and words[1].isdigit() and words[2].isdigit():
            owner = int(words[0]) if words[0].isdigit() else next(iter(_uids_by_name([words[0]])), None)
            if owner is not None:
                ranges.append((int(words[1]), int(words[2]), owner))
    return ranges


class ProcessOwners:
    """Whose processes are whose, by the kernel and subuid(5): a user's word about a process id may name any process.

    :param root: directory in place of /.
    """

    def __init__(self, root: str = "/") -> None:
        self._files = Files(root)
        self._ranges: Optional[List[Tuple[str, int, int]]] = None

    def may_be(self, identity: Identity, pid: int) -> bool:
        """Whether a process can be of a user's container: it runs as the user, or as one of the user's subordinate uids.

        Root's containers may run as anybody. True for a process that has ended: nothing will be read of it.
        """
        if identity.uid == 0:
            return True
        uid = self._process_uid(pid)
        return uid is None or uid == identity.uid or any(
            owner in (identity.name, str(identity.uid)) and first <= uid < first + count
            for owner, first, count in self._subordinate())

    def _process_uid(self, pid: int) -> Optional[int]:
        """The real uid of a process (proc_pid_status(5)), None when it has ended."""
        match = _UID_LINE.search(self._files.read("/proc/%d/status" % pid) or "")
        return int(match.group(1)) if match else None

    def _subordinate(self) -> List[Tuple[str, int, int]]:
        """(name or uid of the owner, first uid, number of uids) of each line of subuid(5)."""
        if self._ranges is None:
            self._ranges = [(words[0], int(words[1]), int(words[2])) for words in _subuid_lines(self._files)
                            if len(words) == 3 and words[1].isdigit() and words[2].isdigit()]
        return self._ranges
