# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts of a host, from its files below a temporary directory."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._system.host import Host
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.times import parse_iso

NOW = parse_iso("2026-11-23T16:48:14.4Z")
FILES = {
    "proc/sys/kernel/random/boot_id": "0d4f6d2e-4c0a-4a7f-9b0e-3f5f2f9a1c11\n",
    "proc/stat": "cpu  1 2 3\nbtime 1795453200\nprocesses 7\n",
    "proc/vmstat": "nr_free_pages 5\noom_kill 3\n",
    "proc/meminfo": "MemTotal:        2026756 kB\nSwapTotal:             0 kB\n",
    "etc/os-release": 'NAME="Debian GNU/Linux"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\n',
}


@pytest.fixture(name="write")
def _write(tmp_path):
    def write(path, text):
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return write


@pytest.fixture(name="host")
def _host(tmp_path, write):
    for path, text in FILES.items():
        write(path, text)
    return Host(str(tmp_path))


def test_facts(host):
    facts = host.facts(NOW)
    assert facts.pop("hostname") and facts.pop("kernel")
    assert facts == {
        "collected_at": "2026-11-23T16:48:14.400000Z", "boot_id": "0d4f6d2e4c0a4a7f9b0e3f5f2f9a1c11",
        "booted_at": "2026-11-23T17:00:00.000000Z", "distribution": "Debian GNU/Linux 13 (trixie)",
        "memory_total": 2026756 * 1024, "swap_total": 0}


def test_kills_of_this_boot(host):
    assert host.oom_kills_since_boot() == 3


def test_what_cannot_be_read_is_unknown(tmp_path):
    host = Host(str(tmp_path / "nothing"))
    facts = host.facts(NOW)
    assert {name for name, value in facts.items() if value is not None} == {"hostname", "kernel", "collected_at"}
    assert (host.boot_id(), host.booted_at(), host.oom_kills_since_boot()) == (None, None, None)
    assert host.oomd_active() is False


@pytest.mark.parametrize("path", ["sys/fs/cgroup", "sys/fs/cgroup/systemd", "sys/fs/cgroup/unified"])
def test_oomd(host, write, path):
    write(path + "/system.slice/systemd-oomd.service/cgroup.procs", "")
    assert host.oomd_active() is False
    write(path + "/system.slice/systemd-oomd.service/cgroup.procs", "77\n")
    assert host.oomd_active() is True


@pytest.mark.parametrize("text, pid", [("4711", 4711), ("4711\n", 4711), ("", None), ("-1", None), ("x", None)])
def test_pidfile(host, write, text, pid):
    write("run/a.pid", text)
    assert host.main_pid("/run/a.pid") == pid


@pytest.mark.parametrize("pidfile", ["/run/none.pid", "", None])
def test_no_pidfile(host, pidfile):
    assert host.main_pid(pidfile) is None
