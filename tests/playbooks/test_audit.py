# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The audit as people run it: ansible-playbook with the playbook, on this machine and on hosts that aren't there."""

from __future__ import annotations

import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading

import pytest

pytest.importorskip("ansible")

ROOT = pathlib.Path(__file__).parents[2]
REPORT = ROOT / "tests" / "unit" / "fixtures" / "report" / "debian13-podman5.4.2.json"
# Nobody listens at port 1: refused at once.
INVENTORY = """
all:
  hosts:
    here: {ansible_connection: local, ansible_python_interpreter: "%(python)s"}
    "odd name/..:x": {ansible_connection: local, ansible_python_interpreter: "%(python)s"}
    "{{ 7 * 7 }}": {ansible_connection: local, ansible_python_interpreter: "%(python)s"}
    nopython: {ansible_connection: local, ansible_python_interpreter: /nonexistent/python}
    slow: {ansible_connection: local, ansible_python_interpreter: "%(slow)s"}
    gone: {ansible_host: 127.0.0.1, ansible_port: 1, ansible_user: root}
    away: {ansible_host: 127.0.0.1, ansible_port: 1, ansible_user: root}
    unset: {ansible_connection: local, ansible_user: "{{ nowhere }}"}
"""
# A stand-in by the name of the callback whose output programs read.
CALLBACK = """
DOCUMENTATION = "name: json\\ntype: stdout\\nshort_description: prints JSON only\\ndescription: prints JSON only"
from ansible.plugins.callback import CallbackBase
class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "json"
    def v2_playbook_on_stats(self, stats):
        print("{}")
"""


class Audit:
    """Runs the playbook in a directory of its own."""

    def __init__(self, path):
        self.path = path
        self.reports = path / "reports"
        tree = path / "tree" / "ansible_collections" / "podman_fleet"
        tree.mkdir(parents=True)
        (tree / "memory").symlink_to(ROOT)
        slow = path / "slow"
        slow.write_text("#!/bin/sh\nsleep 60\n", encoding="ascii")
        slow.chmod(0o755)
        (path / "inventory.yml").write_text(
            INVENTORY % {"python": sys.executable, "slow": slow}, encoding="ascii")
        (path / "callback_plugins").mkdir()
        (path / "callback_plugins" / "json.py").write_text(CALLBACK, encoding="ascii")

    def run(self, *arguments, playbook="podman_fleet.memory.audit", **environment):
        """Return (exit code, standard output)."""
        env = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        env.update(ANSIBLE_COLLECTIONS_PATH=str(self.path / "tree"), ANSIBLE_HOME=str(self.path / "home"),
                   ANSIBLE_CALLBACK_PLUGINS=str(self.path / "callback_plugins"), ANSIBLE_LOCALHOST_WARNING="false",
                   PYTHONDONTWRITEBYTECODE="1", COLUMNS="120", **environment)
        done = subprocess.run(
            [sys.executable, "-m", "ansible", "playbook", "-i", "inventory.yml", playbook,
             "-e", json.dumps({"podman_memory_become": False, "oom_audit_since": "1m"}), *arguments],
            cwd=str(self.path), env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=120, check=False)
        return done.returncode, done.stdout.decode()

    def report(self):
        """Return the latest report."""
        return json.loads((self.reports / "latest" / "report.json").read_text(encoding="ascii"))


@pytest.fixture
def audit(tmp_path):
    return Audit(tmp_path)


def test_no_host_is_lost(audit):
    code, output = audit.run("-e", json.dumps({"oom_audit_host_timeout": 10}), "-f", "8")
    assert code == 4, output
    kinds = {each["name"]: each["kind"] for each in audit.report()["hosts"]}
    assert kinds == {"here": None, "odd name/..:x": None, "{{ 7 * 7 }}": None, "nopython": "failed", "slow": "timeout",
                     "gone": "unreachable", "away": "unreachable", "unset": "failed"}
    assert "Podman memory audit" in output and "\x1b" not in output
    assert "3 of 8 hosts checked" in output
    # what the facts hold does not get into Ansible's output
    assert "podman_fleet.memory/facts/v1" not in output
    assert not list((audit.path / "home" / "tmp").iterdir())


def test_nothing_answers(audit):
    code, output = audit.run("--limit", "gone,away")
    assert code == 4
    assert "0 of 2 hosts checked" in output
    assert audit.report()["summary"]["hosts"]["not_checked"] == 2
    assert audit.report()["run"]["limit"] == "gone,away"


def test_failed_is_not_unreachable_and_can_be_left_to_the_report(audit):
    assert audit.run("--limit", "nopython")[0] == 2
    assert audit.run("--limit", "nopython,gone", "-e", json.dumps({"oom_audit_fail_not_checked": False}))[0] == 0


