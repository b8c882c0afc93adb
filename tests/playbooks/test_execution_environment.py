# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ansible-builder finds for an execution environment with this collection."""

import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("ansible_builder")
yaml = pytest.importorskip("yaml")

ROOT = pathlib.Path(__file__).parents[2]


def test_ansible_builder_introspects_it(tmp_path):
    (tmp_path / "ansible_collections" / "podman_fleet").mkdir(parents=True)
    (tmp_path / "ansible_collections" / "podman_fleet" / "memory").symlink_to(ROOT)
    pip, bindep = tmp_path / "requirements.txt", tmp_path / "bindep.txt"
    done = subprocess.run(
        [sys.executable, "-m", "ansible_builder", "introspect", str(tmp_path), "--write-pip", str(pip), "--write-bindep", str(bindep)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, universal_newlines=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    assert "WARNING" not in done.stdout and "ERROR" not in done.stdout, done.stdout
    wanted = [line.split("#")[0].strip() for line in pip.read_text(encoding="utf-8").splitlines()]
    assert [line for line in wanted if line] == ["jmespath>=1.0.0"]
    system = [line.split("#")[0].strip() for line in bindep.read_text(encoding="utf-8").splitlines()]
    assert [line for line in system if line] == ["openssh-clients [platform:rpm]", "openssh-client [platform:dpkg]"]


def test_what_it_names_is_there():
    about = yaml.safe_load((ROOT / "meta" / "execution-environment.yml").read_text(encoding="utf-8"))
    assert about["version"] == 1
    for name in about["dependencies"].values():
        assert (ROOT / name).is_file()
