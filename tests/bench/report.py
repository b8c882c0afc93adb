# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make bench`: a report of 50,000 containers beside a bare json.load and json.dumps of the same data.

    python -m bench.report [--hosts 1000] [--limit 10]

Each in a process of its own, in CPU seconds: the machine may be busy. The data is facts of a real host, many times.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

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


def main():
    """Measure, print, and end with 1 when it is over the limit."""
    parser = argparse.ArgumentParser(prog="bench.report")
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--limit", type=float, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        made = run(LARGE, directory, options.hosts, FORMATS)
        bare = run("-c", BARE, made["path"])
    seconds = made["write_seconds"] + made["render_seconds"]
    ratio = seconds / bare["seconds"]
    print("%s containers, %s findings: report.json %.0f MiB in %.1f s, six formats in %.1f s, at most %d MiB of memory"
          % (format(made["containers"], ","), format(made["findings"], ","), made["mib"]["json"], made["write_seconds"],
             made["render_seconds"], made["most_mib"]))
    print("  " + ", ".join("%s %.1f MiB" % each for each in made["mib"].items()))
    print("json.load and json.dumps of the same: %.1f s, %d MiB" % (bare["seconds"], bare["most_mib"]))
    print("(report and formats) / bare = %.1f (limit %g), memory / bare = %.2f" % (
        ratio, options.limit, made["most_mib"] / bare["most_mib"]))
    sys.exit(ratio > options.limit)


if __name__ == "__main__":
    main()
