# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions of Podman, OCI runtimes and kernels, as numbers to compare. Pure."""

import re
from typing import Optional, Tuple

_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?", re.ASCII)


def parse_version(text: Optional[str]) -> Tuple[int, ...]:
    """Return the three leading numbers of a version: (5, 4, 2) of "5.4.2-dev", (4, 18, 0) of "4.18.0-553.el8" and of "4.18".

    () when the text does not begin with a version: unknown. That compares as older than any version, so a caller for whom
    unknown is not the same as old has to look for it. What follows the numbers does not count: a release candidate is
    taken for the release.
    """
    match = _VERSION.match(text or "")
    return tuple(int(number or 0) for number in match.groups()) if match else ()
