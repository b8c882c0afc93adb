# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recorder on real hosts: what it knows when everybody else has forgotten, and what it survives.

Removes containers, empties the journals and boots the hosts again, so it comes after everything else.
"""

from __future__ import annotations

import json
import re
import shlex
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from session import host_names

from fleet import image, inventory, ssh
from scenarios import catalogue

MODULE = "podman_fleet.memory.oom_recorder"
TEXTFILES = "/var/lib/prometheus/node-exporter"
TEXTFILE = TEXTFILES + "/podman_oom_recorder.prom"
STATE = "/var/lib/podman-memory"
SERVICE = "podman-memory-recorder.service"
UNITS = "/etc/systemd/system/podman-memory-recorder"
USERS = ("root", "alice")
KILLS = 100
GUEST = Path(__file__).with_name("guest")

# No trace of the recorder, but what others may have put beside it.
GONE = (f"ls -d /opt/podman-memory /var/cache/podman-memory {TEXTFILE} {UNITS}.* {STATE}/history* "
        "/etc/systemd/system/timers.target.wants/podman-memory* 2>/dev/null; systemctl list-units --all --no-legend 'podman-memory*'")
# The container lives for a second and is gone: only the journal and the kernel's buffer know of it.
ONCE = ("podman run --rm --network=none --name once-{user} --memory=20m localhost/bb:latest sort /dev/zero; "
        "podman run -d --network=none --name stays-{user} --memory=64m localhost/bb:latest sleep 50000")
# alice's entry is no kill of hers, and keeps no other from being recorded.
NO_END = ("printf 'PODMAN_EVENT=died\\nPODMAN_TYPE=container\\nPODMAN_ID=%s\\nPODMAN_LABELS=%s\\nMESSAGE=x\\n' " + "ab" * 32 + " '" + "[" * 2000
          + "' | logger --journald")
FORGET = "podman container rm -fi -t 0 once-{user} stays-{user} >/dev/null; podman system prune -f >/dev/null"
STOPPED = (f"systemctl stop podman-memory-recorder.timer; systemctl start --no-block {SERVICE}; "
           f"until [ $(systemctl show --property=MainPID --value {SERVICE}) != 0 ]; do sleep 0.05; done; "
           f"systemctl stop {SERVICE}; systemctl is-failed {SERVICE}")
VACUUM = ("journalctl --rotate --vacuum-time=1s; sleep 1; journalctl --rotate --vacuum-time=1s; "
          "journalctl -q -o json _TRANSPORT=kernel | grep -c oom-kill:")


def each(hosts, work):
    """work(host) on all of them, side by side: {name: result}."""
    with ThreadPoolExecutor() as pool:
        return dict(zip(hosts, pool.map(work, hosts.values())))


def one_of(hosts):
    """The name of the host for what one is enough for."""
    return "debian13" if "debian13" in hosts else next(iter(hosts))


@pytest.fixture(scope="module")
def hosts(request, fleet):
    """The hosts with cgroup v2."""
    found = {name: fleet[name] for name in host_names(request.config) if name in catalogue.V2_HOSTS}
    each(found, lambda host: host.run("mkdir -p " + TEXTFILES))
    return found


@pytest.fixture(scope="module")
def planned(hosts, control):
    """What check mode says before anything is there."""
    return control.module(tuple(hosts), module=MODULE, check=True)


def test_check_mode_changes_nothing(hosts, planned):
    for name, told in planned.items():
        assert (told.status, told.result["changed"]) == ("ok", True), told
    for name, done in each(hosts, lambda host: host.run(GONE, check=False)).items():
        assert not done.stdout.strip(), (name, done.stdout)


@pytest.fixture(scope="module")
def installed(hosts, planned, control):
    """The recorder is there; with what the module said the first and the second time."""
    return control.module(tuple(hosts), module=MODULE), control.module(tuple(hosts), module=MODULE)


def test_install_is_idempotent_and_check_mode_told_the_same(planned, installed):
    for name, first in installed[0].items():
        assert first.result["changed"] and first.result["recorder"] == planned[name].result["recorder"]
        assert installed[1][name].result["changed"] is False, installed[1][name]


@pytest.fixture(scope="module")
def recorded(hosts, installed):
    """A container of each user was killed and is gone; the timer's own run has read of it: {name: {seconds, textfile}}."""
    def one(host):
        host.run(NO_END, user="alice")
        for user in USERS:
            host.run(ONCE.format(user=user), user=user, check=False, timeout=240)
        began = time.monotonic()
        # by the timer, not by us
        seen = host.run(f"for i in $(seq 240); do grep -q 'name=\"once-root\"' {TEXTFILE} && grep -q 'name=\"once-alice\"' {TEXTFILE} "
                        f"&& grep -q 'info.*stays-alice' {TEXTFILE} && exit 0; sleep 1; done; exit 1", check=False, timeout=600)
        assert seen.returncode == 0, host.run(f"cat {TEXTFILE}; systemctl status {SERVICE}", check=False).stdout
        return {"seconds": time.monotonic() - began, "textfile": host.run(f"cat {TEXTFILE}; stat -c '%a' {TEXTFILE}").stdout}

    return each(hosts, one)


