# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""alice attacks what root does about her containers; root and bob are the victims. Judged by what is on the host afterwards."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from control import PATIENCE

MEMORY, DRAIN = "podman_fleet.memory.container_memory", "podman_fleet.memory.container_drain"
GUEST = Path(__file__).resolve().parent / "guest"
IMAGE = "localhost/bb:latest"
MIB = 1 << 20
VICTIMS = ("root", "bob")
SECRET = "/root/at-secret"
CONF = "/home/alice/.config/containers"

RUN = "cd / && podman rm -f -i -t 0 at-%s && podman run -d --network=none --stop-timeout=0 --name at-%s %s %s sleep 50000"


@pytest.fixture(scope="module")
def attacked(one):
    """The host, on which root, bob and alice have a container each: at-root, at-bob, at-alice."""
    one.run("loginctl enable-linger bob")
    one.run(f"podman save -q -o /var/tmp/at.tar {IMAGE} && chmod 644 /var/tmp/at.tar")
    one.run("podman load -q -i /var/tmp/at.tar", user="bob", check=False)
    one.run("rm /var/tmp/at.tar")
    for user in (*VICTIMS, "alice"):
        one.run(RUN % (user, user, "", IMAGE), user=user, timeout=300)
    one.put("/usr/local/share/attack.py", (GUEST / "attack.py").read_text(encoding="ascii"))
    yield one
    undo(one)
    for user in (*VICTIMS, "alice"):
        one.run("cd / && podman rm -f -i -t 0 $(podman ps -aq --filter name=^at-)", user=user, check=False, timeout=300)
    one.run("systemctl --user stop at-victim", user="bob", check=False)
    one.run(f"rm -rf {SECRET} /usr/local/share/attack.py; loginctl disable-linger bob", check=False)


def undo(host):
    """Take back what alice did."""
    host.run("systemctl --user stop at-attack; systemctl --user reset-failed; rm -rf $HOME/at-* $HOME/cgroup $HOME/libpod-* "
             f"{CONF}/storage.conf {CONF}/containers.conf $XDG_RUNTIME_DIR/old-* $XDG_RUNTIME_DIR/podman-fleet-*", user="alice", check=False)
    host.run(f"if [ -f {CONF}/at-kept ]; then mv {CONF}/at-kept {CONF}/containers.conf; fi", check=False)


@pytest.fixture
def host(attacked):
    """The host, with a secret of root's, and without what alice did before."""
    attacked.run(f"if [ -f {CONF}/containers.conf ]; then cp -p {CONF}/containers.conf {CONF}/at-kept; fi")
    attacked.run(f"umask 077; echo secret >{SECRET}")
    yield attacked
    undo(attacked)


def attack(host, *words):
    """Start attack.py as alice, until undo()."""
    host.run(["systemd-run", "--user", "--quiet", "--collect", "--unit=at-attack", "--property=StandardOutput=append:/home/alice/at-log",
              "python3", "/usr/local/share/attack.py", *words], user="alice")


def limit(host, user):
    """memory.max of the user's container, from the kernel."""
    pid = host.run("podman inspect -f '{{.State.Pid}}' at-" + user, user=user).stdout.strip()
    return host.run(f"cat /sys/fs/cgroup$(cut -d: -f3 /proc/{pid}/cgroup)/memory.max").stdout.strip()


def set_memory(control, host, size, users=(*VICTIMS, "alice"), **options):
    """Give containers a limit in one call; return (status, {user: entry}, message)."""
    asked = {"containers": [{"name": "at-" + user, "user": user, "memory": size} for user in users], "timeout": PATIENCE, **options}
    told = control.module([host.name], asked, module=MEMORY)[host.name]
    return told.status, {each["user"]: each for each in told.result["containers"]}, told.result.get("msg")


