# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is put on a host: all code that is needed and no more, units, and what an installation plans."""

import json
import os
import re
import subprocess
import sys

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder import (
    install as _recorder_install,
    metrics as _recorder_metrics,
    package as _recorder_layout,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._system import systemctl
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import CommandResult

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "..", "..")
STATE = "/var/lib/podman-memory"
SETTINGS = {"state_dir": STATE, "textfile_dir": "/var/lib/prometheus/node-exporter", "retention_days": 30,
            "retention_bytes": 64 << 20, "version": "1.0.0"}


@pytest.fixture(name="ended")
def _ended():
    """What systemctl is-failed says of the service."""
    return b"inactive\n"


@pytest.fixture(name="here")
def _here(tmp_path, monkeypatch, ended):
    """The directories of a host, and a systemctl that remembers."""
    for name in ("CODE_DIR", "CACHE_DIR", "UNIT_DIR"):
        path = str(tmp_path / name.lower())
        monkeypatch.setattr(_recorder_layout, name, path)
        monkeypatch.setattr(_recorder_install, name, path)
    real = os.path.isdir
    monkeypatch.setattr(os.path, "isdir", lambda path: path == "/run/systemd/system" or real(path))
    calls = []

    def run(argv, _timeout, _identity):
        calls.append(" ".join(argv[1:]))
        on = os.path.exists(os.path.join(_recorder_layout.UNIT_DIR, _recorder_layout.TIMER))
        said = {"is-enabled": b"enabled\n", "is-active": b"active\n", "is-failed": ended}.get(argv[1], b"") if on else b""
        return CommandResult(0, said, "")

    monkeypatch.setattr(systemctl, "run_command", run)
    return tmp_path, calls


def wanted(folder, **changes):
    settings = dict(SETTINGS, state_dir=str(folder / "state"), textfile_dir=str(folder / "textfiles"), **changes)
    return _recorder_layout.build_layout("/usr/bin/python3", settings, {"x.py": "pass\n"}), settings


def install(folder, **changes):
    layout, settings = wanted(folder, **changes)
    plan = _recorder_install.plan_install(layout, settings["state_dir"], settings["textfile_dir"])
    _recorder_install.apply_plan(plan)
    return layout, plan


def remove(folder):
    plan = _recorder_install.plan_removal(str(folder / "state"), str(folder / "textfiles"))
    _recorder_install.apply_plan(plan)
    return plan


def test_the_code_runs_alone(tmp_path):
    """In an interpreter that sees nothing of the collection or of Ansible."""
    for path, text in _recorder_layout.read_sources().items():
        target = str(tmp_path / path)
        if not os.path.isdir(os.path.dirname(target)):
            os.makedirs(os.path.dirname(target))
        with open(target, "w", encoding="utf-8") as handle:
            handle.write(text)
    code = "import sys; sys.path.insert(0, %r); from %s._recorder import main; print([m for m in sys.modules if m.startswith('ansible.')])" % (
        str(tmp_path), _recorder_layout.PACKAGE)
    assert subprocess.check_output([sys.executable, "-I", "-c", code]).strip() == b"[]"


def test_no_podman_and_no_ansible_among_the_code():
    names = {os.path.basename(path) for path in _recorder_layout.read_sources()}
    assert {"main.py", "run.py", "database.py", "kernel_oom.py", "cgroupfs.py"} <= names
    assert not {"cli.py", "facts.py", "verdict.py"} & names


def test_another_content_is_another_directory():
    one = _recorder_layout.build_layout("/usr/bin/python3", SETTINGS, {"x.py": "1"})
    two = _recorder_layout.build_layout("/usr/bin/python3", SETTINGS, {"x.py": "2"})
    three = _recorder_layout.build_layout("/usr/bin/python3", dict(SETTINGS, retention_days=31), {"x.py": "1"})
    assert len({one.code, two.code, three.code}) == 3
    assert one == _recorder_layout.build_layout("/usr/bin/python3", SETTINGS, {"x.py": "1"})


def test_the_service_may_write_two_directories_only():
    unit = _recorder_layout.service_unit("/usr/bin/python3", "/code", STATE, "/textfiles")
    assert "\nReadWritePaths=/var/lib/podman-memory -/textfiles\n" in unit
    assert "\nProtectSystem=strict\n" in unit and "\nPrivateNetwork=yes\n" in unit
    assert "\nStateDirectory=podman-memory\n" in unit
    assert "\nReadWritePaths=/var/lib/podman-memory\n" in _recorder_layout.service_unit("/usr/bin/python3", "/code", STATE, "")


def test_a_state_directory_elsewhere_is_not_systemds():
    unit = _recorder_layout.service_unit("/usr/bin/python3", "/code", "/srv/history", "")
    assert "StateDirectory" not in unit and "\nReadWritePaths=/srv/history\n" in unit


def test_the_version_is_the_collections():
    with open(os.path.join(ROOT, "galaxy.yml"), encoding="utf-8") as handle:
        assert re.search(r"^version: (\S+)$", handle.read(), re.M).group(1) == _recorder_metrics.VERSION


