# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""enforce.yml between two audits on real hosts, root's and alice's containers in one play.

One story on the same containers: check mode, audit, enforce, enforce once more, audit; then a container made
with the default of containers.conf, and the default taken away.
"""

from __future__ import annotations

import datetime
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import memory_guest
import pytest
import yaml
from control import HOST_PATIENCE, PATIENCE, REPO
from session import host_names

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._enforce import plan as _plan
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.parse import parse_policy

MIB = 1 << 20
V2 = ("debian12", "debian13", "testing")
USERS = ("root", "alice")
NAMES = ["en-bare", "en-high", "en-drift", "en-fat", "en-waived", "en-exempt", "en-stopped"]
# Quadlet came with Podman 4.4.
QUADLETS = {"debian12": [], "debian13": ["en-quadlet"], "testing": ["en-quadlet"]}
MAKE = r"""
set -e
cd /
run() { podman run -d --network=none --stop-timeout=0 "$@"; }
IMAGE=localhost/bb:latest
run --name en-bare $IMAGE sleep 50000
run --name en-high --memory=300m --memory-swap=400m $IMAGE sleep 50000
run --name en-drift --memory=64m $IMAGE sleep 50000
run --name en-fat --memory=200m --shm-size=64m $IMAGE sh -c 'dd if=/dev/zero of=/dev/shm/x bs=1M count=40; sleep 50000'
run --name en-waived $IMAGE sleep 50000
run --name en-exempt --label role=database $IMAGE sleep 50000
podman create --name en-stopped --network=none --stop-timeout=0 $IMAGE sleep 50000
echo 40M >/sys/fs/cgroup$(cut -d: -f3 /proc/$(podman inspect --format '{{.State.Pid}}' en-drift)/cgroup)/memory.max
if [ -e /usr/lib/systemd/system-generators/podman-system-generator ]; then
    if [ "$(id -u)" = 0 ]; then SYSTEMCTL=systemctl; QUADLETS=/etc/containers/systemd
    else SYSTEMCTL='systemctl --user'; QUADLETS=$HOME/.config/containers/systemd; fi
    mkdir -p $QUADLETS
    cat >$QUADLETS/en-quadlet.container <<EOF
[Container]
Image=$IMAGE
ContainerName=en-quadlet
Network=none
Exec=sleep 50000
PodmanArgs=--stop-timeout=0
[Service]
TimeoutStartSec=300
EOF
    $SYSTEMCTL daemon-reload
    $SYSTEMCTL start en-quadlet.service
fi
"""
POLICY = yaml.safe_load("""
rules:
  - name: everything
    match: "true"
    memory: {required: true, default: 48m, min: 16m, max: 128m}
    oom_group: true
  - name: databases are left alone
    match: "labels.role == 'database'"
    memory: null
    oom_group: null
  - name: fat ones
    match: "name == 'en-fat'"
    memory: {default: 32m, max: 32m}
waivers:
  - {match: "name == 'en-waived'", rule: memory-limit-missing, reason: moves in Q1, expires: "2099-12-31"}
  - {match: "name == 'en-waived'", rule: oom-group-mismatch, reason: moves in Q1, expires: "2099-12-31"}
