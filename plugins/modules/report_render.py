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
  - Shows the summary of a C(report.json) that M(podman_fleet.memory.audit_report) wrote, and writes other formats of
    it. No host is asked.
  - Reads one host at a time. Each file is replaced atomically.
options:
  dest:
    description: Directory for the files. By default, the one of the report.
    type: path
  report:
    description: Path of a C(report.json) on the controller, or of the directory that it is in.
    type: path
    required: true
extends_documentation_fragment:
  - podman_fleet.memory._attributes
  - podman_fleet.memory._report_options
attributes:
  check_mode:
    support: full
    details:
      - In check mode the summary is shown, and no file is written.
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
