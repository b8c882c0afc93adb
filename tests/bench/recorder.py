# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the recorder costs on a host with 200 containers: CPU share and RSS.

A test host's processor is emulated, 10 to 20 times slower than a real one, and the clock is shared. So the CPU time of a
run is also given as a multiple of a bare `python3 -c pass` on the same host, and the share of a real processor is
that multiple of what `python3 -c pass` takes on this machine. All of it is printed.
"""

import json
import os
import statistics
import sys
from pathlib import Path

from bench import Row, _host

HERE = Path(__file__).resolve().parent
PERIOD = 60  # seconds: the timer's
MEBIBYTE = 1 << 20


def here():
    """Median CPU seconds of a bare Python on this machine."""
    python = os.path.realpath(sys._base_executable)  # pylint: disable=protected-access
    seconds = []
    for _round in range(9):
        child = os.posix_spawn(python, [python, "-I", "-S", "-c", "pass"], {})
        used = os.wait4(child, 0)[2]
        seconds.append(used.ru_utime + used.ru_stime)
    return statistics.median(seconds)


def measure(host, containers, rounds):
    """What running.py measures on the host."""
    listing = _host.prepare(host, containers)
    host.put("/root/bench-running.py", (HERE / "running.py").read_text(encoding="utf-8"))
    host.run(["python3", "/root/bench-running.py", "make"], timeout=900)
    try:
        _host.module(host, listing, "podman_fleet.memory.oom_recorder", {"state": "present"})
        return json.loads(host.run(["python3", "/root/bench-running.py", "measure", str(rounds)], timeout=1800).stdout)
    finally:
        _host.module(host, listing, "podman_fleet.memory.oom_recorder", {"state": "absent"})
        host.run(["python3", "/root/bench-running.py", "clean"], timeout=900)


def add_arguments(parser):
    """What the part takes."""
    parser.add_argument("--host", default="debian13")
    parser.add_argument("--containers", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--share", type=float, default=0.2, help="percent of a core")
    parser.add_argument("--rss", type=float, default=40, help="MiB")


def main(options):
    """Its share of a processor, and its memory."""
    with _host.started(options.host) as host:
        found = measure(host, options.containers, options.rounds)
    median = {name: statistics.median(values) for name, values in found.items()}
    ratio, bare = median["recorder"] / median["python"], here()
    share, rss = 100 * ratio * bare / PERIOD, max(found["rss"]) / MEBIBYTE
    what = f"recorder, {options.containers} containers on {options.host}"
    return [Row(f"{what}: one run, emulated", f"{median['recorder']:.2f} s (as hardened service {median['service']:.2f} s)",
                f"python3 -c pass {median['python']:.2f} s", f"{ratio:.1f}"),
            Row(f"{what}: share of this machine's processor", f"{share:.3f} %", f"python3 -c pass here {bare * 1000:.1f} ms",
                f"{100 * median['recorder'] / PERIOD:.2f} % of the emulated one", f"≤ {options.share:g} %", share <= options.share),
            Row(f"{what}: largest RSS", f"{rss:.1f} MiB", "", f"{rss:.1f} MiB", f"≤ {options.rss:g} MiB", rss <= options.rss)]
