# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of containers in the storages of root and the rootless users, without Podman.

For those whose events are not in the journal. The files are the users' own and may contain anything.
"""

import json
import os
from typing import Any, Dict, List, Optional, Tuple

from .._system.users import find_users, read_untrusted_file
from .record import ContainerNames, valid_names

_STORAGE_FILES = ("containers.json", "volatile-containers.json")
# 600 bytes for each container
_MAX_STORAGE_FILE = 4 * 1024 * 1024


def read_stored_names() -> Dict[Tuple[str, int], ContainerNames]:
    """Return the names of all containers in the storages of root and the rootless users, by id and uid."""
    users, _problems = find_users(["all"])
    stored = {}
    for user in users:
        for container in _read_storage(user.storage):
            metadata = _parse_json(container.get("metadata"))
            metadata = metadata if isinstance(metadata, dict) else {}
            names = container.get("names")
            name = names[0] if isinstance(names, list) and names else metadata.get("name")
            if isinstance(container.get("id"), str):
                stored[(container["id"], user.identity.uid)] = valid_names(name, metadata.get("image-name"), None)
    return stored


def _read_storage(storage: Optional[str]) -> List[Dict[str, Any]]:
    """The dicts in a container storage's lists of containers (containers/storage, containers.go)."""
    if not storage or not os.path.isdir(storage):
        return []
    containers: List[Dict[str, Any]] = []
    for folder in sorted(name for name in os.listdir(storage) if name.endswith("-containers")):
        for name in _STORAGE_FILES:
            content = _parse_json(read_untrusted_file(os.path.join(storage, folder, name), _MAX_STORAGE_FILE))
            containers += [item for item in content if isinstance(item, dict)] if isinstance(content, list) else []
    return containers


def _parse_json(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
