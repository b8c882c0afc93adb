# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""python3 -m scenarios list | run HOST [NAME…] | demo   (with PYTHONPATH=tests, fleet up)"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor

from . import catalogue, evidence, judge, provoke


def say(line):
    """Progress, for people."""
    print(line, file=sys.stderr, flush=True)


def list_all():
    """Print the catalogue."""
    for scenario in catalogue.ALL:
        print("%-24s %-58s %s; %s" % (
            scenario.name, scenario.does, " ".join(scenario.hosts), " ".join(scenario.users)))
    return 0


def run(host, names, users=("root", "alice")):
    """Provoke scenarios on a host and print what the kernel says of each; 1 when one failed."""
    for ran in provoke.provoke(host, names, users, say):
        if ran.rc:
            say("%s %s %s failed:\n%s" % (ran.host, ran.user, ran.name, ran.log))
    said = evidence.fetch(host, users)
    failed = 0
    for user in users:
        for scenario in catalogue.cases(host, user, names):
            for target in scenario.targets:
                failed += not _report(host, user, target, said)
    return 1 if failed else 0


def _report(host, user, target, said):
    """Print one line on a target; return whether it was provoked."""
    try:
        case = judge.find(said, user, target)
        judge.check_provoked(target, case)
    except judge.NotProvoked as exc:
        print("%-10s %-6s %-24s NOT PROVOKED: %s" % (host, user, target.key, exc))
        return False
    kills = ", ".join("limit of the %s" % record.limit for record in case.records) or "no kill"
    print("%-10s %-6s %-24s %s %s" % (host, user, target.key, case.ident[:12], kills))
    return True


def demo():
    """Provoke the small set on the default hosts, all at once."""
    by_host = {}
    for host, user, names in catalogue.DEMO:
        by_host.setdefault(host, []).append((user, names))

    def one(host):
        return max(run(host, names, (user,)) for user, names in by_host[host])

    with ThreadPoolExecutor() as pool:
        return max(pool.map(one, by_host))


def main():
    """The command line."""
    parser = argparse.ArgumentParser(prog="scenarios", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="what there is")
    running = commands.add_parser("run", help="provoke on one host and show the kernel's record")
    running.add_argument("host")
    running.add_argument("names", nargs="*", metavar="NAME")
    running.add_argument("--user", action="append", choices=("root", "alice"))
    commands.add_parser("demo", help="a small set on the default hosts, for `make demo`")
    chosen = parser.parse_args()
    if chosen.command == "list":
        return list_all()
    if chosen.command == "demo":
        return demo()
    try:
        catalogue.find(chosen.names)
    except KeyError as exc:
        parser.error("no such scenario: %s (see `list`)" % exc.args)
    return run(chosen.host, chosen.names, tuple(chosen.user or ("root", "alice")))


sys.exit(main())
