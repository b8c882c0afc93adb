# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verdicts on recorded hosts are those of commit 2fc24aa, before the code moved into rooms; but for prose (`evidence`)."""

import io
import json
import os

import pytest
from recorded_host import FIXTURES, HOSTS, Recorded

with io.open(os.path.join(FIXTURES, "before_rooms", "verdicts.json"), encoding="ascii") as stream:
    BEFORE = json.load(stream)


@pytest.mark.parametrize("host", HOSTS)
def test_verdicts(host):
    recorded = Recorded(host)
    verdicts = {"%s/%s" % (user, container.facts["name"]): recorded.verdict(user, container)
                for user, container in recorded.containers}
    verdicts.update(("removed/%d/%s" % (uid, ident), recorded.verdict_of_removed(ident, uid))
                    for ident, uid in recorded.index.killed_containers() if (ident, uid) not in recorded.known)
    for verdict in verdicts.values():
        del verdict["evidence"], verdict["scope_limit"], verdict["lethal_count"]
    assert json.loads(json.dumps(verdicts)) == BEFORE[host]
