# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.
"""The recorder's history as a source of the facts: read only, and nothing is decided here.

What reads the database is loaded only where there is one: most hosts have none, and it is a sixth of what Python
would have to compile for each look at a host.
"""

import errno
import os

from .._logs.records import PodmanEvent
from .record import empty_record, source_entry

_HISTORY = "history.sqlite"  # _history.HISTORY


def read_recorder(state_dir, since, now):
    """Return the Record of the history in a directory; never raises.

    :param since: microseconds: what went wrong with the history itself before that is no news any more.
    :param now: microseconds since the epoch.
    """
    record = None
    if _may_be_there(state_dir):
        from .reader import read_history

        record = read_history(state_dir, since, now)
    return record or empty_record(source_entry("absent", "no history in %s" % state_dir))


def recorded_events(state_dir, idents):
    """Return ([_records.PodmanEvent] that the history holds of these containers, what went wrong or None)."""
    from .reader import read_events

    return read_events(state_dir, idents)


def complete_since(since, record, boot, counted, seen):
    """Return from when on kernel's log and history together are whole, see _recorder_state.extended()."""
    if record.state is None:
        return since
    from .state import complete_since

    return complete_since(since, record.state, boot, counted, seen)


def daily_memory(record, uid, unit, name):
    """Return the days of a container, for the facts' `memory.daily`: those of its unit, or where the recorder did not
    know that of its name. None without a history.
    """
    if record.daily is None:
        return None
    return record.daily.get((uid, unit)) or record.daily.get((uid, name), [])


def merge_records(*lists):
    """Return the records of several sources by time, each once: journal and history hold the same ones."""
    unique = {}
    for found in lists:
        for each in found:
            unique.setdefault(each[:3] if isinstance(each, PodmanEvent) else each, each)
    return sorted(unique.values(), key=lambda each: each.at)


def _may_be_there(state_dir):
    try:
        os.stat(os.path.join(state_dir, _HISTORY))
    except OSError as exc:
        return exc.errno not in (errno.ENOENT, errno.ENOTDIR)
    return True
