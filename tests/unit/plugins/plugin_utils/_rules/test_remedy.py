# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remedies: each command has exactly the words that it should have, whatever containers, users, units, cgroups and hosts are called."""

from __future__ import annotations

import itertools
import json
import random
import re
import shlex
import shutil
import subprocess

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.quadlet import DROP_IN
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._model.container_key import ContainerKey, ContainerKeys
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.policy import Decision
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules import remedy
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules.evidence import (
    evidence_findings,
    invalid_container_findings,
    not_checked_finding,
)

MIB = 1024 * 1024
NAMES = ["web", "it's; rm -rf /", "$(reboot)", "`reboot`\n", "-h", "\x1b[2J\u202e", "日本語"]
MANAGERS = [{"kind": kind, "unit": unit} for kind in ("none", "quadlet", "systemd", "compose", "kube")
            for unit in (None, "a b'.service")]


def remedies(container, key):
    """Return one of each kind."""
    return [
        remedy.HOST_OOM_REMEDY, remedy.KERNEL_LOG_REMEDY, remedy.cgroup_v2_remedy(key.name),
        remedy.first_limit_remedy(container, key, Decision()),
        remedy.bound_remedy(container, key, 5 * MIB),
        remedy.higher_limit_remedy(container, key, 64 * MIB), remedy.higher_limit_remedy(container, key, None),
        remedy.oom_group_remedy(key.name, container, key, True),
        remedy.persist_remedy(key.name, container, key, {"limit", "oom_group"}),
        remedy.shared_limit_remedy("/a/%s" % key.name), remedy.shared_limit_remedy(None),
        remedy.memory_stalls_remedy("/a/%s" % key.name, MIB), remedy.memory_stalls_remedy(None, None),
        remedy.drift_remedy(container, key),
    ]


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
@pytest.mark.parametrize("user", ["root", "alice; reboot"])
def test_a_shell_can_read_them(container, user):
    texts = []
    for name, manager in itertools.product(NAMES, MANAGERS):
        key = ContainerKey(name, user, name, manager["unit"])
        texts += remedies(container(name=name, user=user, manager=manager), key)
    assert all(text.strip() and text.isprintable() for part in texts for text in part.splitlines())
    subprocess.run(["bash", "-n"], input="\n".join(texts), text=True, check=True, env={"LC_ALL": "C.UTF-8"})


@pytest.mark.parametrize("limit, expected", [
    # at most double, then by 100 MiB, then by a fifth
    (20 * MIB, "48m"), (64 * MIB, "128m"), (200 * MIB, "304m"), (1000 * MIB, "1200m")])
def test_the_next_limit(container, limit, expected):
    text = remedy.higher_limit_remedy(container(), ContainerKey("web", "root", "web", None), limit)
    assert "--memory=%s --memory-swap=%s " % (expected, expected) in text


# Texts that mean something to a shell, sudo's second shell, Ansible's templates and patterns, systemctl, and terminals.
PIECES = ["{{ lookup('pipe', 'touch /tmp/x') }}", "{%", "{#", "}}", "$(touch x)", "$HOME", "`touch x`", ";", "&&", "|", ">", "<", "\n", "\r", "\0", "'",
          '"', "\\", "*", "?", "[1:9]", "!", "&", ":", "~", "@", ",", "#", "-", "--help", "-e", "..", "/", "../", "\x1b[2J", "\u202e", "é", "日本", "\ud800",
          " ", "\t", "=", "%s", "%", "all", "ungrouped", "localhost", "web", "a", "alice", "root", "1000", "0", "7" * 300, ".service", ".scope", ".slice"]
GOOD = {
    "name": ["web", "a.b_c-d", "0", "A"], "user": ["root", "alice", "alice@ad.example.com", "AD\\alice"],
    "unit": ["web.service", "a@b.service", "x\\x2dy.service"],
    "file": ["/etc/containers/systemd/web.container", "/etc/containers/systemd/users/t@.container", "/a/b@1.container", "/a/web.service"],
    "pod_unit": ["p-pod.service"],
    "host": ["h", "web1.example.com", "10.0.0.1", "2001:db8::1"],
    "scope": ["/machine.slice", "/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope"]}
