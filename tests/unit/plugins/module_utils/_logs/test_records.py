# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Journal entries: whatever may stand in them, and who may have written them."""

import json

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._logs import records

ID = "ab" * 32
OOM = {"__REALTIME_TIMESTAMP": "5", "MESSAGE_ID": records.UNIT_OUT_OF_MEMORY, "UNIT": "libpod-%s.scope" % ID}
SYSTEM = {"_PID": "1", "_UID": "0", "_COMM": "systemd", "_SYSTEMD_UNIT": "init.scope"}
USER = {"_PID": "700", "_UID": "1000", "_COMM": "systemd", "_SYSTEMD_UNIT": "user@1000.service",
        "_SYSTEMD_USER_UNIT": "init.scope"}


def line(**fields):
    return json.dumps(fields).encode()


def test_lines_that_are_no_entry_are_counted():
    entries, bad_lines = records.parse_entries(b"\n".join([
        line(__REALTIME_TIMESTAMP="5", MESSAGE="x"), b"", b"{", b"[1]", b"null", b"\xff\xfe", line(MESSAGE="no time"),
        line(__REALTIME_TIMESTAMP="soon")]))
    assert len(entries) == 1 and bad_lines == 6


@pytest.mark.parametrize("value, text", [
    ("x", "x"), (None, ""), ([104, 105], "hi"), ([255, 104], "\ufffdh"), (["a", "b"], "b"), ([[104], "b", [105]], "i"),
    ([], ""), (7, ""), ({}, ""),
])
def test_a_fields_value(value, text):
    assert records.field_text(value) == text


@pytest.mark.parametrize("writer, uid", [
    (SYSTEM, 0), (USER, 1000), (dict(USER, _SYSTEMD_USER_UNIT=None), 1000),
    (dict(USER, _COMM="logger", _SYSTEMD_UNIT="session-3.scope", _SYSTEMD_USER_UNIT=None), None),
    (dict(USER, _SYSTEMD_USER_UNIT="evil.service"), None), (dict(USER, _SYSTEMD_UNIT="user@0.service"), None),
    (dict(SYSTEM, _PID="12", _COMM="logger"), None), ({}, None),
])
def test_only_a_service_managers_record_counts(writer, uid):
    ooms = records.parse_unit_ooms([dict(OOM, **writer)])
    assert [(oom.uid, oom.unit) for oom in ooms] == ([] if uid is None else [(uid, OOM["UNIT"])])
    kills = records.parse_oomd_kills([dict(OOM, MESSAGE_ID=records.UNIT_OOMD_KILL, **writer)])
    assert [kill.uid for kill in kills] == ([] if uid is None else [uid])


@pytest.mark.parametrize("message, cgroup", [
    # systemd 252 and 257, Debian 12 and 13
    ("Killed /scenoomd.slice/libpod-ID.scope/container due to memory pressure for /scenoomd.slice being 4.56% > 2.00% "
     "for > 2s with reclaim activity", "/scenoomd.slice/libpod-ID.scope/container"),
    # systemd 262, Debian testing
    ("Marked /scenoomd.slice/libpod-ID.scope/container for killing due to memory pressure for /scenoomd.slice being "
     "4.56% > 2.00% for > 2s with reclaim activity", "/scenoomd.slice/libpod-ID.scope/container"),
    ("Considered 2 cgroups for killing, top candidates were:", None),
    ("No swap; memory pressure usage will be degraded", None),
])
def test_systemd_oomds_messages_of_each_version(message, cgroup):
    entry = {"__REALTIME_TIMESTAMP": "1795476716477281", "_SYSTEMD_UNIT": "systemd-oomd.service", "MESSAGE": message}
    assert [kill.cgroup for kill in records.parse_oomd_kills([entry])] == ([cgroup] if cgroup else [])


def test_records_of_slices_are_ignored():
    assert records.parse_unit_ooms([dict(OOM, UNIT="machine.slice", **SYSTEM)]) == []


@pytest.mark.parametrize("line_, command", [
    ("podman stop -t 1 web", "stop"), ("/usr/bin/podman --log-level debug container cleanup ID", "cleanup"),
    ("podman pod stop p", "stop"), ("podman system service --time=5", "service"), ("", None), ("stop", None),
    ("podman run -e PASSWORD=x img", "run"),
])
def test_the_command_that_wrote_an_event(line_, command):
    assert records.podman_command(line_) == command


@pytest.mark.parametrize("labels", [None, "", "{", "[1]", [123], '{"a": "b"}'])
def test_labels_of_an_event(labels):
    (event,) = records.parse_podman_events([{
        "__REALTIME_TIMESTAMP": "5", "_UID": "0", "PODMAN_EVENT": "died", "PODMAN_ID": ID, "PODMAN_LABELS": labels,
        "PODMAN_EXIT_CODE": "137", "PODMAN_TIME": "not a time"}])
    assert event.labels == ({"a": "b"} if labels and "b" in labels else {})
    assert (event.exit_code, event.at, event.uid) == (137, 5, 0)


def test_long_labels_cost_no_event():
    """Images have labels of any length: those of 4 KiB and more are read, those of more than 64 KiB left out."""
    line = json.dumps({"__REALTIME_TIMESTAMP": "5", "_UID": "0", "PODMAN_EVENT": "died", "PODMAN_ID": ID,
                       "PODMAN_LABELS": json.dumps({"a": "x" * 9000, "PODMAN_SYSTEMD_UNIT": "web.service"})})
    for text, unit in ((line, "web.service"), (line.replace("x" * 9000, "x" * 70000), None)):
        (event,) = records.parse_podman_events([records.parse_entry(text.encode("ascii"))])
        assert event.labels.get("PODMAN_SYSTEMD_UNIT") == unit and event.kind == "died"


@pytest.mark.parametrize("field, value", [
    ("_UID", None), ("_UID", "-1"), ("_UID", "4294967295"), ("_UID", "9" * 400), ("_UID", "root"),
    ("PODMAN_ID", "x"), ("PODMAN_ID", ID + "\n"), ("PODMAN_ID", ID.upper()), ("PODMAN_EVENT", "died\0"), ("PODMAN_EVENT", "x" * 40),
])
def test_an_event_without_a_writer_or_a_container_is_none(field, value):
    event = {"__REALTIME_TIMESTAMP": "5", "_UID": "0", "PODMAN_EVENT": "died", "PODMAN_ID": ID}
    assert len(records.parse_podman_events([event])) == 1
    assert records.parse_podman_events([dict(event, **{field: value})]) == []


@pytest.mark.parametrize("field, value, attribute, known", [
    ("PODMAN_EXIT_CODE", "9" * 400, "exit_code", None), ("PODMAN_EXIT_CODE", "\u00b2", "exit_code", None),
    ("PODMAN_TIME", "9999-12-31T00:00:00Z", "at", 5), ("PODMAN_TIME", "x" * 4000, "at", 5),
    ("PODMAN_NAME", "a\ud800", "name", "a?"), ("PODMAN_NAME", [255, 0], "name", "\ufffd\0"),
    ("PODMAN_LABELS", "[" * 2000, "labels", {}), ("PODMAN_LABELS", '{"a": [1], "b": "\\ud800"}', "labels", {"b": "?"}),
])
def test_odd_values_of_an_event(field, value, attribute, known):
    event = {"__REALTIME_TIMESTAMP": "5", "_UID": "0", "PODMAN_EVENT": "died", "PODMAN_ID": ID, field: value}
    assert getattr(records.parse_podman_events([event])[0], attribute) == known
