# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much of the recorder each user may use, so that nobody crowds out the others. Pure.

Root's own containers have a limit of their own: no number of users takes anything from them.
"""

from typing import Dict, TypeVar

ROOT = 0  # the owner of everything outside of the users' slices
NOBODY = -1  # in place of a uid: the kernel's messages that name no cgroup

# Containers, and names of containers with kills, of one user, of all users but root together, and of root. The largest
# hosts that are known run some hundred containers; 6,000 of them are 12 MB of metrics and 3 s of reading.
MAX_PER_USER = 1000
MAX_OF_USERS = 3000
MAX_OF_ROOT = 3000

Key = TypeVar("Key")


def allowed(wanted: Dict[int, int]) -> Dict[int, int]:
    """Return how many containers of each owner are kept, of so many: {uid: number}."""
    users = {uid: min(count, MAX_PER_USER) for uid, count in wanted.items() if uid != ROOT}
    shares = fair_shares(users, MAX_OF_USERS)
    if ROOT in wanted:
        shares[ROOT] = min(wanted[ROOT], MAX_OF_ROOT)
    return shares


def fair_shares(wanted: Dict[Key, int], total: int) -> Dict[Key, int]:
    """Divide a total so that who wants little gets all of it, and the others the same (max-min fairness)."""
    shares: Dict[Key, int] = {}
    left = total
    for number, (key, count) in enumerate(sorted(wanted.items(), key=lambda item: item[1])):
        shares[key] = min(count, left // (len(wanted) - number))
        left -= shares[key]
    return shares