IDENT = "c" * 64
# An oracle of its own: what may be in a word of each kind.
GRAMMAR = {
    "name": r"[a-zA-Z0-9][a-zA-Z0-9_.-]*", "user": r"(?!\d+$)[A-Za-z0-9_][A-Za-z0-9_.@\\-]*", "unit": r"[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*\.[a-z]+",
    "host": r"(?!(all|ungrouped)$)[A-Za-z0-9_][A-Za-z0-9_.-]*|2001:db8::1", "scope": r"(/(?!\.\.?(/|$))[A-Za-z0-9:_.\\@-]+)+"}
SIZE, NUMBER = r"\d+[kmgt]?", r"-?\d+"
REMARK = re.compile(r"# [A-Za-z0-9 .,:=%/_@\\-]+")


def fits(kind, text):
    return re.fullmatch(GRAMMAR[kind], text, re.A) is not None


def is_line(text):
    """Whether it is what is appended to a drop-in."""
    option = r"--(memory(-swap)?=(%s|%s)|cgroup-conf=memory\.oom\.group=[01])" % (SIZE, NUMBER)
    return re.fullmatch(r"\[Container\]\\nPodmanArgs=%s( %s)*\\n" % (option, option), text) is not None


def is_expected(words, meant):
    """Whether a command is one of those that a remedy may have, about what is meant and nothing else."""
    name = meant["name"] if fits("name", meant["name"]) else IDENT
    if words[:1] == ["printf"] and "|" in words:
        assert words[2] == "|" and is_line(words[1])
        words = words[3:]
        assert words[:1] == ["sudo"]
    own = ["systemctl"]
    if words[:2] == ["sudo", "-iu"]:
        assert fits("user", meant["user"]) and meant["user"] != "root" and words[2:4] == [meant["user"], "--"]
        own = ["sudo", "-iu", meant["user"], "--", "env", "XDG_RUNTIME_DIR=/run/user/$(id", "-u", "--", meant["user"] + ")", "systemctl", "--user"]
        if words[:len(own)] == own:
            words = ["systemctl", *words[len(own):]]
        else:
            words = words[4:]
            assert words[0] in ("podman", "journalctl", "mkdir", "tee")
    group = "/sys/fs/cgroup%s/memory." % meant["scope"].rstrip("/")
    file = meant["file"].rpartition("/")[2]
    folder = ("/etc/containers/systemd/%s.d" if meant["user"] == "root" else ".config/containers/systemd/%s.d") % file
    if words[:2] == ["podman", "update"]:
        return words[-2:] == ["--", name] and all(re.fullmatch("--memory(-swap)?=(%s|%s)" % (SIZE, NUMBER), each) for each in words[2:-2])
    if words[0] == "ansible" and words[1] == "-b":
        options = json.loads(words[5])
        return words[1:5] == ["-b", "-m", "podman_fleet.memory.container_memory", "-a"] and words[6:] == ["--", meant["host"]] \
            and fits("host", meant["host"]) and (options.pop("name"), options.pop("user")) == (name, meant["user"]) and fits("user", meant["user"]) \
            and set(options) <= {"oom_group", "memory", "memory_swap"} and not re.search("{{|{%|{#", words[5])
    if words[0] == "ansible":
        return words == ["ansible", "-m", "ansible.builtin.ping", "--", meant["host"]] and fits("host", meant["host"])
    if words[0] == "ansible-playbook":
        return words == ["ansible-playbook", "podman_fleet.memory.prepare", "--check", "--diff", "--limit=" + meant["host"]] \
            and fits("host", meant["host"])
    if words[:2] == ["systemctl", "show"]:
        names = [meant["scope"].rstrip("/").rsplit("/", 1)[-1]] if "SourcePath" not in words else [meant["unit"]]
        return words[-2:] == ["--", *names] and fits("unit", words[-1])
    if words[0] == "grep":
        return words[:3] == ["grep", ".", "--"] and (fits("scope", meant["scope"].rstrip("/")) or words[3:] == ["/proc/pressure/memory"]) \
            and all(each == "/proc/pressure/memory" or re.fullmatch(re.escape(group) + "[a-z]+", each) for each in words[3:])
    if words[0] == "systemctl":
        assert fits("unit", words[-1]) and words[-1] in (meant["unit"], meant["pod_unit"])
        return words == ["systemctl", "daemon-reload", "&&", *own, "restart", "--", words[-1]]
    if words[0] == "mkdir":
        return words == ["mkdir", "-p", "--", folder] and fits("unit", file)
    if words[0] == "tee":
        return words == ["tee", "-a", "--", folder + "/50-podman-fleet-memory.conf"] and fits("unit", file)
    if words[0] == "printf":
        return is_line(words[1]) and words[2:] == [">>", folder + "/50-podman-fleet-memory.conf"] and fits("unit", file)
    return words in (["podman", "info"], ["podman", "ps", "--all"], ["podman", "container", "inspect", "--", IDENT],
                     ["journalctl", "--lines=1"], ["journalctl", "--dmesg", "--lines=1"])


