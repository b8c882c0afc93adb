# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers of a large fleet, made one host at a time from those recorded on a real one.

    python large.py DIRECTORY [HOSTS] [FORMATS]    writes the report and prints what it took
"""

from __future__ import annotations

import copy
import datetime
import hashlib
import json
import pathlib
import resource
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECORDED = ROOT / "tests" / "unit" / "fixtures" / "oom_audit" / "debian13-root.json"
MOMENT = datetime.datetime(2026, 11, 24, 3, 0, tzinfo=datetime.timezone.utc)
RUN = {"collection_version": "1.0.0", "ansible_version": "2.19.0", "check_mode": False, "limit": None,
       "controller": "controller", "started_at": "2026-11-24T02:50:00Z", "previous": None}
PER_HOST = 50


def answers(hosts):
    """Yield a record of each host with PER_HOST containers, each with an id of its own."""
    recorded = RECORDED.read_text(encoding="utf-8")
    containers = json.loads(recorded)["containers"]
    for number in range(hosts):
        facts = json.loads(recorded)
        facts["containers"] = [_one(containers[at % len(containers)], number, at) for at in range(PER_HOST)]
        yield {"host": "host%04d.example" % number, "run_as": "root", "only": None, "problem": None, "facts": facts}


def _one(container, number, at):
    ident = hashlib.sha256(b"%d %d" % (number, at)).hexdigest()
    made = copy.deepcopy(container)
    text = json.dumps(made).replace(container["id"], ident)
    made = json.loads(text)
    made["name"] = "%s-%d" % (made["name"], at)
    return made


def main(directory, hosts="1000", formats=""):
    """Write a report and the formats; print seconds, MiB at most, and sizes of the files."""
    from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.audit import Audit
    from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.render import render_report
    from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report.report_file import Report

    began = time.process_time()
    outcome = Audit(directory, None, MOMENT).write(answers(int(hosts)), RUN)
    written = time.process_time()
    files = render_report(Report(outcome.path), formats.split(",") if formats else (), outcome.tally)
    rendered = time.process_time()
    print(json.dumps({
        "path": outcome.path, "containers": outcome.tally.containers["total"], "findings": sum(outcome.tally.combined.values()),
        "write_seconds": round(written - began, 2), "render_seconds": round(rendered - written, 2),
        "most_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "mib": {name: round(pathlib.Path(path).stat().st_size / 2**20, 1)
                for name, path in {"json": outcome.path, **files}.items()}}))


if __name__ == "__main__":
    main(*sys.argv[1:])
