# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make bench`: measure, side by side, and print one table.

    python -m bench                       all parts
    python -m bench audit --hosts 50      one part; `python -m bench audit --help` for what it takes
    python -m bench --table               the table of what was measured last, part by part, without measuring
    python -m bench --write               the same, into docs/docsite/rst/performance.rst; after a part, when one is named

What a part measured is kept in $PODMAN_FLEET_CACHE/bench/results.json until it is measured again, so that a long
run can be done part by part. The exit code is 1 when a target does not hold.
"""

import argparse
import importlib
import pkgutil
import subprocess
import sys

import bench
from bench import _results


def parts():
    """{name: module} of all parts."""
    found = {}
    for entry in pkgutil.iter_modules(bench.__path__):
        if not entry.name.startswith("_"):
            module = importlib.import_module("bench." + entry.name)
            if hasattr(module, "add_arguments") and hasattr(module, "main"):
                found[entry.name] = module
    return found


def arguments(found):
    """The parsed command line."""
    parser = argparse.ArgumentParser(prog="bench", description="What the collection costs, as ratios. Without a part: all.")
    parser.add_argument("--table", action="store_true", help="print what was measured last, measure nothing")
    parser.add_argument("--write", action="store_true", help="put that into docs/docsite/rst/performance.rst")
    chosen = parser.add_subparsers(dest="part", metavar="PART")
    for name, module in found.items():
        text = module.__doc__.splitlines()[0]
        module.add_arguments(chosen.add_parser(name, help=text, description=text))
    options = parser.parse_args()
    if options.part or options.table or options.write:
        return options, [options.part] if options.part else []
    return options, list(found)


def _defaults(module):
    """A part's options as they are when it is not named."""
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return parser.parse_args([])


def main():
    """Run the parts; keep and print what they measured."""
    found = parts()
    options, names = arguments(found)
    failed = []
    for name in names:
        own = options if options.part else _defaults(found[name])
        print(f"== {name}", flush=True)
        try:
            _results.keep(name, found[name].main(own))
        except (bench.BenchError, OSError, subprocess.SubprocessError) as error:  # the other parts are still worth their time
            print(f"error: {name}: {error}", file=sys.stderr)
            failed.append(name)
    kept = _results.kept()
    shown = {name: kept[name] for name in (names or kept) if name in kept and name not in failed}
    print(_results.table(shown))
    if options.write:
        _results.write(kept)
    sys.exit(bool(failed) or not all(row.holds for part in shown.values() for row in part.rows))


if __name__ == "__main__":
    main()