def test_check_mode(audit):
    code, output = audit.run("--check", "--limit", "here")
    assert code == 0, output
    assert "no report is written" in output
    assert not audit.reports.exists()


def test_tags(audit):
    code, output = audit.run("--tags", "report", "--limit", "here")
    assert code == 2 and "Nothing was collected in this run" in output
    assert audit.run("--tags", "collect", "--limit", "here")[0] == 0
    assert not audit.reports.exists()
    code, output = audit.run("--tags", "audit", "--limit", "here", "-e", json.dumps({"oom_audit_summary": False}))
    assert code == 0 and "Podman memory audit" not in output
    assert audit.report()["summary"]["hosts"]["total"] == 1


def test_output_for_programs_stays_theirs(audit):
    code, output = audit.run("--limit", "here", ANSIBLE_STDOUT_CALLBACK="json", ANSIBLE_DEPRECATION_WARNINGS="false")
    assert code == 0 and output.strip().splitlines()[-1] == "{}"
    assert "Podman memory audit" not in output


def test_a_report_that_cannot_be_written_fails(audit):
    audit.reports.write_text("in the way", encoding="ascii")
    code, output = audit.run("--limit", "here")
    assert code == 2 and "The report cannot be written" in output


PLAY = """
- hosts: all
  gather_facts: false
  serial: 1
  roles: [podman_fleet.memory.oom_audit]
- hosts: here
  gather_facts: false
  roles: [podman_fleet.memory.oom_audit]
"""


def test_serial_and_twice_in_one_run(audit):
    (audit.path / "twice.yml").write_text(PLAY, encoding="ascii")
    code, output = audit.run("--limit", "here,odd*", playbook="twice.yml")
    assert code == 0, output
    # one report of both batches, one of the second play, which is compared with the first
    assert output.count("Podman memory audit") == 2
    assert "2 of 2 hosts checked" in output and "1 of 1 host checked" in output
    assert audit.report()["run"]["previous"]
    assert len([each for each in os.listdir(audit.reports) if each != "latest"]) == 2


def test_serial_that_ends_early_still_reports_every_host(audit):
    (audit.path / "serial.yml").write_text(PLAY.split("- hosts: here", maxsplit=1)[0], encoding="ascii")
    code, _output = audit.run("--limit", "gone,here,nopython", playbook="serial.yml")
    assert code != 0
    assert {each["name"]: each["kind"] for each in audit.report()["hosts"]} == {
        "here": None, "nopython": "failed", "gone": "waiting"}


def test_what_workflows_get_and_colours(audit):
    output = audit.run("--limit", "here,gone", ANSIBLE_SHOW_CUSTOM_STATS="true", ANSIBLE_FORCE_COLOR="1")[1]
    assert "\x1b[1;34mOOM KILLS" in output
    stats = output.split("CUSTOM STATS:")[1]
    for key in ("report", "findings", "findings_new", "oom_killed", "unprotected", "hosts", "not_checked",
                "partly_checked", "unreachable", "errors"):
        assert "podman_memory_audit_%s" % key in stats


POLICY = """
podman_memory_policy:
  rules:
    - {name: everything, match: "true", memory: {required: true, max: "{{ most | default('8g') }}"}, oom_group: true}
    - {name: databases, match: "labels.role == 'database'", oom_group: false}
  waivers:
    - {match: host.name == 'gone', rule: evidence-missing, reason: on holiday, expires: 2099-12-31}
"""


@pytest.fixture
def policy(audit):
    """Return a policy's file, with a day that is no text in YAML and a value that is a template."""
    (audit.path / "policy.yml").write_text(POLICY, encoding="ascii")
    return "@policy.yml"


def test_the_policy_is_used(audit, policy):
    code, output = audit.run("--limit", "here,gone", "-e", policy)
    assert code == 4, output
    states = {each["host"]: (each["state"], each["waiver"]) for each in audit.report()["findings"] if each["host"] == "gone"}
    assert states["gone"][0] == "waived" and states["gone"][1]["expires"] == "2099-12-31"
    assert "WAIVED  1 evidence-missing" in output


@pytest.mark.parametrize("tags", ["audit", "collect"])
def test_a_bad_policy_ends_it_before_any_host_is_asked(audit, policy, tags):
    code, output = audit.run("--limit", "here,gone", "--tags", tags, "-e", policy, "-e", "most=lots",
                             "-e", json.dumps({"oom_audit_since": "nonsense"}))
    assert code == 2
    said = " ".join(output.split())
    assert "variable podman_memory_policy of %s: rule 1 'everything': memory: max: 'lots' is not a size" % (
        audit.path / "policy.yml") in said
    assert "Look at the containers" not in output and "UNREACHABLE" not in output
    assert not audit.reports.exists()


