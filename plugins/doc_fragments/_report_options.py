# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of all actions that write a report, or show one."""

from __future__ import annotations


class ModuleDocFragment:
    # Of all that show a report and write its formats.
    DOCUMENTATION = r"""
options:
  formats:
    description:
      - What to write beside C(report.json). V(html) is one page that needs nothing else, V(csv) a row for each finding,
        V(junit) a suite for each host, V(sarif) SARIF 2.1.0, V(markdown) a short summary, and V(prometheus) a file for
        node_exporter's textfile collector.
    type: list
    elements: str
    default: []
    choices: [html, csv, junit, sarif, markdown, prometheus]
  summary:
    description:
      - Show the summary of the report, at most 25 lines, or all of every list with C(-v).
      - It is never shown when the output is for programs (C(ANSIBLE_STDOUT_CALLBACK=json) and the like).
    type: bool
    default: true
"""

    # Of those that write a new report, beside the ones above.
    NEW_REPORT = r"""
options:
  alert:
    description:
      - Return a message on the new findings as RV(alert), for a webhook. V(slack) is for Slack and what understands its
        incoming webhooks, V(generic) is JSON (C(podman_fleet.memory/alert/v1)).
    type: str
    choices: [generic, slack]
  fail_on:
    description:
      - Count new and open findings of this severity and worse as RV(violations), and name them in RV(violation_message).
        Waived ones don't count. V(never) counts none.
      - The module itself does not fail because of them, so that what comes after it still runs.
    type: str
    default: never
    choices: [never, critical, high, medium, low, info]
  keep:
    description:
      - How many of the newest reports below O(reports) stay when a new one has been written. See also O(keep_days).
      - V(0) leaves it to O(keep_days).
    type: int
    default: 0
  keep_days:
    description:
      - For how many days reports below O(reports) stay. A report that is among the newest O(keep) stays however old it is.
      - V(0) leaves it to O(keep). With both V(0), which is the default, all reports stay.
      - The newest report and the one that C(latest) points to always stay. Only directories with a report's name and a
        C(report.json) are removed, and links are not followed.
      - It is a warning, not an error, when an old report cannot be removed.
    type: int
    default: 0
"""
