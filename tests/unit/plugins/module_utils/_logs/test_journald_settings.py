# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""journald.conf and its drop-ins as journald.conf(5) says they are read."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.journald_settings import missing_kernel_lines
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.host_files import Files

MAIN, DROP_IN = "etc/systemd/journald.conf", "%s/systemd/journald.conf.d/%s.conf"


@pytest.mark.parametrize("texts, reason", [
    ({}, None),
    ({MAIN: "[Journal]\n#MaxLevelStore=warning\n"}, None),
    ({MAIN: "[Journal]\nMaxLevelStore=debug\n"}, None), ({MAIN: "[Journal]\nMaxLevelStore=6\n"}, None),
    ({MAIN: "[Journal]\nMaxLevelStore=bogus\n"}, None),
    ({MAIN: "[Journal]\nMaxLevelStore=warning\n"}, "MaxLevelStore=warning"),
    ({MAIN: "[Journal]\n MaxLevelStore = 4 \n"}, "MaxLevelStore=4"),
    ({MAIN: "[Journal]\nMaxLevelStore=info\nMaxLevelStore=err\n"}, "MaxLevelStore=err"),
    ({MAIN: "[Journal]\nMaxLevelStore=err\n", DROP_IN % ("usr/lib", "a"): "[Journal]\nMaxLevelStore=\n"}, None),
    ({DROP_IN % ("usr/lib", "a"): "[Journal]\nMaxLevelStore=notice\n"}, "MaxLevelStore=notice"),
    ({DROP_IN % ("usr/lib", "a"): "[Journal]\nMaxLevelStore=err\n", DROP_IN % ("etc", "a"): "[Journal]\n"}, None),
    ({DROP_IN % ("etc", "a"): "[Journal]\nMaxLevelStore=err\n", DROP_IN % ("run", "b"): "[Journal]\nMaxLevelStore=info\n"}, None),
    ({"usr/lib/systemd/journald.conf": "[Journal]\nMaxLevelStore=crit\n"}, "MaxLevelStore=crit"),
    ({"usr/lib/systemd/journald.conf": "[Journal]\nMaxLevelStore=crit\n", MAIN: "[Journal]\n"}, None),
    ({MAIN: "[Journal]\nReadKMsg=no\n"}, "ReadKMsg=no"),
])
def test_a_setting_that_keeps_reports_out_is_named(tmp_path, texts, reason):
    for path, text in texts.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    told = missing_kernel_lines(Files(str(tmp_path)))
    assert told is None if reason is None else reason in told
