# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Journal entries in, typed records out: kernel messages, unit OOM records, systemd-oomd's kills, Podman's events.

Pure. An entry is what one line of ``journalctl --output=json`` holds. Which entries and which of their fields
journalctl has to print is here too, beside what reads them.
"""

import json
import re
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

from .._cgroup.paths import find_container_id, system_service
from .._system.times import SECOND, parse_iso
from .kernel_oom import KernelMessage

Entry = Dict[str, Any]

# systemd's catalog ids, src/systemd/sd-messages.h: SD_MESSAGE_UNIT_OUT_OF_MEMORY (v240) and
# SD_MESSAGE_UNIT_OOMD_KILL (v248). The texts beside them change between versions.
UNIT_OUT_OF_MEMORY = "fe6faa94e7774663a0da52717891d8ef"
UNIT_OOMD_KILL = "d989611b15e44c9dbf31e3c81256e4ed"
OOMD_UNIT = "systemd-oomd.service"
# The kinds of Podman's events that say something about a run.
PODMAN_EVENT_KINDS = ("init", "died", "kill", "stop", "cleanup", "remove")

# journalctl's matches: different fields are ANDed, values of the same field ORed, "+" is an OR of both sides.
KERNEL_MATCHES = ["_TRANSPORT=kernel"]
UNIT_MATCHES = ["MESSAGE_ID=" + UNIT_OUT_OF_MEMORY, "+", "MESSAGE_ID=" + UNIT_OOMD_KILL, "+", "_SYSTEMD_UNIT=" + OOMD_UNIT]
# The same of one manager alone: MESSAGE_ID is the writer's word, the fields with an underscore are journald's.
_MANAGER_MATCHES = ["MESSAGE_ID=" + UNIT_OUT_OF_MEMORY, "MESSAGE_ID=" + UNIT_OOMD_KILL]
SYSTEM_UNIT_MATCHES = _MANAGER_MATCHES + ["_PID=1", "+", "_SYSTEMD_UNIT=" + OOMD_UNIT]
USER_UNIT_MATCHES = _MANAGER_MATCHES + ["_COMM=systemd"]
EVENT_MATCHES = ["PODMAN_EVENT=" + kind for kind in PODMAN_EVENT_KINDS]
KERNEL_FIELDS = ("MESSAGE", "_BOOT_ID", "_SOURCE_MONOTONIC_TIMESTAMP")
UNIT_FIELDS = ("MESSAGE", "MESSAGE_ID", "UNIT", "USER_UNIT", "_UID", "_PID", "_COMM", "_SYSTEMD_UNIT", "_SYSTEMD_USER_UNIT")
EVENT_FIELDS = ("PODMAN_EVENT", "PODMAN_ID", "PODMAN_NAME", "PODMAN_IMAGE", "PODMAN_EXIT_CODE", "PODMAN_TIME",
                "PODMAN_LABELS", "_UID", "_CMDLINE", "_SYSTEMD_CGROUP")

# src/oom/oomd-manager.c: "Killed /path due to memory pressure for …", "Killed /path due to memory used …"
# (252 and 257 on Debian), "Marked /path for killing due to …" (262). No field holds the path.
_OOMD_TEXT = re.compile(r"(?:Killed (/\S+)|Marked (/\S+) for killing) due to ")
_TIME = re.compile(r"[0-9]{1,16}\Z")  # microseconds, up to the year 2286
_NUMBER = re.compile(r"-?[0-9]{1,18}\Z")
_NO_UID = (1 << 32) - 1
_ID = re.compile(r"[0-9a-f]{64}\Z")
_KIND = re.compile(r"[a-z_]{1,32}\Z")
_MAX_LABELS = 64 * 1024  # characters
_EVENT_LATE = 86400 * SECOND  # an event reaches the journal at once: one with a time further away has made it up

# Podman's commands behind global options and before names. Groups (container, pod, system) are skipped for the
# word behind them.
_COMMANDS = ("cleanup", "kill", "play", "kube", "remove", "restart", "rm", "run", "service", "start", "stop", "wait")


class UnitOom(NamedTuple):
    """A systemd manager's record that the kernel killed a process of a unit."""

    at: int  # microseconds since the epoch
    unit: str
    uid: int  # whose manager, 0: the system's