def assert_unharmed(host):
    """Root's file is as it was, nothing of ours is left, and nothing of root's is where alice could take it."""
    assert host.run(f"cat {SECRET}; stat -c '%a %U' {SECRET}").stdout.split() == ["secret", "600", "root"]
    assert host.run("ls -d /run/podman-fleet-*/", check=False).stdout == ""
    assert host.run("find /run/user/1000 -xdev -user root -name 'podman-fleet*'", check=False).stdout == ""


def test_c1_what_is_in_her_runtime_directory(host, control):
    """Once; tests/unit/plugins/module_utils/_podman/test_api.py has hundreds of starts against the same attack."""
    attack(host, "replace", "/run/user/1000", SECRET)
    _status, entries, message = set_memory(control, host, "90m", timeout=120)
    assert [entries[user].get("failed", False) for user in VICTIMS] == [False, False], message
    assert [limit(host, user) for user in VICTIMS] == [str(90 * MIB)] * 2
    assert_unharmed(host)


def forged(host, **state):
    """Write what `podman container inspect` would say of at-alice with another state; return the path."""
    answer = json.loads(host.run("podman container inspect at-alice", user="alice").stdout)
    answer[0]["State"].update(state)
    host.put("/home/alice/at-answer", json.dumps(answer), user="alice")
    return answer[0]["Id"]


def test_c2_a_process_id_that_is_a_path(host, control):
    ident = forged(host, Pid="../home/alice")
    host.run(f"cd && mkdir libpod-{ident}.scope && ln -s {SECRET} libpod-{ident}.scope/memory.max && "
             f"echo '0::/../../../home/alice/libpod-{ident}.scope' >cgroup", user="alice")
    attack(host, "answer", "/home/alice/at-answer", "container", "inspect")
    _status, entries, message = set_memory(control, host, "80m", backend="cgroupfs", allow_below_usage=True)
    assert host.run("cat /home/alice/at-log").stdout.startswith("answered"), "the attack was not made"
    assert [entries[user].get("failed", False) for user in VICTIMS] == [False, False], message
    assert [limit(host, user) for user in VICTIMS] == [str(80 * MIB)] * 2
    assert_unharmed(host)


def facts(control, host, seconds=300, **options):
    """({(user, name): entry}, {user: status of the source podman}) by oom_facts, which has to be back in time."""
    began = time.monotonic()
    found = control.facts([host.name], {"users": ["root", "bob", "alice"], **options})[host.name]
    assert time.monotonic() - began < seconds
    return ({(each["user"], each["name"]): each for each in found["containers"]},
            {each["user"]: each["status"] for each in found["sources"] if each["name"] == "podman"})


def test_h1_pidfiles_of_her_own(host, control):
    host.run("cd && mkfifo at-fifo && echo ² >at-text", user="alice")
    for name, pidfile in (("fifo", "/home/alice/at-fifo"), ("zero", "/dev/zero"), ("text", "/home/alice/at-text")):
        host.run(f"cd && podman create --pidfile {pidfile} --name at-{name} {IMAGE} true", user="alice")
    rows, sources = facts(control, host)
    assert {("root", "at-root"), ("bob", "at-bob")} | {("alice", "at-" + name) for name in ("alice", "fifo", "zero", "text")} <= set(rows)
    assert sources["root"] == sources["bob"] == "ok"


def test_h2_a_storage_conf_of_hers(host, control):
    """A pattern that went over white space twice took 40 minutes; a NUL ended the module."""
    host.run(f"mkdir -p {CONF} && {{ head -c 1000000 /dev/zero | tr '\\0' '\\n'; printf '[storage]\\ngraphroot = \"/a\\0b\"\\n'; }}"
             f" >{CONF}/storage.conf", user="alice")
    rows, sources = facts(control, host)
    assert ("root", "at-root") in rows and ("bob", "at-bob") in rows
    assert sources["root"] == sources["bob"] == "ok"


# Of a user who has no name on the host.
UNNAMED = 70001
NO_END = """printf 'PODMAN_EVENT=died\\nPODMAN_TYPE=container\\nPODMAN_ID=%s\\nPODMAN_LABELS=%s\\nMESSAGE=x\\n' {ident} '{deep}' | logger --journald"""