""")
PLAYS = ("audit", "enforce", "enforce", "audit")
WANTED = {"en-bare": "48", "en-high": "128", "en-drift": "64", "en-quadlet": "48"}
# Rules that enforcement is about.
SETTINGS = ("memory-limit-missing", "memory-limit-out-of-bounds", "oom-group-mismatch", "limit-drift", "limit-not-persistent")


def everywhere(hosts, script, check=True):
    """Run a shell script on all hosts, as root and as alice, all at once; return {(host, user): its output}."""
    keys = [(name, user) for name in hosts for user in USERS]

    def one(key):
        done = hosts[key[0]].run(["sh", "-c", script], user=key[1], timeout=600, check=False)
        assert done.returncode == 0 or not check, (key, done.stdout, done.stderr)
        return done.stdout

    with ThreadPoolExecutor(len(keys)) as pool:
        return dict(zip(keys, pool.map(one, keys)))


def look(hosts):
    """What Podman and the kernel say of the containers: {(host, user): {name: state}}."""
    code = memory_guest.LOOK.replace("^cm-", "^en-")
    return {key: json.loads(out) for key, out in everywhere(hosts, "python3 - <<'END'\n%sEND\n" % code).items()}


def squeezed(text):
    """Each run of spaces and line breaks as one space."""
    return " ".join(text.split())


@pytest.fixture(scope="module")
def hosts(request, fleet):
    """The hosts with a container of each kind: {name: Host}."""
    chosen = {name: fleet[name] for name in host_names(request.config) if name in V2}
    if not chosen:
        pytest.skip("none of the hosts with cgroup v2 is in --fleet-hosts")
    everywhere(chosen, MAKE)
    return chosen


@pytest.fixture(scope="module")
def before(hosts):
    """How the containers were made."""
    return look(hosts)


@pytest.fixture(scope="module")
def variables(hosts, tmp_path_factory):
    """Extra variables of all playbooks. Other tests' containers on these hosts are not ours to change."""
    names = {name: NAMES + QUADLETS[name] for name in hosts}
    mine = "{{ %s[inventory_hostname] | default([]) }}" % json.dumps(names)
    return {
        "podman_memory_policy": POLICY, "podman_memory_hosts": ",".join(hosts),
        "memory_policy_containers": mine, "oom_audit_containers": mine, "memory_policy_default_oom_group": "present",
        "memory_policy_timeout": PATIENCE, "memory_policy_host_timeout": HOST_PATIENCE,
        "oom_audit_timeout": PATIENCE, "oom_audit_host_timeout": HOST_PATIENCE,
        "oom_audit_reports": str(tmp_path_factory.mktemp("reports"))}


