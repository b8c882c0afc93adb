# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Install the recorder on this host or remove it: compare the host with the layout, and fix the differences.

Knows files and systemctl. Planning comes first and changes nothing, so check mode plans the same.
"""

import json
import os
import re
import shutil
import stat
from contextlib import suppress
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence

from .._system.host_files import Files, replace_file
from .._system.protected_paths import UnprotectedPath, check_protected, open_directory
from .._system.systemctl import Systemctl, SystemctlError
from .database import HISTORY_FILE, is_history
from .metrics import METRICS_FILE
from .package import CACHE_DIR, CODE_DIR, CODE_DIR_NAME, SERVICE, SETTINGS, TIMER, UNIT_DIR, Layout

_SYSTEMCTL = Systemctl(None, 120)
_MODE = 0o644
_FILES = Files()
# The recorder's files in its state directory: the history, those that were set aside, and what SQLite keeps beside them.
_OURS = re.compile(re.escape(HISTORY_FILE) + r"(\.damaged-\d{8}T\d{6}Z)?(-wal|-shm|-journal)?\Z")
_DRAFT = re.compile(r"\.%s\.[0-9a-f]{16}\.new\Z" % re.escape(METRICS_FILE))


class InstallPlan(NamedTuple):
    """What has to be done, in this order."""

    stop: List[List[str]]  # arguments of systemctl
    write: Dict[str, Optional[str]]  # {path: text, None for a directory}
    start: List[List[str]]
    remove: List[str]  # files and directories
    reload: List[List[str]]
    diff: List[Dict[str, str]]  # [{before_header, after_header, before, after}]

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return any([self.stop, self.write, self.start, self.remove, self.reload])


class InstallError(Exception):
    """The recorder can't be installed on this host, or removed from it."""


ERRORS = (InstallError, SystemctlError)  # of the functions below


def plan_install(layout: Layout, state_dir: str, textfile_dir: str) -> InstallPlan:
    """Plan the installation.

    :param textfile_dir: "" for no metrics.
    :raises: one of ERRORS: the host has no systemd, or it does not answer, or a directory can't be read.
    """
    if not os.path.isdir("/run/systemd/system"):
        raise InstallError("the recorder needs systemd as the host's init, and /run/systemd/system is not there")
    for path in (layout.code, CACHE_DIR, UNIT_DIR, state_dir, os.path.join(state_dir, HISTORY_FILE)):
        check_only_roots(path)
    write: Dict[str, Optional[str]] = {path: text for path, text in layout.files.items() if not _is_installed(path, text)}
    remove = [path for path in _code_dirs() if path != layout.code] + _strangers(layout)
    for settings in [_read_settings(path) for path in remove]:
        if settings.get("textfile_dir") not in (None, textfile_dir):
            remove += _metrics(settings["textfile_dir"])
    units = [path for path in write if path.startswith(UNIT_DIR)]
    # one reload for all: it is what costs most
    start = [["enable", "--no-reload", TIMER]] if _SYSTEMCTL.state("is-enabled", TIMER) != "enabled" else []
    start += [["daemon-reload"]] if units or start else []
    if units or _SYSTEMCTL.state("is-active", TIMER) != "active":
        start.append(["restart", TIMER])
    if not os.path.isdir(state_dir):
        write[state_dir] = None
    return InstallPlan(stop=[], write=write, start=start, remove=remove, reload=[], diff=_diff(write, remove))


def plan_removal(state_dir: str, textfile_dir: str) -> InstallPlan:
    """Plan to remove what the recorder and its installation created, and nothing else.

    :raises InstallError: a directory can't be read.
    """
    code = _code_dirs()
    installed = [settings for settings in map(_read_settings, code) if settings]
    ours = {settings["state_dir"] for settings in installed}
    state_dirs = {state_dir} | ours
    textfile_dirs = {textfile_dir} | {settings["textfile_dir"] for settings in installed}
    units = _existing(os.path.join(UNIT_DIR, name) for name in (TIMER, SERVICE))
    remove = units + code + _existing([CACHE_DIR])
    for folder in sorted(textfile_dirs):
        remove += _metrics(folder)
    for folder in sorted(state_dirs):
        # one that no installed recorder has, and that has no history, is somebody else's, or new
        if not os.path.isdir(folder) or not (folder in ours or is_history(os.path.join(folder, HISTORY_FILE))):
            continue
        check_only_roots(folder)
        files = _history_files(folder)
        remove += files
        # files of others stay, and then the directory does
        remove += [folder] if len(files) == len(_names(folder)) else []
    only_code = set(_names(CODE_DIR)) == {os.path.basename(path) for path in code}
    remove += [CODE_DIR] if os.path.isdir(CODE_DIR) and only_code else []
    return InstallPlan(
        stop=[["disable", "--no-reload", "--now", TIMER], ["stop", SERVICE]] if units else [], write={}, start=[],
        remove=remove, reload=[["daemon-reload"]] if units else [], diff=_diff({}, remove))


def check_only_roots(path: str) -> None:
    """Check that nobody but root can change what root is going to run, write or read.

    :raises InstallError: somebody can; says which part of the path and why.
    """
    try:
        check_protected(path)
    except UnprotectedPath as exc:
        raise InstallError("%s: %s" % (path, exc) if not str(exc).startswith(path + " ") else str(exc))
    except OSError as exc:
        raise InstallError("%s: %s" % (exc.filename or path, exc.strerror))


