# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the sources gave on real hosts (tests/unit/fixtures/README.md), and the verdicts on it.

The counters of running containers are left out: what is decided is decided from the records.
"""

import glob
import os

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs import (
    kernel_oom as _kernel_oom,
    records as _records,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom import evidence as _assemble, verdict as _verdict
from ansible_collections.podman_fleet.memory.plugins.module_utils._podman import inspect as _inspect

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures")
HOSTS = sorted(os.path.basename(path)[:-len(".json")] for path in glob.glob(os.path.join(FIXTURES, "journal_kernel", "*.json")))
UIDS = {"root": 0, "alice": 1000}


def read(kind, host, ending="json"):
    with open(os.path.join(FIXTURES, kind, "%s.%s" % (host, ending)), "rb") as handle:
        return handle.read()


class Recorded(object):
    """Everything that was recorded of one host."""

    def __init__(self, host):
        self.kernel = read("journal_kernel", host)
        kernel, bad = _records.parse_entries(self.kernel)
        units, bad_units = _records.parse_entries(read("journal_systemd", host))
        events, bad_events = _records.parse_entries(read("journal_podman", host))
        assert bad == bad_units == bad_events == 0
        self.log = _kernel_oom.parse_kernel_log(_records.parse_kernel_messages(kernel))
        self.containers = [
            (user, _inspect.parse_container(raw, user))
            for user in sorted(UIDS) for raw in _inspect.parse_inspect(read("inspect_" + user, host))]
        self.records = _assemble.HostRecords(
            self.log.kills, self.log.unattributed, _records.parse_unit_ooms(units), _records.parse_oomd_kills(units),
            _records.parse_podman_events(events), 0, False)
        self.known = {container.ident for _user, container in self.containers}
        self.index = _assemble.RecordsByContainer(self.records, self.known)

    def verdict(self, user, container, records=None):
        index = _assemble.RecordsByContainer(records, self.known) if records else self.index
        live = _assemble.LiveState(None, None, None, None)
        evidence = _assemble.container_evidence(container, UIDS[user], index, live, 0)
        return _verdict.decide(container.ident, evidence)

    def verdict_of_removed(self, ident, uid):
        return _verdict.decide(ident, _assemble.removed_container_evidence(ident, uid, self.index, 0))