def test_installed_once(here):
    folder, calls = here
    layout, plan = install(folder)
    assert _recorder_install.is_change(plan)
    assert calls[-3:] == ["enable --no-reload podman-memory-recorder.timer", "daemon-reload", "restart podman-memory-recorder.timer"]
    for path, text in layout.files.items():
        with open(path, encoding="utf-8") as handle:
            assert handle.read() == text
    assert not _recorder_install.is_change(install(folder)[1])


def test_a_newer_one_takes_the_place_of_the_older(here):
    folder, _calls = here
    old = install(folder)[0]
    new, plan = install(folder, retention_days=60)
    assert old.code in plan.remove and os.listdir(_recorder_layout.CODE_DIR) == [os.path.basename(new.code)]
    changed = {each["before_header"]: each for each in plan.diff}
    service = os.path.join(_recorder_layout.UNIT_DIR, _recorder_layout.SERVICE)
    assert old.code in changed[service]["before"] and new.code in changed[service]["after"]


def test_a_textfile_that_moves_leaves_none_behind(here):
    folder, _calls = here
    install(folder)
    left = folder / "textfiles" / _recorder_metrics.METRICS_FILE
    left.parent.mkdir()
    left.write_text("x")
    settings = dict(SETTINGS, state_dir=str(folder / "state"), textfile_dir="")
    _recorder_install.apply_plan(_recorder_install.plan_install(
        _recorder_layout.build_layout("/usr/bin/python3", settings, {}), settings["state_dir"], ""))
    assert not left.exists()


def test_what_was_changed_by_hand_is_mended(here):
    folder, _calls = here
    layout = install(folder)[0]
    unit = os.path.join(_recorder_layout.UNIT_DIR, _recorder_layout.TIMER)
    for path in (unit, os.path.join(layout.code, "x.py")):
        with open(path, "a", encoding="utf-8") as handle:
            handle.write("# mine\n")
    assert set(install(folder)[1].write) == {unit, os.path.join(layout.code, "x.py")}


def test_planning_changes_nothing(here):
    folder, calls = here
    layout, settings = wanted(folder)
    assert _recorder_install.is_change(_recorder_install.plan_install(layout, settings["state_dir"], settings["textfile_dir"]))
    assert os.listdir(str(folder)) == []
    assert calls == ["is-enabled podman-memory-recorder.timer"]


def test_absent_takes_all_of_ours_and_nothing_else(here):
    folder, calls = here
    install(folder)
    textfiles, state = folder / "textfiles", folder / "state"
    textfiles.mkdir()
    for path in (textfiles / _recorder_metrics.METRICS_FILE, textfiles / "other.prom", state / "history.sqlite", state / "history.sqlite-wal",
                 state / "history.sqlite.damaged-20261123T200548Z", state / "lock", state / "mine"):
        path.write_text("x")
    plan = remove(folder)
    assert _recorder_install.is_change(plan) and calls[-1] == "daemon-reload"
    assert "disable --no-reload --now podman-memory-recorder.timer" in calls
    assert sorted(os.listdir(str(folder))) == ["state", "textfiles", "unit_dir"]
    assert os.listdir(str(state)) == ["mine"] and os.listdir(str(textfiles)) == ["other.prom"]
    assert os.listdir(_recorder_layout.UNIT_DIR) == []
    assert not _recorder_install.is_change(remove(folder))


@pytest.mark.parametrize("ended", [b"inactive\n", b"failed\n"])
def test_absent_leaves_no_failed_unit(here, ended):
    folder, calls = here
    install(folder)
    calls.clear()
    remove(folder)
    stopped = ["disable --no-reload --now podman-memory-recorder.timer", "stop podman-memory-recorder.service",
               "is-failed podman-memory-recorder.service"]
    assert calls == stopped + (["reset-failed podman-memory-recorder.service"] if ended == b"failed\n" else []) + ["daemon-reload"]


def test_absent_finds_what_was_installed_elsewhere(here):
    folder, _calls = here
    layout = install(folder)[0]
    with open(os.path.join(layout.code, "settings.json"), encoding="utf-8") as handle:
        state = json.load(handle)["state_dir"]
    _recorder_install.apply_plan(_recorder_install.plan_removal("/nowhere/at/all", ""))
    assert not os.path.exists(state)


def test_without_systemd_it_says_so(tmp_path, monkeypatch):
    layout, settings = wanted(tmp_path)
    monkeypatch.setattr(os.path, "isdir", lambda _path: False)
    with pytest.raises(_recorder_install.InstallError) as caught:
        _recorder_install.plan_install(layout, settings["state_dir"], "")
    assert "systemd" in str(caught.value)


def test_a_systemctl_that_fails_is_told(here, monkeypatch):
    folder, _calls = here
    monkeypatch.setattr(systemctl, "run_command", lambda *_arguments: CommandResult(1, b"", "no such thing"))
    with pytest.raises(_recorder_install.InstallError) as caught:
        install(folder)
    assert "systemctl enable --no-reload podman-memory-recorder.timer: exit code 1: no such thing" in str(caught.value)