def _is_installed(path: str, text: str) -> bool:
    """Whether a file has this text, and is a file that root alone can change."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as exc:
        raise InstallError("%s: %s" % (path, exc.strerror))
    return (stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) == _MODE
            and _FILES.read(path) == text)


def _strangers(layout: Layout) -> List[str]:
    """What is in the directory of the code and not of it: Python would run it."""
    folders = {os.path.dirname(path) for path in layout.files if path.startswith(layout.code + "/")}
    for folder in list(folders):
        while folder != layout.code:
            folder = os.path.dirname(folder)
            folders.add(folder)
    return [os.path.join(folder, name) for folder in sorted(folders) for name in _names(folder)
            if os.path.join(folder, name) not in folders and os.path.join(folder, name) not in layout.files]


def _metrics(folder: str) -> List[str]:
    """The recorder's files in a directory of metrics, which may be another user's."""
    names = _names(folder) if folder else []
    paths = [os.path.join(folder, name) for name in names if name == METRICS_FILE or _DRAFT.match(name)]
    return [path for path in paths if os.path.islink(path) or not os.path.isdir(path)]


def _history_files(folder: str) -> List[str]:
    """The recorder's files in a state directory: of our names, files, root's."""
    files = []
    for name in _names(folder):
        path = os.path.join(folder, name)
        with suppress(FileNotFoundError):  # SQLite's, of a run that ends
            status = os.lstat(path)
            if _OURS.match(name) and stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid():
                files.append(path)
    return files


def apply_plan(plan: InstallPlan) -> None:
    """Do what is planned.

    :raises: one of ERRORS, with what went wrong; what was done before it stays, and the next call goes on.
    """
    _run_systemctl(plan.stop)
    # a oneshot's run that is stopped has failed (systemd.service(5)): systemctl --failed would list a unit that is gone
    if plan.stop and _SYSTEMCTL.state("is-failed", SERVICE) == "failed":
        _run_systemctl([["reset-failed", SERVICE]])
    try:
        # the units come last: they point to the code
        for path, text in sorted(plan.write.items(), key=lambda item: (item[0].startswith(UNIT_DIR), item[0])):
            if text is None:
                os.makedirs(path, 0o700)
            else:
                _write_text(path, text)
        _run_systemctl(plan.start)
        for path in plan.remove:
            _remove(path)
    except OSError as exc:
        raise InstallError("%s: %s" % (exc.filename or path, exc.strerror))  # a full disk names no file
    _run_systemctl(plan.reload)


def _write_text(path: str, text: str) -> None:
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        os.makedirs(folder, 0o755)
    replace_file(path, text.encode("utf-8"), _MODE)


def _remove(path: str) -> None:
    """Remove a file without following a link on the way, the code with all in it, a state directory if it is empty then."""
    folder, name = os.path.split(path)
    if os.path.isdir(path) and not os.path.islink(path):
        if path in (CODE_DIR, CACHE_DIR) or path.startswith(CODE_DIR + "/"):
            shutil.rmtree(path)
            return
        for left in _history_files(path):  # of a run that was stopped
            os.unlink(left)
        if not os.listdir(path):
            os.rmdir(path)
        return
    with suppress(FileNotFoundError):
        directory = open_directory(folder)
        try:
            os.unlink(name, dir_fd=directory)
        finally:
            os.close(directory)


def _run_systemctl(calls: Iterable[Sequence[str]]) -> None:
    for arguments in calls:
        _SYSTEMCTL.run(*arguments)


def _code_dirs() -> List[str]:
    return [os.path.join(CODE_DIR, name) for name in _names(CODE_DIR) if CODE_DIR_NAME.match(name)]


def _names(folder: str) -> List[str]:
    """The names in a directory; one that can't be read must not be taken for an empty one, which may be removed."""
    names = _FILES.names(folder)
    if folder in _FILES.unreadable:
        raise InstallError("%s can't be read: %s" % (folder, _FILES.unreadable[folder]))
    return names or []


def _existing(paths: Iterable[str]) -> List[str]:
    return [path for path in paths if os.path.lexists(path)]


def _read_settings(code: str) -> Dict[str, Any]:
    """The settings of an installed recorder, {} when they can't be read."""
    try:
        settings = json.loads(_FILES.read(os.path.join(code, SETTINGS)) or "{}")
    except ValueError:
        return {}
    return settings if {"state_dir", "textfile_dir"} <= set(settings) else {}


def _diff(write: Dict[str, Optional[str]], remove: List[str]) -> List[Dict[str, str]]:
    """Units and settings line by line, the code by its directory's name."""
    diff = [
        {"before_header": path, "after_header": path, "before": _FILES.read(path) or "", "after": text}
        for path, text in sorted(write.items())
        if text is not None and (path.startswith(UNIT_DIR) or os.path.basename(path) == SETTINGS)]
    created = sorted({os.path.dirname(path) if path.startswith(CODE_DIR) else path for path, text in write.items()
                      if os.path.basename(path) == SETTINGS or text is None})
    diff.append({"before_header": "files", "after_header": "files", "before": "".join(path + "\n" for path in remove),
                 "after": "".join(path + "\n" for path in created)})
    return diff
