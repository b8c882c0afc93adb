# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remedies: a shell can read all of them, whatever a container is called."""

from __future__ import annotations

import itertools
import shutil
import subprocess

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._model.container_key import ContainerKey
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._policy.policy import Decision
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules import remedy

MIB = 1024 * 1024
NAMES = ["web", "it's; rm -rf /", "$(reboot)", "`reboot`\n", "-h", "\x1b[2J\u202e", "日本語"]
MANAGERS = [{"kind": kind, "unit": unit} for kind in ("none", "quadlet", "systemd", "compose", "kube")
            for unit in (None, "a b'.service")]


def remedies(container, key):
    """Return one of each kind."""
    return [
        remedy.HOST_OOM_REMEDY, remedy.KERNEL_LOG_REMEDY, remedy.CGROUP_V2_REMEDY,
        remedy.first_limit_remedy(container, key, Decision()),
        remedy.bound_remedy(container, key, 5 * MIB),
        remedy.higher_limit_remedy(container, key, 64 * MIB), remedy.higher_limit_remedy(container, key, None),
        remedy.oom_group_remedy(key.name, container, key, True),
        remedy.persist_remedy(key.name, container, key, {"limit", "oom_group"}),
        remedy.shared_limit_remedy("/a/%s" % key.name), remedy.shared_limit_remedy(None),
        remedy.memory_stalls_remedy("/a/%s" % key.name, MIB), remedy.memory_stalls_remedy(None, None),
        remedy.drift_remedy(container, key),
    ]


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
@pytest.mark.parametrize("user", ["root", "alice; reboot"])
def test_a_shell_can_read_them(container, user):
    texts = []
    for name, manager in itertools.product(NAMES, MANAGERS):
        key = ContainerKey(name, user, name, manager["unit"])
        texts += remedies(container(name=name, user=user, manager=manager), key)
    assert all(text.strip() and text.isprintable() for part in texts for text in part.splitlines())
    subprocess.run(["bash", "-n"], input="\n".join(texts), text=True, check=True, env={"LC_ALL": "C.UTF-8"})


@pytest.mark.parametrize("limit, expected", [
    # at most double, then by 100 MiB, then by a fifth
    (20 * MIB, "48m"), (64 * MIB, "128m"), (200 * MIB, "304m"), (1000 * MIB, "1200m")])
def test_the_next_limit(container, limit, expected):
    text = remedy.higher_limit_remedy(container(), ContainerKey("web", "root", "web", None), limit)
    assert "--memory=%s --memory-swap=%s " % (expected, expected) in text
