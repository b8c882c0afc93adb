# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Run one external command, as the caller or (as root) as another user.

Knows time-outs, output limits and how a rootless user's environment has to look.
Knows nothing of what the commands mean.
"""

import os
import pwd
import selectors
import shutil
import signal
import subprocess
import time
from collections import namedtuple

# name, uid, gid, home: of the user a command runs as.
Identity = namedtuple("Identity", "name uid gid home")

# rc: int (negative: ended by that signal); out: bytes; err: str, its last 64 KiB.
CommandResult = namedtuple("CommandResult", "rc out err")

# 2,000 containers make about 20 MB of `podman container inspect`; anything far above
# that is not an answer and must not eat the memory of the host that is looked at.
MAX_OUTPUT = 128 * 1024 * 1024
_MAX_STDERR = 64 * 1024
_SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class CommandError(Exception):
    """The command could not be run to its end (its exit code is not part of this)."""


class CommandNotFound(CommandError):
    """There is no such executable."""


def current_identity():
    """Return the Identity of this process."""
    uid = os.geteuid()
    try:
        return identity_from_passwd(pwd.getpwuid(uid))
    except KeyError:
        return Identity(str(uid), uid, os.getegid(), os.environ.get("HOME", "/"))


def identity_from_passwd(entry):
    """Return the Identity for an entry of the password database (``pwd.struct_passwd``)."""
    return Identity(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir)


def runtime_dir(identity):
    """Return the path of the user's XDG_RUNTIME_DIR, or None when there is none now."""
    path = "/run/user/%d" % identity.uid
    return path if os.path.isdir(path) else None


def user_environment(identity):
    """Return the environment for a command of this user.

    It is made anew: what sudo or ssh left behind (XDG_RUNTIME_DIR of somebody else,
    CONTAINER_HOST, a locale) would change what Podman looks at and how it prints.
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


def find_executable(name):
    """Return the absolute path of an executable.

    :raises CommandNotFound: when it is not in the system's search path, or not executable.
    """
    path = shutil.which(name, path=_SEARCH_PATH)
    if path is None:
        raise CommandNotFound("%s: no such executable (searched: %s)" % (name, _SEARCH_PATH))
    return path


def start_command(argv, identity, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
    """Start a command in a session of its own and return its subprocess.Popen.

    :param identity: Identity to run as; only root can run as somebody else.
    :raises CommandNotFound: no such executable.
    :raises CommandError: not startable.
    """
    executable = find_executable(argv[0])
    try:
        return subprocess.Popen([executable] + list(argv[1:]), stdin=stdin, stdout=stdout, stderr=stderr, cwd="/",
                                env=user_environment(identity), bufsize=0, start_new_session=True,
                                preexec_fn=_become(identity))
    except (OSError, subprocess.SubprocessError) as exc:
        raise CommandError("%s could not be started: %s" % (argv[0], exc))


def run_command(argv, timeout, identity=None, stdin=None, max_output=MAX_OUTPUT):
    """Run a command to its end and return its Result.

    :param argv: list of str; the first one is looked up in the system's search path.
    :param timeout: seconds until the command and its children are killed.
    :param identity: Identity to run as; only root can run as somebody else. None: the caller.
    :param stdin: bytes for its standard input (at most a pipe's buffer, 64 KiB); None: none.
    :param max_output: bytes of standard output after which it is ended.
    :raises CommandNotFound: no such executable.
    :raises CommandError: not startable, timed out, or too much output.
    """
    process = start_command(argv, identity or current_identity(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL)
    try:
        if stdin is not None:
            _feed(process, stdin)
        out, err = _read(process, time.monotonic() + timeout, max_output)
        process.wait(timeout=max(1, timeout))
    except _Ended as exc:
        raise CommandError("%s %s" % (_shown(argv), exc))
    except subprocess.TimeoutExpired:
        raise CommandError("%s closed its output but did not end" % _shown(argv))
    finally:
        _end(process)
    return CommandResult(process.returncode, out, err)


class _Ended(Exception):
    """Why a command is not waited for any longer."""


def _become(identity):
    """Return the function that changes to the user between fork and exec, or None."""
    if os.geteuid() != 0 or identity.uid == 0:
        return None
    # Looked up before the fork: only plain system calls are safe after it.
    groups = os.getgrouplist(identity.name, identity.gid)

    def change():
        os.setgroups(groups)
        os.setgid(identity.gid)
        os.setuid(identity.uid)

    return change


def _feed(process, data):
    try:
        process.stdin.write(data)
    except BrokenPipeError:
        pass  # it ended without reading: its exit code says why
    process.stdin.close()


def _read(process, deadline, max_output):
    """Read both pipes to their ends; return (stdout as bytes, stderr as str)."""
    chunks = {process.stdout: [], process.stderr: []}
    size = 0
    with selectors.DefaultSelector() as selector:
        for pipe in chunks:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                raise _Ended("did not answer in time")
            for key, _mask in selector.select(left):
                data = os.read(key.fd, 65536)
                if not data:
                    selector.unregister(key.fileobj)
                    continue
                chunks[key.fileobj].append(data)
                if key.fileobj is process.stdout:
                    size += len(data)
                    if size > max_output:
                        raise _Ended("printed more than %d bytes" % max_output)
                elif len(chunks[key.fileobj]) > 64:
                    chunks[key.fileobj] = [b"".join(chunks[key.fileobj])[-_MAX_STDERR:]]
    err = b"".join(chunks[process.stderr])[-_MAX_STDERR:]
    return b"".join(chunks[process.stdout]), err.decode("utf-8", "replace").strip()


def _end(process):
    """Kill what is still there of the command's session, and close the pipes."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except OSError:
            process.kill()
        process.wait()
    for pipe in (process.stdout, process.stderr):
        pipe.close()


def _shown(argv):
    """The command as a message shows it: a list of 200 ids helps nobody."""
    words = " ".join(argv[:6])
    return words + (" …" if len(argv) > 6 else "")
