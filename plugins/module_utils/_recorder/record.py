# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the recorder's history holds: types that its writer, its reader and oom_facts share."""

import re
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Tuple

from .._door.grammar import is_name, is_unit
from .._logs.kernel_oom import KernelMessage
from .._logs.records import OomdKill, UnitOom
from .._system.times import SECOND, to_iso

if TYPE_CHECKING:
    from .state import HistoryState


class ContainerNames(NamedTuple):
    """What a container is called by; None: unknown."""

    name: Optional[str]
    image: Optional[str]
    unit: Optional[str]


NAMELESS = ContainerNames(None, None, None)
MAX_TIME = 253402300799 * SECOND  # the last second of the year 9999, which to_iso() can write

_MAX_LABEL = 128  # characters
# The length is ours, twice that of a registry's repository and tag.
_IMAGE = re.compile(r"[\x21-\x7e]{1,512}\Z")


def valid_names(name: Any, image: Any, unit: Any) -> ContainerNames:
    """Return the names that a user gives, without those that Podman or systemd would refuse: they name nothing."""
    return ContainerNames(name if is_name(name) else None, image if isinstance(image, str) and _IMAGE.match(image) else None,
                          unit if is_unit(unit) else None)


def printable(text: str) -> str:
    """Return a text of a user's without control characters, cut to 128 characters."""
    cleaned = "".join(char if char.isprintable() else "?" for char in text[:_MAX_LABEL + 1])
    return cleaned if len(cleaned) <= _MAX_LABEL else cleaned[:_MAX_LABEL - 1] + "…"


class KnownContainer(NamedTuple):
    """What is known of a container from the last time it was seen; None: unknown."""

    name: Optional[str]
    image: Optional[str]
    unit: Optional[str]
    memory_limit: Optional[int]  # bytes, None: no limit too


class Record(NamedTuple):
    """Everything that a history holds but the events, which are read for some containers only."""

    source: Dict[str, Any]  # entry for the facts' `sources`
    state: Optional["HistoryState"]  # None before the first run has ended and without a history
    # {uid of the owner: time before which records of kills in his containers may have been dropped, in microseconds}
    dropped: Dict[int, int]
    # {uid: time before which records of the user's own manager and Podman may be missing, in microseconds}
    unread: Dict[int, int]
    messages: List[KernelMessage]
    unit_ooms: List[UnitOom]
    oomd: List[OomdKill]
    containers: Dict[Tuple[str, int], KnownContainer]  # by id and uid of the owner
    # By uid and workload: [{day, working_set_max, peak, samples}], oldest first; None without a history.
    daily: Optional[Dict[Tuple[int, str], List[Dict[str, Any]]]]

    def extend_users_coverage(self, since: int, uid: int) -> int:
        """Return since when journal and history together have all that a user's manager and Podman wrote.

        :param since: since when the journal alone has it, in microseconds.
        """
        state = self.state
        if state is None or state.backlog or since > state.until:
            return since
        # the recorder read it before its beginning was lost
        return min(since, max(state.journal_since, self.dropped.get(uid, 0), self.unread.get(uid, 0)))


def empty_record(source: Dict[str, Any]) -> Record:
    """Return the Record where no history can be read."""
    return Record(source=source, state=None, dropped={}, unread={}, messages=[], unit_ooms=[], oomd=[], containers={}, daily=None)


def source_entry(status: str, detail: str, since: Optional[int] = None) -> Dict[str, Any]:
    """Return the recorder's entry for the facts' `sources`.

    :param status: ok, partial, absent or unavailable; since: microseconds, None: unknown.
    """
    return {"name": "recorder", "user": None, "status": status, "covers_since": to_iso(since), "detail": detail}
