# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a process of root's one of a user's: his groups and environment, his slice, a keyring of its own, limits.

become_user() runs in the new process, move_to_slice() in root's. Nothing here reads what belongs to the user.
"""

import ctypes
import os
import platform
import resource
import signal
import time
from typing import Dict, List, NamedTuple

from .._system.command import CommandError, Identity, run_command, user_environment

_PR_SET_PDEATHSIG = 1  # prctl(2)
_KEYCTL_JOIN_SESSION_KEYRING = 1  # keyctl(2)
# Number of the system call keyctl by machine: the kernel's syscall tables. All others use include/uapi/asm-generic/unistd.h.
_KEYCTL = {"x86_64": 250, "i686": 288, "armv7l": 311, "ppc64le": 271, "ppc64": 271, "s390x": 280}
_KEYCTL_GENERIC = 219

_PLACING = 5  # seconds for systemd to move a process
_MIB = 1024 * 1024


class Limits(NamedTuple):
    """What a user's process and all that it starts may use."""

    memory: int = 1024 * _MIB  # bytes, of all of them; Podman needs 100 MiB, and 20 MiB more for 2,000 containers
    tasks: int = 512  # Podman, its children and their threads
    file_size: int = 1024 * _MIB  # bytes of a file that is written


class Privileges(NamedTuple):
    """What become_user() needs, looked up before the fork."""

    identity: Identity
    groups: List[int]
    environment: Dict[str, str]
    libc: ctypes.CDLL
    parent: int  # process id


def prepare_privileges(identity: Identity) -> Privileges:
    """Return what a new process needs to become this user."""
    return Privileges(identity=identity, groups=os.getgrouplist(identity.name, identity.gid), parent=os.getpid(),
                      environment=user_environment(identity), libc=ctypes.CDLL(None, use_errno=True))


def become_user(privileges: Privileges, limits: Limits) -> None:
    """Turn this process into one of the user's, for good.

    It is in a session of its own, has a keyring of its own instead of root's, dumps no core, and is killed when its
    parent ends. The kernel lets other processes of the user neither trace it nor take its descriptors, because it has
    changed its user without executing a program (PR_SET_DUMPABLE in prctl(2)).

    :raises OSError: it is not the user. The process must end then.
    """
    identity, libc = privileges.identity, privileges.libc
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    os.umask(0o022)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower_limit(resource.RLIMIT_FSIZE, limits.file_size)
    os.setgroups(privileges.groups)
    os.setresgid(identity.gid, identity.gid, identity.gid)
    os.setresuid(identity.uid, identity.uid, identity.uid)
    if os.getresuid() != (identity.uid,) * 3 or os.getresgid() != (identity.gid,) * 3:
        raise PermissionError("this process could not become %s" % identity.name)
    # ENOSYS: a kernel without keyrings has none to inherit
    libc.syscall(_KEYCTL.get(platform.machine(), _KEYCTL_GENERIC), _KEYCTL_JOIN_SESSION_KEYRING, None)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != privileges.parent:  # it ended before the line above
        raise ProcessLookupError("the parent has ended")
    os.chdir("/")
    os.environ.clear()
    os.environ.update(privileges.environment)


def _lower_limit(which: int, value: int) -> None:
    _soft, hard = resource.getrlimit(which)
    limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (limit, limit))


def move_to_slice(pid: int, uid: int, limits: Limits) -> bool:
    """Have systemd move a process into a scope of its own in the user's slice, with limits; return whether it is there.

    False where there is no systemd or it refuses; then the process stays in the caller's cgroup. The properties are
    those that systemd 239 (RHEL 8) has for scopes.
    """
    name = "podman-memory-%d-%d.scope" % (uid, pid)
    properties = [("PIDs", "au", "1", str(pid)), ("Slice", "s", "user-%d.slice" % uid),
                  ("Description", "s", "podman_fleet.memory asks about the containers of uid %d" % uid),
                  ("CollectMode", "s", "inactive-or-failed"), ("MemoryMax", "t", str(limits.memory)),
                  ("TasksMax", "t", str(limits.tasks))]
    argv = ["busctl", "--system", "call", "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
            "org.freedesktop.systemd1.Manager", "StartTransientUnit", "ssa(sv)a(sa(sv))", name, "fail", str(len(properties))]
    argv += [word for each in properties for word in each] + ["0"]
    try:
        if run_command(argv, _PLACING).rc != 0:
            return False
    except CommandError:
        return False
    end = time.monotonic() + _PLACING
    while time.monotonic() < end:
        if _is_in(pid, name):
            return True
        time.sleep(0.005)
    return False


def _is_in(pid: int, unit: str) -> bool:
    try:
        with open("/proc/%d/cgroup" % pid, encoding="utf-8", errors="replace") as stream:
            return any(line.rstrip("\n").endswith("/" + unit) for line in stream)
    except OSError:
        return False