def test_the_policy_is_checked_once_and_on_the_controller(audit, policy):
    # the first host is one that nothing can be run on
    output = audit.run("--limit", "nopython,here", "-e", policy)[1]
    part = output.split("TASK [podman_fleet.memory.oom_audit : Check the policy]")[1].split("TASK [")[0]
    assert part.count("ok: [") == 1
    code, output = audit.run("--limit", "unset,here", "-e", policy)
    assert [each["name"] for each in audit.report()["hosts"] if each["status"] != "not_checked"] == ["here"], output


EXPLAIN = """
- hosts: localhost
  gather_facts: false
  tasks:
    - podman_fleet.memory.policy_explain: {report: reports/latest, container: web, host: h}
    - podman_fleet.memory.policy_explain:
        report: reports/latest/report.json
        container: 0123456789ab
        policy: {rules: [{name: none, match: "true", oom_group: null}]}
    - podman_fleet.memory.policy_explain: {report: reports/latest, container: nothing}
"""


def test_explain(audit, policy):
    facts = {"host": {"memory_total": 1 << 30}, "containers": [
        {"id": "0123456789ab" + "c" * 52, "name": "web", "user": "root", "labels": {"role": "database"}}]}
    (audit.reports / "latest").mkdir(parents=True)
    report = json.loads(REPORT.read_text(encoding="ascii"))
    report.update(hosts=[{**report["hosts"][0], "name": "h", "facts": facts}], findings=[])
    (audit.reports / "latest" / "report.json").write_text(json.dumps(report), encoding="ascii")
    (audit.path / "explain.yml").write_text(EXPLAIN, encoding="ascii")
    code, output = audit.run("-e", policy, playbook="explain.yml")
    assert code == 2 and "has no container 'nothing'" in " ".join(output.split())
    # shown without -v
    assert "rule 2 'databases'" in output and "\"size\": \"8g\"" in output and "rule 1 'none'" in output


class Webhook:
    """Takes alerts on loopback and keeps them."""

    def __init__(self, status=200):
        taken = self.taken = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                taken.append((self.path, self.headers["Content-Type"], self.headers["Authorization"], json.loads(body)))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_arguments):  # pylint: disable=arguments-differ
                pass
        self._server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/hooks/s3cret-token" % self._server.server_port

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_exc):
        self._server.shutdown()
        self._server.server_close()


AGAIN = """
- hosts: localhost
  gather_facts: false
  tasks:
    - podman_fleet.memory.report_render: {report: reports/latest, formats: [csv, markdown], dest: .}
      register: rendered
    - podman_fleet.memory.report_compare: {report: reports/latest}
      register: compared
    - assert:
        that:
          - rendered.files | sort == ['csv', 'markdown'] and rendered.counts.hosts.total == 2
          - compared.counts.new == 0 and compared.counts.unchanged > 0 and compared.new == []
"""


def test_formats_alerts_and_failing(audit):
    """One run with everything new, one with nothing new."""
    with Webhook() as webhook:
        words = ["--limit", "here,gone", "-e", json.dumps({
            "oom_audit_fail_not_checked": False, "oom_audit_formats": ["html", "csv", "junit", "sarif", "markdown", "prometheus"],
            "oom_audit_webhook_url": webhook.url, "oom_audit_webhook_format": "slack",
            "oom_audit_webhook_headers": {"Authorization": "Bearer s3cret-token"}})]
        code, output = audit.run(*words, "-e", "oom_audit_fail_on=medium", "-v", ANSIBLE_SHOW_CUSTOM_STATS="true")
        # it fails after everything is written, sent and handed on, and names what made it fail
        assert code == 2, output
        said = " ".join(output.split())
        assert "of severity medium or worse (oom_audit_fail_on):" in said and "medium: gone: Not checked: not checked:" in said
        assert "podman_memory_audit_findings_resolved" in output and "podman_memory_audit_near_limit" in output
        latest = audit.reports / "latest"
        assert {path.name for path in latest.iterdir()} == {
            "report.json", "report.html", "report.csv", "report.junit.xml", "report.sarif", "report.md", "podman_memory_audit.prom"}
        (path, kind, authorization, body), = webhook.taken
        assert (path, kind, authorization) == ("/hooks/s3cret-token", "application/json", "Bearer s3cret-token")
        assert "`gone`: Not checked:" in body["text"]
        assert "s3cret" not in output and "s3cret" not in (latest / "report.json").read_text(encoding="ascii")

        code, output = audit.run(*words, "-e", "oom_audit_fail_on=never")
        assert code == 0, output
        assert "TREND  0 new, " in output
        assert len(webhook.taken) == 1, "nothing new, nothing sent"
    (audit.path / "again.yml").write_text(AGAIN, encoding="ascii")
    code, output = audit.run(playbook="again.yml")
    assert code == 0, output
    assert output.count("Podman memory audit") == 1 and "0 new, 0 regressed, 0 improved, 0 resolved" in output
    code, output = audit.run("--tags", "render,compare", "-e", "podman_memory_report_formats=csv,markdown", playbook="podman_fleet.memory.report")
    assert code == 0 and output.count("Podman memory audit") == 1 and "0 new, 0 regressed" in output, output
    assert (audit.path / "report.csv").read_bytes() == (latest / "report.csv").read_bytes()
    code, output = audit.run(playbook="podman_fleet.memory.rightsize")
    assert code == 0 and "Right-sizing: " in output, output
    assert {"recommendations.json", "recommendations.csv"} <= {path.name for path in latest.iterdir()}


