# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What kind of host this is: distribution, init, kernel version, hardware, container.

Texts of files and of `systemctl --version` in, data out.
"""

import re
from typing import List, NamedTuple, Optional, Tuple

from .host_files import Files
from .versions import parse_version


class Distribution(NamedTuple):
    """An os-release file, see os-release(5)."""

    id: str  # debian, rhel, …
    version: Optional[str]  # 12, 9.4, …
    name: Optional[str]  # for people
    like: List[str]  # ids of related distributions


class Systemd(NamedTuple):
    """A systemd's version and the cgroup hierarchy that it was built to mount."""

    version: int
    default: Optional[str]  # unified, hybrid or legacy; None where systemd does not say


def container_engine(files: Files) -> Optional[str]:
    """Return the name of the container engine around us, None outside of containers.

    By what systemd-detect-virt(1), Podman and Docker leave in a container.
    """
    name = (files.read("/run/systemd/container") or "").strip()
    for path, engine in (("/run/.containerenv", "podman"), ("/.dockerenv", "docker")):
        if not name and files.exists(path):
            name = engine
    return name or None


def is_raspberry_pi(model: Optional[str], release: Optional[str]) -> bool:
    """Whether firmware or kernel are Raspberry Pi's, which turn the memory controller off.

    :param model: text of /proc/device-tree/model, None when there is no such file.
    :param release: of the kernel: "6.12.34+rpt-rpi-2712", "5.10.103-v7l+", "5.15.0-1061-raspi".
    """
    return "Raspberry Pi" in (model or "") or re.search(r"rpi-|-raspi\b|-v(6|7|7l|8)\+$", release or "") is not None


def parse_os_release(text: str) -> Distribution:
    fields = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            fields[name] = re.sub(r"\\(.)", r"\1", value.strip("\"'"))
    return Distribution(fields.get("ID", "linux"), fields.get("VERSION_ID"), fields.get("PRETTY_NAME"),
                        fields.get("ID_LIKE", "").split())


def parse_systemd_version(text: str) -> Optional[Systemd]:
    """Return the Systemd of `systemctl --version`, None when it is no such text.

    The first line is "systemd 252 (252.39-1~deb12u1)"; the features name the compiled-in hierarchy.
    """
    match = re.match(r"systemd (\d+)", text)
    if not match:
        return None
    default = re.search(r"\bdefault-hierarchy=(\w+)", text)
    return Systemd(int(match.group(1)), default.group(1) if default else None)


def kernel_at_least(release: Optional[str], minimum: Tuple[int, ...]) -> Optional[bool]:
    """Whether a kernel release ("6.1.0-37-cloud-amd64") is of that version or later; None when it is unknown."""
    version = parse_version(release)
    return version >= minimum if version else None
