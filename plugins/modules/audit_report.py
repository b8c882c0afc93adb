#!/usr/bin/python
# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: it runs on the controller, see plugins/action/audit_report.py.

DOCUMENTATION = r"""
module: audit_report
short_description: Write one report of all hosts that were asked, and show its summary
version_added: 1.0.0
description:
  - "Internal: used by the role P(podman_fleet.memory.oom_audit#role)."
  - Reads what M(podman_fleet.memory.audit_collect) kept of each host in the same play, evaluates it, and writes
    C(report.json) (schema C(podman_fleet.memory/report/v1), C(docs/report-v1.schema.json)) on the controller, with the
    full facts of each host.
  - Each report has a directory of its own below O(reports), named after the time in UTC. The link C(latest) points to
    the newest one. A report is written completely or not at all, and a run that is killed leaves C(latest) as it was.
  - Every host of the play is in the report. One that did not answer is in it as not checked, with the reason.
  - Findings that the previous report had too keep their C(first_seen) and are C(open), the others are C(new). An OOM kill
    is new again when the container was killed again. What the policy waives is C(waived), and only counted as that. What
    is no longer found is C(resolved), but only where this run looked for it.
  - What a report looks like in each format, and what its keys mean, is in
    R(the report,ansible_collections.podman_fleet.memory.docsite.report).
  - Reads one host at a time. Of the previous report it keeps the position of each finding, 8 bytes.
notes:
  - Use it with C(run_once) and C(delegate_to=localhost), after M(podman_fleet.memory.audit_collect), with the linear
    strategy.
  - In a play with C(serial) it waits for the last batch. Before that, it writes a report only after a batch with hosts
    that were not checked, since Ansible may end the play there, and replaces it later.
  - Hands C(podman_memory_audit_report), C(podman_memory_audit_findings) (by severity), C(podman_memory_audit_findings_new),
    C(podman_memory_audit_findings_resolved), C(podman_memory_audit_findings_waived), C(podman_memory_audit_oom_killed),
    C(podman_memory_audit_near_limit), C(podman_memory_audit_memory_stalls), C(podman_memory_audit_unprotected),
    C(podman_memory_audit_hosts), C(podman_memory_audit_not_checked), C(podman_memory_audit_partly_checked),
    C(podman_memory_audit_unreachable) and C(podman_memory_audit_errors) to workflows, as M(ansible.builtin.set_stats) does.
options:
  reports:
    description:
      - Directory of all reports on the controller. It is created when it does not exist.
      - A relative path begins where C(ansible-playbook) is called.
    type: path
    required: true
extends_documentation_fragment:
  - podman_fleet.memory._attributes
  - podman_fleet.memory._policy_option
  - podman_fleet.memory._report_options
  - podman_fleet.memory._report_options.new_report
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
      - Each run writes a report of its own.
seealso:
  - module: podman_fleet.memory.audit_collect
  - module: podman_fleet.memory.host_outcome
  - module: podman_fleet.memory.policy_check
  - module: podman_fleet.memory.report_render
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
- name: Write the report
  podman_fleet.memory.audit_report:
    reports: /var/lib/audits/podman
  run_once: true
  delegate_to: localhost
  become: false
  register: audit

- name: Stop when a container was ended by an OOM kill
  ansible.builtin.assert:
    that: audit.counts.oom.lethal == 0
  run_once: true
"""

RETURN = r"""
report:
  description: Path of C(report.json); V(null) when none was written.
  returned: success
  type: str
  sample: /var/lib/audits/podman/20261123T192005Z/report.json
complete:
  description: Whether all hosts of the play have been asked. V(false) is possible with C(serial) only.
  returned: success
  type: bool
not_checked_in_batch:
  description: How many hosts of this batch were not checked.
  returned: success
  type: int
violations:
  description: How many findings are as severe as O(fail_on) or worse. V(0) until all hosts of the play have been asked.
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
  description:
    - JSON with the new findings, if O(alert) was given.
    - V(null) when nothing is new, in check mode, and until all hosts of the play have been asked.
  returned: success
  type: str
counts:
  description: The C(summary) of the report.
  returned: when a report was made
  type: dict
  contains:
    hosts:
      description: Hosts by how far they were checked (C(total), C(checked), C(partial), C(not_checked), C(without_podman)).
      type: dict
    not_checked:
      description: Hosts that were not checked, by the reason.
      type: dict
    containers:
      description: Containers (C(total), C(running)), and killed ones that have been C(removed) since.
      type: dict
    findings:
      description:
        - Findings (C(total), C(new), C(resolved), C(by_severity), C(by_rule)), and those that are C(waived), which are in no
          other number.
      type: dict
    oom:
      description:
        - Containers that were C(killed), those that the kill ended (C(lethal)), all C(kills), and containers whose flag in
          Podman is wrong (C(flag_wrong)).
      type: dict
    unprotected:
      description: Running containers without a limit, without C(memory.oom.group), or with a limit that drifted.
      type: int
"""
