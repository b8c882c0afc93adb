# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether journald is set up to store the kernel's reports of OOM kills.

Reads root's configuration; knows nothing of what the journal holds.
"""

import re
from typing import Dict, Optional

from .._system.host_files import Files

# journald.conf(5): of the drop-in directories the later ones win for files of the same name, and come behind the main file
_MAIN = ("/etc/systemd/journald.conf", "/run/systemd/journald.conf", "/usr/local/lib/systemd/journald.conf",
         "/usr/lib/systemd/journald.conf")
_DROP_INS = ("/usr/lib", "/usr/local/lib", "/run", "/etc")
_SETTING = re.compile(r"[ \t]*(MaxLevelStore|ReadKMsg)[ \t]*=[ \t]*(\S*)[ \t]*\Z")
_LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")  # syslog(3), 0 to 7
_INFO = 6  # of the line "oom-kill:…", printed with pr_info() (mm/oom_kill.c); "Killed process" has 3, err


def missing_kernel_lines(files: Files) -> Optional[str]:
    """Return in words which setting of journald's keeps the kernel's reports out of the journal, None for none."""
    settings = _read_settings(files)
    if settings.get("ReadKMsg", "").lower() in ("no", "n", "false", "f", "off", "0"):
        return "journald does not read the kernel's messages (ReadKMsg=%s)" % settings["ReadKMsg"]
    level = settings.get("MaxLevelStore", "").lower()
    number = int(level) if level.isdigit() else _LEVELS.index(level) if level in _LEVELS else _INFO
    if number < _INFO:
        return "journald does not store the kernel's line that names the cgroup (MaxLevelStore=%s)" % level
    return None


def _read_settings(files: Files) -> Dict[str, str]:
    main = next((path for path in _MAIN if files.exists(path)), None)
    drop_ins: Dict[str, str] = {}
    for above in _DROP_INS:
        folder = above + "/systemd/journald.conf.d"
        drop_ins.update((name, folder + "/" + name) for name in files.names(folder) or [] if name.endswith(".conf"))
    settings: Dict[str, str] = {}
    for path in ([main] if main else []) + [drop_ins[name] for name in sorted(drop_ins)]:
        for line in (files.read(path) or "").splitlines():
            match = _SETTING.match(line)
            if match:
                settings[match.group(1)] = match.group(2)
    return settings
