# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report of 50,000 containers beside a bare json.load and json.dumps of the same data.

Each in a process of its own, in CPU seconds: the machine may be busy. The data is facts of a real host, many times.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

from bench import Row

LARGE = pathlib.Path(__file__).resolve().parents[1] / "report" / "large.py"
FORMATS = "html,csv,junit,sarif,markdown,prometheus"
BARE = """
import json, resource, sys, time
began = time.process_time()
with open(sys.argv[1], encoding="ascii") as stream:
    data = json.load(stream)
text = json.dumps(data)
with open(sys.argv[1] + ".bare", "w", encoding="ascii") as stream:
    stream.write(text)
print(json.dumps({"seconds": time.process_time() - began, "most_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
"""


def run(*words):
    """What a Python process printed last, as JSON."""
    done = subprocess.run([sys.executable, *map(str, words)], stdout=subprocess.PIPE, check=True, timeout=1800)
    return json.loads(done.stdout.splitlines()[-1])


def add_arguments(parser):
    """What the part takes."""
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--limit", type=float, default=10)


def main(options):
    """The ratio of time, and of memory."""
    with tempfile.TemporaryDirectory() as directory:
        made = run(LARGE, directory, options.hosts, FORMATS)
        bare = run("-c", BARE, made["path"])
    seconds = made["write_seconds"] + made["render_seconds"]
    ratio = seconds / bare["seconds"]
    what = f"report, {made['containers']:,} containers, {made['findings']:,} findings"
    return [Row(f"{what}: report.json and six formats", f"{made['write_seconds']:.1f} s and {made['render_seconds']:.1f} s",
                f"json.load and json.dumps {bare['seconds']:.1f} s", f"{ratio:.1f}", f"≤ {options.limit:g}", ratio <= options.limit),
            Row(f"{what}: memory", f"{made['most_mib']} MiB", f"json.load and json.dumps {bare['most_mib']} MiB",
                f"{made['most_mib'] / bare['most_mib']:.2f}"),
            Row(f"{what}: sizes", ", ".join("%s %.1f MiB" % each for each in made["mib"].items()), "", "")]