def hostile(chance, kind):
    """A text for a name of some kind: three of four are made of what means something, the others are good."""
    return chance.choice(GOOD[kind]) if chance.random() < 0.25 else "".join(chance.choice(PIECES) for _piece in range(chance.randint(1, 4)))


def all_remedies(container, meant, manager, podman):
    labels = {"com.docker.compose.project.working_dir": meant["scope"], "com.docker.compose.project.config_files": meant["file"],
              "com.docker.compose.service": meant["name"]}
    own = container(name=meant["name"], user=meant["user"], manager=manager, labels=labels)
    key = ContainerKey("x", meant["user"], meant["name"], manager["unit"])
    gaps = {"sources": [{"name": name, "user": meant["user"], "status": "unavailable", "detail": None} for name in ("podman", "systemd")]}
    left_out = {"errors": [{"source": "podman", "user": meant["user"], "message": "x", "container": meant["name"], "container_id": ident}
                           for ident in (IDENT, meant["name"])]}
    return [
        remedy.first_limit_remedy(own, key, Decision(), podman), remedy.bound_remedy(own, key, 5 * MIB, podman),
        remedy.higher_limit_remedy(own, key, 64 * MIB, podman), remedy.higher_limit_remedy(dict(own, gone=True), key, 64 * MIB, podman),
        remedy.oom_group_remedy(meant["host"], own, key, True, podman),
        remedy.persist_remedy(meant["host"], own, key, {"limit", "oom_group"}, podman),
        remedy.shared_limit_remedy(meant["scope"], meant["user"]), remedy.shared_limit_remedy(meant["scope"]),
        remedy.memory_stalls_remedy(meant["scope"], MIB), remedy.drift_remedy(own, key),
        remedy.cgroup_v2_remedy(meant["host"]),
        *(each["remedy"] for each in invalid_container_findings("h", left_out, ContainerKeys(left_out))),
        not_checked_finding(meant["host"], "failed", "x")["remedy"], *(each["remedy"] for each in evidence_findings("h", gaps, "root"))]


def test_each_command_has_the_words_that_it_should_have(container):
    chance = random.Random(14)
    counts = {"commands": 0, "none": 0}
    for _round in range(2000):
        meant = {kind: hostile(chance, kind) for kind in GOOD}
        manager = {"kind": chance.choice(["none", "quadlet", "systemd", "compose", "kube"]), "unit": meant["unit"],
                   "file": chance.choice([None, meant["file"]]), "pod_unit": chance.choice([None, meant["pod_unit"]])}
        podman = chance.choice([(), (4, 2), (4, 9), (5, 0), (5, 4)])
        for line in "\n".join(all_remedies(container, meant, manager, podman)).split("\n"):
            if line.startswith("#"):
                # zsh knows no remarks at its prompt: nothing in them may mean anything to a shell
                assert REMARK.fullmatch(line), line
                counts["none"] += line.startswith("# no command can be shown")
            else:
                assert is_expected(shlex.split(line), meant), (line, meant)
                counts["commands"] += 1
    assert min(counts.values()) > 2000, counts


@pytest.mark.parametrize("text", [remedy.HOST_OOM_REMEDY, remedy.KERNEL_LOG_REMEDY, remedy.cgroup_v2_remedy("h")])
def test_remarks_mean_nothing_to_any_shell(text):
    assert all(REMARK.fullmatch(line) for line in text.splitlines() if line.startswith("#"))


def test_a_container_with_a_name_that_podman_does_not_take_is_meant_by_its_id(container):
    key = ContainerKey("x", "root", "{{ 7 }}", None)
    assert remedy.drift_remedy(container(name="{{ 7 }}"), key).endswith(" -- " + IDENT)
    assert '"name": "%s"' % IDENT in remedy.oom_group_remedy("h", container(name="{{ 7 }}"), key, True)
    # and where there is no id either, there is no command
    assert "podman" not in remedy.drift_remedy(container(name="{{ 7 }}", id="x"), key)


