#!/usr/bin/python
# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: it runs on the controller, see plugins/action/report_merge.py.

DOCUMENTATION = r"""
module: report_merge
short_description: Merge the reports of slices of a fleet into one
version_added: 1.0.0
description:
  - Reads the reports that M(podman_fleet.memory.audit_report) wrote of parts of a fleet, on one or several controllers,
    and writes the report that one run over all of them would have written. The two are the same but for the times and for C(run),
    which has all C(slices).
  - Whether findings are new, open or resolved, and since when they are there, comes from the latest report below
    O(reports), which should only hold merged reports. What the slices say about that is ignored, so they need no
    history of their own, and a host may move from one slice to another.
  - C(generated_at), and so the name of the report's directory, is that of the last slice. Merging the same slices
    again gives the same report.
  - Reads one host at a time. Of the others it keeps the names and the positions of their findings in the files, 8 bytes
    for each finding.
  - Hands the same variables to workflows as M(podman_fleet.memory.audit_report) does. C(podman_fleet.memory.merge) is a
    playbook that calls it, and ends as the audit of all hosts would.
notes:
  - Runs on the controller, without hosts, as in C(ansible localhost -m podman_fleet.memory.report_merge -a …).
  - With an inventory, the hosts in the report are in its order, as in one run, and hosts of the inventory that no
    slice has are named in a warning. Without one, they are in the order of O(slices).
options:
  slices:
    description:
      - What to merge, one for each slice. Each is the path of a C(report.json), of the directory that has it, or of a
        slice's own directory of reports, of which the latest is taken.
      - Or a pattern as shells have it, such as C(/srv/audits/slices/*), for all that match it.
      - It is an error when one is missing, incomplete, or of another schema, and when a host is in two of them. Nothing
        is written then.
    type: list
    elements: path
    required: true
  reports:
    description:
      - Directory of all merged reports. It is created when it does not exist.
      - A relative path begins where Ansible is called.
    type: path
    required: true
extends_documentation_fragment:
  - podman_fleet.memory._attributes
  - podman_fleet.memory._report_options
  - podman_fleet.memory._report_options.new_report
attributes:
  check_mode:
    support: full
    details:
      - In check mode everything is read and counted, and no file is written.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Each call writes a report.
seealso:
  - module: podman_fleet.memory.audit_report
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
- name: Merge the reports of four controllers
  podman_fleet.memory.report_merge:
    slices:
      - /srv/audits/slice1
      - /srv/audits/slice2
      - /srv/audits/slice3
      - /srv/audits/slice4
    reports: /srv/audits/fleet
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
report:
  description: Path of the merged C(report.json); V(null) in check mode.
  returned: success
  type: str
  sample: /srv/audits/fleet/20261123T192005Z/report.json
hosts:
  description: How many hosts it has.
  returned: success
  type: int
missing:
  description: Hosts of the inventory that no slice has.
  returned: success
  type: list
  elements: str
violations:
  description: How many findings are as severe as O(fail_on) or worse.
  returned: success
  type: int
violation_message:
  description: The worst of them by name; V(null) when there are none.
  returned: success
  type: str
failed_formats:
  description:
    - By each of O(formats) that could not be written, why. C(report.json) and the other formats are written.
    - The role P(podman_fleet.memory.oom_audit#role) fails then, after everything else.
  returned: success
  type: dict
alert:
  description: JSON with the new findings, if O(alert) was given; V(null) when nothing is new, and in check mode.
  returned: success
  type: str
counts:
  description: The C(summary) of the report, see M(podman_fleet.memory.audit_report).
  returned: success
  type: dict
"""
