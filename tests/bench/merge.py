# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""report_merge of the reports of four slices, beside a copy of their bytes; its memory for ten times the hosts."""

import json
import os
import shutil
import subprocess
import sys
import time

from bench import Row, _fleet, _results
from bench._simulate import CONTAINERS, Simulated
from bench.audit import audit_command

_SLICES = 4
_MEMORY = 1 << 30


def add_arguments(parser):
    """What the part takes."""
    parser.add_argument("--hosts", type=int, nargs="+", default=[1000, 10000])


def main(options):
    """Seconds and memory for each number of hosts."""
    directory = _results.directory() / "merge"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    with Simulated(_results.directory() / "simulated") as simulated:
        listing = _fleet.inventory(directory / "fleet.ini", 1, simulated.podman)
        _fleet.run(audit_command(simulated, listing, reports=directory / "one"), 1, 300)
    with open(directory / "one" / "latest" / "report.json", encoding="ascii") as stream:
        report = json.load(stream)
    rows = []
    for count in sorted(options.hosts):
        slices = [_slice(directory, report, number, count // _SLICES) for number in range(_SLICES)]
        began = time.monotonic()
        for path in slices:
            shutil.copyfile(path, directory / "copy")
        copied = time.monotonic() - began
        cost = _fleet.run(["ansible", "localhost", "-m", "podman_fleet.memory.report_merge", "-a",
                           json.dumps({"slices": list(map(str, slices)), "reports": str(directory / f"merged{count}")})], 1, 3600)
        size = sum(os.path.getsize(path) for path in slices)
        rows.append(Row(f"report_merge of {_SLICES} slices, {count:,} hosts × {CONTAINERS} containers", f"{cost.seconds:.1f} s",
                        f"a copy of the {size / 2**20:,.0f} MiB {copied:.1f} s",
                        f"largest process {cost.largest / 2**20:.0f} MiB", "≤ 1024 MiB", cost.largest <= _MEMORY))
        print("  " + rows[-1].what, rows[-1].cost, rows[-1].figure, flush=True)
        shutil.rmtree(directory / f"merged{count}")
    shutil.rmtree(directory)
    return rows


def _slice(directory, report, number, count):
    """Write a slice of so many hosts like the one in a report, as a run would."""
    path = directory / f"slice{number}"
    path.mkdir(exist_ok=True)
    words = [sys.executable, "-m", "bench._many", str(path), str(number * count), str(count)]
    subprocess.run(words, input=json.dumps(report), text=True, check=True)
    return path / "report.json"
