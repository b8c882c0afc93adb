# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which cgroup hierarchy a host has, and which one systemd would mount.

Pure: the texts of /proc in, data out.
"""

import re
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from .._boot.kernel_args import Argument, boolean_argument, last_argument
from .._system.platform import Distribution, Systemd


class Mount(NamedTuple):
    """One mounted file system."""

    path: str
    kind: str  # file system type
    controllers: List[str]  # of a v1 hierarchy
    name: Optional[str]  # of a v1 hierarchy without controllers ("systemd")


class Mode(NamedTuple):
    """Which cgroup hierarchy a host has."""

    mode: Optional[str]  # v1, hybrid or v2; None: no cgroup file system
    evidence: List[str]


# Of /proc/cgroups, by controller: (number of its v1 hierarchy, "0" for none; whether it is enabled).
V1Controllers = Dict[str, Tuple[str, bool]]

CGROUP_ROOT = "/sys/fs/cgroup"
# Mount options of a v1 hierarchy that are no controllers (cgroups(7), kernel/cgroup/cgroup-v1.c).
_V1_OPTIONS = ("rw", "ro", "none", "xattr", "noprefix", "clone_children", "cpuset_v2_mode", "favordynmods", "nofavordynmods")

# rootlesscontaine.rs "Getting started: cgroup v2", and research/podman-oom.md section 6.
_DEFAULTS = {
    ("debian", "10"): "hybrid", ("debian", "11"): "unified", ("debian", "12"): "unified", ("debian", "13"): "unified",
    ("ubuntu", "18"): "hybrid", ("ubuntu", "20"): "hybrid", ("ubuntu", "22"): "unified", ("ubuntu", "24"): "unified",
    ("rhel", "8"): "legacy", ("rocky", "8"): "legacy", ("almalinux", "8"): "legacy", ("centos", "8"): "legacy",
    ("ol", "8"): "legacy", ("rhel", "9"): "unified", ("rocky", "9"): "unified", ("almalinux", "9"): "unified",
    ("centos", "9"): "unified", ("ol", "9"): "unified", ("sles", "15"): "hybrid", ("opensuse-leap", "15"): "hybrid",
}


def parse_mountinfo(text: str) -> List[Mount]:
    """Return the mounts of /proc/self/mountinfo that matter here: cgroup, cgroup2 and what is on /sys/fs/cgroup."""
    mounts: List[Mount] = []
    for line in text.split("\n"):  # the kernel escapes " ", tabs, "\n" and the backslash in a path (mangle()), and nothing else
        front, dash, back = line.partition(" - ")
        words, tail = front.split(" "), back.split(" ", 2)
        if dash and len(words) >= 6 and len(tail) >= 2:
            _add_mount(mounts, words[4], tail[0], tail[2] if len(tail) > 2 else "")
    return mounts


def parse_mounts(text: str) -> List[Mount]:
    """Return the same from /proc/mounts, where mountinfo can't be read (proc(5))."""
    mounts: List[Mount] = []
    for line in text.split("\n"):
        words = line.split(" ")
        if len(words) >= 4:
            _add_mount(mounts, words[1], words[2], words[3])
    return mounts


def _add_mount(mounts: List[Mount], path: str, kind: str, options: str) -> None:
    path = re.sub(r"\\(\d{3})", lambda match: chr(int(match.group(1), 8)), path)
    if path != CGROUP_ROOT and kind not in ("cgroup", "cgroup2"):
        return
    words = [word for word in options.split(",") if word not in _V1_OPTIONS] if kind == "cgroup" else []
    names = [word[len("name="):] for word in words if word.startswith("name=")]
    controllers = [word for word in words if "=" not in word]
    # What is mounted later on the same place hides what was there.
    mounts[:] = [mount for mount in mounts if mount.path != path]
    mounts.append(Mount(path, kind, controllers, names[0] if names else None))


