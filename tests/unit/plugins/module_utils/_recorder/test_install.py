# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is put on a host: all code that is needed and no more, units, and what an installation plans."""

import ast
import errno
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder import install, package
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.database import open_history
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.metrics import METRICS_FILE
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.run import Options
from ansible_collections.podman_fleet.memory.plugins.module_utils._system import systemctl
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import CommandResult

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "..", "..")
PLUGINS = os.path.join(ROOT, "plugins")
STATE = "/var/lib/podman-memory"
OPTIONS = Options(state_dir=STATE, textfile_dir="/var/lib/prometheus/node-exporter", retention_days=30, retention_bytes=64 << 20,
                  version="1.0.0")


@pytest.fixture(name="ended")
def _ended():
    """What systemctl is-failed says of the service."""
    return b"inactive\n"


@pytest.fixture(name="here")
def _here(tmp_path, monkeypatch, ended):
    """The directories of a host, and a systemctl that remembers."""
    for name in ("CODE_DIR", "CACHE_DIR", "UNIT_DIR"):
        path = str(tmp_path / name.lower())
        monkeypatch.setattr(package, name, path)
        monkeypatch.setattr(install, name, path)
    real = os.path.isdir
    monkeypatch.setattr(os.path, "isdir", lambda path: path == "/run/systemd/system" or real(path))
    calls = []

    def run(argv, _timeout, _identity):
        calls.append(" ".join(argv[1:]))
        on = os.path.exists(os.path.join(package.UNIT_DIR, package.TIMER))
        answer = {"is-enabled": b"enabled\n", "is-active": b"active\n", "is-failed": ended}.get(argv[1], b"") if on else b""
        return CommandResult(0, answer, "")

    monkeypatch.setattr(systemctl, "run_command", run)
    return tmp_path, calls


def layout_of(folder, **changes):
    options = OPTIONS._replace(state_dir=str(folder / "state"), textfile_dir=str(folder / "textfiles"), **changes)
    return package.build_layout("/usr/bin/python3", options, {"x.py": "pass\n"}), options


def install_recorder(folder, **changes):
    layout, options = layout_of(folder, **changes)
    plan = install.plan_install(layout, options.state_dir, options.textfile_dir)
    install.apply_plan(plan)
    return layout, plan


def remove_recorder(folder):
    plan = install.plan_removal(str(folder / "state"), str(folder / "textfiles"))
    install.apply_plan(plan)
    return plan


