# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is left behind is ended with all below it, and nothing else is."""

from __future__ import annotations

import signal
import subprocess

import pytest

pytest.importorskip("ansible")

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._ansible import host_task  # noqa: E402


def test_a_process_and_all_below_it_end():
    with subprocess.Popen(["sleep", "100"]) as other:
        before = host_task.child_pids()
        assert other.pid in before
        tree = subprocess.Popen(["sh", "-c", "sleep 100 & echo $!; wait"], stdout=subprocess.PIPE, text=True)
        below = int(tree.stdout.readline())
        assert host_task.child_pids() - before == {tree.pid} and host_task.child_pids(tree.pid) == {below}
        host_task.terminate(host_task.child_pids() - before)
        # the pipe ends when both are gone
        assert tree.stdout.read() == "" and tree.wait(timeout=10) == -signal.SIGTERM
        tree.stdout.close()
        assert other.poll() is None
        other.kill()


def test_processes_that_are_gone_are_no_error():
    with subprocess.Popen(["true"]) as process:
        pass
    assert host_task.child_pids(process.pid) == set()
    host_task.terminate({process.pid})
