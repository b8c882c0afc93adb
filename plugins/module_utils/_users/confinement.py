# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a process of root's one of a user's: his groups and environment, his slice, a keyring of its own, limits.

become_user() runs in the new process, confine() in root's. Nothing here reads what belongs to the user.
"""

import ctypes
import os
import platform
import resource
import signal
import time
from typing import Dict, List, NamedTuple, Optional, Sequence

from .._system.command import CommandError, Identity, run_command, user_environment

_PR_SET_PDEATHSIG = 1  # prctl(2)
_KEYCTL_JOIN_SESSION_KEYRING = 1  # keyctl(2)
# Number of the system call keyctl by machine: the kernel's syscall tables. All others use include/uapi/asm-generic/unistd.h.
_KEYCTL = {"x86_64": 250, "i686": 288, "armv7l": 311, "ppc64le": 271, "ppc64": 271, "s390x": 280}
_KEYCTL_GENERIC = 219

_BOOTED = "/run/systemd/system"  # sd_booted(3)
_BUS = "/run/dbus/system_bus_socket"
_PLACING = 20.0  # seconds for systemd to move a process; it takes 0.02, and some on a host that is out of breath
_MIB = 1024 * 1024


class ConfinementError(Exception):
    """systemd has not moved a process. It is in root's cgroup, and must start nothing there."""


class Limits(NamedTuple):
    """What a user's process and all that it starts may use."""

    # bytes, of all of them; of each where there is no systemd. Podman needs 100 MiB, and 20 MiB more for 2,000 containers
    memory: int = 1024 * _MIB
    tasks: int = 512  # Podman, its children and their threads; not where there is no systemd
    file_size: int = 1024 * _MIB  # bytes of a file that is written


class Privileges(NamedTuple):
    """What become_user() needs, looked up before the fork."""

    identity: Identity
    groups: List[int]
    environment: Dict[str, str]
    libc: ctypes.CDLL
    parent: int  # process id
    managed: bool  # whether there is a systemd that can limit its memory


def prepare_privileges(identity: Identity) -> Privileges:
    """Return what a new process needs to become this user."""
    return Privileges(identity=identity, groups=os.getgrouplist(identity.name, identity.gid), parent=os.getpid(),
                      environment=user_environment(identity), libc=ctypes.CDLL(None, use_errno=True), managed=has_manager())


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
    if not privileges.managed:
        # Not RLIMIT_AS, which counts what Go's runtime reserves and never uses; not RLIMIT_NPROC, which counts what else the
        # user runs. Podman 5.4 on Debian 13 works with 128 MiB of RLIMIT_DATA, and not with 64.
        _lower_limit(resource.RLIMIT_DATA, limits.memory)
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


def has_manager() -> bool:
    """Whether systemd is there and can be asked. Without its bus nobody has a session, or containers in scopes of their own."""
    return os.path.exists(_BOOTED) and os.path.exists(_BUS)


def confine(pid: int, uid: int, limits: Limits, seconds: float) -> Optional[str]:
    """Have systemd move a process into a scope of its own with limits of memory and tasks.

    It is in the user's slice. That refuses while it is being stopped, which a user can make last; the scope is in
    system.slice then, over which the user has no say.

    :param seconds: for both.
    :return: the scope's name if it is outside of the user's slice, for end_scope(); None if it is in it.
    :raises ConfinementError: the process is where it was.
    """
    end = time.monotonic() + min(seconds, _PLACING)
    name = "podman-memory-%d-%d" % (uid, pid)
    own = "user-%d.slice" % uid
    refusal = _start_scope(name + ".scope", own, pid, limits, (end - time.monotonic()) / 2)
    if refusal is None:
        return None
    outside = name + "-outside.scope"
    another = _start_scope(outside, "system.slice", pid, limits, end - time.monotonic())
    if another is not None:
        raise ConfinementError("systemd gives it no limits in %s (%s) and none in system.slice (%s)" % (own, refusal, another))
    return outside


def end_scope(name: str) -> None:
    """Kill all that is in a scope outside of its user's slice, whose limits would not hold for it; what can't be killed keeps ours."""
    _call_manager("KillUnit", ["ssi", name, "all", str(int(signal.SIGKILL))], _PLACING)


def _start_scope(name: str, parent: str, pid: int, limits: Limits, seconds: float) -> Optional[str]:
    """Return why the process is not in the scope, None when it is. The properties are those that systemd 239 (RHEL 8) has for scopes.

    :param parent: name of the slice.
    """
    end = time.monotonic() + seconds
    properties = [("PIDs", "au", "1", str(pid)), ("Slice", "s", parent),
                  ("Description", "s", "podman_fleet.memory asks about containers of another user"),
                  ("CollectMode", "s", "inactive-or-failed"), ("MemoryMax", "t", str(limits.memory)),
                  ("TasksMax", "t", str(limits.tasks))]
    refusal = _call_manager("StartTransientUnit", ["ssa(sv)a(sa(sv))", name, "fail", str(len(properties)),
                                                   *(word for each in properties for word in each), "0"], seconds)
    while refusal is None:
        if _is_in(pid, name):
            return None
        if time.monotonic() > end:
            return "it does not do so in time"
        time.sleep(0.005)
    return refusal


def _call_manager(method: str, words: Sequence[str], seconds: float) -> Optional[str]:
    """Call a method of systemd's; return why that failed, None when it did not.

    :param words: signature and arguments, see busctl(1).
    """
    argv = ["busctl", "--system", "call", "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
            "org.freedesktop.systemd1.Manager", method, *words]
    try:
        result = run_command(argv, seconds)
    except CommandError as exc:
        return str(exc)
    return None if result.rc == 0 else result.err or "busctl: exit code %d" % result.rc


def _is_in(pid: int, unit: str) -> bool:
    try:
        with open("/proc/%d/cgroup" % pid, encoding="utf-8", errors="replace") as stream:
            return memory_cgroup(stream.read()).endswith("/" + unit)
    except OSError:
        return False


def memory_cgroup(text: str) -> str:
    """Return the cgroup that counts the memory of a process, of its /proc/PID/cgroup (cgroups(7)); "" when there is none.

    systemd moves a process in one hierarchy of cgroup v1 after the other.
    """
    paths = {name: path for _number, names, path in (line.split(":", 2) for line in text.split("\n") if line.count(":") > 1)
             for name in names.split(",")}
    return next((paths[name] for name in ("memory", "name=systemd", "") if name in paths), "")
