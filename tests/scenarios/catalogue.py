# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All scenarios, with the verdict that the kernel's record proves for each."""

from .model import V2_HOSTS, Scenario, Target

ROOT = ("root",)
V1 = ("debian12-v1",)
NO_MEMORY = ("debian13-nomem",)
# Debian 12's Podman 4.3 has no quadlet
QUADLET_HOSTS = ("debian13", "testing")
RUNC_HOSTS = ("debian12", "debian13")
NUMA_HOSTS = ("testing",)
EVERYWHERE = V2_HOSTS + V1 + NO_MEMORY


def _killed(name, cause="container_limit", lethal=True, kills=1, **more):
    return Target(name, True, cause, lethal, kills, **more)


def _spared(name, cause="none", kills=0, **more):
    return Target(name, False, cause, False, kills, **more)


KILLS = (
    Scenario("pid1-kill", "the main process goes over the container's limit",
             (_killed("pid1-kill"),)),
    Scenario("child-kill", "a child goes over the limit, the container ends with 0 later",
             (_killed("child-kill", lethal=False),)),
    Scenario("child-kill-running", "a child goes over the limit, the container lives on",
             (_killed("child-kill-running", lethal=False),)),
    Scenario("group-kill", "memory.oom.group=1: a child goes over the limit, all die",
             (_killed("group-kill"),)),
    Scenario("nested-limit", "a cgroup that the container makes in itself goes over a limit of its own",
             (_killed("nested-limit", "nested_limit", lethal=False),)),
    Scenario("odd-name", "the main process has a line end in its name and goes over the limit",
             (_killed("odd-name"),), users=ROOT),
    Scenario("exec-kill", "a `podman exec` goes over the limit, the container lives on",
             (_killed("exec-kill", lethal=False),)),
    Scenario("exec-kill-user-kill", "a `podman exec` is killed; later the user kills the container",
             (_killed("exec-kill-user-kill", lethal=False),)),
    Scenario("exec-group-kill", "memory.oom.group=1: a `podman exec` takes the container along",
             (_killed("exec-group-kill"),)),
    Scenario("conmon-gone", "conmon is killed, then the main process goes over the limit: Podman never learns of it",
             (_killed("conmon-gone"),)),
    Scenario("no-subgroup", "PID 1 killed, cgroup without crun's sub-cgroup (runc's layout)",
             (_killed("no-subgroup"),)),
    Scenario("runc-pid1-kill", "runc instead of crun: the main process goes over the limit",
             (_killed("runc-pid1-kill"),), RUNC_HOSTS, ROOT),
    Scenario("runc-child-kill", "runc instead of crun: a child goes over the limit, the container ends with 0 later",
             (_killed("runc-child-kill", lethal=False),), RUNC_HOSTS, ROOT),
    Scenario("limit-lowered", "`podman update --memory` below what is used",
             # the kernel goes on until the use is below: a second process may have to die
             (_killed("limit-lowered", kills=None),)),
    Scenario("host-oom", "the whole host is out of memory (sysrq f), this one has to go",
             (_killed("host-oom", "host_oom"),), stages=("user", "root")),
    Scenario("cpuset-oom", "the NUMA node that it may use is full (--cpuset-mems), the host is not",
             (_killed("cpuset-oom", "cpuset_oom"),), NUMA_HOSTS, ROOT),
    Scenario("oomd", "systemd-oomd kills it for memory pressure",
             (_killed("oomd", "systemd_oomd", kills=0),), users=ROOT, stages=("root",)),
)

ANCESTORS = (
    Scenario("pod-limit", "the pod's limit is hit; sibling and infra container are untouched",
             (_killed("pod-limit", "ancestor_limit", kills=None), _spared("pod-limit-sibling"), _spared("pod-limit-infra"))),
    Scenario("slice-limit", "a slice above the container has the limit (--cgroup-parent)",
             # conmon may die as well, after it wrote down how the container ended
             (_killed("slice-limit", "ancestor_limit", kills=None),)),
    Scenario("cgroups-disabled", "--cgroups=disabled --memory: a limit on paper; nothing happens",
             (_spared("cgroups-disabled", unprovable=True),)),
    Scenario("cgroups-disabled-kill", "--cgroups=disabled: killed by the limit of the unit around it",
             (_killed("cgroups-disabled-kill", "ancestor_limit", kills=None, unprovable=True),), users=ROOT),
)

