# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the recorder consists of on a host: files, and the units that start it.

Pure but for read_sources(), which reads the collection's own files. The recorder's code is the module_utils of the
modules, taken from where this file itself was loaded from.
"""

import hashlib
import importlib
import importlib.util
import json
import os
import pkgutil
import re
from typing import Dict, NamedTuple

from .run import Options

PACKAGE = "ansible_collections.podman_fleet.memory.plugins.module_utils"
# The folders whose files are the recorder's code.
ROOMS = ("_cgroup", "_door", "_logs", "_recorder", "_system", "_users")

# Not below /usr/local: there Debian lets the group staff write (staff-group-for-usr-local), and root runs this.
CODE_DIR = "/opt/podman-memory"
CACHE_DIR = "/var/cache/podman-memory"
UNIT_DIR = "/etc/systemd/system"
SERVICE = "podman-memory-recorder.service"
TIMER = "podman-memory-recorder.timer"
SETTINGS = "settings.json"
VERSION = "1.0.0"  # of the collection

# A directory of code is named by a hash of its content, so that new code never mixes with code that runs.
CODE_DIR_NAME = re.compile(r"[0-9a-f]{12}$")


class Layout(NamedTuple):
    """What is installed on a host."""

    code: str  # directory
    files: Dict[str, str]  # {path: text}, all of them of mode 0644


_MAIN = '''"""Installed by podman_fleet.memory.oom_recorder. Changes are lost."""
import os
import sys

from %s._recorder.run import main

sys.exit(main(os.path.join(os.path.dirname(os.path.abspath(__file__)), "%s")))
''' % (PACKAGE, SETTINGS)

_SERVICE = """\
# Installed by podman_fleet.memory.oom_recorder. Changes are lost; use a drop-in.
[Unit]
Description=Record OOM kills and memory peaks of Podman containers
After=systemd-journald.service local-fs.target

[Service]
Type=oneshot
ExecStart={python} -I -S -X pycache_prefix={cache} {code}
TimeoutStartSec=2min
# a process of a user that can't be killed must not keep the next run waiting
TimeoutStopSec=10s
# A unit that starts every minute: only what goes wrong is worth a line.
LogLevelMax=notice
# What it writes to its standard error is such a line; without this it is "info", and dropped (systemd.exec(5), SyslogLevel=).
SyslogLevel=warning
Nice=5
MemoryMax=192M
TasksMax=16
LimitCORE=0
# a user's process that takes too much is killed alone
OOMPolicy=continue

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
PrivateMounts=yes
PrivateNetwork=yes
IPAddressDeny=any
RestrictAddressFamilies=AF_UNIX
# the kernel's own buffer, where the journal has lost something
DevicePolicy=closed
DeviceAllow=/dev/kmsg r
# the textfile directory may be another user's; names of containers are asked of processes that are the users, and killed
# when they don't answer
CapabilityBoundingSet=CAP_DAC_OVERRIDE CAP_SYSLOG CAP_SETUID CAP_SETGID CAP_KILL
NoNewPrivileges=yes
KeyringMode=private
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectClock=yes
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
# Installed by podman_fleet.memory.oom_recorder. Changes are lost; use a drop-in.
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


def build_layout(python: str, options: Options, sources: Dict[str, str]) -> Layout:
    """Return the Layout for one host.

    :param python: path of the interpreter.
    :param sources: as read_sources() returns them.
    """
    files = {"__main__.py": _MAIN, SETTINGS: json.dumps(options._asdict(), indent=2, sort_keys=True) + "\n"}
    files.update(sources)
    digest = hashlib.sha256()
    for path, text in sorted(files.items()):
        digest.update(("%s\0%s\0" % (path, text)).encode("utf-8"))
    code = os.path.join(CODE_DIR, digest.hexdigest()[:12])
    installed = {os.path.join(code, path): text for path, text in files.items()}
    installed[os.path.join(UNIT_DIR, SERVICE)] = service_unit(python, code, options.state_dir, options.textfile_dir)
    installed[os.path.join(UNIT_DIR, TIMER)] = _TIMER
    return Layout(code, installed)


def service_unit(python: str, code: str, state_dir: str, textfile_dir: str) -> str:
    """Return the text of the service's unit.

    :param code: directory of the code; textfile_dir: "" for no metrics.
    """
    # "-": a directory that comes later, with node_exporter, is no error; the next start has it
    writable = [state_dir] + (["-" + textfile_dir] if textfile_dir else [])
    text = _SERVICE.format(python=python, cache=CACHE_DIR, code=code, state_name=os.path.relpath(state_dir, "/var/lib"),
                           writable=" ".join(writable))
    if not state_dir.startswith("/var/lib/"):
        text = re.sub(r"StateDirectory.*\n", "", text)
    return text


def read_sources() -> Dict[str, str]:
    """Return {path below the directory of code: text} of all files of the ROOMS, from where this file was loaded.

    On a host that is AnsiballZ's zip, which has what the module imports: run.py, imported above, and all that it needs.
    """
    sources = {}
    for room in ROOMS:
        package = importlib.import_module(PACKAGE + "." + room)
        for _finder, name, _is_package in pkgutil.iter_modules(package.__path__):
            full_name = "%s.%s.%s" % (PACKAGE, room, name)
            spec = importlib.util.find_spec(full_name)
            sources[full_name.replace(".", "/") + ".py"] = spec.loader.get_source(full_name)  # type: ignore[union-attr]
    return sources