def test_of_a_user_s_manager_the_files_are_shown():
    """systemctl of the host knows nothing of its units."""
    scope = "/user.slice/user-1000.slice/user@1000.service/app.slice"
    assert "grep . -- /sys/fs/cgroup%s/memory.max" % scope in remedy.shared_limit_remedy(scope)
    assert remedy.shared_limit_remedy(scope.rpartition("/")[0]).endswith(" -- user@1000.service")


QUADLET = "/etc/containers/systemd/"


def quadlet(file="web.container", unit="web.service", pod_unit=None):
    return {"kind": "quadlet", "unit": unit, "file": file and QUADLET + file, "pod_unit": pod_unit}


def limit_for(container, manager, user="root", podman=(5, 4), **changes):
    return remedy.bound_remedy(container(manager=manager, user=user, **changes), ContainerKey("web", user, "web", manager["unit"]), 512 * MIB, podman)


@pytest.mark.parametrize("manager, folder", [
    (quadlet(), "web.container.d"), (quadlet("t@.container", "t@1.service"), "t@.container.d"),
    (quadlet("sn.container", "other.service"), "sn.container.d"), (quadlet("sub/web.container"), "web.container.d")])
def test_the_drop_in_is_that_of_the_file_that_quadlet_reads(container, manager, folder):
    """W08, seen on Debian 13: t@1.container.d is not read for an instance of t@.container, and ServiceName= names the unit alone."""
    text = limit_for(container, manager)
    assert "mkdir -p -- %s%s\n" % (QUADLET, folder) in text and ">> %s%s/%s\n" % (QUADLET, folder, DROP_IN) in text
    assert text.endswith("systemctl daemon-reload && systemctl restart -- " + manager["unit"])
    assert ("for all instances" in text) is ("@." in manager["file"])


def test_what_is_pasted_is_where_container_memory_goes_on():
    assert remedy.DROP_IN == DROP_IN


def test_a_pod_is_restarted_as_a_whole(container):
    """V7: restarting the container's unit ends the pod with its last container, and the start fails."""
    text = limit_for(container, quadlet(pod_unit="p-pod.service"))
    assert text.endswith("systemctl daemon-reload && systemctl restart -- p-pod.service") and "web.service" not in text


def test_a_users_quadlet_is_written_as_the_user(container):
    text = limit_for(container, quadlet(), user="alice")
    assert "| sudo -iu alice -- tee -a -- .config/containers/systemd/web.container.d/" in text
    assert text.endswith("sudo -iu alice -- env XDG_RUNTIME_DIR=/run/user/$(id -u -- alice) systemctl --user restart -- web.service")


@pytest.mark.parametrize("manager", [quadlet(None), quadlet("web.service")])
def test_without_the_file_it_is_a_sentence(container, manager):
    text = limit_for(container, manager)
    assert "mkdir" not in text and "systemctl show -p SourcePath -- web.service" in text


def test_quadlet_before_drop_ins(container):
    text = limit_for(container, quadlet(), podman=(4, 9))
    assert "mkdir" not in text and "write PodmanArgs=--memory=512m --memory-swap=512m into the section Container of %sweb.container" % QUADLET in text


@pytest.mark.parametrize("podman, status, update, forgets", [
    ((5, 4), "running", True, False), ((5, 1), "exited", True, False), ((5, 0), "running", True, True), ((4, 3), "running", True, True),
    ((4, 9), "exited", False, True), ((4, 2), "running", False, True), ((), "running", True, True)])
def test_podman_that_forgets_an_update(container, podman, status, update, forgets):
    """V9: Podman 4.3 to 5.0 exit with 0, and the next runs have the old limit."""
    text = limit_for(container, {"kind": "none", "unit": None}, podman=podman, state__status=status)
    assert ("podman update" in text) is update
    assert ("forgets it at the next start, what lasts is to recreate the container with --memory=512m" in text) is forgets


# of podman-compose 1.0.6 in a folder /srv/shop
COMPOSED = {"com.docker.compose.project": "shop", "com.docker.compose.project.working_dir": "/srv/shop",
            "com.docker.compose.project.config_files": "compose.yaml", "com.docker.compose.service": "web"}


