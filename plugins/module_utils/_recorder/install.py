# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.
"""Put the recorder on this host, or take it away: compare what is there with the layout, and mend the difference.

Knows files and systemctl. What is planned is found out first, so that check mode plans the same.
"""

import errno
import json
import os
import shutil
from collections import namedtuple

from .._system.host_files import Files, replace_file
from .._system.systemctl import Systemctl, SystemctlError
from .database import HISTORY_FILE
from .main import SETTINGS
from .metrics import METRICS_FILE
from .package import CACHE_DIR, CODE_DIR, CODE_DIR_NAME, SERVICE, TIMER, UNIT_DIR

_SYSTEMCTL = Systemctl(None, 120)
_FILES = Files()
_OURS = ("lock", HISTORY_FILE)

# In the order in which it is done: stop: [systemctl arguments]; write: {path: text, None for a directory};
# start: [systemctl arguments]; remove: paths of files and directories; reload: [systemctl arguments].
# diff: [{before_header, after_header, before, after}].
InstallPlan = namedtuple("Plan", "stop write start remove reload diff")


class InstallError(Exception):
    """The recorder can't be put on, or taken from, this host."""


def plan_install(layout, state_dir, textfile_dir):
    """Return the Plan that makes this host have the layout."""
    if not os.path.isdir("/run/systemd/system"):
        raise InstallError("the recorder needs systemd as the host's init, and /run/systemd/system is not there")
    write = {path: text for path, text in layout.files.items() if _FILES.read(path) != text}
    remove = [path for path in _code() if path != layout.code]
    for settings in [_settings(path) for path in remove]:
        if settings.get("textfile_dir") not in (None, textfile_dir):
            remove += _existing([os.path.join(settings["textfile_dir"], METRICS_FILE)])
    units = [path for path in write if path.startswith(UNIT_DIR)]
    # one reload for all: it is what costs most
    systemd = [["enable", "--no-reload", TIMER]] if _asked("is-enabled", TIMER) != "enabled" else []
    systemd += [["daemon-reload"]] if units or systemd else []
    if units or _asked("is-active", TIMER) != "active":
        systemd.append(["restart", TIMER])
    if not os.path.isdir(state_dir):
        write[state_dir] = None
    return InstallPlan([], write, systemd, remove, [], _diff(write, remove))


def plan_removal(state_dir, textfile_dir):
    """Return the Plan that takes away what the recorder and its installation made, and nothing else."""
    kept = [each for each in (_settings(path) for path in _code()) if each]
    states = {state_dir} | {each["state_dir"] for each in kept}
    textfiles = {textfile_dir} | {each["textfile_dir"] for each in kept}
    units = _existing(os.path.join(UNIT_DIR, name) for name in (TIMER, SERVICE))
    remove = units + _code() + _existing([CACHE_DIR])
    remove += _existing(os.path.join(folder, METRICS_FILE) for folder in sorted(textfiles) if folder)
    for folder in sorted(states):
        remove += [os.path.join(folder, name) for name in _names(folder) if name.startswith(_OURS)]
        # what somebody else put there stays
        remove += [folder] if os.path.isdir(folder) and all(name.startswith(_OURS) for name in _names(folder)) else []
    remove += [CODE_DIR] if os.path.isdir(CODE_DIR) and set(_names(CODE_DIR)) == {os.path.basename(each) for each in _code()} else []
    stop = [["disable", "--no-reload", "--now", TIMER], ["stop", SERVICE]] if units else []
    return InstallPlan(stop, {}, [], remove, [["daemon-reload"]] if units else [], _diff({}, remove))


def is_change(plan):
    """Whether there is anything to do."""
    return any(plan[:-1])


def apply_plan(plan):
    """Do what is planned.

    :raises InstallError: with what went wrong; what was done before it stays, and the next call goes on.
    """
    _systemctl(plan.stop)
    # a oneshot's run that is stopped has failed (systemd.service(5)): systemctl --failed would list a unit that is gone
    if plan.stop and _asked("is-failed", SERVICE) == "failed":
        _systemctl([["reset-failed", SERVICE]])
    try:
        # the units come last: they point to the code
        for path in sorted(plan.write, key=lambda each: (each.startswith(UNIT_DIR), each)):
            if plan.write[path] is None:
                os.makedirs(path, 0o700)
            else:
                _put(path, plan.write[path])
        _systemctl(plan.start)
        for path in plan.remove:
            _remove(path)
    except OSError as exc:
        raise InstallError("%s: %s" % (exc.filename, exc.strerror))
    _systemctl(plan.reload)


def _put(path, text):
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        os.makedirs(folder, 0o755)
    replace_file(path, text.encode("utf-8"), 0o644)


def _remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
        return
    try:
        os.unlink(path)
    except OSError as exc:
        if exc.errno != errno.ENOENT:
            raise


def _systemctl(calls):
    try:
        for arguments in calls:
            _SYSTEMCTL.run(*arguments)
    except SystemctlError as exc:
        raise InstallError(str(exc))


def _asked(question, unit):
    try:
        return _SYSTEMCTL.state(question, unit)
    except SystemctlError as exc:
        raise InstallError(str(exc))


def _code():
    return [os.path.join(CODE_DIR, name) for name in _names(CODE_DIR) if CODE_DIR_NAME.match(name)]


def _names(folder):
    return _FILES.names(folder) or []


def _existing(paths):
    return [path for path in paths if os.path.lexists(path)]


def _settings(code):
    """The settings of an installed recorder, {} when they can't be read."""
    try:
        found = json.loads(_FILES.read(os.path.join(code, SETTINGS)) or "{}")
    except ValueError:
        return {}
    return found if {"state_dir", "textfile_dir"} <= set(found) else {}


def _diff(write, remove):
    """Units and settings line by line, the code by its directory's name."""
    shown = [path for path in write if write[path] is not None and (
        path.startswith(UNIT_DIR) or os.path.basename(path) == SETTINGS)]
    found = [{"before_header": path, "after_header": path, "before": _FILES.read(path) or "", "after": write[path]}
             for path in sorted(shown)]
    made = sorted({os.path.dirname(path) if path.startswith(CODE_DIR) else path for path in write
                   if os.path.basename(path) == SETTINGS or write[path] is None})
    found.append({"before_header": "files", "after_header": "files", "before": "".join(path + "\n" for path in remove),
                  "after": "".join(path + "\n" for path in made)})
    return found
