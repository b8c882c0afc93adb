# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that is killed at any moment, in all formats, leaves the last report and `latest` whole."""

from __future__ import annotations

import json
import pathlib
import random
import signal
import subprocess
import sys
import time

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.render import FORMATS

FILES = {"report.json", *(file for file, _kind in FORMATS.values())}
# One report after the other, as fast as it goes.
RUNS = """
import sys
sys.path.insert(0, sys.argv[1])
import hostile, datetime
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.audit import Audit
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.render import FORMATS
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report.publish import latest_report
facts = hostile.recorded("debian13-root")
moment = hostile.START
print("go", flush=True)
while True:
    moment += datetime.timedelta(minutes=1)
    before = latest_report(sys.argv[2])
    previous = before and before + "/report.json"
    Audit(sys.argv[2], previous, moment, formats=FORMATS).write(
        [hostile.answered("a", facts), hostile.answered("b", facts)], {**hostile.RUN, "previous": previous})
"""


def check(reports):
    """Every report that can be seen is whole; return how many there are."""
    seen = [path for path in reports.iterdir() if path.name[0].isdigit()]
    for path in seen:
        assert {each.name for each in path.iterdir()} == FILES, path
        assert json.loads((path / "report.json").read_text(encoding="ascii"))["findings"]
        for file, ends in (("report.html", "</html>"), ("report.junit.xml", "</testsuites>"), ("report.sarif", "]}]}")):
            assert (path / file).read_text(encoding="utf-8").rstrip().endswith(ends)
    if seen:
        latest = (reports / "latest").resolve()
        assert latest in [path.resolve() for path in seen]
    return len(seen)


def test_killed_at_any_moment(tmp_path):
    dice = random.Random(20261124)
    before = 0
    for _round in range(12):
        with subprocess.Popen([sys.executable, "-c", RUNS, str(pathlib.Path(__file__).parent), str(tmp_path)],
                              stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(dice.uniform(0, 0.6))
            process.send_signal(signal.SIGKILL)
        now = check(tmp_path)
        assert now >= before
        before = now
    assert before > 3, "some runs came to their end"
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".partial-")], "some were killed on the way"
