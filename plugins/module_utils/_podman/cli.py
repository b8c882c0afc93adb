# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run Podman for one user: list and inspect containers, ask for versions.

A fixed number of processes for each user, whatever the number of containers.
"""

import json
import re
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from .._system.command import CommandError, CommandResult, Identity, run_command
from .inspect import InspectError, parse_inspect


class ListedContainer(NamedTuple):
    """A container in Podman's list."""

    ident: str  # 64 hex digits
    name: str


_CHUNK = 2000  # ids of 65 bytes on a command line: far below ARG_MAX
_MAX_RETRIES = 24  # halvings to find containers that Podman can't inspect


class PodmanError(Exception):
    """Podman could not be run, or gave no usable answer."""


class Podman:
    """Podman as one user.

    :param executable: name or path.
    :param identity: of the user.
    :param timeout: seconds for each call.

    Its methods, except inspect(), raise PodmanError: no answer, or not the expected one.
    """

    def __init__(self, executable: str, identity: Identity, timeout: float) -> None:
        self._executable = executable
        self._identity = identity
        self._timeout = timeout
        self._retries = _MAX_RETRIES

    def list_containers(self) -> List[ListedContainer]:
        """Return all containers, running or not."""
        result = self._run("ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}}")
        if result.rc != 0:
            raise PodmanError("podman ps: %s" % _describe_failure(result))
        containers = []
        for line in result.out.decode("utf-8", "replace").splitlines():
            match = re.match(r"([0-9a-f]{64}) (.*)$", line)
            if not match:
                raise PodmanError("podman ps: not a container in its answer: %r" % line[:80])
            containers.append(ListedContainer(match.group(1), match.group(2).strip("[]").split(",")[0]))
        return containers

    def inspect(self, idents: Sequence[str]) -> Tuple[List[Dict[str, Any]], List[str]]:
        """Return (inspect's dicts, messages of what went wrong) for these ids.

        A container that has gone in the meantime is left out without a message: that is normal on
        a busy host. One that Podman can't inspect costs a message, not the others.
        """
        raws: List[Dict[str, Any]] = []
        messages: List[str] = []
        for start in range(0, len(idents), _CHUNK):
            self._inspect(idents[start:start + _CHUNK], raws, messages)
        return raws, messages

    def _inspect(self, idents: Sequence[str], raws: List[Dict[str, Any]], messages: List[str]) -> None:
        try:
            result = self._run("container", "inspect", *idents)
            answer = parse_inspect(result.out) if result.out.strip() else None
        except (PodmanError, InspectError) as exc:
            messages.append("podman container inspect: %s" % exc)
            return
        if answer is not None and (answer or "no such container" in result.err):
            raws.extend(answer)
            return
        # Any error but "no such container" gives no JSON for the others either: look for the bad one.
        if len(idents) == 1 or self._retries <= 0:
            messages.append("podman container inspect: %d container(s), the first %s: %s" % (
                len(idents), idents[0][:12], _describe_failure(result)))
            return
        self._retries -= 1
        middle = len(idents) // 2
        self._inspect(idents[:middle], raws, messages)
        self._inspect(idents[middle:], raws, messages)

    def info(self) -> Dict[str, Any]:
        """Return {version, conmon, runtime: {name, version}, cgroup_manager}; None for what is missing."""
        result = self._run("info", "--format", "json")
        try:
            answer = json.loads(result.out.decode("utf-8", "replace"))
            host, version = answer["host"], answer["version"]["Version"]
        except (KeyError, TypeError, ValueError):
            raise PodmanError("podman info: %s" % _describe_failure(result))
        runtime = host.get("ociRuntime") or {}
        return {
            "version": version,
            "conmon": _version((host.get("conmon") or {}).get("version")),
            "runtime": {"name": runtime.get("name"), "version": _version(runtime.get("version"))},
            "cgroup_manager": host.get("cgroupManager"),
        }

    def version(self) -> str:
        """Return Podman's version alone, without touching any storage."""
        result = self._run("--version")
        version = _version(result.out.decode("utf-8", "replace"))
        if version is None:
            raise PodmanError("podman --version: %s" % _describe_failure(result))
        return version

    def resources(self, ident: str) -> Dict[str, Any]:
        """Return the resources that Podman keeps for a container's next start: a LinuxResources of the OCI runtime spec.

        For a container that does not run, inspect shows those of its last start, without later updates.
        """
        result = self._run("generate", "spec", "--compact", ident)
        try:
            answer = json.loads(result.out.decode("utf-8", "replace"))
            return dict(answer.get("resource_limits") or {})
        except (AttributeError, TypeError, ValueError):
            raise PodmanError("podman generate spec %s: %s" % (ident[:12], _describe_failure(result)))

    def _run(self, *arguments: str) -> CommandResult:
        try:
            return run_command([self._executable] + list(arguments), self._timeout, self._identity)
        except CommandError as exc:
            raise PodmanError(str(exc))


def _version(text: Optional[str]) -> Optional[str]:
    match = re.search(r"version (\S+?),?(?:\s|$)", text or "")
    return match.group(1) if match else None


def _describe_failure(result: CommandResult) -> str:
    """The exit code and the last line of standard error: the error; warnings stand above it."""
    lines = [line for line in result.err.splitlines() if line.strip()]
    return "exit code %d: %s" % (result.rc, lines[-1][:500] if lines else "(no message)")


def select_containers(listed: Sequence[ListedContainer], words: Sequence[str]) -> Tuple[List[ListedContainer], List[str]]:
    """Return (the containers that the words name, the words that name none).

    :param words: names, ids or prefixes of ids; empty: all.
    """
    if not words:
        return list(listed), []
    matches = {word: {container.ident for container in listed if matches_word(container.ident, container.name, word)}
               for word in words}
    selected = set().union(*matches.values())
    return [container for container in listed if container.ident in selected], [word for word in words if not matches[word]]


def matches_word(ident: str, name: Optional[str], word: str) -> bool:
    """Whether a name, id or id prefix (12 digits or more, as Podman shows them) means this container."""
    return word in (name, ident) or (len(word) >= 12 and ident.startswith(word))
