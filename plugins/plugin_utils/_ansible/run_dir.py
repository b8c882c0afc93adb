# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the hosts' answers wait for the report: a directory of this run, one file per host.

Many forks write at once, so each file is written under another name and then renamed.

A record: {host, run_as: user|null, only: [containers that were asked for]|null,
problem: {kind, message}|null, facts: {...}|null}.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

_STATE = "run.json"
_HOSTS = "hosts"


class RunDir:
    """The answers and the state of one run of the audit."""

    def __init__(self, path: str) -> None:
        """:param path: a directory that only this run uses; created when something is written."""
        self._path = path
        self._hosts = os.path.join(path, _HOSTS)

    def begin(self, started_at: str) -> None:
        """Create the directory; the first host decides when the run began."""
        os.makedirs(self._hosts, mode=0o700, exist_ok=True)
        state = os.path.join(self._path, _STATE)
        if not os.path.exists(state):
            temporary = self._write_temporary({"started_at": started_at})
            try:
                os.link(temporary, state)  # unlike a rename, it never replaces that of another fork
            except FileExistsError:
                pass
            finally:
                os.unlink(temporary)

    def exists(self) -> bool:
        """Whether anything was collected in this run."""
        return os.path.exists(os.path.join(self._path, _STATE))

    def get_state(self) -> dict[str, Any]:
        """Return what is known from batch to batch: started_at, refused (if any are) and what the report added."""
        with open(os.path.join(self._path, _STATE), encoding="ascii") as stream:
            return json.load(stream)

    def set_state(self, state: dict[str, Any]) -> None:
        """Replace the state."""
        os.replace(self._write_temporary(state), os.path.join(self._path, _STATE))

    def refuse(self, reasons: dict[str, str]) -> None:
        """Note hosts that are not asked, and why."""
        state = self.get_state()
        self.set_state({**state, "refused": {**state.get("refused", {}), **reasons}})

    def put_record(self, record: dict[str, Any]) -> None:
        """Write the record of a host.

        :raises ValueError: when it cannot be written as JSON.
        """
        failed = record.get("problem") is not None
        os.replace(self._write_temporary(record), self._file(record["host"], failed))
        try:
            os.unlink(self._file(record["host"], not failed))
        except FileNotFoundError:
            pass

    def get_record(self, host: str) -> dict[str, Any] | None:
        """Return the record of a host, None when there is none."""
        for failed in (False, True):
            try:
                with open(self._file(host, failed), encoding="ascii") as stream:
                    return json.load(stream)
            except FileNotFoundError:
                continue
        return None

    def is_checked(self, host: str) -> bool:
        """Whether there is a record with facts; does not read them."""
        return os.path.exists(self._file(host, failed=False))

    def records(self, hosts: list[str]) -> Iterator[tuple[str, dict[str, Any] | None]]:
        """Yield (host, record or None), one at a time: a fleet's facts do not fit into memory."""
        for host in hosts:
            yield host, self.get_record(host)

    def remove(self) -> None:
        """Remove everything: the report has it now."""
        shutil.rmtree(self._path, ignore_errors=True)

    def _file(self, host: str, failed: bool) -> str:
        # a name in an inventory may be anything: "../x", 300 characters, "con"
        digest = hashlib.sha256(host.encode("utf-8", "surrogatepass")).hexdigest()
        return os.path.join(self._hosts, digest[:40] + (".failed" if failed else ".facts"))

    def _write_temporary(self, data: dict[str, Any]) -> str:
        # NaN is not JSON, and none of our readers would take it
        text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
        handle, name = tempfile.mkstemp(prefix=".new-", dir=self._path)
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(text)
        return name