class OomdKill(NamedTuple):
    """systemd-oomd killed everything in a cgroup or in a unit; one of both is None."""

    at: int  # microseconds
    cgroup: Optional[str]
    unit: Optional[str]
    uid: int  # whose manager recorded it, 0: the system's or systemd-oomd itself
    text: str  # the message, which gives the reason


class PodmanEvent(NamedTuple):
    """What Podman's event logger wrote."""

    at: int  # microseconds
    kind: str  # init, died, kill, stop, cleanup, remove …
    ident: str  # the container's id
    name: Optional[str]
    image: Optional[str]
    exit_code: Optional[int]
    labels: Dict[str, Any]
    uid: int  # of the process that wrote it
    command: Optional[str]  # the Podman command that wrote it (run, stop, cleanup …), None: unknown
    service: Optional[str] = None  # of the system's manager, in which that ran; None: in none, or in a container


def parse_entries(output: bytes) -> Tuple[List[Entry], int]:
    """Return (entries, number of lines that are no entry) of journalctl's JSON lines."""
    lines = [line for line in output.splitlines() if line.strip()]
    entries = [entry for entry in map(parse_entry, lines) if entry is not None]
    return entries, len(lines) - len(entries)


def parse_entry(line: bytes) -> Optional[Entry]:
    """Return the entry in one of journalctl's lines; None when it is none, or has a field as nobody honest writes it."""
    try:
        entry = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):  # the latter: nested too deeply
        return None
    if not isinstance(entry, dict) or not _TIME.match(str(entry.get("__REALTIME_TIMESTAMP"))):
        return None
    if not all(_is_field(value) for value in entry.values()) or _parse_labels(entry.get("PODMAN_LABELS")) is None:
        return None
    return entry


def _is_field(value: Any) -> bool:
    """Whether journalctl prints a field like this: see field_text()."""
    if isinstance(value, list):
        return _is_binary(value) or all(isinstance(item, str) or item is None or _is_binary(item) for item in value)
    return value is None or isinstance(value, str)


def _is_binary(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(
        isinstance(item, int) and not isinstance(item, bool) and 0 <= item <= 255 for item in value)


def field_text(value: Any) -> str:
    """Return a field's value as text that can be encoded, "" for one that is missing or no field's value.

    journalctl(1), JSON output: a field with binary data is a list of numbers, one that is
    there several times is a list of values, one over 4096 bytes is null without --all.
    """
    if isinstance(value, list) and value and not _is_binary(value):
        value = value[-1]
    if _is_binary(value):
        return bytes(value).decode("utf-8", "replace")
    return storable_text(value) or ""


def storable_text(value: Any) -> Optional[str]:
    """Return a text that can be encoded, None for anything else and for "".

    JSON inside of a field may hold half of a surrogate pair, or no text at all.
    """
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) and value else None


def received_at(entry: Entry) -> int:
    """Return when journald took an entry, in microseconds."""
    return int(entry["__REALTIME_TIMESTAMP"])


def _number(value: Any) -> Optional[int]:
    text = field_text(value)
    return int(text) if _NUMBER.match(text) else None


def writer_uid(entry: Entry) -> Optional[int]:
    """Return the uid of the process that wrote an entry, which journald has from the kernel; None: there is none."""
    uid = _number(entry.get("_UID"))
    return uid if uid is not None and 0 <= uid < _NO_UID else None


def parse_kernel_messages(entries: Iterable[Entry]) -> List[KernelMessage]:
    """Return the KernelMessages of entries of the kernel's transport."""
    return [
        KernelMessage(
            at=received_at(entry), boot=field_text(entry.get("_BOOT_ID")),
            mono=_number(entry.get("_SOURCE_MONOTONIC_TIMESTAMP")) or _number(entry.get("__MONOTONIC_TIMESTAMP")) or 0,
            text=field_text(entry.get("MESSAGE")))
        for entry in entries
    ]


def parse_unit_ooms(entries: Iterable[Entry]) -> List[UnitOom]:
    """Return the UnitOoms among entries; slices only repeat what happened below them."""
    records = []
    for entry in entries:
        unit, uid = _unit(entry), manager_uid(entry)
        if field_text(entry.get("MESSAGE_ID")) == UNIT_OUT_OF_MEMORY and unit and uid is not None:
            records.append(UnitOom(received_at(entry), unit, uid))
    return records


