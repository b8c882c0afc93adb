# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read everything about a host's cgroups: files below a root directory and two calls of systemctl.

Reads, and leaves the meaning to facts.py.
"""

from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from .._boot.config import read_boot_config
from .._boot.kernel_args import parse_arguments
from .._boot.next_boot import BootConfig
from .._system.command import CommandError, CommandResult, run_command
from .._system.host_files import Files
from .._system.platform import container_engine, is_raspberry_pi
from .._system.systemctl import parse_show, show_arguments
from .controller import USER_CGROUP, CgroupTexts, delegated_controllers, kernel_config_value
from .mode import CGROUP_ROOT, Mount, detect_mode, memory_hierarchy, parse_mountinfo, parse_mounts, unit_hierarchy


class UserCgroup(NamedTuple):
    """What was read of one user; None: unknown."""

    name: str
    uid: int
    exists: Optional[bool]  # whether the cgroup of the user's manager is there
    controllers: Optional[str]  # text of its cgroup.controllers
    linger: Optional[bool]
    configured: Optional[List[str]]  # controllers that systemd would delegate


class Snapshot(NamedTuple):
    """Everything that was read of a host. Texts are those of files, None: not there or not readable."""

    mounts: Optional[List[Mount]]
    kernel: Optional[str]  # release
    cmdline: Optional[str]
    v1_text: Optional[str]  # /proc/cgroups
    os_release: Optional[str]
    model: Optional[str]  # /proc/device-tree/model
    pressure: Optional[str]  # /proc/pressure/memory
    booted: bool  # systemd runs
    systemd: Optional[str]  # output of `systemctl --version`
    container: Optional[str]  # engine of the container that this is
    config: Optional[str]  # CONFIG_MEMCG: y or n
    available: Optional[str]  # the root's cgroup.controllers
    enabled: Optional[str]  # the root's cgroup.subtree_control
    samples: List[CgroupTexts]  # of cgroups that have the memory controller
    v1_root: Optional[CgroupTexts]  # of the root of v1's memory hierarchy
    users: List[UserCgroup]
    next_boot: Optional[BootConfig]
    unreadable: Dict[str, str]  # {path: why}
    failed: List[Tuple[str, str]]  # (command, why)


# Cgroups that may be below the root: systemd's slices; the root itself in a container, where it is none.
_SAMPLED = ("", "/system.slice", "/user.slice", "/machine.slice", "/init.scope")
_SAMPLE_FILES = ("memory.oom.group", "memory.events", "memory.swap.max")
_V1_SWAP_LIMIT = "memory.memsw.limit_in_bytes"
_LINGER = "/var/lib/systemd/linger"

Runner = Callable[[Sequence[str]], CommandResult]


def read_snapshot(root: str = "/", users: Iterable[Tuple[str, int]] = (), timeout: float = 60,
                  run: Optional[Runner] = None) -> Snapshot:
    """Read a host.

    :param root: directory in place of /; run: in place of run_command(). For tests.
    :param users: names and uids of those to look at.
    :param timeout: seconds for each command.
    """
    return _Reader(Files(root), run or (lambda argv: run_command(argv, timeout))).snapshot(list(users))


class _Reader:
    def __init__(self, files: Files, run: Runner) -> None:
        self._files = files
        self._run = run
        self._failed: List[Tuple[str, str]] = []

    def snapshot(self, users: List[Tuple[str, int]]) -> Snapshot:
        """Read all of it."""
        read = self._files.read
        mounts = self._mounts()
        mode = detect_mode(mounts or []).mode
        kernel = (read("/proc/sys/kernel/osrelease") or "").strip() or None
        cmdline, model = read("/proc/cmdline"), read("/proc/device-tree/model")
        # sd_booted(3)
        booted = self._files.is_directory("/run/systemd/system")
        container = container_engine(self._files)
        available = read(CGROUP_ROOT + "/cgroup.controllers") if mode == "v2" else None
        next_boot = None
        if cmdline is not None and not container:
            next_boot = read_boot_config(self._files, parse_arguments(cmdline), is_raspberry_pi(model, kernel))
        return Snapshot(
            mounts=mounts, kernel=kernel, cmdline=cmdline, v1_text=read("/proc/cgroups"),
            os_release=read("/etc/os-release") or read("/usr/lib/os-release"), model=model,
            pressure=read("/proc/pressure/memory"), booted=booted,
            systemd=self._output(["systemctl", "--version"]) if booted else None, container=container,
            config=None if "memory" in (available or "").split() else self._memcg_config(kernel),
            available=available, enabled=read(CGROUP_ROOT + "/cgroup.subtree_control") if mode == "v2" else None,
            samples=self._samples() if mode == "v2" else [], v1_root=self._v1_root(mounts or []),
            users=self._users(users, mode, unit_hierarchy(mounts or []), booted), next_boot=next_boot,
            unreadable=dict(self._files.unreadable), failed=self._failed)

    def _mounts(self) -> Optional[List[Mount]]:
        text = self._files.read("/proc/self/mountinfo")
        if text is not None:
            return parse_mountinfo(text)
        text = self._files.read("/proc/mounts")
        return None if text is None else parse_mounts(text)

    def _memcg_config(self, kernel: Optional[str]) -> Optional[str]:
        """CONFIG_MEMCG: Debian, Fedora and SUSE have the file in /boot or beside the modules; Pi in /proc."""
        for path in ("/boot/config-%s" % kernel, "/lib/modules/%s/config" % kernel, "/proc/config.gz"):
            text = self._files.read(path)
            if text is not None:
                return kernel_config_value(text, "CONFIG_MEMCG")
        return None

    def _samples(self) -> List[CgroupTexts]:
        for cgroup in (CGROUP_ROOT + path for path in _SAMPLED):
            # Only a cgroup below the root has a type (cgroup-v2.rst, "cgroup.type").
            if not self._files.exists(cgroup + "/cgroup.type"):
                continue
            if "memory" in (self._files.read(cgroup + "/cgroup.controllers") or "").split():
                return [{name: self._files.read(cgroup + "/" + name) for name in _SAMPLE_FILES}]
        return []

    def _v1_root(self, mounts: List[Mount]) -> Optional[CgroupTexts]:
        hierarchy = memory_hierarchy(mounts)
        return None if hierarchy is None else {_V1_SWAP_LIMIT: self._files.read(hierarchy + "/" + _V1_SWAP_LIMIT)}

    def _users(self, users: List[Tuple[str, int]], mode: Optional[str], hierarchy: Optional[str],
               booted: bool) -> List[UserCgroup]:
        lingering = self._files.names(_LINGER)
        if lingering is None and _LINGER not in self._files.unreadable:
            lingering = []
        configured = self._configured([uid for _name, uid in users if uid != 0]) if booted else {}
        cgroups = []
        for name, uid in users:
            path = None if hierarchy is None else hierarchy + USER_CGROUP % (uid, uid)
            cgroups.append(UserCgroup(
                name=name, uid=uid, exists=None if path is None else self._files.is_directory(path),
                controllers=self._files.read(path + "/cgroup.controllers") if path and mode == "v2" else None,
                linger=None if lingering is None else name in lingering,
                configured=configured.get("user@%d.service" % uid)))
        return cgroups

    def _configured(self, uids: List[int]) -> Dict[str, List[str]]:
        """Return {unit: controllers that systemd would delegate} of the users' managers."""
        if not uids:
            return {}
        output = self._output(["systemctl"] + show_arguments(["user@%d.service" % uid for uid in uids], ["DelegateControllers"]))
        return delegated_controllers(parse_show(output or ""))

    def _output(self, argv: List[str]) -> Optional[str]:
        """Standard output of a command; None when it failed, which is noted."""
        try:
            result = self._run(argv)
        except CommandError as exc:
            self._failed.append((" ".join(argv[:2]), str(exc)))
            return None
        if result.rc != 0:
            self._failed.append((" ".join(argv[:2]), result.err or "exit code %d" % result.rc))
            return None
        return result.out.decode("utf-8", "replace")
