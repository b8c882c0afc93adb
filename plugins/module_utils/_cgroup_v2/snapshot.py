# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Read everything about a host's cgroups: files below a root directory and two calls of systemctl.

Reads, and leaves the meaning to _cgroup_facts.
"""

from collections import namedtuple

from .._boot.config import read_boot_config
from .._boot.kernel_args import parse_arguments
from .._system.command import CommandError, run_command
from .._system.host_files import Files
from .._system.platform import container_engine, is_raspberry_pi
from .._system.systemctl import parse_show, show_arguments
from .controller import USER_CGROUP, delegated_controllers, kernel_config_value
from .mode import CGROUP_ROOT, detect_mode, memory_hierarchy, parse_mountinfo, parse_mounts, unit_hierarchy

# mounts: [Mount] or None; kernel, cmdline, v1_text, os_release, model, pressure: texts or None;
# booted: whether systemd runs; systemd: text of `systemctl --version` or None; container: name or None;
# config: CONFIG_MEMCG y, n or None; available, enabled: texts of the root's v2 files or None;
# samples, v1_root: see _cgroup_memory; users: [Seen]; plan: Plan or None;
# unreadable: {path: why}; failed: [(what, why)] of commands.
Snapshot = namedtuple("Snapshot", "mounts kernel cmdline v1_text os_release model pressure booted systemd container "
                                  "config available enabled samples v1_root users plan unreadable failed")

# One user: exists: whether his manager has a cgroup, None for unknown; controllers: text or None;
# linger: bool or None; configured: [str] that systemd would delegate, or None.
UserCgroup = namedtuple("Seen", "name uid exists controllers linger configured")

# Cgroups that may be below the root: systemd's slices; the root itself in a container, where it is none.
_SAMPLED = ("", "/system.slice", "/user.slice", "/machine.slice", "/init.scope")
_SAMPLE_FILES = ("memory.oom.group", "memory.events", "memory.swap.max")
_LINGER = "/var/lib/systemd/linger"


def read_snapshot(root="/", users=(), timeout=60, run=None):
    """Return the Snapshot of a host.

    :param root: directory in place of /.
    :param users: [(name, uid)] to look at.
    :param timeout: seconds for each command.
    :param run: function that takes an argv and returns a command.CommandResult, for tests.
    """
    return _Reader(Files(root), run or (lambda argv: run_command(argv, timeout))).snapshot(users)


class _Reader(object):
    def __init__(self, files, run):
        self._files = files
        self._run = run
        self._failed = []

    def snapshot(self, users):
        """Read all of it."""
        read = self._files.read
        mounts = self._mounts()
        mode = detect_mode(mounts or []).mode
        kernel = (read("/proc/sys/kernel/osrelease") or "").strip() or None
        cmdline, model = read("/proc/cmdline"), read("/proc/device-tree/model")
        # sd_booted(3)
        booted = self._files.is_directory("/run/systemd/system")
        engine = container_engine(self._files)
        top = CGROUP_ROOT
        available = read(top + "/cgroup.controllers") if mode == "v2" else None
        plan = None
        if cmdline is not None and not engine:
            plan = read_boot_config(self._files, parse_arguments(cmdline), is_raspberry_pi(model, kernel))
        return Snapshot(
            mounts=mounts, kernel=kernel, cmdline=cmdline, v1_text=read("/proc/cgroups"),
            os_release=read("/etc/os-release") or read("/usr/lib/os-release"), model=model,
            pressure=read("/proc/pressure/memory"), booted=booted,
            systemd=self._output(["systemctl", "--version"]) if booted else None, container=engine,
            config=None if "memory" in (available or "").split() else self._config(kernel),
            available=available, enabled=read(top + "/cgroup.subtree_control") if mode == "v2" else None,
            samples=self._samples(top) if mode == "v2" else [], v1_root=self._v1_root(mounts or []),
            users=self._users(users, mode, unit_hierarchy(mounts or []), booted), plan=plan,
            unreadable=dict(self._files.unreadable), failed=self._failed)

    def _mounts(self):
        text = self._files.read("/proc/self/mountinfo")
        if text is not None:
            return parse_mountinfo(text)
        text = self._files.read("/proc/mounts")
        return None if text is None else parse_mounts(text)

    def _config(self, kernel):
        """CONFIG_MEMCG: Debian, Fedora and SUSE have the file in /boot or beside the modules; Pi in /proc."""
        for path in ("/boot/config-%s" % kernel, "/lib/modules/%s/config" % kernel, "/proc/config.gz"):
            text = self._files.read(path)
            if text is not None:
                return kernel_config_value(text, "CONFIG_MEMCG")
        return None

    def _samples(self, top):
        for path in _SAMPLED:
            # Only a cgroup below the root has a type (cgroup-v2.rst, "cgroup.type").
            if not self._files.exists(top + path + "/cgroup.type"):
                continue
            if "memory" in (self._files.read(top + path + "/cgroup.controllers") or "").split():
                return [{name: self._files.read(top + path + "/" + name) for name in _SAMPLE_FILES}]
        return []

    def _v1_root(self, mounts):
        tree = memory_hierarchy(mounts)
        if tree is None:
            return None
        name = "memory.memsw.limit_in_bytes"
        return {name: self._files.read(tree + "/" + name)}

    def _users(self, users, mode, tree, booted):
        lingering = self._files.names(_LINGER)
        if lingering is None and _LINGER not in self._files.unreadable:
            lingering = []
        configured = self._configured([uid for _name, uid in users if uid != 0]) if booted else {}
        seen = []
        for name, uid in users:
            cgroup = None if tree is None else tree + USER_CGROUP % (uid, uid)
            seen.append(UserCgroup(
                name, uid, exists=None if cgroup is None else self._files.is_directory(cgroup),
                controllers=self._files.read(cgroup + "/cgroup.controllers") if cgroup and mode == "v2" else None,
                linger=None if lingering is None else name in lingering,
                configured=configured.get("user@%d.service" % uid)))
        return seen

    def _configured(self, uids):
        if not uids:
            return {}
        units = ["user@%d.service" % uid for uid in uids]
        shown = self._output(["systemctl"] + show_arguments(units, ["DelegateControllers"]))
        return delegated_controllers(parse_show(shown or ""))

    def _output(self, argv):
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