def write_files(folder, files):
    for path, text in files.items():
        target = os.path.join(str(folder), path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w", encoding="utf-8") as handle:
            handle.write(text)


def test_the_code_runs_alone(tmp_path):
    """In an interpreter that sees nothing of the collection or of Ansible."""
    write_files(tmp_path, package.read_sources())
    code = "import sys; sys.path.insert(0, %r); from %s._recorder import run; print([m for m in sys.modules if m.startswith('ansible.')])" % (
        str(tmp_path), package.PACKAGE)
    assert subprocess.check_output([sys.executable, "-I", "-c", code]).strip() == b"[]"


def imports_of(path):
    """The files below plugins/ that a file imports, anywhere in it."""
    with open(os.path.join(PLUGINS, path), encoding="utf-8") as handle:
        tree = ast.parse(handle.read())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = os.path.normpath(os.path.join(path, *[os.pardir] * node.level))
            module = os.path.join(folder, *(node.module or "").split("."))
            for name in [module] + [os.path.join(module, alias.name) for alias in node.names]:
                if os.path.exists(os.path.join(PLUGINS, name + ".py")):
                    yield os.path.normpath(name) + ".py"


def test_the_code_runs_when_it_comes_from_ansiballz(tmp_path):
    """Ansible sends the module as a zip of what it imports, and of nothing else of the collection."""
    waiting, files = ["modules/oom_recorder.py"], set()
    while waiting:
        path = waiting.pop()
        if path not in files:
            files.add(path)
            waiting.extend(imports_of(path))
    archive = str(tmp_path / "ansiballz.zip")
    with zipfile.ZipFile(archive, "w") as file:
        for path in files:
            file.write(os.path.join(PLUGINS, path), "ansible_collections/podman_fleet/memory/plugins/" + path)
        for folder in {os.path.dirname(name) for name in file.namelist()}:
            for end in range(1, folder.count("/") + 2):
                package_file = "/".join(folder.split("/")[:end]) + "/__init__.py"
                if package_file not in file.namelist():
                    file.writestr(package_file, "")
    code = "import json, sys; sys.path.insert(0, %r); from %s._recorder import package; print(json.dumps(package.read_sources()))"
    sources = json.loads(subprocess.check_output([sys.executable, "-I", "-c", code % (archive, package.PACKAGE)]).decode("utf-8"))
    layout = package.build_layout(sys.executable, OPTIONS._replace(state_dir=str(tmp_path / "nowhere")), sources)
    folder = tmp_path / "code"
    write_files(folder, {os.path.relpath(path, layout.code): text for path, text in layout.files.items()
                         if path.startswith(layout.code)})
    ended = subprocess.run([sys.executable, "-I", "-S", str(folder)], stderr=subprocess.PIPE, check=False)
    assert ended.returncode == 1 and ended.stderr.startswith(b"the recorder could not write: ")


def test_no_podman_and_no_ansible_among_the_code():
    names = {os.path.basename(path) for path in package.read_sources()}
    assert {"run.py", "database.py", "kernel_oom.py", "cgroupfs.py"} <= names
    assert not {"cli.py", "listing.py", "verdict.py"} & names


def test_another_content_is_another_directory():
    one = package.build_layout("/usr/bin/python3", OPTIONS, {"x.py": "1"})
    two = package.build_layout("/usr/bin/python3", OPTIONS, {"x.py": "2"})
    three = package.build_layout("/usr/bin/python3", OPTIONS._replace(retention_days=31), {"x.py": "1"})
    assert len({one.code, two.code, three.code}) == 3
    assert one == package.build_layout("/usr/bin/python3", OPTIONS, {"x.py": "1"})


def test_the_service_may_write_two_directories_only():
    unit = package.service_unit("/usr/bin/python3", "/code", STATE, "/textfiles")
    assert "\nReadWritePaths=/var/lib/podman-memory -/textfiles\n" in unit
    assert "\nProtectSystem=strict\n" in unit and "\nPrivateNetwork=yes\n" in unit
    assert "\nStateDirectory=podman-memory\n" in unit
    assert "\nReadWritePaths=/var/lib/podman-memory\n" in package.service_unit("/usr/bin/python3", "/code", STATE, "")


def test_what_it_says_reaches_the_journal():
    """Its standard error was "info", which LogLevelMax=notice drops."""
    unit = package.service_unit("/usr/bin/python3", "/code", STATE, "")
    assert "\nLogLevelMax=notice\n" in unit and "\nSyslogLevel=warning\n" in unit


def test_a_state_directory_elsewhere_is_not_systemds():
    unit = package.service_unit("/usr/bin/python3", "/code", "/srv/history", "")
    assert "StateDirectory" not in unit and "\nReadWritePaths=/srv/history\n" in unit


def test_the_version_is_the_collections():
    with open(os.path.join(ROOT, "galaxy.yml"), encoding="utf-8") as handle:
        assert re.search(r"^version: (\S+)$", handle.read(), re.M).group(1) == package.VERSION


def test_installed_once(here):
    folder, calls = here
    layout, plan = install_recorder(folder)
    assert plan.changed
    assert calls[-3:] == ["enable --no-reload podman-memory-recorder.timer", "daemon-reload", "restart podman-memory-recorder.timer"]
    for path, text in layout.files.items():
        with open(path, encoding="utf-8") as handle:
            assert handle.read() == text
    assert not install_recorder(folder)[1].changed


def test_a_newer_one_takes_the_place_of_the_older(here):
    folder, _calls = here
    old = install_recorder(folder)[0]
    new, plan = install_recorder(folder, retention_days=60)
    assert old.code in plan.remove and os.listdir(package.CODE_DIR) == [os.path.basename(new.code)]
    changed = {entry["before_header"]: entry for entry in plan.diff}
    service = os.path.join(package.UNIT_DIR, package.SERVICE)
    assert old.code in changed[service]["before"] and new.code in changed[service]["after"]


def test_a_textfile_that_moves_leaves_none_behind(here):
    folder, _calls = here
    install_recorder(folder)
    left = folder / "textfiles" / METRICS_FILE
    left.parent.mkdir()
    left.write_text("x")
    options = OPTIONS._replace(state_dir=str(folder / "state"), textfile_dir="")
    install.apply_plan(install.plan_install(
        package.build_layout("/usr/bin/python3", options, {}), options.state_dir, ""))
    assert not left.exists()


def test_what_was_changed_by_hand_is_mended(here):
    folder, _calls = here
    layout = install_recorder(folder)[0]
    unit = os.path.join(package.UNIT_DIR, package.TIMER)
    for path in (unit, os.path.join(layout.code, "x.py")):
        with open(path, "a", encoding="utf-8") as handle:
            handle.write("# mine\n")
    assert set(install_recorder(folder)[1].write) == {unit, os.path.join(layout.code, "x.py")}


def test_planning_changes_nothing(here):
    folder, calls = here
    layout, options = layout_of(folder)
    assert install.plan_install(layout, options.state_dir, options.textfile_dir).changed
    assert os.listdir(str(folder)) == []
    assert calls == ["is-enabled podman-memory-recorder.timer"]


def test_absent_takes_all_of_ours_and_nothing_else(here):
    folder, calls = here
    install_recorder(folder)
    textfiles, state = folder / "textfiles", folder / "state"
    textfiles.mkdir()
    for path in (textfiles / METRICS_FILE, textfiles / "other.prom", state / "history.sqlite", state / "history.sqlite-wal",
                 state / "history.sqlite.damaged-20261123T200548Z", state / "lock-of-another", state / "history.sqlite.backup",
                 state / "history.sqlite2", textfiles / (".%s.%016x.new" % (METRICS_FILE, 1)), textfiles / (".%s.mine" % METRICS_FILE)):
        path.write_text("x")
    plan = remove_recorder(folder)
    assert plan.changed and calls[-1] == "daemon-reload"
    assert "disable --no-reload --now podman-memory-recorder.timer" in calls
    assert sorted(os.listdir(str(folder))) == ["state", "textfiles", "unit_dir"]
    assert sorted(os.listdir(str(state))) == ["history.sqlite.backup", "history.sqlite2", "lock-of-another"]
    assert sorted(os.listdir(str(textfiles))) == [".%s.mine" % METRICS_FILE, "other.prom"]
    assert os.listdir(package.UNIT_DIR) == []
    assert not remove_recorder(folder).changed


@pytest.mark.parametrize("ended", [b"inactive\n", b"failed\n"])
def test_absent_leaves_no_failed_unit(here, ended):
    folder, calls = here
    install_recorder(folder)
    calls.clear()
    remove_recorder(folder)
    stopped = ["disable --no-reload --now podman-memory-recorder.timer", "stop podman-memory-recorder.service",
               "is-failed podman-memory-recorder.service"]
    assert calls == stopped + (["reset-failed podman-memory-recorder.service"] if ended == b"failed\n" else []) + ["daemon-reload"]


def test_absent_finds_what_was_installed_elsewhere(here):
    folder, _calls = here
    layout = install_recorder(folder)[0]
    with open(os.path.join(layout.code, "settings.json"), encoding="utf-8") as handle:
        state = json.load(handle)["state_dir"]
    install.apply_plan(install.plan_removal("/nowhere/at/all", ""))
    assert not os.path.exists(state)


def test_a_state_directory_that_cannot_be_read_is_not_taken_for_an_empty_one(here, monkeypatch):
    folder, _calls = here
    install_recorder(folder)
    state = str(folder / "state")
    write_files(folder / "state", {"mine": "x"})
    listdir = os.listdir

    def refuse(path):
        if path == state:
            raise OSError(errno.EIO, "Input/output error", path)
        return listdir(path)

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(install.InstallError) as error:
        remove_recorder(folder)
    assert str(error.value) == "%s can't be read: Input/output error" % state
    monkeypatch.undo()
    assert os.listdir(state) == ["mine"]


def test_a_full_disk_names_the_file(here, monkeypatch):
    folder, _calls = here

    def refuse(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(install.InstallError) as error:
        install_recorder(folder)
    assert str(error.value).startswith(package.CODE_DIR) and str(error.value).endswith(": No space left on device")


def test_without_systemd_it_says_so(tmp_path, monkeypatch):
    layout, options = layout_of(tmp_path)
    monkeypatch.setattr(os.path, "isdir", lambda _path: False)
    with pytest.raises(install.InstallError) as error:
        install.plan_install(layout, options.state_dir, "")
    assert "systemd" in str(error.value)


def test_a_systemctl_that_fails_is_told(here, monkeypatch):
    folder, _calls = here
    monkeypatch.setattr(systemctl, "run_command", lambda *_arguments: CommandResult(1, b"", "no such thing"))
    with pytest.raises(systemctl.SystemctlError) as error:
        install_recorder(folder)
    assert "systemctl enable --no-reload podman-memory-recorder.timer: exit code 1: no such thing" in str(error.value)


def test_absent_leaves_what_others_made_under_our_names(here):
    """A directory and a link are no history of ours, nor is anything in a directory that no recorder was installed with."""
    folder, _calls = here
    install_recorder(folder)
    write_files(folder, {"victim": "x", "elsewhere/history.sqlite": "of another program", "elsewhere/lock": "x"})
    (folder / "state" / "history.sqlite").symlink_to(folder / "victim")
    (folder / "state" / "history.sqlite-wal").mkdir()
    (folder / "textfiles" / METRICS_FILE / "theirs").mkdir(parents=True)
    install.apply_plan(install.plan_removal(str(folder / "elsewhere"), str(folder / "textfiles")))
    assert sorted(os.listdir(str(folder / "state"))) == ["history.sqlite", "history.sqlite-wal"]
    assert sorted(os.listdir(str(folder / "elsewhere"))) == ["history.sqlite", "lock"] and (folder / "victim").read_text() == "x"
    assert os.path.isdir(str(folder / "textfiles" / METRICS_FILE / "theirs"))


def test_absent_takes_a_history_that_an_earlier_removal_left(here):
    folder, _calls = here
    (folder / "state").mkdir(mode=0o700)
    open_history(str(folder / "state")).close()
    remove_recorder(folder)
    assert not (folder / "state").exists()


def test_absent_takes_what_a_run_that_was_stopped_left_after_planning(here):
    folder, _calls = here
    install_recorder(folder)
    plan = install.plan_removal(str(folder / "state"), "")
    (folder / "state" / "history.sqlite-wal").write_text("x")
    install.apply_plan(plan)
    assert not (folder / "state").exists()


@pytest.mark.parametrize("where", ["code_dir", "cache_dir", "unit_dir", "state"])
@pytest.mark.parametrize("mode", [0o2775, 0o757])
def test_nothing_is_installed_where_others_can_change_it(here, where, mode):
    folder, _calls = here
    (folder / where).mkdir()
    (folder / where).chmod(mode)
    layout, options = layout_of(folder)
    with pytest.raises(install.InstallError) as error:
        install.plan_install(layout, options.state_dir, options.textfile_dir)
    assert str(folder / where) in str(error.value) and "chmod go-w" in str(error.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_state_directory_of_a_user_is_refused(here):
    folder, _calls = here
    (folder / "home").mkdir()
    os.chown(str(folder / "home"), 1000, 1000)
    layout, _options = layout_of(folder)
    with pytest.raises(install.InstallError) as error:
        install.plan_install(layout, str(folder / "home" / "history"), "")
    assert "%s belongs to uid 1000" % (folder / "home") in str(error.value)


def test_code_that_is_not_roots_alone_is_written_again_and_strangers_are_removed(here):
    """As long as the directory was writable for a group, anybody in it could have changed what root runs."""
    folder, _calls = here
    layout, _plan = install_recorder(folder)
    own = os.path.join(layout.code, "x.py")
    os.chmod(own, 0o666)
    with open(os.path.join(layout.code, "json.py"), "w", encoding="utf-8") as handle:
        handle.write("evil\n")
    os.makedirs(os.path.join(layout.code, "sqlite3"))
    linked = os.path.join(layout.code, "settings.json")
    with open(linked, "rb") as handle:
        (folder / "same").write_bytes(handle.read())
    os.unlink(linked)
    os.symlink(str(folder / "same"), linked)
    _layout, plan = install_recorder(folder)
    assert set(plan.write) == {own, linked}
    assert os.stat(own).st_mode & 0o777 == 0o644 and not os.path.islink(linked)
    assert sorted(os.listdir(layout.code)) == ["__main__.py", "settings.json", "x.py"]


def test_the_code_is_where_no_distribution_lets_a_group_write():
    assert not package.CODE_DIR.startswith("/usr/local/")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_the_unit_says_what_systemd_understands(tmp_path):
    path = tmp_path / package.SERVICE
    path.write_text(package.service_unit("/usr/bin/python3", "/code", STATE, "/textfiles"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert b"Unknown" not in done.stdout and b"Failed to parse" not in done.stdout, done.stdout


def test_the_service_may_become_a_user_and_end_that_process():
    unit = package.service_unit("/usr/bin/python3", "/code", STATE, "")
    for words in ("CAP_SETUID CAP_SETGID CAP_KILL", "NoNewPrivileges=yes", "KeyringMode=private", "MemoryMax=192M", "TasksMax=16",
                  "TimeoutStartSec=2min", "OOMPolicy=continue", "UMask=0077"):
        assert words in unit