@pytest.fixture(scope="module")
def dropped(attacked, control):
    """What oom_facts says of all users, when each of them has something that could make it pass over a container."""
    attacked.run(f"podman run --rm --network=none --name at-once --memory=20m {IMAGE} sort /dev/zero", check=False, timeout=300)
    ident = attacked.run("journalctl -r -o cat --output-fields=PODMAN_ID PODMAN_NAME=at-once | grep -m 1 -x '[0-9a-f]*'").stdout.strip()
    attacked.put("/home/alice/at-answer", ident + " at-once\n", user="alice")
    attacked.run(NO_END.format(ident=ident, deep="[" * 2000), user="alice")
    attacked.run("mkdir -p at-storage/overlay-containers", user="deploy")
    attacked.put("/home/deploy/.config/containers/storage.conf", "['storage']\n'graphroot' = '/home/deploy/at-storage'\n", user="deploy")
    attacked.run(f"systemd-run --quiet --collect --unit=at-unnamed --slice=user-{UNNAMED}.slice setpriv --reuid={UNNAMED} --clear-groups sleep 50000")
    shell = attacked.run("getent passwd bob | cut -d: -f7").stdout.strip()
    attacked.run("usermod --shell /usr/sbin/nologin bob")
    attack(attacked, "answer", "/home/alice/at-answer", "ps")
    try:
        found = control.facts([attacked.name], {"users": ["all"]})[attacked.name]
        assert attacked.run("cat /home/alice/at-log").stdout.startswith("answered"), "the attack was not made"
    finally:
        attacked.run(f"systemctl stop at-unnamed; usermod --shell {shell} bob; rm -r /home/deploy/at-storage /home/deploy/.config/containers")
        undo(attacked)
    return found


def podman_status(found):
    return {each["user"]: each["status"] for each in found["sources"] if each["name"] == "podman"}


def test_h5_a_list_of_hers_that_has_roots_removed_container(dropped):
    """And an entry of hers in the journal about it that can't be parsed (H6)."""
    entries = [each for each in dropped["removed"] if each["name"] == "at-once"]
    assert entries and all((entry["user"], entry["oom"]["killed"]) == ("root", True) for entry in entries), entries
    assert "at-root" in [each["name"] for each in dropped["containers"]]


def test_h5_a_user_without_a_name_is_told(dropped):
    assert [error["message"][:21] for error in dropped["errors"] if error["user"] == str(UNNAMED)] == [f"uid {UNNAMED} has no name"]


def test_h5_a_storage_in_another_quoting_is_found(dropped):
    """Whether deploy's Podman can be asked depends on a session; that there is something to ask for is told."""
    assert podman_status(dropped).get("deploy") in ("ok", "unavailable")


def test_a_user_whose_shell_is_nologin_is_asked(dropped):
    assert podman_status(dropped)["bob"] == "ok"
    assert "at-bob" in [each["name"] for each in dropped["containers"]]


def hang(host):
    """alice's Podman waits for ever for somebody to write her containers.conf."""
    host.run(f"mkdir -p {CONF} && rm -f {CONF}/containers.conf && mkfifo {CONF}/containers.conf", user="alice")


def test_h3_a_podman_that_hangs(host, control):
    hang(host)
    rows, sources = facts(control, host, seconds=600, timeout=60, users_timeout=180)
    assert ("root", "at-root") in rows and ("bob", "at-bob") in rows
    assert (sources["root"], sources["bob"], sources["alice"]) == ("ok", "ok", "unavailable")


def test_h8_others_are_changed_while_hers_hangs(host, control):
    hang(host)
    status, entries, message = set_memory(control, host, "70m", timeout=60)
    assert status == "failed" and "alice" in message and entries["alice"]["failed"]
    assert [limit(host, user) for user in VICTIMS] == [str(70 * MIB)] * 2
    assert [entries[user]["changed"] for user in VICTIMS] == [True, True]