def _unit(entry: Entry) -> Optional[str]:
    """The unit that a manager's entry is about, None for a slice or none."""
    unit = field_text(entry.get("UNIT")) or field_text(entry.get("USER_UNIT"))
    return None if not unit or unit.endswith(".slice") else unit


def manager_uid(entry: Entry) -> Optional[int]:
    """Return the uid of the systemd manager that wrote an entry (0: the system's), None if no manager did.

    Every process can write MESSAGE_ID and UNIT into the journal. The fields that begin with an underscore
    are journald's own (systemd.journal-fields(7), trusted fields).
    """
    if field_text(entry.get("_PID")) == "1":
        return 0
    uid = writer_uid(entry)
    if (uid is not None and field_text(entry.get("_COMM")) == "systemd" and field_text(entry.get("_SYSTEMD_UNIT")) == "user@%s.service" % uid
            and field_text(entry.get("_SYSTEMD_USER_UNIT")) in ("", "init.scope")):
        return uid
    return None


def parse_oomd_kills(entries: Iterable[Entry]) -> List[OomdKill]:
    """Return the OomdKills among entries: the managers' records and systemd-oomd's own."""
    records = []
    for entry in entries:
        text = field_text(entry.get("MESSAGE"))
        if field_text(entry.get("MESSAGE_ID")) == UNIT_OOMD_KILL:
            unit, uid = _unit(entry), manager_uid(entry)
            if unit and uid is not None:
                records.append(OomdKill(at=received_at(entry), cgroup=None, unit=unit, uid=uid, text=text))
        elif field_text(entry.get("_SYSTEMD_UNIT")) == OOMD_UNIT:
            match = _OOMD_TEXT.match(text)
            if match:
                records.append(OomdKill(
                    at=received_at(entry), cgroup=match.group(1) or match.group(2), unit=None, uid=0, text=text))
    return records


def parse_podman_events(entries: Iterable[Entry]) -> List[PodmanEvent]:
    """Return the PodmanEvents among entries, oldest first.

    Everybody can write one, with any content: it says something about containers of its writer's alone.
    """
    events = []
    for entry in entries:
        kind, ident = field_text(entry.get("PODMAN_EVENT")), field_text(entry.get("PODMAN_ID"))
        uid = writer_uid(entry)
        if uid is None or not _KIND.match(kind) or not _ID.match(ident):
            continue
        events.append(PodmanEvent(
            at=_event_time(entry), kind=kind, ident=ident, name=field_text(entry.get("PODMAN_NAME")) or None,
            image=field_text(entry.get("PODMAN_IMAGE")) or None, exit_code=_number(entry.get("PODMAN_EXIT_CODE")),
            labels=_parse_labels(entry.get("PODMAN_LABELS")) or {}, uid=uid,
            command=podman_command(field_text(entry.get("_CMDLINE"))), service=_writer_service(entry)))
    return sorted(events, key=lambda event: event.at)


def _writer_service(entry: Entry) -> Optional[str]:
    """The service of the system's manager in whose cgroup the writer was, which journald has from the kernel."""
    cgroup = field_text(entry.get("_SYSTEMD_CGROUP"))
    return None if find_container_id(cgroup) else system_service(cgroup)


def _event_time(entry: Entry) -> int:
    """The event's own time where it is credible: the journal's is that of reception."""
    received = received_at(entry)
    try:
        at = parse_iso(field_text(entry.get("PODMAN_TIME")))
    except ValueError:
        return received
    return at if at is not None and abs(at - received) <= _EVENT_LATE else received


def podman_command(line: str) -> Optional[str]:
    """Return the Podman command in a command line, or None.

    Of the line, which may hold secrets, nothing else is kept.
    """
    for word in line.split()[1:]:
        if word in _COMMANDS:
            return word
    return None


def _parse_labels(value: Any) -> Optional[Dict[str, str]]:
    """The labels of an event, JSON in one field: {} where that is too long, None where it is no such JSON."""
    text = field_text(value)
    if len(text) > _MAX_LABELS:
        return {}
    try:
        # a number is no label: of one with thousands of digits nothing is calculated
        labels = json.loads(text or "{}", parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    if not isinstance(labels, dict):
        return None
    return {field_text(key): field_text(label) for key, label in labels.items() if isinstance(label, str)}
