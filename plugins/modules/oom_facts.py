#!/usr/bin/python

# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and entry point; the work is in module_utils/_oom."""

DOCUMENTATION = r"""
module: oom_facts
short_description: Gather which Podman containers were killed for memory, why, and how sure that is
version_added: 1.0.0
description:
  - Looks at all Podman containers of a host, of root and of the rootless users, in one call. It combines the output of
    C(podman container inspect), the counters and limits of cgroups, the kernel's own records of OOM kills, and
    the records of systemd, systemd-oomd and Podman in the journal.
  - Gives a verdict for each container. RV(ansible_facts.podman_oom.containers[].oom.killed) is V(false) only when the
    sources that would show a kill are complete for the run of the container. Otherwise it is V(null) and
    RV(ansible_facts.podman_oom.containers[].oom.missing) says which source is missing.
  - Lists killed containers that Podman no longer knows (C(--rm), quadlets) in RV(ansible_facts.podman_oom.removed).
  - Changes nothing on the host, needs nothing but Python's standard library there, and never returns environment,
    command line or mounts of a container.
  - Runs a fixed number of processes for each user and reads the journal by its index only, whatever the number of
    containers.
notes:
  - Use C(become) to see everything. Without it the module sees the containers of the login user alone. The kernel's
    log is then mostly not readable, and more verdicts are V(null).
  - Podman is not run for a user without container storage, since it would create one, and not for a rootless user
    without a session (C(/run/user/UID)), since it could not see the state of the containers. The latter is reported.
  - An error for one user or one source is reported in RV(ansible_facts.podman_oom.sources) and
    RV(ansible_facts.podman_oom.errors), and the rest is still returned. The module fails only for wrong options and
    when none of O(users) can be looked at.
options:
  as_json:
    description:
      - Return the facts as one string in RV(facts_json), and no RV(ansible_facts).
      - For collecting the facts of a whole fleet. Ansible visits each value of a result twice, on the host and on the
        controller; for 50 containers that is as much work as gathering them.
    type: bool
    default: false
extends_documentation_fragment:
  - podman_fleet.memory._attributes
  - podman_fleet.memory._facts_options
  - podman_fleet.memory._attributes.facts
  - podman_fleet.memory._attributes.read_only
  - podman_fleet.memory._attributes.action_group
  - podman_fleet.memory._attributes.host_action
author:
  - podman_fleet.memory contributors (@podman-fleet)
"""

EXAMPLES = r"""
- name: Gather facts about the containers of root and of all rootless users
  podman_fleet.memory.oom_facts:
  become: true

- name: Show which containers were killed for memory in their last run
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.oom.cause }}, {{ item.oom.confidence }}"
  loop: "{{ ansible_facts.podman_oom.containers | selectattr('oom.killed', 'true') }}"
  loop_control:
    label: "{{ item.name }}"

- name: Gather facts about one container of one user, over the last twelve hours
  podman_fleet.memory.oom_facts:
    users: [alice]
    containers: [web]
    since: 12h
  become: true
"""

