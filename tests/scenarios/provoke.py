# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run scenarios in a guest: one script per user, the users side by side, then what needs root."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fleet import state, vm
from fleet.errors import FleetError
from fleet.vm import Host

from . import catalogue

GUEST = Path(__file__).parent / "guest"
REMOTE = "/opt/scenarios"

# One scenario's time limit in the guest. Alone on two cores none takes 40 s, but the ancestors' ones may have to repeat.
LIMIT = 400

# What has to run before any scenario.
WARM = "warm"

# Scenarios in one call: few enough that somebody who waits sees that it goes on.
AT_ONCE = 6

# rc: of the script; log: its output's end, only when it failed.
Ran = namedtuple("Ran", "host user name rc seconds log")


def kept():
    """What a host is saved as when all its scenarios have been run (fleet.state.Kept)."""
    digest = hashlib.sha256()
    for path in sorted([*Path(__file__).parent.glob("*.py"), *GUEST.iterdir()]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return state.Kept("provoked", digest.hexdigest())


def provoked(name, tell=lambda line: None):
    """Return [Ran] of all scenarios of a host that `fleet.vm.up` started with `kept()`.

    Running them takes minutes, so a host is saved with them on it; where it was continued from there, they are
    not run again.
    """
    note = vm.kept_note(name, kept())
    if note is not None:
        tell(f"{name}: continues with its scenarios, which ran before")
        push(Host(name))
        return [Ran(*each) for each in json.loads(note)]
    ran = provoke(name, tell=tell)
    if vm.HOSTS[name].grub or any(each.rc for each in ran):
        return ran
    vm.keep(name, kept(), json.dumps(ran), tell)
    return ran


def push(host):
    """Put the scripts into the guest."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted(GUEST.iterdir()):
            archive.add(path, arcname=path.name)
    # one call, and text: Host.run() feeds no bytes
    # A rootless quadlet waits until the host is online; nothing else asks for that on a test host.
    host.run(f"systemctl start network-online.target && mkdir -p {REMOTE} && base64 -d |"
             f" tar -x -C {REMOTE} --no-same-owner && chmod -R a+rX {REMOTE}",
             input=base64.b64encode(buffer.getvalue()).decode())


def provoke(name, names=(), users=("root", "alice"), tell=lambda line: None):
    """Run scenarios (all that apply) on one host; return [Ran].

    What an earlier call left behind in the guest is removed first.
    """
    host = Host(name)
    push(host)
    chosen = {user: catalogue.cases(name, user, names) for user in users}
    with ThreadPoolExecutor() as pool:
        ran = sum(pool.map(lambda user: _drive(host, user, chosen[user], tell), users), [])
    alone = [(user, each) for user in users for each in chosen[user] if "root" in each.stages]
    return ran + [_by_root(host, user, scenario, tell) for user, scenario in alone]


def _drive(host, user, scenarios, tell):
    """Run the scenarios of one user, one after another."""
    if not scenarios:
        return []
    targets = [target.name for scenario in catalogue.ALL for target in scenario.targets]
    host.run(f"sh {REMOTE}/clean.sh {' '.join(targets)} >/dev/null 2>&1", user=user, check=False, timeout=300)
    ran = []
    names = [WARM] + [scenario.name for scenario in scenarios if "user" in scenario.stages]
    for first in range(0, len(names), AT_ONCE):
        words = " ".join(names[first:first + AT_ONCE])
        done = host.run(f"LIMIT={LIMIT} sh {REMOTE}/drive.sh {words}", user=user, check=False,
                        timeout=AT_ONCE * LIMIT + 60)
        ran += _parse(host.name, user, done, tell)
    return ran


def _by_root(host, user, scenario, tell):
    """Run a scenario's stage that needs the whole host."""
    name = scenario.name + ".root"
    done = host.run(f"LIMIT={LIMIT} sh {REMOTE}/drive.sh {name}", check=False, timeout=LIMIT + 60)
    return _parse(host.name, user, done, tell)[0]


def _parse(host, user, done, tell):
    """Return the Rans that drive.sh printed.

    :raises FleetError: it printed none, so it could not even begin.
    """
    ran, logs = [], {}
    for line in done.stdout.splitlines():
        if line.startswith("@@ran "):
            _mark, name, code, seconds = line.split()
            ran.append((name, int(code), int(seconds)))
        elif line.startswith("@@log "):
            name, _space, rest = line[len("@@log "):].partition(" ")
            logs.setdefault(name, []).append(rest)
    if not ran:
        raise FleetError(f"{host}: {user}: drive.sh ran nothing: rc {done.returncode}\n{done.stdout}\n{done.stderr}")
    result = [Ran(host, user, name, code, seconds, "\n".join(logs.get(name, []))) for name, code, seconds in ran]
    for each in result:
        tell(f"{host} {user} {each.name}: " + (f"{each.seconds} s" if each.rc == 0 else f"FAILED ({each.rc})\n{each.log}"))
    return result
