# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports of OOM kills of kernels that no test host has, from public bug reports: fixtures/kernel_versions says where from.

Those of Linux 6.1, 6.12 and 7.2 are recorded on hosts (fixtures/journal_kernel, test_recorded.py).
"""

import glob
import os
import re

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._cgroup.paths import find_container_id
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.kernel_lines import OOM_PATTERN, OOM_WORDS
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.kernel_oom import (
    KernelMessage,
    cause_and_scope,
    parse_kernel_log,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._logs.kernel_reports import KernelReports

FOLDER = os.path.join(os.path.dirname(__file__), "..", "..", "..", "fixtures", "kernel_versions")
VERSIONS = sorted(os.path.basename(path)[:-len(".txt")] for path in glob.glob(os.path.join(FOLDER, "*.txt")))

POD = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod"
KIND = "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-%s.scope/container" % (
    "11017d9ed95ddc35b24735fce395331554737a0676defb9930e07b0ee6d802e5")
INSIDE = KIND + ("/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
                 "kubelet-kubepods-burstable-pod17d1d0b1_bbeb_4252_a45c_c9f426d1cb34.slice")
# {version: [(the victim's container, cause, scope, victims, group)]}; None for the id and the cause: no container
KILLS = {
    "linux-4.15.0-1023-azure": [],
    "linux-4.18.0-193.el8-nothing-killed": [],
    "linux-4.18.0-372.73.1.el8_6": [
        ("8371caad8cc3", "ancestor_limit", POD + "58dc1221_d430_496e_951d_e8cb23caaead.slice", [(184260, "mimir", 1001240000)], False)],
    "linux-4.18.0-477.13.1.el8_8": [(None, "cpuset_oom", "NUMA node 3 (memory policy of the process)", [(2074, "oom", 0)], False)],
    "linux-4.19": [("024952d653ef", "container_limit", "/kubepods/pod951f6bc5-c5a5-11ea-8707-80e455f266a2/libpod-"
                    "024952d653ef1cd852f875a61bd27cf45cb1fd6cab3659ca7e5f12f037d99aa9", [(62769, "cp", None)], False)],
    "linux-5.4.0-77-generic": [],
    "linux-5.5.9-1.el7.elrepo": [("d4f18256793a", "ancestor_limit", "/kubepods/burstable/pod7b717e63-8036-4ba9-af17-930bf5bab43b",
                                  [(27554, "elastic-operato", None)], False)],
    "linux-5.8.0-1031-oracle": [(None, "ancestor_limit", "/ltp_19257", [(19289, "memcg_process", 0)], False)],
    "linux-5.14.0.el9": [("fc22a244e4e9", "host_oom", "host", [(20227, "tail", 0)], False)],
    "linux-5.14.21-150400.24.60-default": [
        ("0f32894de86e", "ancestor_limit", POD + "968a06fb_9ab9_4819_8caf_0392ddff3d9b.slice", [(39079, "qemu-system-x86", None)], False)],
    "linux-5.15-azure": [("178ec18073cc", "ancestor_limit", "/kubepods.slice", [(68061, "stress", 0)], True)],
    "linux-6-rootless-kind": [("11017d9ed95d", "nested_limit", INSIDE, [(32550, "uvicorn", None)], False)],
}
# {version: [(pid, whether it was some cgroup's limit, uid)]}: kills whose report does not name a cgroup
LOST = {
    "linux-4.15.0-1023-azure": [(8603, False, None)],
    "linux-5.4.0-77-generic": [(63214, True, 0)],
}


def lines(version):
    """The lines of a fixture, the containers named as Podman names them."""
    with open(os.path.join(FOLDER, version + ".txt"), encoding="utf-8") as stream:
        texts = [line.rstrip("\n") for line in stream if not line.startswith("#")]
    return [re.sub(r"(?<=/)(?:(?:docker|crio|cri-containerd)-)?([0-9a-f]{64})\b", r"libpod-\1", text) for text in texts]


def messages(version):
    return [KernelMessage(1000 + number, "b1", number, text) for number, text in enumerate(lines(version))]


def test_every_version_has_what_is_expected_of_it():
    assert VERSIONS == sorted(KILLS)


@pytest.mark.parametrize("version", VERSIONS)
def test_where_it_comes_from_is_said(version):
    with open(os.path.join(FOLDER, version + ".txt"), encoding="utf-8") as stream:
        header = "".join(line for line in stream if line.startswith("#"))
    assert "https://" in header and re.search(r"Linux \d", header)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_report_of_that_version(version):
    log = parse_kernel_log(messages(version))
    kills = []
    for kill in log.kills:
        ident = find_container_id(kill.task_memcg)
        cause, scope = cause_and_scope(kill, ident or "0" * 64)
        kills.append((ident and ident[:12], cause, scope, [(each.pid, each.task, each.uid) for each in kill.victims], kill.group))
    assert kills == KILLS[version]
    assert [(kill.victim.pid, kill.memcg, kill.victim.uid) for kill in log.unattributed] == LOST.get(version, [])
    assert not log.doubtful


@pytest.mark.parametrize("version", VERSIONS)
def test_the_journal_is_asked_for_all_its_lines(version):
    """What journalctl's pattern leaves out, and what is dropped of a flood, is nothing that the verdict needs."""
    wanted = [message for message in messages(version) if re.search(OOM_PATTERN, message.text)]
    assert parse_kernel_log(wanted) == parse_kernel_log(messages(version))
    reader = KernelReports()
    for message in messages(version):
        reader.keep({"MESSAGE": message.text, "__REALTIME_TIMESTAMP": str(message.at), "_BOOT_ID": "b1",
                     "__MONOTONIC_TIMESTAMP": str(message.mono)}, len(message.text))
    assert [entry["MESSAGE"] for entry in reader.entries()] == [text for text in lines(version) if OOM_WORDS.search(text)]
