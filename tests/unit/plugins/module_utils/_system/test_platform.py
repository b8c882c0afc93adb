# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Distributions, systemds, kernels, boards and containers, by what they say of themselves."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._system.host_files import Files
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.platform import (
    Distribution,
    Systemd,
    container_engine,
    is_raspberry_pi,
    kernel_at_least,
    parse_os_release,
    parse_systemd_version,
)


@pytest.mark.parametrize("path, text, engine", [
    ("run/systemd/container", "lxc\n", "lxc"), ("run/systemd/container", "", None),
    ("run/.containerenv", "", "podman"), (".dockerenv", "", "docker"), ("etc/other", "", None),
])
def test_container_engine(tmp_path, path, text, engine):
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text(text)
    assert container_engine(Files(str(tmp_path))) == engine


def test_systemd_knows_the_engine_best(tmp_path):
    (tmp_path / "run/systemd").mkdir(parents=True)
    (tmp_path / "run/systemd/container").write_text("podman\n")
    (tmp_path / ".dockerenv").write_text("")
    assert container_engine(Files(str(tmp_path))) == "podman"


def test_os_release():
    text = '# x\nPRETTY_NAME="A \\"quoted\\" name"\nID=rocky\nVERSION_ID="8.10"\nID_LIKE="rhel centos fedora"\nnonsense\n'
    assert parse_os_release(text) == Distribution(
        "rocky", "8.10", 'A "quoted" name', ["rhel", "centos", "fedora"])
    assert parse_os_release("") == Distribution("linux", None, None, [])


@pytest.mark.parametrize("text, expected", [
    ("systemd 252 (252.39-1~deb12u2)\n+PAM +SYSVINIT default-hierarchy=unified\n", (252, "unified")),
    ("systemd 239 (239-82.el8_10.2)\n+PAM +AUDIT default-hierarchy=legacy\n", (239, "legacy")),
    ("systemd 257 (257.13-1~deb13u1)\n+PAM +LIBARCHIVE\n", (257, None)),
    ("systemd 258~rc1 (258~rc1)\n", (258, None)),
])
def test_systemd_version(text, expected):
    assert parse_systemd_version(text) == Systemd(*expected)


@pytest.mark.parametrize("text", ["", "bash: systemctl: command not found", "busybox"])
def test_what_is_no_systemd_version(text):
    assert parse_systemd_version(text) is None


@pytest.mark.parametrize("release, wanted, expected", [
    ("6.1.0-37-amd64", (4, 15), True), ("4.18.0-553.el8_10.x86_64", (4, 15), True), ("4.14.1", (4, 15), False),
    ("3.10.0-1160.el7", (4, 15), False), ("10.0", (4, 15), True), ("", (4, 15), None), (None, (4, 15), None),
])
def test_kernel_version(release, wanted, expected):
    assert kernel_at_least(release, wanted) is expected


@pytest.mark.parametrize("model, release, expected", [
    ("Raspberry Pi 5 Model B Rev 1.0", "6.6.74", True),
    (None, "6.12.34+rpt-rpi-2712", True),
    (None, "5.15.0-1061-raspi", True),
    (None, "5.10.103-v7l+", True),
    (None, "5.4.42-v7+", True),
    (None, "6.12.48+deb13-cloud-amd64", False),
    ("QEMU Virt", "6.1.0-37-arm64", False),
    (None, None, False),
])
def test_raspberry(model, release, expected):
    assert is_raspberry_pi(model, release) is expected
