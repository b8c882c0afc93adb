# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print, as JSON, what a host says by itself; run in the guest as root.

It decides nothing and shares no code with the collection.
"""

import json
import subprocess
import sys


def output(*argv):
    """Standard output of a command, whatever its exit code."""
    return subprocess.run(argv, stdout=subprocess.PIPE, check=False, cwd="/").stdout


def journal(*match):
    """The entries of the journal that match, as dicts."""
    lines = output("journalctl", "-q", "-b", "-o", "json", "--no-pager", *match).splitlines()
    return [json.loads(line) for line in lines]


def text(value):
    """A field of an entry: journalctl prints bytes that are no UTF-8 as a list of numbers."""
    return bytes(value).decode("utf-8", "replace") if isinstance(value, list) else value or ""


def kernel():
    """[[microseconds, message]] of the kernel since boot, as far as killing goes."""
    return [
        [int(entry["__REALTIME_TIMESTAMP"]), text(entry.get("MESSAGE"))]
        for entry in journal("_TRANSPORT=kernel")
        if any(words in text(entry.get("MESSAGE")) for words in ("oom", "Killed process", "is already exiting"))
    ]


def oomd():
    """[[microseconds, message]] of systemd-oomd."""
    return [[int(entry["__REALTIME_TIMESTAMP"]), text(entry.get("MESSAGE"))]
            for entry in journal("_SYSTEMD_UNIT=systemd-oomd.service")]


def events(kind):
    """[[microseconds, uid, name, id]] of Podman's events of a kind, oldest first."""
    return [
        [int(entry["__REALTIME_TIMESTAMP"]), int(entry.get("_UID", 0)),
         text(entry.get("PODMAN_NAME")), text(entry.get("PODMAN_ID"))]
        for entry in journal("PODMAN_EVENT=" + kind, "PODMAN_TYPE=container")
    ]


def inspected(user):
    """`podman container inspect` of all containers of a user, without their environment."""
    as_user = [] if user == "root" else [
        "runuser", "-u", user, "--", "env", "HOME=/home/" + user,
        "XDG_RUNTIME_DIR=/run/user/" + output("id", "-u", user).decode().strip()]
    ids = output(*as_user, "podman", "ps", "-aq", "--no-trunc").decode().split()
    if not ids:
        return []
    found = json.loads(output(*as_user, "podman", "container", "inspect", *ids) or b"[]")
    for each in found:
        each["Config"].pop("Env", None)
    return found


def main():
    """Print the evidence for the users named in the arguments."""
    json.dump({
        "kernel": kernel(),
        "oomd": oomd(),
        "created": events("create"),
        "begun": events("init"),
        "inspect": {user: inspected(user) for user in sys.argv[1:]},
    }, sys.stdout)


main()
