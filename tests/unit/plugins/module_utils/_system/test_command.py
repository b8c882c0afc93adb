# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands that hang, flood, fail or are not there, and as whom they run."""

import ctypes
import os
import select
import signal
import time

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._system import command
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import (
    CommandError,
    CommandNotFound,
    Identity,
    current_identity,
    find_executable,
    run_command,
    runtime_dir,
    user_environment,
)


def test_output_and_exit_code():
    result = run_command(["sh", "-c", "printf out; printf 'err\\n' >&2; exit 3"], 10)
    assert (result.rc, result.out, result.err) == (3, b"out", "err")


def test_input():
    assert run_command(["cat"], 10, stdin=b"hello").out == b"hello"


def test_no_such_executable():
    with pytest.raises(CommandNotFound, match="no-such-podman"):
        run_command(["no-such-podman"], 10)


def test_a_command_that_hangs_is_killed_with_its_children():
    began = time.time()
    with pytest.raises(CommandError, match="in time"):
        run_command(["sh", "-c", "sleep 60 & sleep 60"], 0.3)
    assert time.time() - began < 10


def test_a_command_that_floods_is_stopped():
    with pytest.raises(CommandError, match="more than 100000 bytes"):
        run_command(["yes"], 10, max_output=100000)


def test_a_flood_of_errors_keeps_its_end():
    result = run_command(["sh", "-c", "yes | head -c 9000000 >&2; echo last >&2; exit 1"], 30)
    assert result.err.endswith("last") and len(result.err) <= 64 * 1024


def test_the_callers_environment_does_not_reach_it(monkeypatch):
    monkeypatch.setenv("CONTAINER_HOST", "ssh://elsewhere")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    words = run_command(["env"], 10).out.decode().splitlines()
    assert "LC_ALL=C" in words
    assert not [word for word in words if word.startswith("CONTAINER_HOST")]


def test_the_environment_of_a_rootless_user(monkeypatch):
    monkeypatch.setattr(command, "runtime_dir", lambda identity: "/run/user/%d" % identity.uid)
    env = user_environment(Identity("alice", 1000, 1000, "/home/alice"))
    assert env["XDG_RUNTIME_DIR"] == "/run/user/1000" and env["HOME"] == "/home/alice"
    assert env["DBUS_SESSION_BUS_ADDRESS"] == "unix:path=/run/user/1000/bus"


def test_without_a_session_there_is_no_runtime_directory(monkeypatch):
    monkeypatch.setattr(os, "listdir", lambda path: {"/run/user": ["0", "1001"]}[path])
    alice = Identity("alice", 1000, 1000, "/home/alice")
    assert runtime_dir(alice) is None
    assert not {"XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"} & set(user_environment(alice))


def test_a_uid_that_no_user_has(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 4294967294)
    monkeypatch.setenv("HOME", "/nowhere")
    assert current_identity() == Identity("4294967294", 4294967294, os.getegid(), "/nowhere")


def test_a_command_of_somebody_else_is_not_run():
    """It would have the caller's keyring, cgroup and limits."""
    other = Identity("other", os.geteuid() + 1, 65534, "/nonexistent")
    with pytest.raises(CommandError, match="sh: a command of other can be run in a process of that user only"):
        run_command(["sh", "-c", "id -u"], 10, other)


def test_the_callers_search_path_does_not_count(monkeypatch, tmp_path):
    (tmp_path / "sh").write_text("")
    (tmp_path / "sh").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_executable("sh") in ("/usr/bin/sh", "/bin/sh")


def test_what_can_not_be_executed(tmp_path):
    (tmp_path / "podman").write_text("no program")
    (tmp_path / "podman").chmod(0o755)
    with pytest.raises(CommandError, match="podman could not be started: "):
        run_command([str(tmp_path / "podman")], 10)


def test_a_long_command_is_shortened_in_messages():
    with pytest.raises(CommandError, match="^sh -c sleep 60 id id id … did not answer in time$"):
        run_command(["sh", "-c", "sleep 60"] + ["id"] * 200, 0.1)


def _mount_what_never_answers(path):
    """A file system of the user nobody's on a directory, seen by this process only; return the descriptor that keeps it."""
    libc = ctypes.CDLL(None, use_errno=True)
    new_mounts, private = 0x20000, 1 << 18 | 0x4000  # CLONE_NEWNS; MS_PRIVATE | MS_REC
    device = os.open("/dev/fuse", os.O_RDWR)
    options = b"fd=%d,rootmode=40000,user_id=65534,group_id=65534,allow_other" % device
    if libc.unshare(new_mounts) or libc.mount(b"none", b"/", None, private, None) or libc.mount(
            b"tmpfs", os.path.dirname(path).encode(), b"tmpfs", 0, None):
        raise OSError(ctypes.get_errno(), "no mounts of its own")
    os.mkdir(path)
    if libc.mount(b"fuse", path.encode(), b"fuse", 0, options):
        raise OSError(ctypes.get_errno(), "no FUSE")
    return device


@pytest.mark.skipif(os.geteuid() != 0 or not os.path.isdir("/run/user") or not os.path.exists("/dev/fuse"), reason="needs FUSE")
def test_a_runtime_directory_that_does_not_answer_is_not_touched():
    """A user mounts a file system of their own there (with user_allow_other in fuse.conf); root must not wait in it."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            _mount_what_never_answers("/run/user/4711")
            os.write(writer, b"mounted ")
            os.write(writer, str(command.runtime_dir(Identity("alice", 4711, 4711, "/home/alice"))).encode())
        finally:
            os._exit(0)
    os.close(writer)
    said, end = b"", time.monotonic() + 5
    while select.select([reader], [], [], max(0, end - time.monotonic()))[0]:
        part = os.read(reader, 100)
        if not part:
            break
        said += part
    os.close(reader)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    if not said:
        pytest.skip("no FUSE can be mounted here")
    assert said == b"mounted /run/user/4711"
