# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report of one host in, a report of many that are like it out: python -m bench._many DIRECTORY FIRST COUNT."""

import json
import sys

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._model.finding import fingerprint
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report.report_file import Writer
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report.tally import Tally
from bench import _fleet


def main():
    """Write it with the collection's own writer."""
    directory, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    report = json.load(sys.stdin)
    writer, tally = Writer(directory), Tally()
    for number in range(first, first + count):
        host = _fleet.name(number)
        entry = dict(report["hosts"][0], name=host)
        tally.add_host(entry)
        writer.add("hosts", entry)
        for finding in report["findings"]:
            each = dict(finding, host=host, id=fingerprint(finding["rule"], host, finding["user"],
                                                           finding["unit"] or finding["container"]))
            tally.add_finding(each)
            writer.add("findings", each)
    writer.finish({"generated_at": report["generated_at"], "run": report["run"], "summary": tally.summary(),
                   "trend": report["trend"]})


if __name__ == "__main__":
    main()
