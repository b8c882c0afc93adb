# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""python3 -m scenarios.record HOST…: write fixtures for the unit tests from hosts that ran scenarios.

tests/unit/fixtures/KIND/HOST-podmanVERSION.EXT; see the README there for what was left out.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fleet.vm import Host

from .provoke import REMOTE, push

FIXTURES = Path(__file__).parents[1] / "unit" / "fixtures"


def record(name):
    """Write the fixtures of one host; return their paths."""
    host = Host(name)
    push(host)
    said = json.loads(host.run(f"python3 {REMOTE}/record.py", timeout=300).stdout)
    written = []
    for file, text in said["files"].items():
        kind, _dot, extension = file.partition(".")
        path = FIXTURES / kind / f"{name}-podman{said['podman']}.{extension}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def main():
    """Record all hosts named, at once."""
    with ThreadPoolExecutor() as pool:
        for paths in pool.map(record, sys.argv[1:]):
            print(*paths, sep="\n")


if __name__ == "__main__":
    main()