def detect_mode(mounts: Sequence[Mount]) -> Mode:
    """Return which cgroup hierarchy these mounts are.

    By the type of /sys/fs/cgroup, as systemd and Podman decide (systemd src/basic/cgroup-util.c
    cg_unified_cached(), containers/common pkg/cgroups IsCgroup2UnifiedMode()): cgroup2 is v2; a
    tmpfs has v1 hierarchies below it, and with a cgroup2 among them systemd calls it hybrid.
    """
    top = [mount for mount in mounts if mount.path == CGROUP_ROOT]
    v1 = [mount for mount in mounts if mount.kind == "cgroup"]
    v2 = [mount for mount in mounts if mount.kind == "cgroup2"]
    evidence = ["%s is %s" % (CGROUP_ROOT, top[0].kind if top else "not a mount of its own")]
    evidence += ["%s is cgroup v1 (%s)" % (mount.path, ",".join(mount.controllers) or mount.name or "no controllers")
                 for mount in v1]
    evidence += ["%s is cgroup v2" % mount.path for mount in v2 if mount not in top]
    if top and top[0].kind == "cgroup2":
        return Mode("v2", evidence)
    if not v1:
        # Podman uses no lone cgroup2 somewhere else (a container engine's, a chroot's).
        return Mode(None, evidence + ["no cgroup hierarchy is mounted below it"])
    return Mode("hybrid" if v2 else "v1", evidence)


def unit_hierarchy(mounts: Iterable[Mount]) -> Optional[str]:
    """Return the path of the hierarchy with systemd's slices and services: v2's, otherwise the v1 one of its name."""
    below = [mount for mount in mounts if (mount.path + "/").startswith(CGROUP_ROOT + "/")]
    paths = sorted(mount.path for mount in below if mount.kind == "cgroup2")
    paths += sorted(mount.path for mount in below if mount.name == "systemd")
    return paths[0] if paths else None


def memory_hierarchy(mounts: Iterable[Mount]) -> Optional[str]:
    """Return the path of the v1 hierarchy that has the memory controller, or None."""
    return next((mount.path for mount in mounts if "memory" in mount.controllers), None)


def parse_proc_cgroups(text: str) -> V1Controllers:
    """Return the controllers of /proc/cgroups.

    Since about Linux 6.12 it names only what v1 can use: a controller that isn't there may nevertheless be on v2
    (commit af000ce85293, "cgroup: Do not report unavailable v1 controllers in /proc/cgroups").
    """
    lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
    return {words[0]: (words[1], words[3] == "1") for words in lines if len(words) == 4}


def default_hierarchy(systemd: Systemd, distribution: Distribution) -> Optional[str]:
    """Return what systemd mounts without arguments: unified, hybrid or legacy; None: unknown.

    It is what systemd says of itself (252 does, 257 no longer does). Otherwise: since 256 it can't be built with
    another default than unified (NEWS); before that a distribution may have changed it, so some are listed here.
    """
    if systemd.default or systemd.version >= 256:
        return systemd.default or "unified"
    return _DEFAULTS.get((distribution.id, (distribution.version or "").partition(".")[0]))


def mode_at_boot(arguments: Sequence[Argument], version: int, default: Optional[str]) -> Optional[str]:
    """Return the mode that systemd mounts with these arguments: v1, hybrid, v2 or refuses; None: unknown.

    systemd src/shared/cgroup-setup.c cg_is_unified_wanted() and cg_is_hybrid_wanted(), NEWS of 256 and 258.

    :param version: of systemd; default: see default_hierarchy().
    """
    if version >= 258:
        return "v2"
    unified = boolean_argument(arguments, "systemd.unified_cgroup_hierarchy")
    no_v1 = last_argument(arguments, "cgroup_no_v1")
    if unified is None and no_v1 is not None and no_v1.value == "all":
        unified = True
    if unified is None:
        if default is None:
            return None
        unified = default == "unified"
    if unified:
        return "v2"
    if version >= 256 and not boolean_argument(arguments, "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE"):
        return "refuses"
    legacy = boolean_argument(arguments, "systemd.legacy_systemd_cgroup_controller")
    return "v1" if legacy or (legacy is None and default == "legacy") else "hybrid"
