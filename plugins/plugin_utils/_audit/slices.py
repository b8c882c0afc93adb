# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""Reports of parts of a fleet (slices), read as if they were one.

Each host is in one slice. Nothing is taken from a slice that is not whole. What a slice says of earlier
reports (state, first_seen, resolved, carried_over, trend) is of its own history; the merged report has its own.
In memory: the hosts' names, and where in the files they and their findings are.
"""

from __future__ import annotations

import glob
import os
from array import array
from typing import Any, Iterable, Iterator, NamedTuple

from .._report import publish as _publish, reader as _reader
from .audit import Judged


class SliceError(ValueError):
    """A slice cannot be part of a merged report; the message says which one and why."""


class _Place(NamedTuple):
    """Where a host is."""

    number: int  # of the slice
    entry: int  # offset of its line in `hosts`
    findings: array[int]  # offsets of its lines in `findings`


class Slices:
    """The reports of all slices."""

    def __init__(self, given: Iterable[str]) -> None:
        """:param given: paths of report.json, of its directory, or of the directory of all of a slice's reports; or patterns.

        :raises SliceError: one is missing, broken, of another schema, or has a host that another one has.
        """
        self._paths: list[str] = []
        self._heads: list[dict[str, Any]] = []
        self._places: dict[str, _Place] = {}
        for each in given:
            for path in _matching(each):
                self._add(path)
        if not self._paths:
            raise SliceError("slices: there is none")

    def _add(self, given: str) -> None:
        path = _report_in(given)
        if path in self._paths:
            raise SliceError("slices: %s is named twice" % path)
        try:
            head = _reader.head(path)
            about, summary = head["run"], head["summary"]
            found = _places(path, len(self._paths))
            promised = (summary["hosts"]["total"], summary["findings"]["total"] + summary["findings"]["waived"])
            [about[key] for key in ("started_at", "finished_at", "ansible_version", "collection_version", "limit")]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
            raise SliceError("slices: %s cannot be read as a report: %s" % (path, _said(exc))) from exc
        there = (len(found), sum(len(each.findings) for each in found.values()))
        if there != promised:
            raise SliceError("slices: %s is not whole: it has %d of %d hosts and %d of %d findings" % (
                path, there[0], promised[0], there[1], promised[1]))
        for host in found:
            if host in self._places:
                raise SliceError("slices: host %r is in %s and in %s; each host belongs in one slice" % (
                    host, self._paths[self._places[host].number], path))
        self._paths.append(path)
        self._heads.append(head)
        self._places.update(found)

    def count(self) -> int:
        """Return how many slices there are."""
        return len(self._paths)

    def hosts(self) -> list[str]:
        """Return all hosts, in the order of the slices."""
        return list(self._places)

    def generated_at(self) -> str:
        """Return when the last of them was made."""
        return max(each["generated_at"] for each in self._heads)

    def run(self) -> dict[str, Any]:
        """Return the merged report's `run`, as far as the slices tell: from the first one's start to the last one's end."""
        runs = [each["run"] for each in self._heads]
        limits = {each["limit"] for each in runs}
        return {
            "collection_version": runs[0]["collection_version"],
            "ansible_version": runs[0]["ansible_version"],
            "check_mode": False,
            # slices that were cut by --limit are each a part of something whole
            "limit": limits.pop() if len(limits) == 1 else None,
            "started_at": min(each["started_at"] for each in runs),
            "finished_at": max(each["finished_at"] for each in runs),
            "slices": [
                {"report": path, "generated_at": head["generated_at"], "controller": head["run"].get("controller"),
                 "limit": head["run"]["limit"], "hosts": head["summary"]["hosts"]["total"]}
                for path, head in zip(self._paths, self._heads)],
        }

    def warnings(self) -> list[str]:
        """Return what may make the merged report other than that of one run."""
        versions = sorted({str(each["run"]["collection_version"]) for each in self._heads})
        if len(versions) == 1:
            return []
        return ["the slices were made by different versions of the collection (%s), which may judge differently"
                % ", ".join(versions)]

    def judged(self, order: Iterable[str]) -> Iterator[Judged]:
        """Yield (entry, findings) of each host, one at a time.

        :param order: names in the order of the inventory; hosts that are not among them come after those.
        """
        names = dict.fromkeys(each for each in order if each in self._places)
        names.update(dict.fromkeys(self._places))
        streams = [open(path, "rb") for path in self._paths]
        try:
            for name in names:
                place = self._places[name]
                stream = streams[place.number]
                yield _reader.at(stream, place.entry), [_reader.at(stream, offset) for offset in place.findings]
        finally:
            for stream in streams:
                stream.close()


def _matching(given: str) -> list[str]:
    """Return what a path or a pattern of the shell means."""
    if os.path.exists(given) or not glob.has_magic(given):
        return [given]
    found = sorted(glob.glob(given))
    if not found:
        raise SliceError("slices: %s: nothing matches it" % given)
    return found


def _report_in(given: str) -> str:
    """Return the path of the report.json that is meant."""
    path = _reader.path_of(given)
    if not os.path.exists(path) or os.path.isdir(path):
        latest = _publish.latest_report(os.path.abspath(given))
        path = _reader.path_of(latest) if latest else path
    if not os.path.isfile(path):
        raise SliceError("slices: %s: there is no report; did that slice's run end before it could write one?" % path)
    return os.path.realpath(path)


def _places(path: str, number: int) -> dict[str, _Place]:
    entries: dict[str, int] = {}
    findings: dict[str, array[int]] = {}
    for name, offset, each in _reader.located(path, "hosts", "findings"):
        if name == "findings":
            findings[each["host"]].append(offset)
            continue
        if each["name"] in entries:
            raise ValueError("host %r is in it twice" % each["name"])
        entries[each["name"]] = offset
        findings[each["name"]] = array("Q")
    return {name: _Place(number, offset, findings[name]) for name, offset in entries.items()}


def _said(error: Exception) -> str:
    return "it lacks %s" % error if isinstance(error, KeyError) else str(error)