def test_h3_a_drain_that_she_hangs(host, control):
    hang(host)
    asked = {"state": "stopped", "users": ["root", "bob", "alice"], "timeout": 60}
    told = control.module([host.name], asked, module=DRAIN, check=True)[host.name]
    assert told.status == "ok", told.result
    assert {"at-root", "at-bob"} <= {each["name"] for each in told.result["containers"]}
    assert [problem["user"] for problem in told.result["problems"]] == ["alice"]


def test_h3_floods_of_the_journal_and_of_kills(host, control):
    """Her kills are more than the kernel reports (10 in 5 seconds)."""
    for user in VICTIMS:
        host.run(f"podman stop -t 0 at-{user}; podman start at-{user}", user=user, timeout=300)
    ident = host.run("podman inspect -f '{{.Id}}' at-alice", user="alice").stdout.strip()
    unit = "systemd-run --user --quiet --wait --collect --property=MemoryMax=32M --property=OOMPolicy=continue python3 /usr/local/share/attack.py"
    host.run(f"{unit} flood {ident} 3000; {unit} die 20", user="alice", timeout=600)
    found = control.facts([host.name], {"users": ["root", "bob", "alice"], "timeout": PATIENCE})[host.name]
    systemd = {each["user"]: each["status"] for each in found["sources"] if each["name"] == "systemd"}
    assert (systemd["root"], systemd["bob"]) == ("ok", "ok"), found["sources"]
    for user in VICTIMS:
        (told,) = [each["oom"] for each in found["containers"] if each["name"] == "at-" + user]
        assert (told["killed"], told["confidence"], told["missing"]) == (False, "certain", []), told
    assert not [each for each in found["errors"] if each["user"] in VICTIMS], found["errors"]


# An OCI runtime of alice's: notes what it has, and does as the real one.
SPY = """#!/bin/sh
{ echo "cgroup $(cat /proc/self/cgroup)"; grep ' _ses' /proc/keys | sed 's/^/key /'; } >>/home/alice/at-spied
exec /usr/bin/crun "$@"
"""


def test_h9_what_runs_as_her_has_nothing_of_roots(host, control):
    host.put("/home/alice/at-spy", SPY, user="alice", mode=0o755)
    host.put(f"{CONF}/containers.conf", '[engine.runtimes]\ncrun = ["/home/alice/at-spy"]\n', user="alice")
    status, entries, message = set_memory(control, host, "85m", users=("alice",))
    assert (status, entries["alice"]["changed"]) == ("ok", True), message
    spied = host.run("cat /home/alice/at-spied").stdout.splitlines()
    cgroups = [line for line in spied if line.startswith("cgroup ")]
    assert cgroups and all("/user.slice/user-1000.slice/" in line for line in cgroups), spied
    # proc_keys(5): the sixth word is the uid of the key's owner, here in alice's user namespace: she is 0, root is 65534
    assert {line.split()[6] for line in spied if line.startswith("key ")} == {"0"}, spied
    assert host.run("pgrep -u alice -f 'podman system service'", check=False).stdout == "", "it outlived the module"


def test_h11_labels_that_name_units(host, control):
    """bob's images say which unit their containers have; bob's service must go on."""
    host.run("systemctl --user is-active --quiet at-victim || systemd-run --user --quiet --unit=at-victim sleep 50000", user="bob")
    for number, label in enumerate(("*", "--host=nowhere", "at-victim.service")):
        name = f"label{number}"
        host.run(RUN % (name, name, f"--label 'PODMAN_SYSTEMD_UNIT={label}'", IMAGE), user="bob", timeout=300)
    told = control.module([host.name], {"state": "stopped", "users": ["bob"], "timeout": PATIENCE}, module=DRAIN)[host.name]
    assert told.status == "ok" and told.result["problems"] == [], told.result
    assert host.run("systemctl --user is-active at-victim", user="bob").stdout.strip() == "active"
    assert host.run("podman ps -q", user="bob").stdout == ""
    host.run("podman start at-bob", user="bob", timeout=300)


