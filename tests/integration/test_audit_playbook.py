# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook audit.yml over the fleet and a host that nobody can reach."""

from __future__ import annotations

import csv
import json
import os
import re
import socket
from xml.etree import ElementTree

import pytest
from control import HOST_PATIENCE, PATIENCE, REPO

PLAYBOOK = str(REPO / "playbooks" / "audit.yml")
GONE = "gone"
FORMATS = {"html": "report.html", "csv": "report.csv", "junit": "report.junit.xml", "sarif": "report.sarif",
           "markdown": "report.md", "prometheus": "podman_memory_audit.prom"}
# 58 of 64 MiB in the buffer of a process that waits for its reader.
NEAR = ("podman run --detach --name near-limit --network=none --memory=64m --memory-swap=64m localhost/bb:latest "
        "sh -c 'dd if=/dev/zero bs=58M | sleep 3600'")


@pytest.fixture(scope="module")
def both(control, tmp_path_factory):
    """An inventory directory: the fleet, and a host behind a closed port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("inventory")
    os.symlink(control.inventory, folder / "fleet.yml")
    (folder / "gone.yml").write_text(
        "all: {hosts: {%s: {ansible_host: 127.0.0.1, ansible_port: %d, ansible_ssh_retries: 0}}}\n" % (GONE, port),
        encoding="utf-8")
    return folder


def run(control, inventory, reports, *words, **extra):
    return control.playbook(PLAYBOOK, *words, inventory=inventory, extra={
        "oom_audit_reports": str(reports), "oom_audit_timeout": PATIENCE, "oom_audit_host_timeout": HOST_PATIENCE, **extra})


def report_of(reports):
    return json.loads((reports / "latest" / "report.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def audited(control, both, provoked, tmp_path_factory):
    """One run over everything: (CompletedProcess, reports directory)."""
    reports = tmp_path_factory.mktemp("reports")
    return run(control, both, reports, oom_audit_formats=list(FORMATS)), reports


def hosts_of(report):
    return {each["name"]: each for each in report["hosts"]}


def test_all_hosts_are_in_the_report(audited, fleet):
    done, reports = audited
    assert set(hosts_of(report_of(reports))) == set(fleet) | {GONE}, done.stdout + done.stderr


def test_the_unreachable_host_is_not_checked(audited):
    done, reports = audited
    entry = hosts_of(report_of(reports))[GONE]
    assert entry["status"] == "not_checked"
    assert "unreachable" in json.dumps(entry).lower()
    assert GONE in done.stdout
    assert done.returncode == 4, "an unreachable host is Ansible's rc 4"


def test_the_other_hosts_are_checked(audited, fleet):
    entries = hosts_of(report_of(audited[1]))
    assert {name: entries[name]["status"] for name in fleet if entries[name]["status"] == "not_checked"} == {}


def test_kills_are_findings(audited, fleet):
    """Of every host, what the scenarios left behind."""
    findings = report_of(audited[1])["findings"]
    for host in fleet:
        rules = {each["rule"] for each in findings if each["host"] == host}
        if host == "debian13-nomem":
            continue
        assert "oom-killed" in rules, (host, rules)
    killed = {(each["host"], each["user"], each["container"]) for each in findings if each["rule"] == "oom-killed"}
    for host in set(fleet) & {"debian12", "debian13", "testing"}:
        for user in ("root", "alice"):
            assert (host, user, "pid1-kill") in killed
            assert (host, user, "rm") in killed
            assert (host, user, "user-kill") not in killed
            assert (host, user, "app-exit-137") not in killed


def test_unprotected_and_old_hosts_are_findings(audited, fleet):
    findings = {(each["host"], each["rule"]) for each in report_of(audited[1])["findings"]}
    for host in set(fleet) & {"debian12", "debian13", "testing"}:
        assert {(host, "memory-limit-missing"), (host, "oom-group-mismatch")} <= findings
    if "debian12-v1" in fleet:
        assert ("debian12-v1", "cgroup-v1") in findings


def test_every_format_says_the_same(audited, fleet):
    latest = audited[1] / "latest"
    report = report_of(audited[1])
    assert {path.name for path in latest.iterdir()} == {"report.json", *FORMATS.values()}
    with open(latest / FORMATS["csv"], encoding="utf-8", newline="") as stream:
        assert [row["id"] for row in csv.DictReader(stream)] == [each["id"] for each in report["findings"]]
    suites = ElementTree.parse(latest / FORMATS["junit"]).getroot()
    assert {suite.get("name"): int(suite.get("failures")) + int(suite.get("errors")) for suite in suites} == {
        name: sum(each["host"] == name for each in report["findings"]) for name in [*fleet, GONE]}
    results = json.loads((latest / FORMATS["sarif"]).read_text(encoding="utf-8"))["runs"][0]["results"]
    assert len(results) == len(report["findings"])
    page = (latest / FORMATS["html"]).read_text(encoding="utf-8")
    assert "OOM kills" in page and page.endswith("</html>\n")
    assert 'podman_memory_audit_host_checked{host="%s"} 0' % GONE in (latest / FORMATS["prometheus"]).read_text(encoding="utf-8")
    assert "OOM kills" in (latest / FORMATS["markdown"]).read_text(encoding="utf-8")


def test_no_secret_is_in_the_report(audited):
    done, reports = audited
    for path in reports.rglob("*"):
        if path.is_file():
            assert b"hunter2xyz" not in path.read_bytes(), path
    assert "hunter2xyz" not in done.stdout + done.stderr


def test_the_summary_is_on_the_screen(audited):
    """It shows as many kills as have room, and counts the others."""
    done, reports = audited
    killed = [(each["host"], each["container"]) for each in report_of(reports)["findings"] if each["rule"] == "oom-killed"]
    assert "OOM KILLS  %d containers hit" % len(killed) in done.stdout, done.stdout
    kills = done.stdout[done.stdout.index("OOM KILLS"):done.stdout.index("NEAR LIMIT")]
    shown = re.findall(r"^ +\* (\S+) +(\S+) ", kills, re.MULTILINE)
    assert len(shown) >= 3, done.stdout
    for host, container in shown:
        assert [name for on, name in killed if on == host and name.startswith(container.rstrip("…"))], (host, container)
    assert "UNPROTECTED" in done.stdout and "memory.oom.group" in done.stdout


def test_check_mode_writes_nothing_and_says_the_same(control, one, provoked, tmp_path):
    done = run(control, control.inventory, tmp_path / "reports", "--check", "-v", "--limit", one.name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "reports").exists()
    assert "pid1-kill" in done.stdout


def test_limit(control, one, provoked, tmp_path):
    done = run(control, control.inventory, tmp_path, "--limit", one.name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(hosts_of(report_of(tmp_path))) == {one.name}


def test_the_second_report_knows_the_first(control, one, provoked, tmp_path):
    """And fails because of findings, when that is asked for; what is near its limit is resolved when it is gone."""
    one.run(NEAR, timeout=PATIENCE)
    try:
        done = run(control, control.inventory, tmp_path, "--limit", one.name, oom_audit_fail_on="critical")
    finally:
        one.run("podman rm --force --time 0 near-limit", timeout=PATIENCE)
    assert done.returncode == 2, done.stdout + done.stderr
    first = report_of(tmp_path)
    said = " ".join(done.stdout.split())
    assert "%d findings of severity critical (oom_audit_fail_on):" % first["summary"]["findings"]["by_severity"]["critical"] in said
    near = [each for each in first["findings"] if each["container"] == "near-limit" and each["rule"] == "near-limit"]
    assert [each["severity"] for each in near] == ["high"] and 0.9 < near[0]["evidence"]["share"] <= 1
    assert "NEAR LIMIT" in done.stdout and "near-limit" in done.stdout

    done = run(control, control.inventory, tmp_path, "--limit", one.name)
    assert done.returncode == 0, done.stdout + done.stderr
    second = report_of(tmp_path)
    states = {each["state"] for each in second["findings"]}
    assert "new" not in states and states
    assert near[0]["id"] in {each["id"] for each in second["resolved"]}
    assert {each["container"] for each in second["resolved"]} == {"near-limit"}
    assert "TREND  0 new, " in done.stdout
    assert len([path for path in tmp_path.iterdir() if path.is_dir() and not path.is_symlink()]) == 2


def test_without_become_the_report_says_what_is_missing(control, one, provoked, tmp_path):
    done = run(control, control.inventory, tmp_path, "--limit", one.name, ansible_user="alice", podman_memory_become=False)
    assert done.returncode == 0, done.stdout + done.stderr
    findings = report_of(tmp_path)["findings"]
    assert {each["user"] for each in findings if each["rule"] == "oom-killed"} == {"alice"}
    assert "evidence-missing" in {each["rule"] for each in findings}


def test_an_unknown_user_for_all_is_not_checked(control, one, provoked, tmp_path):
    done = run(control, control.inventory, tmp_path, "--limit", one.name, oom_audit_users=["nosuchuser"])
    assert done.returncode != 0
    entry = hosts_of(report_of(tmp_path))[one.name]
    assert entry["status"] == "not_checked" and "nosuchuser" in json.dumps(entry)
