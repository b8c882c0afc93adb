# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was measured, kept from run to run, and the table of it."""

import datetime
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import NamedTuple

from bench import Row

_REPO = Path(__file__).resolve().parents[2]
_DOCUMENT = _REPO / "docs" / "docsite" / "rst" / "performance.rst"
_BEGIN, _END = ".. figures\n", ".. end of figures\n"
_HEAD = ("what", "cost", "beside", "ratio or figure", "target")


class Part(NamedTuple):
    """What one part measured, and where and when."""

    rows: list
    when: str  # 2026-11-24 21:30 UTC
    commit: str  # "+" behind it: with changes that are not committed
    machine: str
    load: float  # of the machine, over one minute, when it ended


def directory():
    """Where everything that the bench makes is."""
    cache = os.environ.get("PODMAN_FLEET_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "podman_fleet")
    path = Path(cache, "bench")
    path.mkdir(parents=True, exist_ok=True)
    return path


def keep(name, rows):
    """Keep the rows of a part in place of its earlier ones."""
    parts = kept()
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    parts[name] = Part(rows, now, _commit(), _machine(), round(os.getloadavg()[0], 1))
    text = json.dumps({key: {**part._asdict(), "rows": [row._asdict() for row in part.rows]} for key, part in parts.items()},
                      indent=1)
    path = directory() / "results.json"
    path.with_suffix(".new").write_text(text + "\n", encoding="utf-8")
    path.with_suffix(".new").replace(path)


def kept():
    """{name: Part} of all that was measured."""
    try:
        raw = json.loads((directory() / "results.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {name: Part(**{**part, "rows": [Row(**row) for row in part["rows"]]}) for name, part in raw.items()}


def table(parts):
    """The reStructuredText tables of {name: Part}."""
    lines = []
    for name, part in parts.items():
        lines += ["", f"**{name}**, {part.when}, commit {part.commit}, load {part.load}, {part.machine}", "",
                  ".. list-table::", "   :header-rows: 1", ""]
        for cells in [_HEAD] + [(row.what, row.cost, row.beside, row.figure, row.target + ("" if row.holds else " **not met**"))
                                for row in part.rows]:
            lines += [f"   * - {cells[0]}"] + [f"     - {cell}".rstrip() for cell in cells[1:]]
    return "\n".join(lines) + "\n"


def write(parts):
    """Put the tables where the page performance has them."""
    before, _begin, rest = _DOCUMENT.read_text(encoding="utf-8").partition(_BEGIN)
    _old, _end, after = rest.partition(_END)
    _DOCUMENT.write_text(before + _BEGIN + table(parts) + "\n" + _END + after, encoding="utf-8")


def _commit():
    def git(*words):
        return subprocess.run(["git", "-C", str(_REPO), *words], capture_output=True, text=True, check=False).stdout.strip()
    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if git("status", "--porcelain") else "")


def _machine():
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
    return f"{os.cpu_count()} × {model}, {memory:.0f} GiB, Linux {platform.release()}, Python {platform.python_version()}"