def test_what_the_drain_starts_has_no_limits_of_ours(host, control):
    """A container that was stopped for a reboot is started in bob's own manager, and survives the module."""
    host.run("podman stop -t 0 at-bob", user="bob", timeout=300)
    expected = {"name": "at-bob", "user": "bob", "id": "", "unit": None, "restart_policy": "unless-stopped", "infra": False,
                "limit": None, "returns_by": "start", "why": None}
    asked = {"state": "started", "containers": [expected], "wait": 300, "timeout": PATIENCE}
    told = control.module([host.name], asked, module=DRAIN)[host.name]
    assert told.status == "ok" and told.result["missing"] == [], told.result
    pid = host.run("podman inspect -f '{{.State.Pid}}' at-bob", user="bob").stdout.strip()
    limits = host.run(f"cat /proc/{pid}/limits; cat /proc/{pid}/cgroup").stdout
    assert "podman-memory" not in limits
    (size,) = [line.split() for line in limits.splitlines() if line.startswith("Max file size")]
    assert size[3:5] == ["unlimited", "unlimited"], limits


# As SPY, and leaves a process behind.
STAYS = SPY.replace("exec", "setsid -f sleep 54321 </dev/null >/dev/null 2>&1\nexec")
# alice's manager can't be ended, so her slice is being stopped for as long as she likes.
STUBBORN = ("systemd-run --user --quiet --unit=at-stubborn --property=TimeoutStopSec=infinity "
            "python3 -c 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(50000)'")
PATIENT = "/run/systemd/system/user@1000.service.d"


@pytest.fixture
def stopping(host):
    """alice's slice is being stopped, and takes no scope; her manager and its directory are there."""
    host.run(f"mkdir -p {PATIENT} && printf '[Service]\\nTimeoutStopSec=infinity\\n' >{PATIENT}/patient.conf && systemctl daemon-reload")
    host.put("/home/alice/at-spy", STAYS, user="alice", mode=0o755)
    host.put(f"{CONF}/containers.conf", '[engine.runtimes]\ncrun = ["/home/alice/at-spy"]\n', user="alice")
    host.run(STUBBORN, user="alice")
    time.sleep(1)  # its signal is ignored
    host.run("systemctl stop --no-block user-1000.slice && systemctl list-jobs --no-legend | grep -q 'user-1000.slice *stop'")
    yield host
    host.run(f"systemctl kill -s KILL user@1000.service; rm -r {PATIENT}; systemctl daemon-reload; pkill -u alice -f 'sleep 54321'; "
             "for i in $(seq 60); do systemctl is-active -q user-1000.slice || break; sleep 1; done; systemctl start user@1000.service",
             check=False, timeout=200)
    undo(host)
    # where /run/user/1000 outlived her pause process, Podman refuses until its file is gone
    host.run("podman start at-alice || { podman system migrate && podman start at-alice; }", user="alice", timeout=300)


def test_h9_a_slice_of_hers_that_takes_nothing_any_more(stopping, control):
    """What is hers is in no cgroup of root's: it has limits elsewhere, and leaves nothing there."""
    rows, sources = facts(control, stopping, users=["alice", "root", "bob"])
    assert {("root", "at-root"), ("bob", "at-bob"), ("alice", "at-alice")} <= set(rows)
    assert sources["root"] == sources["bob"] == sources["alice"] == "ok"
    spied = stopping.run("cat /home/alice/at-spied").stdout.splitlines()
    cgroups = [line for line in spied if line.startswith("cgroup ")]
    # Podman may ask her manager, which goes on, for a scope: then it is in hers again
    assert cgroups and all(line.startswith(("cgroup 0::/system.slice/podman-memory-1000-", "cgroup 0::/user.slice/user-1000.slice/"))
                           for line in cgroups), spied
    left = stopping.run("for pid in $(pgrep -u alice -f 'sleep 54321'); do cat /proc/$pid/cgroup; done", check=False).stdout
    assert all(line.startswith("0::/user.slice/user-1000.slice/") for line in left.splitlines()), left
