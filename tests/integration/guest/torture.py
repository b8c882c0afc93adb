# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs on a test host, with the recorder's installed code and real OOM kills: kill -9, a full disk, a clock that jumps.

Prints one JSON object. The kills are in cgroups that are called like a container's; no Podman, which would be slow.
"""

import collections
import contextlib
import glob
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, glob.glob("/opt/podman-memory/*/")[0])

from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.database import HistoryError, open_history
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.retention import count_kills
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.run import Options, record

STATE = "/var/lib/podman-memory-torture"
TINY = "/run/podman-memory-tiny"
SIZE = 64 << 20
YEAR = 400 * 86400
# Seconds from one kill to the next: the kernel writes at most 10 reports in 5 seconds (oom_kill_process()).
PAUSE = 0.55


def options(state_dir):
    return Options(state_dir=state_dir, textfile_dir="", retention_days=30, retention_bytes=SIZE, version="test")


def oom_kill():
    """Let the kernel kill a process for memory; return the id in its cgroup's name."""
    ident = "%064x" % random.getrandbits(256)
    folder = "/sys/fs/cgroup/libpod-%s.scope" % ident
    os.mkdir(folder)
    for name, value in (("memory.max", "4M"), ("memory.swap.max", "0")):
        if os.path.exists(os.path.join(folder, name)):
            with open(os.path.join(folder, name), "w") as handle:
                handle.write(value)
    child = os.fork()
    if child == 0:
        with open(os.path.join(folder, "cgroup.procs"), "w") as handle:
            handle.write("0")
        bytearray(b"x" * (32 << 20))
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status), status
    for _attempt in range(50):
        try:
            os.rmdir(folder)
            break
        except OSError:
            time.sleep(0.1)
    return ident


def one_run(state_dir):
    """A whole run in a process of its own: (exit code, its last words)."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 0
        try:
            record(options(state_dir))
        except (HistoryError, OSError) as exc:
            os.write(writer, str(exc).encode("utf-8"))
            code = 1
        os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as words:
        said = words.read()
    return os.waitpid(child, 0)[1] >> 8, said


def recorded(state_dir, idents):
    """What the history says of these kills."""
    with contextlib.closing(open_history(state_dir)) as database:
        found = collections.Counter(row[0] for row in database.execute("SELECT ident FROM kills"))
        named = {ident[:12] for ident in idents}
        counted = sum(count for (_uid, name, _unit, _scope), (count, _at) in count_kills(database).items() if name in named)
        notes = [text for _at, text in database.execute("SELECT at, text FROM notes")]
        state = dict(database.execute("SELECT key, value FROM meta"))
    return {"kills": len(idents), "lost": sorted(set(idents) - set(found)), "double": [each for each in idents if found[each] > 1],
            "counted": counted, "notes": notes, "state": state}


def kill_nine(wanted):
    """Kill the recorder again and again while the kernel kills containers."""
    assert one_run(STATE) == (0, "")  # which reads all that the journal has
    began = time.monotonic()
    assert one_run(STATE) == (0, "")
    typical = time.monotonic() - began
    idents, over = [], threading.Event()

    def load():
        while not over.is_set():
            next_one = time.monotonic() + PAUSE
            idents.append(oom_kill())
            time.sleep(max(0.0, next_one - time.monotonic()))

    # a process makes the kills, so that they don't wait for this one
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, lambda *_args: over.set())
        load()
        os.write(writer, json.dumps(idents).encode("ascii"))
        os._exit(0)
    os.close(writer)
    killed = finished = 0
    while killed < wanted:
        victim = os.fork()
        if victim == 0:
            try:
                record(options(STATE))
            finally:
                os._exit(0)
        time.sleep(random.uniform(0, 1.1) * typical)
        os.kill(victim, signal.SIGKILL)
        if os.WIFSIGNALED(os.waitpid(victim, 0)[1]):
            killed += 1
        else:
            finished += 1
    os.kill(child, signal.SIGTERM)
    with os.fdopen(reader) as words:
        idents = json.loads(words.read())
    os.waitpid(child, 0)
    assert one_run(STATE) == (0, "")
    return dict(recorded(STATE, idents), killed=killed, finished=finished, typical=typical)


def full_disk():
    """The disk is full while something is to be written, and then it is not."""
    os.makedirs(TINY, exist_ok=True)
    subprocess.check_call(["mount", "-t", "tmpfs", "-o", "size=4m,mode=0755", "tmpfs", TINY])
    try:
        begin = one_run(TINY)
        idents = [oom_kill()]
        # without a buffer, whose rest would be an error once more when the file is closed
        with open(TINY + "/filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError:
                pass
        full = one_run(TINY)
        os.unlink(TINY + "/filler")
        idents.append(oom_kill())
        free = one_run(TINY)
        return dict(recorded(TINY, idents), begin=begin, full=full, free=free)
    finally:
        subprocess.check_call(["umount", TINY])
        os.rmdir(TINY)


def clock_jumps():
    """A year ahead and back, with kills in all three times."""
    idents = [oom_kill()]
    codes = [one_run(STATE)]
    before = recorded(STATE, [])["state"]
    for step in (YEAR, -YEAR):
        time.clock_settime(time.CLOCK_REALTIME, time.time() + step)
        idents.append(oom_kill())
        time.sleep(1)
        codes.append(one_run(STATE))
    return dict(recorded(STATE, idents), before=before, codes=codes, now=time.time())


def main():
    os.makedirs(STATE, 0o700, exist_ok=True)
    os.nice(-5)
    print(json.dumps({"kill_nine": kill_nine(int(sys.argv[1])), "full_disk": full_disk(), "clock_jumps": clock_jumps()}))


main()
