# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print, as JSON, what the sources of a host look like; run in the guest as root.

Material for unit tests: {kind: text of one file}. Nothing is interpreted.
"""

import json
import os
import re
import subprocess
import sys

KERNEL = r"oom-kill:|Killed process|memory\.oom\.group|invoked oom-killer|is already exiting"
UNIT_OOM = "MESSAGE_ID=fe6faa94e7774663a0da52717891d8ef"
EVENTS = ("create", "init", "died", "kill", "stop", "cleanup", "remove")
EVENT_FIELDS = ("PODMAN_EVENT,PODMAN_TYPE,PODMAN_ID,PODMAN_NAME,PODMAN_IMAGE,PODMAN_EXIT_CODE,PODMAN_TIME,"
                "PODMAN_LABELS,_UID,_CMDLINE,_TRANSPORT")
UNIT_FIELDS = ("MESSAGE,MESSAGE_ID,UNIT,USER_UNIT,INVOCATION_ID,USER_INVOCATION_ID,_UID,_PID,_COMM,_EXE,_TRANSPORT,"
               "_SYSTEMD_UNIT,_SYSTEMD_USER_UNIT")
# of inspect: large, and nothing to do with memory
HEAVY = ("BoundingCaps", "EffectiveCaps", "GraphDriver", "Mounts", "NetworkSettings", "Dependencies")
MEMORY = re.compile(r"memory\.(events|events\.local|stat|max|high|low|min|current|peak|oom\.group|pressure|swap\..*)$")
# of memory.stat the collection reads a few lines; the rest is weight
STAT = ("anon ", "file ", "inactive_file ", "active_file ", "shmem ", "slab ")


def output(*argv):
    """Standard output of a command, whatever its exit code."""
    return subprocess.run(argv, stdout=subprocess.PIPE, check=False, cwd="/").stdout.decode("utf-8", "replace")


def journal(*match):
    """The matching entries since boot, as journalctl prints them, without what leads back into its files."""
    lines = []
    for line in output("journalctl", "-q", "-b", "-o", "json", "--no-pager", *match).splitlines():
        entry = json.loads(line)
        for key in ("__CURSOR", "__SEQNUM", "__SEQNUM_ID"):
            entry.pop(key, None)
        lines.append(json.dumps(entry) + "\n")
    return "".join(lines)


def kmsg():
    """The records of the ring buffer that speak of killing, and the first and the last one."""
    descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    records = []
    while True:
        try:
            records.append(os.read(descriptor, 16384).decode("utf-8", "replace"))
        except BlockingIOError:
            break
    os.close(descriptor)
    return "".join(each for number, each in enumerate(records)
                   if number in (0, len(records) - 1) or re.search(KERNEL, each))


def inspect(user):
    """`podman container inspect` of all containers of a user, their environment made harmless."""
    uid = output("id", "-u", user).strip()
    as_user = [] if user == "root" else [
        "runuser", "-u", user, "--", "env", "HOME=/home/" + user, "XDG_RUNTIME_DIR=/run/user/" + uid]
    ids = output(*as_user, "podman", "ps", "-aq", "--no-trunc").split()
    found = json.loads(output(*as_user, "podman", "container", "inspect", *ids) or "[]") if ids else []
    for each in found:
        each["Config"]["Env"] = ["container=podman"]
        each["Config"]["CreateCommand"] = [
            re.sub("SECRET_TOKEN=.*", "SECRET_TOKEN=x", word) for word in each["Config"].get("CreateCommand", [])]
        for key in HEAVY:
            each.pop(key, None)
    return "[\n" + ",\n".join(json.dumps(each, sort_keys=True) for each in found) + "\n]\n"


def cgroups():
    """{path: {file: text}} of the memory files of all container cgroups and those above them."""
    root = "/sys/fs/cgroup" if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else "/sys/fs/cgroup/memory"
    wanted = set()
    for path, folders, _files in os.walk(root):
        for folder in folders:
            whole = os.path.join(path, folder)
            if re.search(r"libpod-(payload-)?[0-9a-f]{64}", whole):
                while whole != root:
                    wanted.add(whole)
                    whole = os.path.dirname(whole)
    tree = {}
    for path in sorted(wanted):
        files = [name for name in os.listdir(path) if MEMORY.match(name)]
        tree[path[len(root):]] = {name: _memory_file(os.path.join(path, name)) for name in sorted(files)}
    return json.dumps(tree, indent=1) + "\n"


def _memory_file(path):
    try:
        with open(path, encoding="utf-8") as handle:
            lines = handle.readlines()
    except OSError as exc:
        return "error: %s" % exc.strerror
    if path.endswith("memory.stat"):
        lines = [line for line in lines if line.startswith(STAT)]
    return "".join(lines)


def main():
    """Record everything."""
    kernel = "--output-fields=MESSAGE,PRIORITY,_BOOT_ID,_SOURCE_MONOTONIC_TIMESTAMP,_TRANSPORT"
    recorded = {
        "journal_kernel.json": journal("_TRANSPORT=kernel", "--grep=" + KERNEL, "--case-sensitive=true", kernel),
        "journal_systemd.json": journal("--output-fields=" + UNIT_FIELDS, UNIT_OOM, "+",
                                        "MESSAGE_ID=d989611b15e44c9dbf31e3c81256e4ed", "+",
                                        "_SYSTEMD_UNIT=systemd-oomd.service"),
        "journal_podman.json": journal("--output-fields=" + EVENT_FIELDS, *["PODMAN_EVENT=" + kind for kind in EVENTS]),
        "kmsg.txt": kmsg(),
        "cgroup.json": cgroups(),
        "podman_info.json": output("podman", "info", "--format", "json"),
        "inspect_root.json": inspect("root"),
        "inspect_alice.json": inspect("alice"),
    }
    json.dump({"podman": output("podman", "version", "--format", "{{.Client.Version}}").strip(),
               "files": recorded}, sys.stdout)


main()
