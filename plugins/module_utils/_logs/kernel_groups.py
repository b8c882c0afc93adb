# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which processes memory.oom.group killed in which cgroup, by the order of the kernel's lines alone.

Pure. Needed where the rate limit suppresses summaries (rate_limit.py): it suppresses neither these lines nor the one about the group.
"""

from typing import Dict, List, Optional, Sequence, Tuple

from .kernel_lines import OOM_MESSAGE, parse_exiting, parse_group, parse_killed

# boot, pid of the first victim, the cgroup
_Group = Tuple[Optional[str], int, str]


def find_groups(lines: Sequence[Tuple[Optional[str], str]]) -> Dict[int, str]:
    """Return {number of a line "Killed process": the cgroup in which memory.oom.group killed that process}, where it is proven.

    :param lines: (boot, text), oldest first.

    The kernel holds oom_lock for a whole report, so reports don't mix (oom_kill_process()). The line about the group stands right behind
    that of the first victim. Then follow the lines of all in the group, the first victim among them once more: what stands before
    that is of this group. What stands behind it may be, or may be another report.
    """
    groups: Dict[int, str] = {}
    before: Optional[Tuple[int, int]] = None  # the number and the pid of the line right before, if that is "Killed process"
    group: Optional[_Group] = None
    waiting: List[int] = []  # numbers of lines behind that about the group
    for number, (boot, text) in enumerate(lines):
        if not OOM_MESSAGE.search(text):
            continue
        killed, path = parse_killed(text), parse_group(text)
        pid = killed.pid if killed else parse_exiting(text)
        if path is not None and before:
            group, waiting = (boot, before[1], path), []
            groups[before[0]] = path
        elif pid is None or not group or group[0] != boot:
            group = None
        else:
            waiting += [number] if killed else []
            if pid == group[1]:
                groups.update((member, group[2]) for member in waiting)
                waiting = []
        before = (number, killed.pid) if killed else None
    return groups