def test_it_follows_within_a_minute(recorded):
    """A minute, and what two runs take on an emulated host that shares its processor with others."""
    for name, told in recorded.items():
        assert told["seconds"] < 180, (name, told["seconds"])


def test_the_metrics_tell_kills_by_name_and_scope(recorded):
    for name, told in recorded.items():
        for user in USERS:
            assert f'podman_oom_container_oom_kills_total{{name="once-{user}",user="{user}",unit="",scope="container"}} 1' in told["textfile"]
            assert re.search(rf'oom_kills_total{{name="stays-{user}",user="{user}",unit="",scope="host"}} 0', told["textfile"])
            assert re.search(rf'memory_limit_bytes{{id="[0-9a-f]{{12}}",name="stays-{user}",user="{user}"}} 67108864', told["textfile"])
        assert told["textfile"].endswith("\n644\n")


# Podman tells nobody of it: its name is in its owner's storage alone.
QUIET = "podman --events-backend=file run -d --network=none --name quiet-{user} localhost/bb:latest sleep 50000 >/dev/null"
# How a run ended, and the milliseconds that it took.
TIMED = f"began=$(date +%s%N); systemctl start {SERVICE}; echo $? $(( ($(date +%s%N) - began) / 1000000 ))"


@pytest.fixture(scope="module")
def crowded(hosts, recorded):
    """alice makes 1,500 cgroups, 40 levels of them and an endless list of containers; root is the victim: {name: what is seen}."""
    def one(host):
        host.put("/usr/local/share/crowd.py", (GUEST / "crowd.py").read_text(encoding="utf-8"))
        host.run("chmod a+r /usr/local/share/crowd.py; systemctl stop podman-memory-recorder.timer; "
                 f"touch {TEXTFILES}/.podman_oom_recorder.prom.0123456789abcdef.new")
        for user in USERS:
            host.run(QUIET.format(user=user), user=user, timeout=240)
        before = host.run(f"systemctl start {SERVICE}; cat {TEXTFILE}", timeout=300).stdout
        host.run("python3 /usr/local/share/crowd.py make", user="alice", timeout=300)
        code, took = host.run(TIMED, timeout=300).stdout.split()
        seen = {"before": before, "code": code, "took": int(took) / 1000, "after": host.run(f"cat {TEXTFILE}").stdout,
                "files": host.run(f"ls -A {TEXTFILES}").stdout.split(),
                "left": host.run("systemctl list-units --all --no-legend 'podman-memory-*.scope'").stdout}
        host.run("python3 /usr/local/share/crowd.py undo", user="alice", timeout=300)
        for user in USERS:
            host.run(f"podman rm -f -t 0 quiet-{user}", user=user, timeout=240)
        host.run(f"rm /usr/local/share/crowd.py; systemctl start {SERVICE}; systemctl start podman-memory-recorder.timer", timeout=300)
        return seen

    return each(hosts, one)


def test_a_name_that_is_in_a_users_storage_alone_is_asked_of_the_user(crowded):
    for name, seen in crowded.items():
        for user in USERS:
            assert re.search(rf'container_info{{id="[0-9a-f]{{12}}",name="quiet-{user}",user="{user}"', seen["before"]), (name, seen["before"])


def test_who_crowds_the_recorder_takes_nothing_from_others(crowded):
    for name, seen in crowded.items():
        assert (seen["code"], seen["took"] < 60) == ("0", True), (name, seen["code"], seen["took"])
        rows = re.findall(r'container_info{id="\w+",name="([^"]+)",user="(\w+)"', seen["after"])
        assert {("stays-root", "root"), ("quiet-root", "root")} <= set(rows), (name, rows)
        assert len([row for row in rows if row[1] == "alice"]) <= 1000
        assert int(re.search(r'left_out_cgroups{user="alice"} (\d+)', seen["after"]).group(1)) > 400, name
        assert seen["files"] == ["podman_oom_recorder.prom"] and seen["left"] == "", (name, seen["files"], seen["left"])


