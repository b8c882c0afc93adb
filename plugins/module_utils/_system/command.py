# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run one external command as the caller. What is another user's is for a process that is this user: the room _users.

Knows time limits, output limits and what a rootless user's environment must be.
Knows nothing of what the commands mean.
"""

import os
import pwd
import selectors
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from typing import IO, Any, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

# 2,000 containers make about 20 MB of `podman container inspect`; anything far above
# that is not an answer and must not eat the memory of the audited host.
_MAX_OUTPUT = 128 * 1024 * 1024
_MAX_STDERR = 64 * 1024
_MAX_WORDS = 6
_ENDS = 2  # seconds for a killed process to be gone
_RUNTIME_DIRS = "/run/user"
_SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_Stream = Union[int, IO[bytes]]


class Identity(NamedTuple):
    """The user that a command runs as."""

    name: str
    uid: int
    gid: int
    home: str


class CommandResult(NamedTuple):
    """What a command gave back."""

    rc: int  # exit code; negative: ended by that signal
    out: bytes
    err: str  # its last 64 KiB, without white space around it


class CommandError(Exception):
    """The command could not be run to its end. Its exit code does not count: that is in the result."""


class CommandNotFound(CommandError):
    """There is no such executable."""


def current_identity() -> Identity:
    """Return the user of this process."""
    uid = os.geteuid()
    try:
        return identity_from_passwd(pwd.getpwuid(uid))
    except KeyError:
        return Identity(str(uid), uid, os.getegid(), os.environ.get("HOME", "/"))


def identity_from_passwd(entry: pwd.struct_passwd) -> Identity:
    """Return the user of an entry of the password database."""
    return Identity(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir)


def runtime_dir(identity: Identity) -> Optional[str]:
    """Return the path of the user's XDG_RUNTIME_DIR; None without a session or a lingering manager.

    It is looked for by its name only: the user may have mounted something there that does not answer, and root must not
    wait in it.
    """
    try:
        present = str(identity.uid) in os.listdir(_RUNTIME_DIRS)
    except OSError:  # no user has one that this process could use
        return None
    return "%s/%d" % (_RUNTIME_DIRS, identity.uid) if present else None


def user_environment(identity: Identity) -> Dict[str, str]:
    """Return the environment for a command of this user.

    Nothing of the caller's is passed on: what sudo or ssh left behind (XDG_RUNTIME_DIR of another user,
    CONTAINER_HOST, a locale) would change which containers Podman sees and how it prints.
    """
    env = {
        "PATH": _SEARCH_PATH,
        "HOME": identity.home,
        "USER": identity.name,
        "LOGNAME": identity.name,
        "LC_ALL": "C",
        # podman 5 warns on every call on cgroup v1
        "PODMAN_IGNORE_CGROUPSV1_WARNING": "1",
    }
    run_dir = runtime_dir(identity)
    if run_dir:
        env["XDG_RUNTIME_DIR"] = run_dir
        env["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=%s/bus" % run_dir
    return env


def find_executable(name: str) -> str:
    """Return the absolute path of an executable.

    :raises CommandNotFound: when it is not in the system's search path, or not executable.
    """
    path = shutil.which(name, path=_SEARCH_PATH)
    if path is None:
        raise CommandNotFound("%s: no such executable (searched: %s)" % (name, _SEARCH_PATH))
    return path


def start_command(argv: Sequence[str], identity: Identity, stdin: _Stream = subprocess.DEVNULL,
                  stdout: _Stream = subprocess.DEVNULL, stderr: _Stream = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
    """Start a command in a session of its own.

    :param argv: see run_command().
    :param identity: the caller, for the environment.
    :raises CommandNotFound: no such executable.
    :raises CommandError: it can't be started, or it would be another user's: with the caller's keyring, cgroup and limits.
    """
    if identity.uid != os.geteuid():
        raise CommandError("%s: a command of %s can be run in a process of that user only" % (argv[0], identity.name))
    executable = find_executable(argv[0])
    try:
        return subprocess.Popen([executable] + list(argv[1:]), stdin=stdin, stdout=stdout, stderr=stderr, cwd="/",
                                env=user_environment(identity), bufsize=0, start_new_session=True)
    except (OSError, subprocess.SubprocessError) as exc:
        raise CommandError("%s could not be started: %s" % (argv[0], exc))


def run_command(argv: Sequence[str], timeout: float, identity: Optional[Identity] = None, stdin: Optional[bytes] = None,
                max_output: int = _MAX_OUTPUT) -> CommandResult:
    """Run a command to its end.

    :param argv: the first word is looked up in the system's search path, not in the caller's.
    :param timeout: seconds until the command and its children are killed.
    :param identity: see start_command(); None: the caller.
    :param stdin: for its standard input (at most a pipe's buffer, 64 KiB); None: /dev/null.
    :param max_output: bytes of standard output after which it is killed.
    :raises CommandNotFound: no such executable.
    :raises CommandError: it can't be started, did not answer in time, or printed too much.
    """
    # for messages, without a list of 200 ids
    name = " ".join(argv[:_MAX_WORDS]) + (" …" if len(argv) > _MAX_WORDS else "")
    process = start_command(argv, identity or current_identity(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL)
    try:
        if stdin is not None and process.stdin:
            with suppress(BrokenPipeError):  # it ended without reading: its exit code says why
                process.stdin.write(stdin)
            process.stdin.close()
        out, err = _read_output(process, name, time.monotonic() + timeout, max_output)
        process.wait(timeout=max(1, timeout))
    except subprocess.TimeoutExpired:
        raise CommandError("%s closed its output but did not end" % name)
    finally:
        end_command(process)
    return CommandResult(process.returncode, out, err)


def _read_output(process: "subprocess.Popen[bytes]", name: str, deadline: float, max_output: int) -> Tuple[bytes, str]:
    """Read both pipes to their ends; return (stdout, the end of stderr).

    :param deadline: on the monotonic clock, seconds.
    """
    chunks: Dict[Any, List[bytes]] = {process.stdout: [], process.stderr: []}
    size = 0
    with selectors.DefaultSelector() as selector:
        for pipe in chunks:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise CommandError("%s did not answer in time" % name)
            for key, _mask in selector.select(remaining):
                data = os.read(key.fd, 65536)
                if not data:
                    selector.unregister(key.fileobj)
                    continue
                chunks[key.fileobj].append(data)
                if key.fileobj is process.stdout:
                    size += len(data)
                    if size > max_output:
                        raise CommandError("%s printed more than %d bytes" % (name, max_output))
                elif len(chunks[key.fileobj]) > 64:
                    chunks[key.fileobj] = [b"".join(chunks[key.fileobj])[-_MAX_STDERR:]]
    err = b"".join(chunks[process.stderr])[-_MAX_STDERR:]
    return b"".join(chunks[process.stdout]), err.decode("utf-8", "replace").strip()


def end_command(process: "subprocess.Popen[bytes]") -> None:
    """Kill the session of a command of start_command() if it still runs, and close the pipes; don't wait for what can't be killed."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except OSError:
            process.kill()
        with suppress(subprocess.TimeoutExpired):  # one in an uninterruptible wait (dead NFS) can't be waited for
            process.wait(timeout=_ENDS)
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()
