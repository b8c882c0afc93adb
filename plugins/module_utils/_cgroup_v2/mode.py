# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Which cgroup hierarchy a host has, which one systemd would choose, and what the host is.

Pure: the texts of /proc, /etc and `systemctl --version` in, data out.
"""

import re
from collections import namedtuple

from .._boot.kernel_args import boolean_argument, last_argument

# path, kind: file system type; controllers: of a v1 hierarchy; name: of a v1 hierarchy without ("systemd").
Mount = namedtuple("Mount", "path kind controllers name")

# mode: v1|hybrid|v2, None without any cgroup file system; evidence: [str].
Mode = namedtuple("Mode", "mode evidence")

CGROUP_ROOT = "/sys/fs/cgroup"
# Mount options of a v1 hierarchy that are no controllers (cgroups(7), kernel/cgroup/cgroup-v1.c).
_V1_OPTIONS = ("rw", "ro", "none", "xattr", "noprefix", "clone_children", "cpuset_v2_mode", "favordynmods", "nofavordynmods")


def parse_mountinfo(mountinfo):
    """Return the Mounts of /proc/self/mountinfo that matter here: cgroup, cgroup2 and what is on /sys/fs/cgroup."""
    found = []
    for line in mountinfo.splitlines():
        front, dash, back = line.partition(" - ")
        words, tail = front.split(), back.split(None, 2)
        if dash and len(words) >= 6 and len(tail) >= 2:
            _add(found, words[4], tail[0], tail[2] if len(tail) > 2 else "")
    return found


def parse_mounts(text):
    """Return the same from /proc/mounts, where mountinfo can't be read (proc(5))."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 4:
            _add(found, words[1], words[2], words[3])
    return found


def _add(found, path, kind, options):
    path = re.sub(r"\\(\d{3})", lambda match: chr(int(match.group(1), 8)), path)
    if path != CGROUP_ROOT and kind not in ("cgroup", "cgroup2"):
        return
    words = [word for word in options.split(",") if word not in _V1_OPTIONS] if kind == "cgroup" else []
    names = [word[len("name="):] for word in words if word.startswith("name=")]
    controllers = [word for word in words if "=" not in word]
    # What is mounted later on the same place hides what was there.
    found[:] = [each for each in found if each.path != path]
    found.append(Mount(path, kind, controllers, names[0] if names else None))


def detect_mode(found):
    """Return the Mode of a list of Mounts.

    By the type of /sys/fs/cgroup, as systemd and Podman decide (systemd src/basic/cgroup-util.c
    cg_unified_cached(), containers/common pkg/cgroups IsCgroup2UnifiedMode()): cgroup2 is v2; a
    tmpfs has v1 hierarchies below it, and with a cgroup2 among them systemd calls it hybrid.
    """
    top = [each for each in found if each.path == CGROUP_ROOT]
    v1 = [each for each in found if each.kind == "cgroup"]
    told = ["%s is %s" % (CGROUP_ROOT, top[0].kind if top else "not a mount of its own")]
    told += ["%s is cgroup v1 (%s)" % (each.path, ",".join(each.controllers) or each.name or "no controllers") for each in v1]
    told += ["%s is cgroup v2" % each.path for each in found if each.kind == "cgroup2" and each not in top]
    if top and top[0].kind == "cgroup2":
        return Mode("v2", told)
    if not v1:
        # A lone cgroup2 somewhere else (a container engine's, a chroot's) is nothing that Podman uses.
        return Mode(None, told + ["no cgroup hierarchy is mounted below it"])
    return Mode("hybrid" if any(each.kind == "cgroup2" for each in found) else "v1", told)


def unit_hierarchy(found):
    """Return the path of the hierarchy with systemd's slices and services: v2's, else the v1 one of its name."""
    for wanted in (lambda each: each.kind == "cgroup2", lambda each: each.name == "systemd"):
        for each in sorted(found, key=lambda mount: mount.path):
            if wanted(each) and (each.path + "/").startswith(CGROUP_ROOT + "/"):
                return each.path
    return None


def memory_hierarchy(found):
    """Return the path of the v1 hierarchy that has the memory controller, or None."""
    return next((each.path for each in found if "memory" in each.controllers), None)


def parse_proc_cgroups(text):
    """Return {name: (hierarchy, enabled)} of /proc/cgroups.

    Since about Linux 6.12 it names only what v1 can use: a controller that isn't there may be on v2 all
    the same (commit af000ce85293, "cgroup: Do not report unavailable v1 controllers in /proc/cgroups").
    """
    lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
    return {words[0]: (words[1], words[3] == "1") for words in lines if len(words) == 4}


def default_hierarchy(manager, distro):
    """Return what systemd mounts without arguments: unified|hybrid|legacy, None for unknown.

    What systemd says of itself (252 does, 257 doesn't any more); else: since 256 it can't be built with
    another default than unified (NEWS). Before that a distribution may have changed it, so some are
    known by name.
    """
    if manager.default or manager.version >= 256:
        return manager.default or "unified"
    return _DEFAULTS.get((distro.id, (distro.version or "").partition(".")[0]))


# rootlesscontaine.rs "Getting started: cgroup v2", and research/podman-oom.md section 6.
_DEFAULTS = {
    ("debian", "10"): "hybrid", ("debian", "11"): "unified", ("debian", "12"): "unified", ("debian", "13"): "unified",
    ("ubuntu", "18"): "hybrid", ("ubuntu", "20"): "hybrid", ("ubuntu", "22"): "unified", ("ubuntu", "24"): "unified",
    ("rhel", "8"): "legacy", ("rocky", "8"): "legacy", ("almalinux", "8"): "legacy", ("centos", "8"): "legacy",
    ("ol", "8"): "legacy", ("rhel", "9"): "unified", ("rocky", "9"): "unified", ("almalinux", "9"): "unified",
    ("centos", "9"): "unified", ("ol", "9"): "unified", ("sles", "15"): "hybrid", ("opensuse-leap", "15"): "hybrid",
}


def mode_at_boot(arguments, version, default):
    """Return the mode that systemd mounts with these arguments: v1|hybrid|v2|refuses, None for unknown.

    systemd src/shared/cgroup-setup.c cg_is_unified_wanted() and cg_is_hybrid_wanted(), NEWS of 256 and 258.

    :param arguments: [Argument]; version: of systemd; default: see default_hierarchy().
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