RETURN = r"""
facts_json:
  description: What RV(ansible_facts.podman_oom) would be, as JSON.
  returned: success and O(as_json=true)
  type: str
  sample: '{"schema":"podman_fleet.memory/facts/v1","host":{},"sources":[],"containers":[],"removed":[],"errors":[]}'
ansible_facts:
  description: What is known of memory and OOM kills on this host.
  returned: success and not O(as_json)
  type: dict
  contains:
    podman_oom:
      description: The facts. All sizes are in bytes, all times ISO 8601 in UTC.
      type: dict
      returned: success
      contains:
        schema:
          description: Name and version of this structure.
          type: str
          returned: success
          sample: podman_fleet.memory/facts/v1
        host:
          description: The host.
          type: dict
          returned: success
          contains:
            hostname:
              description: Name of the host as the kernel knows it.
              type: str
              returned: success
            collected_at:
              description: When the facts were taken.
              type: str
              returned: success
            boot_id:
              description: ID of this boot, 32 hexadecimal digits.
              type: str
              returned: success
            booted_at:
              description: When the host was booted.
              type: str
              returned: success
            kernel:
              description: Release of the kernel.
              type: str
              returned: success
              sample: 6.12.48-amd64
            distribution:
              description: Name and version of the distribution.
              type: str
              returned: success
              sample: Debian GNU/Linux 13 (trixie)
            memory_total:
              description: Memory of the host.
              type: int
              returned: success
            swap_total:
              description: Swap of the host.
              type: int
              returned: success
            cgroup_version:
              description: Version of the hierarchy that the memory controller is on.
              type: int
              returned: success
              sample: 2
            controllers:
              description: Controllers of cgroups that the kernel has enabled.
              type: list
              elements: str
              returned: success
            podman:
              description: Versions, V(null) for what is not known.
              type: dict
              returned: success
              sample:
                version: 5.4.2
                conmon: 2.1.12
                runtime:
                  name: crun
                  version: "1.21"
                cgroup_manager: systemd
            oomd_active:
              description: Whether systemd-oomd is running.
              type: bool
              returned: success
        sources:
          description: What could be read and what could not.
          type: list
          elements: dict
          returned: success
          contains:
            name:
              description: One of V(podman), V(cgroup), V(kernel_log), V(systemd), V(recorder).
              type: str
              returned: success
            user:
              description: The user the source was read for. V(null) when it is the host's.
              type: str
              returned: success
            status:
              description: One of V(ok), V(partial), V(unavailable), V(absent).
              type: str
              returned: success
            covers_since:
              description: Since when the source is complete. V(null) when that is not known.
              type: str
              returned: success
            detail:
              description: What is missing and why.
              type: str
              returned: success
        containers:
          description: The containers that Podman knows.
          type: list
          elements: dict
          returned: success
          contains:
            id:
              description: ID, 64 hexadecimal digits.
              type: str
              returned: success
            name:
              description: Name. V(null) for one that Podman would refuse.
              type: str
              returned: success
            user:
              description: Owner.
              type: str
              returned: success
            image:
              description: Name of the image.
              type: str
              returned: success
            created_at:
              description: When it was created.
              type: str
              returned: success
            labels:
              description: Labels. Values of more than 16,384 characters are cut.
              type: dict
              returned: success
            pod:
              description: ID of its pod. V(null) for none.
              type: str
              returned: success
            is_infra:
              description:
                - Whether it is the infra container of its pod, or the service container of C(podman kube play) in a unit, as Podman
                  says, which does what the container's owner wants.
              type: bool
              returned: success
            manager:
              description:
                - What creates it, so where a setting has to be written to persist.
                - C(kind) is one of V(none), V(quadlet), V(systemd), V(compose), V(kube). C(unit) is the systemd unit or V(null).
                - C(file) is the quadlet file or the unit file of that unit, V(null) where the unit does not run this container. For
                  V(kube) it is the YAML file that the unit plays.
                  C(pod_unit) is the unit of the quadlet pod that the container is in, or V(null).
              type: dict
              returned: success
              sample:
                kind: quadlet
                unit: web.service
                file: /etc/containers/systemd/web.container
                pod_unit: null
            state:
              description:
                - C(status) as Podman reports it. C(exit_code) and C(finished_at) are V(null) while it runs.
                - C(oom_killed_flag) is Podman's own C(State.OOMKilled). C(stopped_by_user) is V(null) where it is not known.
                - C(ended_meanwhile) says that Podman called it running, and its main process was gone when its cgroup was looked
                  at, as in a crash loop.
              type: dict
              returned: success
              sample:
                status: exited
                exit_code: 137
                started_at: "2026-11-23T16:48:14.408168Z"
                finished_at: "2026-11-23T16:48:14.823700Z"
                restart_count: 0
                oom_killed_flag: false
                stopped_by_user: false
                ended_meanwhile: false
            memory:
              description: Limits, use and events.
              type: dict
              returned: success
              contains:
                declared:
                  description:
                    - C(limit), C(swap_limit) (memory and swap together), C(reservation) and C(oom_group) as
                      C(podman container inspect) shows them. V(null) for none.
                  type: dict
                  returned: success
                next_start:
                  description:
                    - The same as the systemd unit that recreates the container (quadlet, C(podman generate systemd --new))
                      will set it at its next start. Podman's own record has no effect there.
                    - V(null) where no unit does so, or where its command can't be read.
                  type: dict
                  returned: success
                next_start_problem:
                  description: Why C(next_start) can't be told although a unit does so, such as a variable for a size. V(null) for none.
                  type: str
                  returned: success
                effective:
                  description:
                    - C(oom_kill_disabled) is whether the container hangs at that limit instead of being killed
                      (C(--oom-kill-disable), cgroup v1). V(null) on cgroup v2.
                    - What the kernel enforces now, the cgroups above included. The lowest limit wins, and C(source) is the
                      cgroup that has it. C(swap_limit) is memory and swap together. V(null) for none.
                    - V(null) as a whole when the container isn't running.
                  type: dict
                  returned: success
                usage:
                  description:
                    - C(current), C(working_set) (C(current) less inactive page cache), C(anon), C(peak), C(swap), and
                      C(pressure_full_avg300) in percent of time.
                    - V(null) as a whole when the container isn't running or has no cgroup of its own.
                  type: dict
                  returned: success
                events:
                  description:
                    - C(low), C(high), C(max), C(oom), C(oom_kill), C(oom_group_kill) of the current run, V(null) for
                      what the kernel doesn't count.
                    - V(null) as a whole when the container isn't running or has no cgroup of its own.
                  type: dict
                  returned: success
                daily:
                  description:
                    - For each day on which the recorder saw the container, or one before it of the same user and unit (or
                      name), running, oldest first. C(day) is in UTC.
                    - C(working_set_max) is the largest of its samples. C(peak) is the kernel's own highest value, page cache
                      included, V(null) where the kernel has none. C(samples) is their number.
                    - V(null) as a whole when there is no history that can be read.
                  type: list
                  elements: dict
                  returned: success
                  sample:
                    - day: "2026-11-23"
                      working_set_max: 13213696
                      peak: 20971520
                      samples: 1440
            oom:
              description: The verdict on the current run, or on the last one when it isn't running.
              type: dict
              returned: success
              contains:
                killed:
                  description:
                    - Whether an OOM killer killed a process of the container in this run. V(null) when the sources that
                      would show it are missing.
                  type: bool
                  returned: success
                cause:
                  description:
                    - One of V(container_limit), V(nested_limit), V(ancestor_limit), V(host_oom), V(cpuset_oom), V(systemd_oomd),
                      V(stopped_by_user), V(health_check), V(external_sigkill), V(application_exit), V(none), V(unknown).
                    - V(nested_limit) is the limit of a cgroup that something inside the container has made; the container's own
                      was not hit.
                  type: str
                  returned: success
                scope:
                  description:
                    - The cgroup whose limit was hit, V(host) for the whole host, V(null) when not known or no kill.
                    - With V(cpuset_oom) the NUMA nodes that ran out of memory, and whose they are, in words.
                  type: str
                  returned: success
                scope_limit:
                  description:
                    - The limit of the cgroup in C(scope), in bytes, when that is not the container's own.
                    - V(null) when it has none now, or is gone.
                  type: int
                  returned: success
                lethal:
                  description: Whether the kill ended the container. V(null) when that is not known.
                  type: bool
                  returned: success
                group:
                  description: Whether C(memory.oom.group) took all processes along.
                  type: bool
                  returned: success
                confidence:
                  description: One of V(certain), V(likely), V(unknown).
                  type: str
                  returned: success
                count:
                  description: Number of kills that were seen over all runs.
                  type: int
                  returned: success
                lethal_count:
                  description:
                    - Number of runs that are known to have ended by a kill, this one included. That of earlier runs is from Podman's
                      events.
                  type: int
                  returned: success
                last_at:
                  description: When the last of them was.
                  type: str
                  returned: success
                victims:
                  description: The processes killed in this run. C(rss) is in bytes.
                  type: list
                  elements: dict
                  returned: success
                  sample:
                    - pid: 587
                      task: sort
                      at: "2026-11-23T16:48:14.791203Z"
                      rss: 22154240
                flag_trust:
                  description:
                    - What Podman's own flag is worth, one of V(agrees), V(stale) (true for an earlier run), V(missed) (false
                      after a kill), V(overstated) (true, though the container didn't end of it), V(unknown).
                  type: str
                  returned: success
                history:
                  description: The last 50 kills over all runs, oldest first.
                  type: list
                  elements: dict
                  returned: success
                evidence:
                  description: What the verdict is based on, in words.
                  type: list
                  elements: str
                  returned: success
                missing:
                  description: Names of the sources that were missing for a better verdict.
                  type: list
                  elements: str
                  returned: success
        removed:
          description:
            - Killed containers that Podman no longer knows, or lists and can't inspect. RV(ignore:oom) as for RV(ansible_facts.podman_oom.containers[]).
            - C(oom.killed) is V(null) for those that ended with 137 right behind a kill that names no container, since the memory controller
              does not reach to containers.
            - C(name), C(image), C(exit_code), C(died_at) and the unit in C(manager) are V(null) when neither Podman's
              events nor the recorder's history have them.
            - C(memory_limit) is the limit in bytes that the recorder last saw enforced on it. V(null) when it saw none, or
              did not see it running.
            - C(gone) is V(false) when Podman lists it and C(podman inspect) failed, V(null) when the containers of the user
              could not be listed, so that it may still be there.
          type: list
          elements: dict
          returned: success
        errors:
          description:
            - What went wrong, with C(source), C(user) and C(message). C(source) is V(facts) for what could not become part of
              these facts, because it is not what C(docs/facts-v1.schema.json) says.
            - Where that is about one container, C(container) is its name or the beginning of its ID, and C(container_id) its ID or
              V(null).
            - A C(message) of C(kernel_log) that begins with V(suspicious record:) is about records that look like OOM kills and prove
              none; C(user) is the one whose cgroup they name, V(null) where that is not known.
          type: list
          elements: dict
          returned: success
"""

