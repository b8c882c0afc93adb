# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.
"""What the recorder consists of on a host: files, and the units that start it.

Pure but for sources(), which reads the collection's own files. One implementation: the recorder is made of the same
module_utils as the modules, taken from where this module itself was loaded from.
"""

import hashlib
import importlib
import importlib.util
import json
import os
import pkgutil
import re
from collections import namedtuple

PACKAGE = "ansible_collections.podman_fleet.memory.plugins.module_utils"
# What the recorder consists of: these folders, whole.
ROOMS = ("_cgroup", "_logs", "_recorder", "_system")

CODE_DIR = "/usr/local/lib/podman-memory"
CACHE_DIR = "/var/cache/podman-memory"
UNIT_DIR = "/etc/systemd/system"
SERVICE = "podman-memory-recorder.service"
TIMER = "podman-memory-recorder.timer"

# Directories of code: named by what is in them, so that a new one never mixes with one that runs.
CODE_DIR_NAME = re.compile(r"[0-9a-f]{12}$")

# code: its directory; files: {path: text}, all of them 0644.
Layout = namedtuple("Layout", "code files")

_MAIN = '''"""Made by podman_fleet.memory.oom_recorder. Changes are lost."""
import os
import sys

from %s._recorder.main import main

sys.exit(main(os.path.dirname(os.path.abspath(__file__))))
''' % PACKAGE

_SERVICE = """\
# Made by podman_fleet.memory.oom_recorder. Changes are lost; use a drop-in.
[Unit]
Description=Record OOM kills and memory peaks of Podman containers
After=systemd-journald.service local-fs.target

[Service]
Type=oneshot
ExecStart={python} -I -S -X pycache_prefix={cache} {code}
TimeoutStartSec=3min
# A unit that starts every minute: only what goes wrong is worth a line.
LogLevelMax=notice
Nice=5
MemoryMax=192M
TasksMax=16

StateDirectory={state_name}
StateDirectoryMode=0700
CacheDirectory=podman-memory
CacheDirectoryMode=0700
UMask=0077
ReadWritePaths={writable}
ProtectSystem=strict
# the names of rootless users' containers are in their homes
ProtectHome=read-only
PrivateTmp=yes
PrivateNetwork=yes
IPAddressDeny=any
RestrictAddressFamilies=AF_UNIX
# the kernel's own buffer, where the journal has lost something
DevicePolicy=closed
DeviceAllow=/dev/kmsg r
# homes and journals of others are read, and the textfile directory may be another user's
CapabilityBoundingSet=CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_SYSLOG
NoNewPrivileges=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
ProtectHostname=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
"""

_TIMER = """\
# Made by podman_fleet.memory.oom_recorder. Changes are lost; use a drop-in.
[Unit]
Description=Record OOM kills and memory peaks of Podman containers, minute by minute

[Timer]
# not by the clock of the day, which may jump
OnBootSec=20s
OnUnitActiveSec=60s
AccuracySec=5s

[Install]
WantedBy=timers.target
"""


def build_layout(python, settings, code):
    """Return the Layout for one host.

    :param python: path of the interpreter.
    :param settings: dict as _recorder_run.Options.
    :param code: as sources() gives it.
    """
    files = {"__main__.py": _MAIN, "settings.json": json.dumps(settings, indent=2, sort_keys=True) + "\n"}
    files.update(code)
    digest = hashlib.sha256()
    for path, text in sorted(files.items()):
        digest.update(("%s\0%s\0" % (path, text)).encode("utf-8"))
    folder = os.path.join(CODE_DIR, digest.hexdigest()[:12])
    placed = {os.path.join(folder, path): text for path, text in files.items()}
    placed[os.path.join(UNIT_DIR, SERVICE)] = service_unit(python, folder, settings["state_dir"], settings["textfile_dir"])
    placed[os.path.join(UNIT_DIR, TIMER)] = _TIMER
    return Layout(folder, placed)


def service_unit(python, code, state_dir, textfile_dir):
    """Return the text of the service's unit."""
    # "-": a directory that comes later, with node_exporter, is no error; the next start has it
    writable = [state_dir] + (["-" + textfile_dir] if textfile_dir else [])
    text = _SERVICE.format(python=python, cache=CACHE_DIR, code=code, state_name=os.path.relpath(state_dir, "/var/lib"),
                           writable=" ".join(writable))
    if not state_dir.startswith("/var/lib/"):
        text = re.sub(r"StateDirectory.*\n", "", text)
    return text


def read_sources():
    """Return {path below the code's directory: text} of all files of the ROOMS, from where this module was loaded."""
    found = {}
    for room in ROOMS:
        package = importlib.import_module(PACKAGE + "." + room)
        for _finder, name, _is_package in pkgutil.iter_modules(package.__path__):
            full = "%s.%s.%s" % (PACKAGE, room, name)
            found[full.replace(".", "/") + ".py"] = importlib.util.find_spec(full).loader.get_source(full)
    return found
