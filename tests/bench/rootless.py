# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user with containers adds to oom_facts, beside what root's own containers cost.

Root's are asked for in the module's process, a user's in a process that is the user. Both are compared with a bare
listing and inspect by whoever owns them. One processor, so that nothing is done side by side.
"""

import json
import statistics

from bench import BenchError, Row, _host
from bench.facts import INSPECT

_TARGET = 1.25
_USER = "alice"
_CREATE = ("cd / && for n in $(seq $(($(podman ps -aq | wc -l) + 1)) %d); do podman create --network=none --name rootless-$n "
           "localhost/bb:latest true >/dev/null || exit; done")


def bare(host, user):
    """Seconds of one bare listing and inspect of all containers of a user."""
    done = host.run(["sh", "-c", "cd /; " + INSPECT], user=user, timeout=600)
    return sum(int(word) for word in done.stdout.split()) / 1e9


def measure(host, wanted, rounds):
    """Seconds of each kind: {name: [float]}."""
    listing = _host.prepare(host, wanted)
    host.run(["sh", "-c", _CREATE % wanted], user=_USER, timeout=1800)
    seconds = {"bare root": [], f"bare {_USER}": [], "ping": [], "root": [], f"root and {_USER}": []}
    for number in range(rounds):
        for user in ("root", _USER):
            seconds[f"bare {user}"].append(bare(host, user))
        seconds["ping"].append(_host.module(host, listing, "ansible.builtin.ping")[0])
        for users in (["root"], ["root", _USER]):
            took, result = _host.module(host, listing, "podman_fleet.memory.oom_facts", {
                "users": users, "timeout": 600, "as_json": True})
            seconds[" and ".join(users)].append(took)
            facts = json.loads(result["facts_json"])
            seen = len(facts["containers"])
            if seen != wanted * len(users):
                raise BenchError(f"oom_facts saw {seen} containers of {users} instead of {wanted * len(users)} ({facts['errors']}); "
                                 "`make fleet-down` for a fresh host")
        _host.say(number, seconds)
    return seconds


def add_arguments(parser):
    """What the part takes."""
    parser.add_argument("--host", default="debian13")
    parser.add_argument("--containers", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)


def main(options):
    """The ratio of the two costs, each beside its bare commands."""
    with _host.started(options.host) as host:
        median = {name: statistics.median(values) for name, values in measure(host, options.containers, options.rounds).items()}
    of_root = median["root"] - median["ping"]
    added = median[f"root and {_USER}"] - median["root"]
    ratio = (added / median[f"bare {_USER}"]) / (of_root / median["bare root"])
    return [Row(f"what {options.containers} containers of {_USER} add to oom_facts on {options.host}", f"{added:.2f} s beside bare "
                f"{median[f'bare {_USER}']:.2f} s", f"root's {options.containers}: {of_root:.2f} s beside bare {median['bare root']:.2f} s",
                f"{ratio:.2f}", f"≤ {_TARGET}", ratio <= _TARGET)]
