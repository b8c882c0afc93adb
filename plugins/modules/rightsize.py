#!/usr/bin/python
# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: it runs on the controller, see plugins/action/rightsize.py.

DOCUMENTATION = r"""
module: rightsize
short_description: Recommend memory limits from history, with what they risk
version_added: 1.0.0
description:
  - Reads a C(report.json) of the audit, and recommends a memory limit for each container whose daily peaks the recorder kept
    (M(podman_fleet.memory.oom_recorder)). No host is asked, and nothing is changed on one.
  - A limit is the largest peak of the last 14 days times a ratio. The ratio is such that, of all weeks that workloads of this
    fleet had that vary as much, only the share O(risk) went further over their peak of the two weeks before. As long as a
    fleet has no weeks of its own, those of 30 recorded virtual machines stand in for them.
  - There is no number for less than three days of peaks, and none for a container that seems to leak.
  - See R(right-sizing,ansible_collections.podman_fleet.memory.docsite.rightsizing).
options:
  dest:
    description:
      - Directory on the controller into which C(recommendations.json) and C(recommendations.csv) are written. It has to be there.
      - By default, the one that the report is in.
    type: path
  report:
    description: Path of a C(report.json) on the controller, or of the directory that it is in.
    type: path
    required: true
  risk:
    description:
      - The probability that a container goes over its limit within seven days, between V(0) and V(1).
      - The default is one week in a year. Where less is known than that takes, the smallest risk that can be told counts;
        where that is more than 30 %, there is no number.
    type: float
    default: 0.02
attributes:
  check_mode:
    support: full
    details:
      - No files are written.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - The files are written each time.
extends_documentation_fragment:
  - podman_fleet.memory._attributes
seealso:
  - module: podman_fleet.memory.audit_report
  - module: podman_fleet.memory.oom_recorder
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
- name: Recommend limits that one week in ten goes over
  podman_fleet.memory.rightsize:
    report: reports/latest
    risk: 0.1
  run_once: true
  delegate_to: localhost
  become: false

# ansible localhost -m podman_fleet.memory.rightsize -a 'report=reports/latest'
"""

RETURN = r"""
counts:
  description:
    - How many containers should have a limit (C(set)), a higher (C(raise)) or a lower one (C(lower)), or the one that they have
      (C(keep)); of how many it is not known which they have (C(unknown)); and how many get no number (C(leak_suspected),
      C(insufficient_data)).
  returned: success
  type: dict
recommendations:
  description:
    - The most urgent 200, with C(host), C(user), C(container), C(unit), C(status), C(action), C(limit) and C(recommended) in bytes,
      C(risk) of the recommended and C(present_risk) of the present limit, C(need), C(reaches_limit) (the day on which steady growth
      reaches the limit), C(why) and C(curve), which has limits with their risks. All of them are in the files.
  returned: success
  type: list
  elements: dict
hosts_too_small:
  description:
    - Hosts into which the limits don't fit, the 200 that lack most, with C(room), C(total) and C(short) in bytes, and whose limits
      C(could_give) (at most ten).
  returned: success
  type: list
  elements: dict
files:
  description: The paths of the files, C(json) and C(csv). Empty in check mode.
  returned: success
  type: dict
"""
