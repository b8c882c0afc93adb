# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The version of the collection: of MANIFEST.json (an installed collection) or galaxy.yml (a checkout)."""

from __future__ import annotations

import json
import os
import re

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_GALAXY_VERSION = re.compile(r"^version:\s*[\"']?([^\s\"'#]+)", re.M)


def collection_version(root: str = _ROOT) -> str:
    """Return the version, "unknown" when neither file has it."""
    try:
        with open(os.path.join(root, "MANIFEST.json"), encoding="utf-8") as stream:
            return str(json.load(stream)["collection_info"]["version"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    try:
        with open(os.path.join(root, "galaxy.yml"), encoding="utf-8") as stream:
            match = _GALAXY_VERSION.search(stream.read())
    except OSError:
        return "unknown"
    return match.group(1) if match else "unknown"
