#!/usr/bin/python

# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and entry point; the work is in module_utils/_recorder."""

DOCUMENTATION = r"""
module: oom_recorder
short_description: Keep a history of OOM kills and memory peaks on a host that runs Podman
version_added: 1.0.0
description:
  - Installs a small program that a systemd timer starts once a minute. It reads what is new in the journal, samples the cgroups
    of running containers, and keeps both in an SQLite database.
  - With it M(podman_fleet.memory.oom_facts) still finds kills after the container was removed, the journal was
    rotated or the host was rebooted.
  - It sees the containers of root and of all rootless users. It never runs Podman, has no network, and can write to
    its own directories and the directory for metrics only.
  - Writes metrics for the textfile collector of Prometheus' node_exporter.
  - It consists of the same code as M(podman_fleet.memory.oom_facts) and needs nothing but Python's standard library.
notes:
  - Needs C(become), and systemd as the host's init.
  - The role P(podman_fleet.memory.oom_recorder#role) uses this module.
  - See R(the recorder,ansible_collections.podman_fleet.memory.docsite.recorder) for the database, the metrics, and alert rules.
options:
  state:
    description:
      - V(present) installs and starts it.
      - V(absent) stops it and removes everything it made, including its history and metrics. Other files stay, those of
        similar names too.
    type: str
    choices: [present, absent]
    default: present
  state_dir:
    description:
      - Directory of the history. It is created with mode C(0700).
      - It, and all directories above it, must be changeable by root alone, as those of the program and of the units and
        the Python that runs it. Otherwise the module fails and names the path.
      - With O(state=absent) the directory that it was installed with is used as well.
    type: path
    default: /var/lib/podman-memory
  textfile_dir:
    description:
      - Directory that node_exporter reads C(*.prom) files from. Nothing is written while it does not exist, and it is
        not created.
      - The default is that of Debian's package. Empty for no metrics.
    type: str
    default: /var/lib/prometheus/node-exporter
  retention_days:
    description: Days to keep, counted are days on which the recorder ran.
    type: int
    default: 30
  retention_size:
    description: Size of the database in bytes, or with a unit such as V(64MiB). What matters least for kills is removed first.
    type: str
    default: 64MiB
extends_documentation_fragment:
  - podman_fleet.memory._attributes
  - podman_fleet.memory._attributes.action_group
  - podman_fleet.memory._attributes.host_action
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows units and settings line by line, and the program as the directory it is in.
  idempotent:
    support: full
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
- name: Record what happens between two audits
  podman_fleet.memory.oom_recorder:
  become: true

- name: Keep more, and write no metrics
  podman_fleet.memory.oom_recorder:
    retention_days: 90
    retention_size: 256MiB
    textfile_dir: ""
  become: true

- name: Remove it with its history
  podman_fleet.memory.oom_recorder:
    state: absent
  become: true
"""

RETURN = r"""
recorder:
  description: Paths and names.
  returned: success and O(state=present)
  type: dict
  contains:
    code:
      description: Directory of the program. Its name is a hash of what is in it.
      type: str
      returned: success
      sample: /opt/podman-memory/0d4f3a2b1c9e
    service:
      description: Unit of one run.
      type: str
      returned: success
      sample: podman-memory-recorder.service
    timer:
      description: Unit that starts it.
      type: str
      returned: success
      sample: podman-memory-recorder.timer
    history:
      description: The database.
      type: str
      returned: success
      sample: /var/lib/podman-memory/history.sqlite
    textfile:
      description: File of metrics. V(null) for none.
      type: str
      returned: success
      sample: /var/lib/prometheus/node-exporter/podman_oom_recorder.prom
"""

import os
import sys
from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._recorder.database import HISTORY_FILE
from ..module_utils._recorder.install import ERRORS, InstallError, apply_plan, check_only_roots, plan_install, plan_removal
from ..module_utils._recorder.metrics import METRICS_FILE
from ..module_utils._recorder.package import SERVICE, TIMER, VERSION, build_layout, read_sources
from ..module_utils._recorder.run import Options
from ..module_utils._system.sizes import parse_size

MIN_RETENTION_SIZE = 4 * 1024 * 1024


def _parse_options(params: Dict[str, Any]) -> Options:
    """Return the recorder's Options.

    :raises InstallError: a value is wrong.
    """
    try:
        size = parse_size(params["retention_size"])
    except ValueError as exc:
        raise InstallError("retention_size: %s" % exc)
    if size is None or size < MIN_RETENTION_SIZE:
        raise InstallError("retention_size: %s; give a size of 4MiB or more" % params["retention_size"])
    if params["retention_days"] < 1:
        raise InstallError("retention_days: %d is not a number of days above 0" % params["retention_days"])
    for option in ("state_dir", "textfile_dir"):
        path = params[option]
        if path and (not os.path.isabs(path) or os.path.normpath(path) in ("/", "/var/lib")
                     or any(char in path for char in ' "\'%\\\n')):
            raise InstallError("%s: %r; give an absolute path of its own, without spaces, quotes and %%" % (option, path))
    return Options(
        state_dir=os.path.normpath(params["state_dir"]),
        textfile_dir=os.path.normpath(params["textfile_dir"]) if params["textfile_dir"] else "",
        retention_days=params["retention_days"], retention_bytes=size, version=VERSION)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "state_dir": {"type": "path", "default": "/var/lib/podman-memory"},
            "textfile_dir": {"type": "str", "default": "/var/lib/prometheus/node-exporter"},
            "retention_days": {"type": "int", "default": 30},
            "retention_size": {"type": "str", "default": "64MiB"},
        },
        supports_check_mode=True,
    )
    result = {}
    try:
        options = _parse_options(module.params)
        if os.geteuid() != 0:
            raise InstallError("the recorder is the host's: only root can install it (use become)")
        if module.params["state"] == "present":
            check_only_roots(sys.executable)
            layout = build_layout(sys.executable, options, read_sources())
            plan = plan_install(layout, options.state_dir, options.textfile_dir)
            result["recorder"] = {
                "code": layout.code, "service": SERVICE, "timer": TIMER,
                "history": os.path.join(options.state_dir, HISTORY_FILE),
                "textfile": os.path.join(options.textfile_dir, METRICS_FILE) if options.textfile_dir else None}
        else:
            plan = plan_removal(options.state_dir, options.textfile_dir)
        if not module.check_mode:
            apply_plan(plan)
    except ERRORS as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=plan.changed, diff=plan.diff if plan.changed else [], **result)


if __name__ == "__main__":
    main()
