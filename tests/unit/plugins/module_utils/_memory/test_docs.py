# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page on container_memory: its table by version says what the code does; that of the hosts is checked on them."""

import pytest
from docs_pages import read_page, table

from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.method import Context, choose_method

TABLE = table(read_page("container_memory"), "Podman", "managed by", "now", "at its next start")
# Every minor version that a row of the table speaks of.
BANDS = {"3.4 to 4.2": [(3, 4), (4, 0), (4, 1), (4, 2)], "4.3 to 4.9": [(4, minor) for minor in range(3, 10)], "5.0": [(5, 0)],
         "5.1 to 5.3": [(5, 1), (5, 2), (5, 3)], "5.4 and newer": [(5, 4), (5, 5), (5, 8), (6, 0)]}
KINDS = {"none, running": [{}], "none, not running": [{"running": False, "own_cgroup": False}],
         "quadlet": [{"manager": "quadlet", "unit_file": "/a.container"}],
         "systemd, compose, kube, pod, --rm": [{"manager": "systemd"}, {"manager": "compose"}, {"manager": "kube"},
                                               {"pod": True}, {"auto_remove": True}]}


@pytest.mark.parametrize("band, kind, now, later", TABLE)
def test_a_row(band, kind, now, later):
    for version in BANDS[band]:
        for more in KINDS[kind]:
            context = Context(**dict(dict(version=version + (0,), cgroup_version=2, rootless=False, running=True, own_cgroup=True,
                                          manager="none", unit_file=None, template=False, pod=False, auto_remove=False), **more))
            method = choose_method(context, {"memory": 1 << 30, "oom_group": True}, "auto", True)
            way = (method.backend or "can't be done") + ", all resources" * method.resend
            lasts = "drop-in" if method.drop_in else "Podman's record" if method.persistent else "lost"
            assert (way, lasts) == (now, later), version


def test_no_row_is_missing():
    rows = {(band, kind) for band, kind, _now, _later in TABLE}
    # quadlet came with 4.4
    assert rows == {(band, kind) for band in BANDS for kind in KINDS} - {("3.4 to 4.2", "quadlet")}