@pytest.fixture(scope="module")
def flooded(hosts, crowded):
    """On one host alice writes more into the journal than a reading takes, before and after a container of root's is killed: what is seen."""
    # not the one that is tortured, whose first runs would read all of it again and again
    host = hosts[next((name for name in hosts if name != one_of(hosts)), one_of(hosts))]
    host.put("/usr/local/share/attack.py", (GUEST / "attack.py").read_text(encoding="utf-8"))
    host.run("chmod a+r /usr/local/share/attack.py; systemctl stop podman-memory-recorder.timer; "
             f"until [ $(systemctl show --property=ActiveState --value {SERVICE}) = inactive ]; do sleep 0.2; done")
    host.run(f"python3 /usr/local/share/attack.py swell 24; python3 /usr/local/share/attack.py flood {'ef' * 32} 5500", user="alice", timeout=300)
    host.run("podman run --rm --network=none --name flooded-root --memory=20m localhost/bb:latest sort /dev/zero", check=False, timeout=240)
    host.run(f"python3 /usr/local/share/attack.py flood {'ef' * 32} 500; python3 /usr/local/share/attack.py swell 24", user="alice", timeout=300)
    code, took = host.run(TIMED, timeout=300).stdout.split()
    seen = {"code": code, "took": int(took) / 1000, "textfile": host.run(f"cat {TEXTFILE}").stdout,
            "said": host.run(f"journalctl -q -o cat -n 20 -u {SERVICE}").stdout}
    host.run(f"rm /usr/local/share/attack.py; systemctl start {SERVICE}; systemctl start podman-memory-recorder.timer", timeout=300)
    return seen


def test_who_floods_the_journal_lags_alone(flooded):
    """Root's kill is in the next reading, and that reading is whole."""
    assert (flooded["code"], flooded["took"] < 60) == ("0", True), (flooded["code"], flooded["took"])
    assert 'oom_kills_total{name="flooded-root",user="root",unit="",scope="container"} 1' in flooded["textfile"], flooded
    assert 'podman_oom_recorder_left_out_journal{user="alice"} 1' in flooded["textfile"], flooded
    assert "podman_oom_recorder_errors 0" in flooded["textfile"], flooded["said"]


def test_nothing_is_installed_where_a_group_can_write(hosts, flooded, control):
    each(hosts, lambda host: host.run("chmod g+w /opt/podman-memory"))
    told = control.module(tuple(hosts), module=MODULE)
    each(hosts, lambda host: host.run("chmod g-w /opt/podman-memory"))
    for name, each_told in told.items():
        assert each_told.status == "failed" and "/opt/podman-memory has mode 0775" in each_told.result["msg"], (name, each_told)


@pytest.fixture(scope="module")
def struck(hosts, flooded):
    """Everything that can happen has happened: {name: (what torture.py saw, kills that the journal still has)}.

    One host is tortured. All lose their containers, their journal and their boot.
    """
    found = each(hosts, lambda host: (tortured_by(host) if host.name == one_of(hosts) else None, forget(host)))
    inventory.write()  # they have other ports now
    return found


def tortured_by(host):
    """kill -9, a full disk, a clock that jumps."""
    host.put("/root/torture.py", (GUEST / "torture.py").read_text(encoding="utf-8"))
    host.run("systemctl stop podman-memory-recorder.timer")
    done = host.run(["python3", "/root/torture.py", str(KILLS)], timeout=1200)
    host.run("rm -rf /var/lib/podman-memory-torture /root/torture.py")
    # what the journal forgets before it was read is lost
    host.run(f"systemctl start {SERVICE}; systemctl start podman-memory-recorder.timer", timeout=300)
    return json.loads(done.stdout)


def forget(host):
    """Containers, journal and boot are gone; returns the number of kills that the journal still has."""
    for user in USERS:
        host.run(FORGET.format(user=user), user=user, timeout=900)
    left = host.run(VACUUM, check=False, timeout=600).stdout.split()[-1]
    host.run(f"systemctl start {SERVICE}", timeout=600)
    host.power_off(timeout=600)
    with_disk = image.build(host.spec.image, lambda _line: None)
    host.start(with_disk, host.disk, "qcow2")
    host.wait(900)
    ssh.hang_up(host.name)
    return int(left)


@pytest.fixture(scope="module")
def tortured(struck):
    """What torture.py saw."""
    return next(seen for seen, _left in struck.values() if seen)