LIVES = (
    Scenario("restart-after-kill", "killed, then `podman start`: it runs now",
             (_spared("restart-after-kill", kills=1),)),
    Scenario("restart-after-kill-exit", "killed, then `podman start`: ended with 0 now",
             (_spared("restart-after-kill-exit", "application_exit", kills=1),)),
    Scenario("restart-loop", "--restart=on-failure:2 and killed in each of its three runs",
             (_killed("restart-loop", kills=3),)),
    Scenario("restart-recovers", "--restart=on-failure: killed once, runs now",
             (_spared("restart-recovers", kills=1),)),
)

VANISHED = (
    Scenario("rm", "--rm: killed and gone", (_killed("rm", gone=True),)),
    Scenario("rm-clean", "--rm: ended with 0 and gone", (_spared("rm-clean", "application_exit", gone=True),)),
    Scenario("quadlet", "a quadlet's container is killed and gone",
             (_killed("quadlet", gone=True, unit="quadlet-job.service"),), QUADLET_HOSTS),
    Scenario("quadlet-restart", "a quadlet's container is killed; systemd runs a new one",
             (_killed("quadlet-restart", gone=True, first=True, unit="quadlet-restart-job.service",
                      row="quadlet-restart-first"),
              _spared("quadlet-restart", kills=0)), QUADLET_HOSTS),
    Scenario("unit-split", "a unit written by hand, as quadlet would (--rm --cgroups=split)",
             (_killed("unit-split", gone=True, unit="unit-split-job.service"),), ("debian12",)),
)

OTHER_ENDS = (
    Scenario("user-kill", "`podman kill`", (_spared("user-kill", "stopped_by_user"),), EVERYWHERE),
    Scenario("stop-timeout", "`podman stop -t 1` of a process that ignores TERM",
             (_spared("stop-timeout", "stopped_by_user"),)),
    Scenario("stop-term", "`podman stop` of a process that ends with 143",
             (_spared("stop-term", "stopped_by_user"),)),
    Scenario("external-sigkill", "kill -9 of the main process from outside",
             (_spared("external-sigkill", "external_sigkill"),)),
    # no source can tell these two apart
    Scenario("app-exit-137", "`exit 137`", (_spared("app-exit-137", "external_sigkill"),)),
    Scenario("exit-0", "`exit 0`", (_spared("exit-0", "application_exit"),)),
    Scenario("exit-1", "`exit 1`", (_spared("exit-1", "application_exit"),), EVERYWHERE),
)

CLEAN = (
    Scenario("never-started", "created, never started", (_spared("never-started"),)),
    Scenario("running-clean", "runs with a limit and memory.oom.group=1", (_spared("running-clean"),)),
    Scenario("running-unlimited", "runs without a limit", (_spared("running-unlimited"),), EVERYWHERE),
)

OLD_HOSTS = (
    Scenario("v1-pid1-kill", "cgroup v1: the main process goes over the limit",
             (_killed("v1-pid1-kill"),), V1, ROOT),
    Scenario("v1-child-kill", "cgroup v1: a child goes over the limit",
             (_killed("v1-child-kill", lethal=False),), V1, ROOT),
    Scenario("v1-running-clean", "cgroup v1: runs with a limit", (_spared("v1-running-clean"),), V1, ROOT),
    Scenario("memory-refused", "no memory controller: --memory is refused, the container stays created",
             (_spared("memory-refused", causes=("application_exit",)),), NO_MEMORY),
)

ALL = KILLS + ANCESTORS + LIVES + VANISHED + OTHER_ENDS + CLEAN + OLD_HOSTS

# What `make demo` shows: (host, user, scenarios).
DEMO = (
    ("debian12", "root", ("pid1-kill", "child-kill-running", "running-unlimited", "running-clean")),
    ("debian12", "alice", ("group-kill",)),
    ("debian13", "root", ("group-kill", "quadlet", "user-kill", "running-unlimited", "host-oom")),
    ("debian13", "alice", ("pid1-kill", "running-clean")),
    ("testing", "root", ("child-kill", "running-clean", "restart-after-kill")),
    ("testing", "alice", ("exec-kill", "running-unlimited")),
)


def find(names=()):
    """Return the scenarios of these names, all without.

    :raises KeyError: no such scenario.
    """
    if not names:
        return ALL
    known = {scenario.name: scenario for scenario in ALL}
    return tuple(known[name] for name in names)


def cases(host, user, names=()):
    """Return the scenarios that apply to a host and user."""
    return tuple(scenario for scenario in find(names) if scenario.applies(host, user))
