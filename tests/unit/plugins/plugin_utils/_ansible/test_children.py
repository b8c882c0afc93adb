# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is left behind is ended with all below it, and nothing else is."""

from __future__ import annotations

import signal
import subprocess

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._ansible import children as _children


def test_a_process_and_all_below_it_end():
    with subprocess.Popen(["sleep", "100"]) as other:
        before = _children.children()
        assert other.pid in before
        tree = subprocess.Popen(["sh", "-c", "sleep 100 & echo $!; wait"], stdout=subprocess.PIPE, text=True)
        below = int(tree.stdout.readline())
        assert _children.children() - before == {tree.pid} and _children.children(tree.pid) == {below}
        _children.end(_children.children() - before)
        # the pipe ends when both are gone
        assert tree.stdout.read() == "" and tree.wait(timeout=10) == -signal.SIGTERM
        tree.stdout.close()
        assert other.poll() is None
        other.kill()


def test_processes_that_are_gone_are_no_error():
    with subprocess.Popen(["true"]) as process:
        pass
    assert _children.children(process.pid) == set()
    _children.end({process.pid})