@pytest.mark.parametrize("what", ["kill_nine", "full_disk", "clock_jumps"])
def test_nothing_lost_and_nothing_twice(tortured, what):
    told = tortured[what]
    assert (told["lost"], told["double"], told["counted"]) == ([], [], told["kills"]), told
    assert told["kills"] >= 2


def test_it_was_killed_often_enough(tortured):
    told = tortured["kill_nine"]
    assert told["killed"] >= KILLS and told["kills"] >= 20, told


def test_kill_nine_leaves_no_gap(tortured):
    """The record is whole all the time, by the kernel's own count."""
    told = tortured["kill_nine"]
    assert told["notes"] == [] and told["state"]["missing"] == 0, told


def test_a_full_disk_is_an_error_and_no_more(tortured):
    told = tortured["full_disk"]
    assert (told["begin"], told["free"]) == ([0, ""], [0, ""])
    # SQLite's words for it: "database or disk is full", or "disk I/O error" when its shared memory can't grow
    assert told["full"][0] == 1 and "(the disk mounted on " in told["full"][1], told["full"]
    assert told["notes"] == []


def test_a_clock_that_jumps_costs_no_history(tortured):
    """And what can't be proven for a time that came twice is not claimed."""
    told = tortured["clock_jumps"]
    assert told["codes"] == [[0, ""]] * 3
    assert told["before"]["kernel_since"] < told["state"]["kernel_since"] <= told["now"] * 1e6


@pytest.fixture(scope="module")
def facts(hosts, struck, control):
    """The next audit."""
    return control.facts(tuple(hosts))


def test_the_next_audit_knows_name_cause_and_time(facts, struck):
    for name, told in facts.items():
        assert struck[name][1] == 0
        for user in USERS:
            (entry,) = [each for each in told["removed"] if each["name"] == "once-" + user]
            oom = entry["oom"]
            assert (entry["user"], oom["killed"], oom["cause"], oom["confidence"]) == (user, True, "container_limit", "certain"), (name, entry)
            assert oom["last_at"] < told["host"]["booted_at"] and oom["history"][0]["task"] == "sort", (name, oom)
            assert oom["history"][0]["rss"] > 15 << 20, (name, oom)
            assert entry["exit_code"] == 137 and entry["died_at"], (name, entry)


def test_the_history_is_a_source(facts):
    for name, told in facts.items():
        (source,) = [each for each in told["sources"] if each["name"] == "recorder"]
        assert source["status"] == "ok" and source["covers_since"], json.dumps([name, source, told["host"]])


def test_a_damaged_history_is_set_aside_and_said(hosts, facts, control):
    """On one host, which forgets by that what only the history knew."""
    name, host = next(iter(hosts.items()))
    host.run(f"systemctl stop podman-memory-recorder.timer; systemctl start {SERVICE}; "
             f"dd if=/dev/urandom of={STATE}/history.sqlite bs=1k seek=1 count=64 conv=notrunc status=none; "
             f"systemctl start {SERVICE}; systemctl start podman-memory-recorder.timer")
    assert ".damaged-" in host.run(f"ls {STATE}").stdout
    told = control.facts([name])[name]
    (source,) = [each for each in told["sources"] if each["name"] == "recorder"]
    assert source["status"] == "partial" and "damaged" in source["detail"], source
    assert not [each for each in told["removed"] if each["name"] == "once-root"]


def test_absent_takes_away_everything_it_made(hosts, facts, control):
    note = f"{STATE}/{shlex.quote('a note of somebody')}"
    first = next(iter(hosts.values()))
    first.run(f"touch {note}")
    # a run that is stopped half-way has failed, and none of the hosts may list it afterwards
    for name, done in each(hosts, lambda host: host.run(STOPPED, check=False)).items():
        assert done.stdout.strip() == "failed", (name, done.stdout, done.stderr)
    told = control.module(tuple(hosts), {"state": "absent"}, module=MODULE)
    again = control.module(tuple(hosts), {"state": "absent"}, module=MODULE)
    for name, done in each(hosts, lambda host: host.run(GONE + f"; ls -A {STATE} {TEXTFILES}", check=False)).items():
        assert told[name].result["changed"] and not again[name].result["changed"], (told[name], again[name])
        kept = "a note of somebody" if hosts[name] is first else ""
        words = [line for line in done.stdout.splitlines() if line and not line.startswith("/var/lib/")]
        assert words == ([kept] if kept else []), (name, done.stdout)
    first.run(f"rm {note}; rmdir {STATE}")
