# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role audit_schedule on a real controller: its timers audit another host, and everything can be taken away.

The controller is a test host with ansible-core of its own. It has no network: an ssh tunnel from here leads to the
host that it audits.
"""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import subprocess
import sys
import tarfile
import time

import pytest
from control import HOST_PATIENCE, PATIENCE, REPO

from fleet import paths, ssh

HOME = "/opt/controller"
REPORTS = HOME + "/reports"
TUNNEL = 22022
# Enough for ansible-playbook; without cryptography there is only no vault.
PACKAGES = ("ansible-core>=2.20,<2.22", "jinja2", "PyYAML", "MarkupSafe", "packaging", "resolvelib", "jmespath")
WRAPPER = """#!/usr/bin/python3
import sys
sys.path.insert(0, "%s/lib")
from ansible.cli.playbook import main
main()
""" % HOME
COMMON = {
    "audit_schedule_controller": "all", "audit_schedule_reports": REPORTS,
    "audit_schedule_executable": HOME + "/ansible-playbook", "audit_schedule_directory": HOME,
    "audit_schedule_environment": {"ANSIBLE_COLLECTIONS_PATH": HOME + "/collections"},
    "audit_schedule_extra_vars": {"oom_audit_timeout": PATIENCE, "oom_audit_host_timeout": HOST_PATIENCE},
    "audit_schedule_randomized_delay": "0",
}
FAR = "2099-01-01 00:00:00"
# The first one audits the other host; the second one also one that isn't there.
FIRST = {"audit_schedule_name": "fleet-first", "audit_schedule_inventory": HOME + "/inventory.yml"}
SECOND = {"audit_schedule_name": "fleet-second", "audit_schedule_inventory": HOME + "/with-gone.yml"}
CRON = {
    "audit_schedule_name": "fleet-cron", "audit_schedule_backend": "cron", "audit_schedule_inventory": "a file",
    # cron gives a meaning to %, and the shell to the rest
    "audit_schedule_executable": "/bin/echo", "audit_schedule_arguments": ["--limit=50%;'web' $HOME"],
}


def python_of(one):
    """The version of the controller's python3, such as 3.13."""
    return one.run(["python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).stdout.strip()


def ansible_for(python):
    """A tar of ansible-core for that Python, made once."""
    target = paths.CACHE / ("controller-python%s.tar.gz" % python)
    if not target.exists():
        folder = target.with_suffix(".lib")
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--target", str(folder), "--no-deps", "--no-compile",
             "--ignore-requires-python",  # it would look at the Python that pip runs on
             "--python-version", python, "--only-binary", ":all:", "--platform", "manylinux_2_28_x86_64",
             "--platform", "manylinux_2_17_x86_64", "--platform", "manylinux2014_x86_64", *PACKAGES],
            check=True, stdin=subprocess.DEVNULL, timeout=600)
        new = target.with_suffix(".new")
        with tarfile.open(new, "w:gz", compresslevel=1) as archive:
            archive.add(folder, "lib", filter=lambda each: None if "/ansible_test" in each.name else each)
        new.replace(target)
    return target.read_bytes()


def unpack(one, data, folder):
    """A tar into a directory of the host."""
    line = [*ssh.command(one.name, one.port, "root"), "--", "mkdir -p %s && tar -xzf - -C %s" % (folder, folder)]
    subprocess.run(line, input=data, check=True, timeout=HOST_PATIENCE)


def collection():
    """A tar of what an installed collection has."""
    names = subprocess.run(
        ["git", "-C", str(REPO), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "galaxy.yml", "meta", "playbooks", "plugins", "roles"],
        check=True, capture_output=True).stdout
    return subprocess.run(["tar", "-C", str(REPO), "--null", "--files-from=-", "-czf", "-"], input=names, check=True,
                          capture_output=True).stdout


def inventory_of(other, *more):
    """The audited host as the controller reaches it, and others."""
    known = {
        "ansible_host": "127.0.0.1", "ansible_port": TUNNEL, "ansible_user": "root", "ansible_ssh_private_key_file": HOME + "/key",
        "ansible_python_interpreter": "/usr/bin/python3", "ansible_ssh_common_args": " ".join(ssh.options())}
    gone = {"ansible_host": "127.0.0.1", "ansible_port": 1}
    return json.dumps({"all": {"hosts": {other.name: known, **{name: gone for name in more}}}})


