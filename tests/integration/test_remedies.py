# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remedies are pasted, by root, as a report prints them: afterwards each container runs, and has the promised limit, also after a restart."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from session import host_names

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.parse import parse_policy
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules.evaluate import evaluate_facts

MIB = 1 << 20
HOSTS = ("debian13",)  # one with drop-ins of quadlets, and updates that Podman keeps
USERS = ("root", "alice")
NAMES = ["re-none", "re-quadlet", "re-t-1", "re-served", "re-member", "re-unit", "re-compose", "re-kube-c"]
START = r"""
cd /
IMAGE=localhost/bb:latest
if [ "$(id -u)" = 0 ]; then SYSTEMCTL=systemctl; QUADLETS=/etc/containers/systemd; UNITS=/etc/systemd/system
else SYSTEMCTL='systemctl --user'; QUADLETS=$HOME/.config/containers/systemd; UNITS=$HOME/.config/systemd/user; fi
run() { podman run -d --network=none --stop-timeout=0 "$@"; }
quadlet() {  # FILE NAME LINE...
    file=$1 name=$2; shift 2
    printf '[Container]\nImage=%s\nContainerName=%s\n' $IMAGE $name >$QUADLETS/$file
    printf '%s\n' "$@" '[Service]' TimeoutStartSec=300 >>$QUADLETS/$file
}
set -e
"""
# podman-compose is in no image: in its place the labels that it gives (podman_compose.py 1.0.6). The YAML is played by root's
# quadlet, and by alice herself.
MAKE = START + r"""
mkdir -p $QUADLETS $UNITS
SLEEP='Exec=sleep 50000' SMALL='PodmanArgs=--memory=64m --stop-timeout=0'
run --name re-none --memory=64m $IMAGE sleep 50000
run --name re-compose --memory=64m --label com.docker.compose.project=re --label com.docker.compose.project.working_dir=/srv/re \
    --label com.docker.compose.project.config_files=compose.yaml --label com.docker.compose.service=web \
    --label PODMAN_SYSTEMD_UNIT=podman-compose@re.service $IMAGE sleep 50000
quadlet re-quadlet.container re-quadlet Network=none "$SLEEP" "$SMALL"
quadlet re-t@.container re-t-%i Network=none "$SLEEP" "$SMALL"
quadlet re-named.container re-served Network=none ServiceName=re-other "$SLEEP" "$SMALL"
quadlet re-member.container re-member Pod=re-p.pod "$SLEEP" "$SMALL"
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
cat >$QUADLETS/re-kube.yaml <<END
apiVersion: v1
kind: Pod
metadata: {name: re-kube}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: c, image: "$IMAGE", imagePullPolicy: Never, command: [sleep, "50000"], resources: {limits: {memory: 64Mi}}}
END
if [ $QUADLETS = /etc/containers/systemd ]; then
    printf '[Kube]\nYaml=re-kube.yaml\nNetwork=none\n[Service]\nTimeoutStartSec=300\n' >$QUADLETS/re-kube.kube
    KUBE=re-kube.service
else podman kube play --network=none $QUADLETS/re-kube.yaml; fi
$SYSTEMCTL daemon-reload
$SYSTEMCTL start re-unit.service re-quadlet.service re-t@1.service re-other.service re-p-pod.service re-member.service $KUBE
"""
# What a report can only say in words for these: the next start of a container without a unit, and what is to be edited.
BY_HAND = START + r"""
podman restart -t 0 re-none re-compose
sed -i 's/ --memory=64m / --memory=128m --memory-swap=128m /' $UNITS/re-unit.service
sed -i 's/memory: 64Mi/memory: QUANTITY/' $QUADLETS/re-kube.yaml
$SYSTEMCTL daemon-reload
$SYSTEMCTL restart re-unit.service
if [ -e $QUADLETS/re-kube.kube ]; then $SYSTEMCTL restart re-kube.service
else podman kube play --replace --network=none $QUADLETS/re-kube.yaml; fi
"""
LOOK = r"""
podman inspect --format '{{.Name}} {{.State.Pid}}' %s | while read -r name pid; do
    echo $name $(cat /sys/fs/cgroup$(cut -d: -f3 /proc/$pid/cgroup | sed 's|/container$||')/memory.max)
done
""" % " ".join(NAMES)
REMOVE = START + r"""
$SYSTEMCTL stop re-unit.service re-quadlet.service re-t@1.service re-other.service re-p-pod.service $(cd $QUADLETS && ls re-kube.kube | sed 's/kube$/service/')
podman pod rm -f -i -t 0 re-kube
podman rm -f -i -t 0 re-none re-compose
rm -rf $UNITS/re-unit.service $QUADLETS/re-*
$SYSTEMCTL daemon-reload
"""
POLICY = parse_policy({"rules": [{"name": "larger", "match": "true", "memory": {"min": "128m"}}]}, "test")


@pytest.fixture(scope="module")
def hosts(request, fleet):
    """The hosts with a container of each manager: {name: Host}."""
    chosen = {name: fleet[name] for name in host_names(request.config) if name in HOSTS}
    if not chosen:
        pytest.skip("none of %s is in --fleet-hosts" % ", ".join(HOSTS))
    everywhere(chosen, MAKE)
    yield chosen
    everywhere(chosen, REMOVE)


def everywhere(hosts, script, as_root=False):
    """Run a shell script on all hosts, for all users side by side; return {(host, user): its output}."""
    keys = [(name, user) for name in hosts for user in USERS]

    def one(key):
        text = script[key] if isinstance(script, dict) else script
        done = hosts[key[0]].run(["bash", "-s"], user="root" if as_root else key[1], input=text, timeout=900, check=False)
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
        for finding in findings:
            remedies[host, finding["user"], finding["container"]] = finding["remedy"]
    expected = {name: str(128 * MIB) for name in NAMES}
    # all of a user's, in one paste, as the root of the host
    pasted = {(host, user): "set -e\n" + "\n".join(remedies[host, user, name] for name in NAMES) for host in hosts for user in USERS}
    everywhere(hosts, pasted, as_root=True)
    for key, text in everywhere(hosts, LOOK).items():
        assert dict(line.split() for line in text.splitlines()) == expected, (key, pasted[key])
    said = {(host, user): sentences(remedies, host, user) for host in hosts for user in USERS}
    everywhere(hosts, {key: BY_HAND.replace("QUANTITY", quantity) for key, quantity in said.items()})
    for key, text in everywhere(hosts, LOOK).items():
        assert dict(line.split() for line in text.splitlines()) == expected, (key, pasted[key])


def sentences(remedies, host, user):
    """What the report says about files: checked, and of the YAML the quantity that it names."""
    file = "/srv/re/compose.yaml: write mem_limit: 128m and memswap_limit: 128m into its service web,"
    assert "\n# the next up takes what is in " + file in remedies[host, user, "re-compose"]
    yaml = re.search(r"\n# the next podman kube play takes what is in (.+): write memory: (\w+) into resources.limits of ", remedies[host, user, "re-kube-c"])
    assert yaml.group(1) == ("/etc/containers/systemd/re-kube.yaml" if user == "root" else "the YAML of its pod")
    assert "\n# and put --memory=128m --memory-swap=128m into the podman run of " in remedies[host, user, "re-unit"]
    return yaml.group(2)
