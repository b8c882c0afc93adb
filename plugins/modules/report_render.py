#!/usr/bin/python
# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: it runs on the controller, see plugins/action/report_render.py.

DOCUMENTATION = r"""
module: report_render
short_description: Render a report of the audit again
version_added: 1.0.0
description:
  - Shows the first screen of a C(report.json) that M(podman_fleet.memory.audit_report) wrote, and writes other formats of
    it. No host is asked.
  - Reads one host at a time. Each file is replaced whole or not at all.
options:
  dest:
    description: Directory for the files. It is the one of the report when it isn't given.
    type: path
  formats:
    description: What to write, see O(podman_fleet.memory.audit_report#module:formats). Nothing by default.
    type: list
    elements: str
    default: []
  report:
    description: Path of a C(report.json) on the controller, or of the directory that it is in.
    type: path
    required: true
  summary:
    description: Show the first screen, at most 25 lines, or all of every list with C(-v).
    type: bool
    default: true
extends_documentation_fragment:
  - podman_fleet.memory._attributes
attributes:
  check_mode:
    support: full
    details:
      - In check mode the first screen is shown, and no file is written.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - The files are written each time.
seealso:
  - module: podman_fleet.memory.audit_report
  - module: podman_fleet.memory.report_compare
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
- name: Make a page and a table of an old report
  podman_fleet.memory.report_render:
    report: reports/20261123T192005Z
    formats: [html, csv]
  run_once: true
  delegate_to: localhost
  become: false

# ansible localhost -m podman_fleet.memory.report_render -a 'report=reports/latest formats=html,csv'
"""

RETURN = r"""
files:
  description: Paths of the files that were written, by format.
  returned: success
  type: dict
  sample:
    html: /srv/reports/20261123T192005Z/report.html
counts:
  description: The C(summary) of the report.
  returned: success
  type: dict
"""