@pytest.fixture(scope="module")
def checked(hosts, control, variables, before):
    """What --check --diff says, and how the containers are then."""
    done = control.playbook(str(REPO / "playbooks" / "enforce.yml"), "--check", "--diff", extra=variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, look(hosts)


@pytest.fixture(scope="module")
def ran(control, variables, checked, tmp_path_factory):
    """Audit, enforce, enforce, audit: what each play says, the reports of both audits, and the warnings of all."""
    story = tmp_path_factory.mktemp("story") / "story.yml"
    story.write_text(yaml.safe_dump([{"import_playbook": "podman_fleet.memory." + each} for each in PLAYS]), encoding="utf-8")
    done = control.playbook(str(story), "--diff", extra=variables)
    assert done.returncode == 0, done.stdout + done.stderr
    plays = [play for play in re.split(r"^PLAY \[", done.stdout, flags=re.MULTILINE)[1:]
             if not play.startswith("Mark the hosts that failed in batches]")]  # without serial there are none
    assert len(plays) == len(PLAYS), done.stdout
    reports = sorted(path for path in Path(variables["oom_audit_reports"]).iterdir() if path.name != "latest")
    return plays, [json.loads((path / "report.json").read_text(encoding="utf-8")) for path in reports], done.stderr


@pytest.fixture(scope="module")
def after(hosts, ran):
    """How the containers are at the end."""
    return look(hosts)


def still_open(report):
    """{host: {(user, container, rule)}} of findings on settings that nobody has waived."""
    found = {}
    for each in report["findings"]:
        if each["rule"] in SETTINGS and each["state"] != "waived":
            found.setdefault(each["host"], set()).add((each["user"], each["container"], each["rule"]))
    return found


def test_check_mode_shows_the_plan(checked, hosts):
    shown = squeezed(checked[0])
    for user in USERS:
        for line in ("en-bare %s memory none 48 MiB live", "en-bare %s oom.group off on live",
                     "en-high %s memory 300 MiB 128 MiB live", "en-drift %s memory 40 MiB 64 MiB live"):
            assert shown.count(line % user) == len(hosts), (line % user, checked[0])
    assert shown.count("live + persistent memory-limit-out-of-bounds (rule 1 'everything') would change") == 2 * (
        len(hosts) - ("debian12" in hosts))
    assert "en-fat: memory-limit-out-of-bounds: it uses" in shown and "en-waived: memory-limit-missing: waived until" in shown
    assert "WOULD CHANGE" in shown and "Check mode nothing was changed" in shown


def test_check_mode_changes_nothing(checked, before, hosts):
    assert checked[1] == before
    assert set(everywhere(hosts, "ls /etc/containers/containers.conf.d 2>/dev/null | grep podman-memory", check=False).values()) == {""}


def test_the_kernel_enforces_it(after):
    for (host, user), containers in after.items():
        for name, limit in WANTED.items():
            if name in containers:
                kernel = containers[name]["kernel"]
                assert (kernel["memory.max"], kernel["memory.oom.group"]) == (str(int(limit) * MIB), "1"), (host, user, name)


def test_nothing_was_restarted(before, after):
    for key, containers in before.items():
        for name, state in containers.items():
            now = after[key][name]
            for field in ("id", "pid", "started", "status", "restarts"):
                assert now[field] == state[field], (key, name, field)


def test_waived_and_exempt_containers_are_as_they_were(before, after):
    for key, containers in before.items():
        for name in ("en-waived", "en-exempt"):
            assert after[key][name] == containers[name], (key, name)


def test_the_run_says_what_was_done(ran, hosts):
    shown = squeezed(ran[0][1])
    assert shown.count("(rule 1 'everything') changed") >= 8 * len(hosts)
    assert "CHANGED" in shown and "SKIPPED" in shown
    if "debian12" in hosts:
        assert "NOT PERSISTENT" in shown and "Podman 4.3.1 forgets it at the next start" in shown


def test_the_second_run_changes_nothing(ran, hosts):
    shown = squeezed(ran[0][2])
    assert "CHANGED 0 containers" in shown and "would change" not in shown and "') changed" not in shown
    assert len(re.findall(r"^ok: \[\w+\]$", ran[0][2], re.MULTILINE)) >= len(hosts)
    assert not re.search(r"^changed: \[", ran[0][2], re.MULTILINE), ran[0][2]


def test_audit_enforce_audit_leaves_nothing_that_can_be_mended(ran, hosts):
    first, last = ran[1]
    policy = parse_policy(POLICY, "test")
    for host in hosts:
        open_before = still_open(first)[host]
        for user in USERS:
            assert {(user, "en-bare", "memory-limit-missing"), (user, "en-bare", "oom-group-mismatch"),
                    (user, "en-high", "memory-limit-out-of-bounds"), (user, "en-drift", "limit-drift")} <= open_before
        # below its use: left alone, and said
        expected = {(user, "en-fat", "memory-limit-out-of-bounds") for user in USERS}
        if host == "debian12":  # Podman 4.3.1 keeps nothing
            expected |= {(user, "en-stopped", rule) for user in USERS for rule in ("memory-limit-missing", "oom-group-mismatch")}
            expected |= {(user, name, "limit-not-persistent") for user in USERS
                         for name in ("en-bare", "en-high", "en-drift", "en-fat")}
        assert still_open(last)[host] == expected, host
        facts = [each["facts"] for each in last["hosts"] if each["name"] == host][0]
        plan = _plan.plan_host(host, facts, "root", policy, datetime.datetime.now(datetime.timezone.utc).date())
        assert plan.changes == (), host


def test_waived_findings_stay_in_the_report(ran, hosts):
    waived = {(each["host"], each["container"], each["rule"]) for each in ran[1][1]["findings"] if each["state"] == "waived"}
    assert {(host, "en-waived", rule) for host in hosts for rule in ("memory-limit-missing", "oom-group-mismatch")} == waived


def test_new_containers_get_the_default_where_it_works(ran, hosts, control):
    made = everywhere(hosts, "cd /; podman run -d --network=none --stop-timeout=0 --name en-new localhost/bb:latest sleep 50000 && "
                      "podman inspect --format '{{.HostConfig.CgroupConf}}' en-new && "
                      "cat /sys/fs/cgroup$(cut -d: -f3 /proc/$(podman inspect --format '{{.State.Pid}}' en-new)/cgroup)/memory.oom.group")
    for (host, user), told in made.items():
        assert told.splitlines()[1:] == (["map[]", "0"] if host == "debian12" else ["map[memory.oom.group:1]", "1"]), (host, user)
    if "debian12" in hosts:
        assert "container_defaults: Podman 4.3.1 ignores cgroup_conf in containers.conf" in squeezed(ran[2])
    gone = control.module(tuple(hosts), {"state": "absent", "timeout": PATIENCE}, module="podman_fleet.memory.container_defaults")
    for host, told in gone.items():
        assert told.status == "ok" and told.result["changed"] is (host != "debian12"), told
        assert told.result["defaults"][0]["status"] == ("unchanged" if host == "debian12" else "removed")
    left = everywhere(hosts, "ls /etc/containers/containers.conf.d 2>/dev/null | grep podman-memory; cd /; podman rm -f en-new >/dev/null",
                      check=False)
    assert set(left.values()) == {""}
