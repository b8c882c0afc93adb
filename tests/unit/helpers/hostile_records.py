# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records that alice (uid 1000) can bring about on a recorded host: of random content, the same for the same seed.

The words of her choice are those that the kernel's and systemd's records consist of, and the ids of others' containers.
"""

import json
import random

from recorded_host import Recorded, read

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.kernel_oom import parse_kernel_log
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.records import (
    parse_entries,
    parse_entry,
    parse_kernel_messages,
    parse_oomd_kills,
    parse_podman_events,
    parse_unit_ooms,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.attribution import HostRecords, RecordsByContainer

ALICE = "/user.slice/user-1000.slice/user@1000.service"
WORDS = [",task_memcg=", ",oom_memcg=", ",task=", ",pid=1,uid=0", ",global_oom", ",mems_allowed=0", ",cpuset=", "machine.slice",
         "user.slice", "user-0.slice", "user@0.service", "container", "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null)",
         "Killed process 1 (x)", ") total-vm:1kB, anon-rss:0kB, file-rss:0kB", "Memory cgroup out of memory: ", "x", " ", "'", "\\", "\"",
         " are going to be killed due to memory.oom.group set", "Tasks in ", "\u00e4", "\ufffd", "{{ 1 }}", "\x1b[2J", "\x00"]
ODD = [None, "", "\x00", "\ud800", "9" * 400, "-1", "\u00b2", 7, -1, 1.5, True, {}, {"a": 1}, [], [256], [-1], [1.5], [[]], ["a", ["b"]],
       [255, 0, 10], [[104], "b"], "x" * 5000, "[" * 2000, "{\"a\":" * 2000, "4294967295", "root", "1" * 17, [None], ["1000"]]


class Attack:
    """Alice, on a host.

    :param host: a recorded one; seed: for its random numbers.
    """

    def __init__(self, host, seed):
        self.random = random.Random(seed)
        self.recorded = Recorded(host)
        self.lines = {kind: read("journal_" + kind, host).splitlines() for kind in ("kernel", "systemd", "podman")}
        self.victims = ["libpod-%s.scope" % container.ident for user, container in self.recorded.containers if user != "alice"]
        self.victims += ["libpod-%s.scope" % ident for ident, uid in self.recorded.index.killed_containers() if uid != 1000]
        self.idents = [container.ident for _user, container in self.recorded.containers]
        last = json.loads(self.lines["kernel"][-1])
        self.boot = last["_BOOT_ID"]
        self.at, self.mono = int(last["__REALTIME_TIMESTAMP"]), int(last["__MONOTONIC_TIMESTAMP"])

    # --- her entries in the journal

    def entry(self):
        """One of the recorded entries as a line, with fields of her choice, but for those that journald has from the kernel."""
        entry = json.loads(self.random.choice(self.lines[self.random.choice(sorted(self.lines))]))
        for _field in range(self.random.randint(1, 3)):
            entry[self.random.choice(sorted(entry) + ["PODMAN_LABELS", "PODMAN_ID", "MESSAGE_ID", "USER_UNIT", "UNIT"])] = self.value()
        entry.update(_TRANSPORT="journal", _UID="1000", _PID="4242", _COMM=self.random.choice(["systemd", "podman"]),
                     _SYSTEMD_UNIT="user@1000.service", _SYSTEMD_USER_UNIT=self.random.choice(["", "init.scope", "x.service"]))
        line = json.dumps(entry).encode()
        return line[:self.random.randint(0, len(line))] if self.random.random() < 0.05 else line

    def value(self):
        """A value of a field."""
        kind = self.random.random()
        if kind < 0.4:
            return self.random.choice(ODD)
        if kind < 0.7:
            return self.random.choice(self.idents + self.victims)
        return "".join(self.words(4)) + ("\n" if kind > 0.95 else "")

    def words(self, most):
        """Some of the words."""
        return [self.random.choice(WORDS + [self.random.choice(self.victims)]) for _word in range(self.random.randint(1, most))]

    # --- the kernel's lines that she causes

    def kernel_lines(self):
        """The kernel's lines about one thing that she does, as entries of the journal."""
        texts = self.kill() if self.random.random() < 0.7 else self.foreign_text()
        self.mono += 60 * 10 ** 6  # the kernel's rate limit suppresses nothing
        self.at += 60 * 10 ** 6
        return [json.dumps({
            "__REALTIME_TIMESTAMP": str(self.at + number), "__MONOTONIC_TIMESTAMP": str(self.mono + number), "_TRANSPORT": "kernel",
            "_SOURCE_MONOTONIC_TIMESTAMP": str(self.mono + number), "_BOOT_ID": self.boot, "MESSAGE": text}).encode()
            for number, text in enumerate(texts)]

    def foreign_text(self):
        """A message of something else with text of hers, more than any that is known to be possible."""
        text = json.loads(self.random.choice(self.lines["kernel"]))["MESSAGE"] if self.random.random() < 0.5 else "".join(self.words(6))
        return [self.random.choice(["tmpfs: Unknown parameter '%s'", "x: %s", "x\n%s", "%s'", "%s\n"]) % text]

    def folder(self):
        """The name of a cgroup."""
        if self.random.random() < 0.4:
            return self.random.choice(self.victims)
        name = "".join(self.words(3)) + (",task_memcg=" if self.random.random() < 0.3 else "")
        return name.replace("/", "").replace("\n", "")

    def kill(self):
        """The lines of an OOM kill below her part of the tree: cgroups and processes have names of her choice."""
        path = ALICE + "/" + "/".join(self.folder() for _folder in range(self.random.randint(1, 5)))
        limit = "/".join(path.split("/")[:self.random.randint(4, path.count("/") + 1)])
        task, pid = "".join(self.words(3))[:15], self.random.randint(2, 1 << 22)
        cpuset = "".join(self.words(3)).replace("/", "")
        head = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=%s,mems_allowed=0" % cpuset
        place = ",oom_memcg=%s,task_memcg=%s" % (limit, path)
        if self.random.random() < 0.1:
            head, place = head.replace("_MEMCG", "_NONE"), ",global_oom,task_memcg=%s" % path
        summary = "%s%s,task=%s,pid=%d,uid=%d" % (head, place, task, pid, self.random.choice([1000, 100000]))
        killed = ("Memory cgroup out of memory: Killed process %d (%s) total-vm:9kB, anon-rss:9kB, file-rss:0kB, shmem-rss:0kB, UID:1000 "
                  "pgtables:9kB oom_score_adj:0" % (pid, task))
        lines = [summary, killed]
        if self.random.random() < 0.3:
            lines += ["Tasks in %s are going to be killed due to memory.oom.group set" % path, killed]
        if self.random.random() < 0.1:
            lines[1:] = ["Memory cgroup out of memory: OOM victim %d (%s) is already exiting. Skip killing the task" % (pid, task)]
        if self.random.random() < 0.1:  # longer than a record of the kernel's buffer
            cut = self.random.randint(len(head) + len(ALICE) + 30, len(summary))
            lines[:1] = [summary[:cut], summary[cut:]]
        return lines

    # --- what others are told

    def others(self, lines):
        """Return ({container: verdict} of all containers but hers, those of others that are gone) with more lines in the journal."""
        entries, _bad = parse_entries(b"\n".join(self.lines["kernel"] + self.lines["systemd"] + self.lines["podman"] + lines))
        log = parse_kernel_log(parse_kernel_messages(entry for entry in entries if entry.get("_TRANSPORT") == "kernel"))
        records = HostRecords(
            kills=log.kills, unattributed=log.unattributed, unit_ooms=parse_unit_ooms(entries), oomd_kills=parse_oomd_kills(entries),
            events=parse_podman_events(entries), kernel_since=0, oomd_active=False)
        index = RecordsByContainer(records, self.recorded.ownership)
        verdicts = {container.ident: self.recorded.verdict(user, container, records)
                    for user, container in self.recorded.containers if user != "alice"}
        gone = {key: self.recorded.verdict_of_removed(key[0], key[1], index) for key in index.killed_containers()
                if key[1] != 1000 and key not in self.recorded.known}
        return verdicts, gone


def check(host, seed, rounds, size):
    """Try that many rounds of so many records each; return the number of records.

    :raises AssertionError: somebody else's verdict is another one.
    """
    attack = Attack(host, seed)
    before = attack.others([])
    number = 0
    for _round in range(rounds):
        lines = []
        while len(lines) < size:
            lines += [attack.entry()] if attack.random.random() < 0.5 else attack.kernel_lines()
        for line in lines:
            parse_entry(line)
        after = attack.others(lines)
        assert after[1] == before[1], set(after[1]) ^ set(before[1])
        assert after[0] == before[0], [(before[0][ident], after[0][ident]) for ident in before[0] if before[0][ident] != after[0][ident]][:1]
        number += len(lines)
    return number
