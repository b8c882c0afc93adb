# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the recorder's history holds, as oom_facts gets it."""

from collections import namedtuple

from .._system.times import to_iso

# What the history holds. source: entry for the facts' `sources`; state: _recorder_state.State or None;
# messages, unit_ooms, oomd: typed as those of the journal; named: {(id, uid): Named}; daily: {(uid, workload):
# [{day, working_set_max, peak, samples}]}, None without a history.
Record = namedtuple("Record", "source state messages unit_ooms oomd named daily")


Named = namedtuple("Named", "name image unit memory_limit")


def empty_record(told):
    """Return the Record where no history can be read; told: as from source()."""
    return Record(told, None, [], [], [], {}, None)


def source_entry(status, detail, since=None):
    """Return the entry for the facts' `sources`."""
    return {"name": "recorder", "user": None, "status": status, "covers_since": to_iso(since), "detail": detail}
