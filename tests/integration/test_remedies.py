# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remedies are pasted, by root, as a report prints them: afterwards each container runs, and has the promised limit, also after a restart."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from session import host_names

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.parse import parse_policy
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules.evaluate import evaluate_facts

MIB = 1 << 20
HOSTS = ("debian13",)  # one with drop-ins of quadlets, and updates that Podman keeps
USERS = ("root", "alice")
NAMES = ["re-none", "re-quadlet", "re-t-1", "re-served", "re-member", "re-unit"]
MAKE = r"""
set -e
cd /
IMAGE=localhost/bb:latest
if [ "$(id -u)" = 0 ]; then SYSTEMCTL=systemctl; QUADLETS=/etc/containers/systemd; UNITS=/etc/systemd/system
else SYSTEMCTL='systemctl --user'; QUADLETS=$HOME/.config/containers/systemd; UNITS=$HOME/.config/systemd/user; fi
mkdir -p $QUADLETS $UNITS
quadlet() {  # FILE NAME LINE...
    file=$1 name=$2; shift 2
    printf '[Container]\nImage=%s\nContainerName=%s\nExec=sleep 50000\nPodmanArgs=--memory=64m --stop-timeout=0\n' $IMAGE $name >$QUADLETS/$file
    printf '%s\n' "$@" '[Service]' TimeoutStartSec=300 >>$QUADLETS/$file
}
podman run -d --network=none --stop-timeout=0 --name re-none --memory=64m $IMAGE sleep 50000
quadlet re-quadlet.container re-quadlet Network=none
quadlet re-t@.container re-t-%i Network=none
quadlet re-named.container re-served Network=none ServiceName=re-other
quadlet re-member.container re-member Pod=re-p.pod
printf '[Pod]\nPodName=re-p\nNetwork=none\n[Service]\nTimeoutStartSec=300\n' >$QUADLETS/re-p.pod
cat >$UNITS/re-unit.service <<END
[Service]
Environment=PODMAN_SYSTEMD_UNIT=%n
ExecStart=/usr/bin/podman run --rm --replace --sdnotify=conmon -d --name re-unit --network=none --stop-timeout=0 --memory=64m $IMAGE sleep 50000
ExecStop=/usr/bin/podman rm -f -i -t 0 re-unit
Type=notify
NotifyAccess=all
TimeoutStartSec=300
END
$SYSTEMCTL daemon-reload
$SYSTEMCTL start re-unit.service re-quadlet.service re-t@1.service re-other.service re-p-pod.service re-member.service
"""
# What a report can only say in words for these: the next start of a container without a unit, and the edit of a unit's own podman run.
BY_HAND = r"""
if [ "$(id -u)" = 0 ]; then SYSTEMCTL=systemctl; UNITS=/etc/systemd/system
else SYSTEMCTL='systemctl --user'; UNITS=$HOME/.config/systemd/user; fi
podman restart -t 0 re-none
sed -i 's/ --memory=64m / %s /' $UNITS/re-unit.service
$SYSTEMCTL daemon-reload && $SYSTEMCTL restart re-unit.service
"""
LOOK = r"""
for name in %s; do
    pid=$(podman inspect --format '{{.State.Pid}}' $name) && echo $name $(cat /sys/fs/cgroup$(cut -d: -f3 /proc/$pid/cgroup | sed 's|/container$||')/memory.max)
done
""" % " ".join(NAMES)
REMOVE = r"""
cd /
if [ "$(id -u)" = 0 ]; then SYSTEMCTL=systemctl; QUADLETS=/etc/containers/systemd; UNITS=/etc/systemd/system
else SYSTEMCTL='systemctl --user'; QUADLETS=$HOME/.config/containers/systemd; UNITS=$HOME/.config/systemd/user; fi
$SYSTEMCTL stop re-unit.service re-quadlet.service re-t@1.service re-other.service re-p-pod.service
rm -rf $UNITS/re-unit.service $QUADLETS/re-*
podman rm -f -i -t 0 re-none
$SYSTEMCTL daemon-reload
"""
POLICY = parse_policy({"rules": [{"name": "larger", "match": "true", "memory": {"min": "128m"}}]}, "test")
OPTIONS = "--memory=128m --memory-swap=128m"


@pytest.fixture(scope="module")
def hosts(request, fleet):
    """The hosts with a container of each manager: {name: Host}."""
    chosen = {name: fleet[name] for name in host_names(request.config) if name in HOSTS}
    if not chosen:
        pytest.skip("none of %s is in --fleet-hosts" % ", ".join(HOSTS))
    everywhere(chosen, MAKE)
    yield chosen
    everywhere(chosen, REMOVE)


def everywhere(hosts, script, users=USERS):
    """Run a shell script on all hosts, for all users side by side; return {(host, user): its output}."""
    keys = [(name, user) for name in hosts for user in users]

    def one(key):
        text = script[key] if isinstance(script, dict) else script
        done = hosts[key[0]].run(["bash", "-s"], user=key[1], input=text, timeout=900, check=False)
        assert done.returncode == 0, (key, text, done.stdout, done.stderr)
        return done.stdout

    with ThreadPoolExecutor(len(keys)) as pool:
        return dict(zip(keys, pool.map(one, keys)))


def test_what_is_pasted_has_its_effect(hosts, control):
    facts = control.facts(list(hosts), {"containers": NAMES, "users": list(USERS)})
    remedies = {}
    for host in hosts:
        findings = [finding for finding in evaluate_facts(host, facts[host], "root", POLICY)
                    if finding["rule"] == "memory-limit-out-of-bounds"]
        assert sorted((finding["user"], finding["container"]) for finding in findings) == sorted(
            (user, name) for user in USERS for name in NAMES), json.dumps(facts[host]["errors"])
        # all of them, in one paste, as the root of the host
        remedies[host, "root"] = "set -e\n" + "\n".join(finding["remedy"] for finding in findings)
    everywhere(hosts, remedies, users=["root"])
    everywhere(hosts, BY_HAND % OPTIONS)
    expected = {name: str(128 * MIB) for name in NAMES}
    for key, text in everywhere(hosts, LOOK).items():
        assert dict(line.split() for line in text.splitlines()) == expected, (key, remedies[key[0], "root"])
