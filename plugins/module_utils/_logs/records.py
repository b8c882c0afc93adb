# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Journal entries in, typed records out: kernel messages, unit OOM records, oomd, Podman events.

Pure. An entry is what one line of ``journalctl --output=json`` holds.
"""

import json
import re
from collections import namedtuple

from .._system import times as _times
from .kernel_oom import KernelMessage

# systemd's catalog ids, src/systemd/sd-messages.h: SD_MESSAGE_UNIT_OUT_OF_MEMORY (v240) and
# SD_MESSAGE_UNIT_OOMD_KILL (v248). The texts beside them change between versions.
UNIT_OUT_OF_MEMORY = "fe6faa94e7774663a0da52717891d8ef"
UNIT_OOMD_KILL = "d989611b15e44c9dbf31e3c81256e4ed"
OOMD_UNIT = "systemd-oomd.service"

# A systemd manager saw that the kernel killed something in `unit`. uid: whose manager, 0 for the system's.
UnitOom = namedtuple("UnitOom", "at unit uid")

# systemd-oomd killed everything in a cgroup or unit; text: what it says of the reason.
OomdKill = namedtuple("OomdKill", "at cgroup unit uid text")

# kind: init, died, kill, stop, cleanup, remove …; labels: dict; exit_code: int or None;
# command: the Podman command that wrote it (run, stop, cleanup …), None when that is not known.
PodmanEvent = namedtuple("PodmanEvent", "at kind ident name image exit_code labels uid command")

# The kinds of Podman's events that tell something of a run.
PODMAN_EVENT_KINDS = ("init", "died", "kill", "stop", "cleanup", "remove")

# src/oom/oomd-manager.c: "Killed /path due to memory pressure for …", "Killed /path due to memory used …"
# (252 and 257 on Debian), "Marked /path for killing due to …" (262). No field holds the path.
_OOMD_TEXT = re.compile(r"(?:Killed (/\S+)|Marked (/\S+) for killing) due to ")
# Podman's commands that can be found behind global options and before names; groups (container, pod,
# system) are passed over for the word behind them.
_COMMANDS = ("cleanup", "kill", "play", "kube", "remove", "restart", "rm", "run", "service", "start", "stop", "wait")


def parse_entries(output):
    """Return (entries, number of lines that are no entry) for journalctl's JSON lines (bytes)."""
    good, bad = [], 0
    for line in output.splitlines():
        if not line.strip():
            continue
        try:
            entry = json.loads(line.decode("utf-8", "replace"))
        except ValueError:
            bad += 1
            continue
        if isinstance(entry, dict) and str(entry.get("__REALTIME_TIMESTAMP", "")).isdigit():
            good.append(entry)
        else:
            bad += 1
    return good, bad


def field_text(value):
    """Return a field's value as text.

    journalctl(1), JSON output: a field with binary data is a list of numbers, one that is
    there several times is a list of values, one over 4096 bytes is null.
    """
    if isinstance(value, list):
        if value and all(isinstance(each, int) for each in value):
            return bytes(bytearray(each & 0xFF for each in value)).decode("utf-8", "replace")
        value = value[-1] if value else ""
        return field_text(value)
    return value if isinstance(value, str) else ""


def storable_text(value):
    """Return a text that can be written down anywhere: JSON inside of a field may hold halves of a character, or no text
    at all (None).
    """
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) and value else None


def _at(entry):
    return int(entry["__REALTIME_TIMESTAMP"])


def _number(value):
    value = field_text(value)
    return int(value) if re.match(r"-?\d+$", value) else None


def parse_kernel_messages(found):
    """Return the Messages of entries of the kernel's transport."""
    return [
        KernelMessage(_at(entry), field_text(entry.get("_BOOT_ID")),
                _number(entry.get("_SOURCE_MONOTONIC_TIMESTAMP")) or _number(entry.get("__MONOTONIC_TIMESTAMP")) or 0,
                field_text(entry.get("MESSAGE")))
        for entry in found
    ]


def parse_unit_ooms(found):
    """Return the UnitOoms among entries; slices only echo what is below them."""
    records = []
    for entry in found:
        unit, uid = _unit(entry), manager_uid(entry)
        if field_text(entry.get("MESSAGE_ID")) == UNIT_OUT_OF_MEMORY and unit and uid is not None:
            records.append(UnitOom(_at(entry), unit, uid))
    return records


def _unit(entry):
    """The unit that a manager's entry is about, None for a slice or none."""
    unit = field_text(entry.get("UNIT")) or field_text(entry.get("USER_UNIT"))
    return None if not unit or unit.endswith(".slice") else unit


def manager_uid(entry):
    """Return the uid of the systemd manager that wrote an entry (0: the system's), None for anybody else.

    Everybody can write MESSAGE_ID and UNIT into the journal. The fields that begin with an underscore
    are journald's own (systemd.journal-fields(7), trusted fields).
    """
    if field_text(entry.get("_PID")) == "1":
        return 0
    uid = _number(entry.get("_UID"))
    if (field_text(entry.get("_COMM")) == "systemd" and field_text(entry.get("_SYSTEMD_UNIT")) == "user@%s.service" % uid
            and field_text(entry.get("_SYSTEMD_USER_UNIT")) in ("", "init.scope")):
        return uid
    return None


def parse_oomd_kills(found):
    """Return the OomdKills among entries: the managers' records and systemd-oomd's own."""
    records = []
    for entry in found:
        message = field_text(entry.get("MESSAGE"))
        if field_text(entry.get("MESSAGE_ID")) == UNIT_OOMD_KILL:
            unit, uid = _unit(entry), manager_uid(entry)
            if unit and uid is not None:
                records.append(OomdKill(_at(entry), None, unit, uid, message))
        elif field_text(entry.get("_SYSTEMD_UNIT")) == OOMD_UNIT:
            match = _OOMD_TEXT.match(message)
            if match:
                records.append(OomdKill(_at(entry), match.group(1) or match.group(2), None, 0, message))
    return records


def parse_podman_events(found):
    """Return the Events among entries, oldest first.

    The event's own time counts where it is readable: the journal's is that of reception.
    """
    events = []
    for entry in found:
        kind, ident = field_text(entry.get("PODMAN_EVENT")), field_text(entry.get("PODMAN_ID"))
        if not kind or not ident:
            continue
        try:
            at = _times.parse_iso(field_text(entry.get("PODMAN_TIME"))) or _at(entry)
        except ValueError:
            at = _at(entry)
        events.append(PodmanEvent(
            at, kind, ident, field_text(entry.get("PODMAN_NAME")) or None, field_text(entry.get("PODMAN_IMAGE")) or None,
            _number(entry.get("PODMAN_EXIT_CODE")), _labels(entry.get("PODMAN_LABELS")),
            _number(entry.get("_UID")) or 0, podman_command(field_text(entry.get("_CMDLINE")))))
    return sorted(events, key=lambda event: event.at)


def podman_command(line):
    """Return the Podman command in a command line, or None.

    Of the line, which may hold secrets, nothing else is kept.
    """
    for word in line.split()[1:]:
        if word in _COMMANDS:
            return word
    return None


def _labels(value):
    """The labels of an event: JSON in one field; nothing when it was too long to be printed."""
    try:
        labels = json.loads(field_text(value) or "{}")
    except ValueError:
        return {}
    return labels if isinstance(labels, dict) else {}
