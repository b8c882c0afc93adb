# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recorder's history as a source of the facts: read only, nothing is decided here.

What reads the database is imported only where there is one: most hosts have none, and it is a sixth of what Python
would have to compile for each look at a host.
"""

import os
from typing import Any, Dict, Iterable, List, Optional, Tuple

from .._logs.records import PodmanEvent
from .record import Record, empty_record, source_entry

_HISTORY_FILE = "history.sqlite"  # database.HISTORY_FILE


def read_recorder(state_dir: str, since: int, now: int) -> Record:
    """Return the Record of the history in a directory; never raises.

    :param since: microseconds since the epoch: older problems of the history itself are left out.
    :param now: microseconds since the epoch.
    """
    record = None
    if _may_have_history(state_dir):
        from .reader import read_history

        record = read_history(state_dir, since, now)
    return record or empty_record(source_entry("absent", "no history in %s" % state_dir))


def recorded_events(state_dir: str, idents: Iterable[str]) -> Tuple[List[PodmanEvent], Optional[str]]:
    """Return (the events that the history holds of these containers, what went wrong or None)."""
    from .reader import read_events

    return read_events(state_dir, idents)


def daily_memory(record: Record, uid: int, unit: Optional[str], name: Optional[str]) -> Optional[List[Dict[str, Any]]]:
    """Return the days of a container for the facts' `memory.daily`, None without a history.

    They are its unit's, or those of its name where the recorder did not know the unit.
    """
    if record.daily is None:
        return None
    return record.daily.get((uid, unit or "")) or record.daily.get((uid, name or ""), [])


def merge_records(*lists: Iterable[Any]) -> List[Any]:
    """Return the records of several sources by time, each once: journal and history hold the same ones."""
    unique: Dict[Any, Any] = {}
    for records in lists:
        for record in records:
            unique.setdefault(record[:3] if isinstance(record, PodmanEvent) else record, record)
    return sorted(unique.values(), key=lambda record: record.at)


def _may_have_history(state_dir: str) -> bool:
    try:
        os.stat(os.path.join(state_dir, _HISTORY_FILE))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # reader.py says why
        pass
    return True