import gc
import json
import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._oom.facts import collect_facts
from ..module_utils._oom.sources import Options
from ..module_utils._system.times import SECOND, parse_since
from ..module_utils._system.users import UserError


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "users": {"type": "list", "elements": "str", "default": []},
            "containers": {"type": "list", "elements": "str", "default": []},
            "since": {"type": "str", "default": "7d"},
            "executable": {"type": "str", "default": "podman"},
            "timeout": {"type": "int", "default": 60},
            "users_timeout": {"type": "int", "default": 600},
            "state_dir": {"type": "path", "default": "/var/lib/podman-memory"},
            "as_json": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    gc.disable()  # all facts are needed to the end: collecting garbage takes a twentieth of the time
    now = int(time.time() * SECOND)
    params = dict(module.params)
    as_json = params.pop("as_json")
    try:
        params["since"] = parse_since(params["since"], now)
    except ValueError as exc:
        module.fail_json(msg="since: %s; give a span such as 7d, 12h or 30m, or an ISO time such as "
                             "2026-11-23T04:00:00Z" % exc)
    for name in ("timeout", "users_timeout"):
        if params[name] < 1:
            module.fail_json(msg="%s: %d is not a number of seconds above 0" % (name, params[name]))
    try:
        facts = collect_facts(Options(**params), now)
    except UserError as exc:
        module.fail_json(msg=str(exc))
    if as_json:
        module.exit_json(changed=False, facts_json=json.dumps(facts, separators=(",", ":")))
    module.exit_json(changed=False, ansible_facts={"podman_oom": facts})


if __name__ == "__main__":
    main()