@contextlib.contextmanager
def tunnel(one, other):
    """While it is open, TUNNEL on the controller leads to the other host's sshd."""
    line = ssh.command(one.name, one.port, "root", multiplex=False)
    line[1:1] = ["-N", "-o", "ExitOnForwardFailure=yes", "-o", "ServerAliveInterval=20",
                 "-R", "127.0.0.1:%d:127.0.0.1:%d" % (TUNNEL, other.port)]
    process = subprocess.Popen(line, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture(scope="module")
def controller(one, fleet):
    """The controller, with ansible-core, the collection, the key and inventories."""
    other = next((host for name, host in fleet.items() if name != one.name), one)
    one.run("mkdir -p /etc/cron.d")  # no cron is installed there
    unpack(one, ansible_for(python_of(one)), HOME)
    unpack(one, collection(), HOME + "/collections/ansible_collections/podman_fleet/memory")
    one.put(HOME + "/ansible-playbook", WRAPPER, mode=0o755)
    one.put(HOME + "/key", paths.SSH_KEY.read_text(encoding="ascii"), mode=0o600)
    one.put(HOME + "/inventory.yml", inventory_of(other))
    one.put(HOME + "/with-gone.yml", inventory_of(other, "gone"))
    one.other = other
    with tunnel(one, other):
        yield one
    one.run("rm -rf " + HOME)


@pytest.fixture(scope="module")
def apply(controller, control, tmp_path_factory):
    """Call with schedules: the role makes them, in one run of Ansible; returns the output."""
    playbook = tmp_path_factory.mktemp("schedule") / "schedules.yml"

    def call(*schedules, words=(), **changes):
        tasks = [{"ansible.builtin.include_role": {"name": "podman_fleet.memory.audit_schedule"},
                  "vars": {**COMMON, **each, **changes}} for each in schedules]
        playbook.write_text(json.dumps([{"hosts": controller.name, "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
        # many small tasks on a slow host: one connection each is enough
        before, control.env = control.env, dict(control.env, ANSIBLE_PIPELINING="true")
        try:
            done = control.playbook(str(playbook), *words)
        finally:
            control.env = before
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return call


def changed(output):
    """The names of tasks that changed something, in order."""
    task, found = None, []
    for line in output.splitlines():
        start = re.match(r"TASK \[(?:.* : )?(.*)\] \*", line)
        task = start.group(1) if start else task
        if line.startswith("changed: "):
            found.append(task)
    return found


def traces(one, *names):
    """What there is of schedules, by path and by systemd's word."""
    script = """
for name in %s; do
    ls -d /etc/$name /etc/cron.d/$name /etc/systemd/system/$name.* /etc/systemd/system/*.wants/$name.* \
        /var/lib/systemd/timers/stamp-$name.* 2>/dev/null
    systemctl list-units --all --no-legend --plain "$name.*"
done; true""" % " ".join(names)
    return one.run(script).stdout.split()


def wait_for(one, script, seconds=HOST_PATIENCE):
    """The output of a shell script as soon as it succeeds."""
    end = time.monotonic() + seconds
    while True:
        done = one.run(script, check=False)
        if done.returncode == 0:
            return done.stdout
        assert time.monotonic() < end, "not in %d s: %s\n%s%s\n%s" % (
            seconds, script, done.stdout, done.stderr, one.run("journalctl -n 60 --no-pager -u 'fleet-*'", check=False).stdout)
        time.sleep(2)


def journal(name):
    return "journalctl -q --no-pager -o cat -u %s.service" % name


def test_check_mode_makes_nothing(controller, apply):
    output = apply(FIRST, words=["--check", "--diff"], audit_schedule_calendar=FAR)
    assert "+OnCalendar=" + FAR in output and "Write the timer" in changed(output)
    assert traces(controller, "fleet-first") == []


@pytest.fixture(scope="module")
def scheduled(controller, apply):
    """The first schedule and cron's, with times that are far away."""
    return apply(FIRST, CRON, audit_schedule_calendar=FAR)


def test_the_units_are_good_and_the_timer_waits(controller, scheduled):
    assert scheduled.count("included: ") > 5 and "Start the timer" in changed(scheduled)
    said = controller.run("systemd-analyze verify /etc/systemd/system/fleet-first.*; systemctl is-enabled fleet-first.timer;"
                          " systemctl is-active fleet-first.timer fleet-first.service", check=False)
    assert said.stdout.split() == ["enabled", "active", "inactive"], said.stdout + said.stderr
    assert "fleet-first" not in said.stderr


def test_cron_has_one_line_that_works(controller, scheduled):
    lines = controller.run("stat -c '%U %a' /etc/cron.d/fleet-cron && cat /etc/cron.d/fleet-cron").stdout.splitlines()
    assert lines.pop(0) == "root 644"
    lines = [line for line in lines if not line.startswith("#")]
    path, entry = lines[0], lines[1]
    assert path.startswith("PATH=/") and len(lines) == 2
    fields = re.match(r"17 3 \* \* \* root (.*)", entry)
    assert fields and "%" not in entry
    # as cron runs it: sh, and next to nothing in the environment
    said = controller.run("env -i %s HOME=/root /bin/sh -c %s" % (path, shlex.quote(fields.group(1)))).stdout
    assert said == "--inventory a file --extra-vars @/etc/fleet-cron/vars.json --limit=50%;'web' $HOME podman_fleet.memory.audit\n"
    assert "fleet-cron" not in controller.run("ls /etc/systemd/system").stdout


@pytest.fixture(scope="module")
def fired(controller, apply, scheduled):
    """Both timers fire at the same times, until one has made a report and one has been skipped; returns what was changed."""
    output = apply(FIRST, SECOND, audit_schedule_calendar="*-*-* *:*:0/10")
    wait_for(controller, "test -e %s/latest/report.json && { %s; %s; } | grep 'another run is under way'" % (
        REPORTS, journal("fleet-first"), journal("fleet-second")))
    controller.run("systemctl stop fleet-first.timer fleet-second.timer")
    # a oneshot service that runs is `activating`
    wait_for(controller, "! systemctl list-units --no-legend --state=activating 'fleet-*.service' | grep . &&"
                         " ! systemctl list-jobs | grep fleet-")
    return output


def test_new_times_change_the_timer_alone(fired):
    """Of the schedule that was there before."""
    first = fired[:fired.index("PLAY RECAP")].split("TASK [podman_fleet.memory.audit_schedule : Validating")[1]
    assert changed(first) == ["Write the timer", "Start the timer"]


def test_the_timer_audits_the_other_host(controller, fired):
    report = json.loads(controller.run("cat $(ls -d %s/2*/ | head -1)report.json" % REPORTS).stdout)
    entry = {each["name"]: each for each in report["hosts"]}[controller.other.name]
    assert entry["status"] in ("checked", "partial"), entry.get("message")
    assert report["run"]["controller"] == controller.name
    said = controller.run("%s; %s" % (journal("fleet-first"), journal("fleet-second"))).stdout
    assert "Podman memory audit" in said and "\x1b[" not in said


def test_an_overlapping_run_is_skipped_with_a_message_and_is_no_failure(controller, fired):
    said = controller.run("%s; %s" % (journal("fleet-first"), journal("fleet-second"))).stdout
    assert re.search(r"another run is under way \(pid \d+ since 20\S+Z\): skipped", said), said
    status = controller.run("journalctl -q --no-pager -o cat _PID=1 -u fleet-first.service -u fleet-second.service"
                            " | grep -A1 'status=75' | tail -2").stdout
    assert "Failed with result" not in status


def test_a_failure_is_in_systemctl_failed(controller, fired):
    """The second schedule has a host that isn't there: alone, it makes its report and ends with Ansible's exit code 4."""
    controller.run("systemctl start fleet-second.service", check=False, timeout=HOST_PATIENCE)
    failed = controller.run("systemctl --failed --plain --no-legend").stdout
    assert "fleet-second.service" in failed and "fleet-first.service" not in failed
    report = json.loads(controller.run("cat %s/latest/report.json" % REPORTS).stdout)
    assert {each["name"]: each["status"] for each in report["hosts"]}["gone"] == "not_checked"


def test_absent_takes_away_all_but_the_reports(controller, apply, fired):
    before = controller.run("ls %s" % REPORTS).stdout
    apply(FIRST, SECOND, {**CRON, "audit_schedule_reports": "/var/lib/fleet-cron"}, audit_schedule_state="absent")
    assert traces(controller, "fleet-first", "fleet-second", "fleet-cron") == []
    assert "fleet-" not in controller.run("systemctl --failed --plain --no-legend").stdout
    assert controller.run("ls %s" % REPORTS).stdout == before