def test_slices_are_merged_and_end_as_one_audit_would(audit):
    for name in ("here", "gone"):
        audit.run("--limit", name, "-e", json.dumps({"oom_audit_reports": "slices/" + name, "oom_audit_formats": []}))
    merged = audit.path / "merged" / "latest"

    def merge(**variables):
        return audit.run("-e", json.dumps({"podman_memory_merge_slices": "slices/*", **variables}), playbook="podman_fleet.memory.merge")

    with Webhook() as webhook:
        code, output = merge(oom_audit_webhook_url=webhook.url)
        # what is in no slice was not checked
        assert code == 2 and "6 hosts of the inventory are in no slice" in " ".join(output.split()), output
        report = json.loads((merged / "report.json").read_text(encoding="ascii"))
        assert [each["name"] for each in report["hosts"]] == ["here", "gone"] and len(report["run"]["slices"]) == 2
        assert (merged / "report.html").exists() and output.count("Podman memory audit") == 1
        assert [each[3]["new"] for each in webhook.taken] == [report["summary"]["findings"]["new"]]
    code, output = merge(oom_audit_fail_not_checked=False, oom_audit_fail_on="medium")
    assert code == 2 and "of severity medium or worse (oom_audit_fail_on):" in " ".join(output.split()), output
    code, output = merge(oom_audit_fail_not_checked=False, oom_audit_fail_on="never", oom_audit_formats=[])
    assert code == 0, output
    code, output = merge(podman_memory_merge_slices="slices/tonight-*", podman_memory_merge_reports="none")
    assert code == 2 and "slices/tonight-*: nothing matches it" in " ".join(output.split()), output
    assert not (audit.path / "none").exists()


def test_an_alert_that_is_not_taken_fails_and_keeps_its_address(audit):
    with Webhook(status=403) as webhook:
        code, output = audit.run("--limit", "here", "-vvv", "-e", json.dumps({"oom_audit_webhook_url": webhook.url}))
        assert webhook.taken[0][3]["schema"] == "podman_fleet.memory/alert/v1"
    assert code == 2
    assert "the webhook did not take the alert on its new findings (HTTP status 403" in " ".join(output.split())
    assert "s3cret" not in output
    assert audit.report()["findings"]


def test_check_mode_sends_nothing_and_fails_the_same(audit):
    with Webhook() as webhook:
        code, output = audit.run("--check", "--limit", "here", "-e", json.dumps(
            {"oom_audit_webhook_url": webhook.url, "oom_audit_fail_on": "info"}))
        assert not webhook.taken
    assert code == 2 and "Report: none is written in check mode" in output


def test_bad_settings_end_it_before_any_host_is_asked(audit):
    bad = {"oom_audit_fail_on": "hihg", "oom_audit_formats": ["pdf"], "oom_audit_webhook_format": "teams", "oom_audit_timeout": "soon"}
    problems = ("value of oom_audit_fail_on must be one of: never, critical, high, medium, low, info, got: hihg",
                "value of oom_audit_formats must be one or more of: html, csv, junit, sarif, markdown, prometheus. Got no match for: pdf",
                "value of oom_audit_webhook_format must be one of: generic, slack, got: teams", "argument 'oom_audit_timeout' is of type")
    for variables, expected in ((bad, problems), ({"oom_audit_webhook_url": "chat.example/s3cret"}, ["oom_audit_webhook_url: no address such as"]),
                                ({"oom_audit_webhook_url": "https:///s3cret"}, ["oom_audit_webhook_url: no address such as"])):
        code, output = audit.run("--limit", "here,gone", "-e", json.dumps(variables))
        assert code == 2
        for problem in expected:
            assert problem in " ".join(output.split()), output
        assert "Collect the facts" not in output and "UNREACHABLE" not in output and "s3cret" not in output
        assert output.count("fatal: [") == 1, "once for all hosts"
        assert not audit.reports.exists()
