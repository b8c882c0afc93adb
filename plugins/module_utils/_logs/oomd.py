# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether systemd-oomd of this host records what it kills. Asks systemctl."""

from typing import Optional

from .._system.platform import parse_systemd_version
from .._system.systemctl import Systemctl, SystemctlError

_TELLS = 249  # the version of systemd from which on systemd-oomd writes "Killed …" (src/oom/oomd-manager.c)


def oomd_silence(timeout: float) -> Optional[str]:
    """Return why a kill by systemd-oomd, where that runs, may be in no record; None: it is in one.

    :param timeout: seconds.
    """
    try:
        systemd = parse_systemd_version(Systemctl(None, timeout).run("--version"))
    except SystemctlError as exc:
        return str(exc)
    if systemd is not None and systemd.version < _TELLS:
        return "systemd-oomd of systemd %d does not record what it kills" % systemd.version
    return None
