# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the sources gave on real hosts (tests/unit/fixtures/README.md), and the verdicts on it.

The counters of running containers are left out: what is decided is decided from the records.
"""

import glob
import os

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.kernel_oom import parse_kernel_log
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.records import (
    parse_entries,
    parse_kernel_messages,
    parse_oomd_kills,
    parse_podman_events,
    parse_unit_ooms,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.attribution import (
    HostRecords,
    Ownership,
    RecordsByContainer,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.evidence import (
    LiveState,
    container_evidence,
    removed_container_evidence,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.verdict import decide
from ansible_collections.podman_fleet.memory.plugins.module_utils._podman import inspect as _inspect

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures")
HOSTS = sorted(os.path.basename(path)[:-len(".json")] for path in glob.glob(os.path.join(FIXTURES, "journal_kernel", "*.json")))
UIDS = {"root": 0, "alice": 1000}


def read(kind, host, ending="json"):
    with open(os.path.join(FIXTURES, kind, "%s.%s" % (host, ending)), "rb") as handle:
        return handle.read()


class Recorded:
    """Everything that was recorded of one host."""

    def __init__(self, host):
        self.host = host
        self.kernel = read("journal_kernel", host)
        kernel, bad = parse_entries(self.kernel)
        units, bad_units = parse_entries(read("journal_systemd", host))
        events, bad_events = parse_entries(read("journal_podman", host))
        assert bad == bad_units == bad_events == 0
        self.log = parse_kernel_log(parse_kernel_messages(kernel))
        self.containers = [
            (user, _inspect.parse_container(raw, user))
            for user in sorted(UIDS) for raw in _inspect.parse_inspect(read("inspect_" + user, host))]
        self.records = HostRecords(
            kills=self.log.kills, unattributed=self.log.unattributed, unit_ooms=parse_unit_ooms(units),
            oomd_kills=parse_oomd_kills(units), events=parse_podman_events(events), kernel_since=0, oomd_active=False)
        self.known = {(container.ident, UIDS[user]) for user, container in self.containers}
        self.ownership = self.ownership_of(self.known)
        self.index = RecordsByContainer(self.records, self.ownership)

    @staticmethod
    def ownership_of(known):
        """The Ownership of a host whose users' Podmans list these containers."""
        return Ownership({uid: {ident for ident, owner in known if owner == uid} for uid in UIDS.values()})

    def verdict(self, user, container, records=None):
        index = RecordsByContainer(records, self.ownership) if records else self.index
        return decide(container.ident, container_evidence(container, UIDS[user], index, LiveState(None), 0))

    def verdict_of_removed(self, ident, uid, index=None):
        return decide(ident, removed_container_evidence(ident, uid, index or self.index, 0))