@pytest.mark.parametrize("labels, where", [
    (COMPOSED, "/srv/shop/compose.yaml: write mem_limit: 512m and memswap_limit: 512m into its service web,"),
    # docker-compose gives whole paths
    (dict(COMPOSED, **{"com.docker.compose.project.config_files": "/etc/shop.yaml"}), "/etc/shop.yaml: write mem_limit: 512m"),
    (dict(COMPOSED, **{"com.docker.compose.project.config_files": "../shop.yaml"}), "/srv/shop.yaml: write mem_limit: 512m"),
    (dict(COMPOSED, **{"com.docker.compose.project.config_files": "a.yaml,b.yaml"}), "the compose file: write mem_limit: 512m"),
    (dict(COMPOSED, **{"com.docker.compose.project.working_dir": "/srv/$(reboot)"}), "the compose file: write mem_limit: 512m"),
    (dict(COMPOSED, **{"com.docker.compose.service": "web;reboot"}),
     "/srv/shop/compose.yaml: write mem_limit: 512m and memswap_limit: 512m into its service there,"),
    ({"io.podman.compose.project": "shop"}, "the compose file: write mem_limit: 512m and memswap_limit: 512m into its service there,")])
def test_what_compose_takes_at_the_next_up(container, labels, where):
    update, remark = limit_for(container, {"kind": "compose", "unit": "podman-compose@shop.service"}, labels=labels).splitlines()[1:]
    assert update == "podman update --memory=512m --memory-swap=512m -- web"
    assert remark.startswith("# the next up takes what is in " + where) and remark.endswith("deploy.resources.limits.memory change that")


@pytest.mark.parametrize("file, where", [
    ("/srv/k.yaml", "/srv/k.yaml"), (None, "the YAML of its pod"), ("/srv/`reboot`.yaml", "the YAML of its pod")])
def test_what_kube_play_takes_the_next_time(container, file, where):
    """In Kubernetes 512m is half a byte."""
    manager = {"kind": "kube", "unit": "k.service", "file": file, "pod_unit": None}
    update, remark = limit_for(container, manager, user="alice", pod="p").splitlines()[1:]
    assert update == "sudo -iu alice -- podman update --memory=512m --memory-swap=512m -- web"
    assert remark == "# the next podman kube play takes what is in %s: write memory: 512Mi into resources.limits of the container there" % where


@pytest.mark.parametrize("kind", ["compose", "kube"])
def test_of_compose_and_kube_an_update_is_forgotten_too(container, kind):
    lines = limit_for(container, {"kind": kind, "unit": None}, podman=(4, 9)).splitlines()
    assert lines[2] == "# Podman 4.9 forgets it at the next start" and len(lines) == 4


@pytest.mark.parametrize("kind, file", [("compose", "compose file"), ("kube", "pod in YAML")])
def test_neither_file_has_a_key_for_the_group(container, kind, file):
    own = container(manager={"kind": kind, "unit": None}, memory__effective__limit=300 * MIB + 4096, memory__effective__oom_group=True)
    key = ContainerKey("web", "root", "web", None)
    text = remedy.oom_group_remedy("h", own, key, True, (5, 4))
    assert text.endswith("# a %s has no standard key for memory.oom.group=1: what gives it to each new container is cgroup_conf in containers.conf, "
                         "from Podman 4.5 on" % file) and "write" not in text
    text = remedy.persist_remedy("h", own, key, {"limit", "oom_group"}, (5, 4))
    assert "memory.oom.group=1" in text and ("mem_limit: 314576896 and" if kind == "compose" else "memory: 314576896 into resources.limits of") in text


def test_what_is_removed_can_not_be_updated(container):
    text = limit_for(container, {"kind": "none", "unit": None}, gone=True)
    assert "podman update" not in text and "what runs it the next time has to have --memory=512m" in text


def test_a_unit_of_a_user_is_asked_of_the_users_manager():
    """W09: the host's systemctl answers infinity for the unit that it does not know."""
    scope = "/user.slice/user-1000.slice/user@1000.service/app.slice/web.service"
    assert remedy.shared_limit_remedy(scope, "alice").endswith(
        "sudo -iu alice -- env XDG_RUNTIME_DIR=/run/user/$(id -u -- alice) systemctl --user show -p MemoryMax -p MemoryHigh -p MemoryCurrent -- web.service")
