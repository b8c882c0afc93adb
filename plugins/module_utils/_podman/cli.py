# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Run Podman for one user: which containers, what inspect says, which versions.

A fixed number of processes for each user, whatever the number of containers.
"""

import json
import re
from collections import namedtuple

from .._system.command import CommandError, run_command
from . import inspect as _inspect

# ident: 64 hex digits; name: str.
Listed = namedtuple("Listed", "ident name")

_CHUNK = 2000  # ids of 65 bytes on a command line: far below ARG_MAX
_MAX_RETRIES = 24  # halvings to find containers that Podman can't inspect


class PodmanError(Exception):
    """Podman could not be asked, or gave no usable answer."""


class Podman(object):
    """Podman as one user.

    :param executable: name or path.
    :param identity: _command.Identity of the user.
    :param timeout: seconds for each call.
    """

    def __init__(self, executable, identity, timeout):
        self._executable = executable
        self._identity = identity
        self._timeout = timeout
        self._retries = _MAX_RETRIES

    def listing(self):
        """Return [Listed] of all containers, running or not.

        :raises PodmanError: no answer, or one that is none.
        """
        result = self._run("ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}}")
        if result.rc != 0:
            raise PodmanError("podman ps: exit code %d: %s" % (result.rc, _last(result.err)))
        found = []
        for line in result.out.decode("utf-8", "replace").splitlines():
            match = re.match(r"([0-9a-f]{64}) (.*)$", line)
            if not match:
                raise PodmanError("podman ps: not a container in its answer: %r" % line[:80])
            found.append(Listed(match.group(1), match.group(2).strip("[]").split(",")[0]))
        return found

    def inspect(self, idents):
        """Return (list of inspect's dicts, list of messages) for these ids.

        A container that has gone in the meantime is left out without a word: that is normal on
        a busy host. One that Podman can't inspect costs a message, not the others.
        """
        found, messages = [], []
        for start in range(0, len(idents), _CHUNK):
            self._inspect(idents[start:start + _CHUNK], found, messages)
        return found, messages

    def _inspect(self, idents, found, messages):
        try:
            result = self._run("container", "inspect", *idents)
            answer = _inspect.parse(result.out) if result.out.strip() else None
        except (PodmanError, _inspect.Garbage) as exc:
            messages.append("podman container inspect: %s" % exc)
            return
        if answer is not None and (answer or "no such container" in result.err):
            found.extend(answer)
            return
        # Any error but "no such container" gives no JSON for the others either: look for the bad one.
        if len(idents) == 1 or self._retries <= 0:
            messages.append("podman container inspect: %d container(s), the first %s: exit code %d: %s" % (
                len(idents), idents[0][:12], result.rc, _last(result.err)))
            return
        self._retries -= 1
        middle = len(idents) // 2
        self._inspect(idents[:middle], found, messages)
        self._inspect(idents[middle:], found, messages)

    def info(self):
        """Return {version, conmon, runtime: {name, version}, cgroup_manager}; None for what isn't said.

        :raises PodmanError: no answer, or one that is none.
        """
        result = self._run("info", "--format", "json")
        try:
            answer = json.loads(result.out.decode("utf-8", "replace"))
            host, version = answer["host"], answer["version"]["Version"]
        except (KeyError, TypeError, ValueError):
            raise PodmanError("podman info: exit code %d: %s" % (
                result.rc, _last(result.err) or repr(result.out[:80])))
        runtime = host.get("ociRuntime") or {}
        return {
            "version": version,
            "conmon": _version((host.get("conmon") or {}).get("version")),
            "runtime": {"name": runtime.get("name"), "version": _version(runtime.get("version"))},
            "cgroup_manager": host.get("cgroupManager"),
        }

    def version(self):
        """Return Podman's version alone, without touching any storage.

        :raises PodmanError: no answer, or one that is none.
        """
        result = self._run("--version")
        version = _version(result.out.decode("utf-8", "replace"))
        if version is None:
            raise PodmanError("podman --version: exit code %d: %s" % (
                result.rc, _last(result.err) or repr(result.out[:80])))
        return version

    def resources(self, ident):
        """Return the resources that Podman keeps for a container's next start: a LinuxResources of the OCI runtime spec.

        inspect shows those of the last start while it does not run, whatever was updated since.

        :raises PodmanError: no answer, or one that is none.
        """
        result = self._run("generate", "spec", "--compact", ident)
        try:
            answer = json.loads(result.out.decode("utf-8", "replace"))
            return dict(answer.get("resource_limits") or {})
        except (AttributeError, TypeError, ValueError):
            raise PodmanError("podman generate spec %s: exit code %d: %s" % (
                ident[:12], result.rc, _last(result.err) or repr(result.out[:80])))

    def _run(self, *arguments):
        try:
            return run_command([self._executable] + list(arguments), self._timeout, self._identity)
        except CommandError as exc:
            raise PodmanError(str(exc))


def _version(text):
    match = re.search(r"version (\S+?),?(?:\s|$)", text or "")
    return match.group(1) if match else None


def _last(text):
    """The last line of what Podman says: the error; warnings stand above it."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1][:500] if lines else "(no message)"


def select(listed, wanted):
    """Return (the Listed that are wanted, [names and ids that nothing matches]).

    :param listed: [Listed].
    :param wanted: names, ids or prefixes of ids; empty: all.
    """
    if not wanted:
        return list(listed), []
    matches = {word: [each for each in listed if matches_word(each.ident, each.name, word)] for word in wanted}
    chosen = {each.ident for found in matches.values() for each in found}
    return ([each for each in listed if each.ident in chosen],
            [word for word in wanted if not matches[word]])


def matches_word(ident, name, word):
    """Whether a name, id or id prefix (12 digits or more, as Podman shows them) means this container."""
    return word in (name, ident) or (len(word) >= 12 and ident.startswith(word))
