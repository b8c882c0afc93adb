# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a process that is the user has of root's, and that root never waits for it: real processes of the user nobody."""

import ctypes
import itertools
import os
import platform
import pwd
import signal
import subprocess
import sys
import time

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import identity_from_passwd
from ansible_collections.podman_fleet.memory.plugins.module_utils._users import process as process_room
from ansible_collections.podman_fleet.memory.plugins.module_utils._users.confinement import _KEYCTL, Limits
from ansible_collections.podman_fleet.memory.plugins.module_utils._users.process import UserProcess, UserProcessError

NOBODY = identity_from_passwd(pwd.getpwnam("nobody"))
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can have processes of others")
LIBC = ctypes.CDLL(None, use_errno=True)


def session_keyring():
    """keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, create)."""
    return LIBC.syscall(_KEYCTL.get(platform.machine(), 219), 0, -3, 1)


def about(_request):
    return {"uids": os.getresuid(), "gids": os.getresgid(), "groups": sorted(os.getgroups()), "cwd": os.getcwd(),
            "env": dict(os.environ), "session": os.getsid(0) == os.getpid(), "keyring": session_keyring(), "pid": os.getpid(),
            "descriptors": [os.readlink("/proc/self/fd/" + name) for name in os.listdir("/proc/self/fd")
                            if os.path.lexists("/proc/self/fd/" + name)]}


def ask(handler, request=None, seconds=20, **how):
    with UserProcess(NOBODY, handler) as process:
        return process.ask(request, seconds, **how)


def is_gone(pid):
    """Whether a process ends soon; a zombie has."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            with open("/proc/%d/stat" % pid) as stream:
                if stream.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


@as_root
def test_it_has_nothing_of_roots(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET", "of root's")
    secret = tmp_path / "secret"
    secret.write_text("of root's")
    with open(str(secret)):
        found = ask(about)
    assert found["uids"] == [NOBODY.uid] * 3 and found["gids"] == [NOBODY.gid] * 3
    assert 0 not in found["groups"]
    assert found["cwd"] == "/" and found["session"]
    assert found["env"]["USER"] == "nobody" and "SECRET" not in found["env"]
    others = [path for path in found["descriptors"] if path != "/dev/null" and not path.startswith(("pipe:", "/proc/"))]
    assert others == []
    assert len([path for path in found["descriptors"] if path.startswith("pipe:")]) == 2


@as_root
@pytest.mark.skipif(session_keyring() < 0, reason="this kernel has no keyrings")
def test_it_has_a_keyring_of_its_own():
    keyring = ask(about)["keyring"]
    assert keyring > 0
    assert keyring != session_keyring()


@as_root
def test_another_process_of_the_user_can_not_take_its_descriptors():
    pidfd_open, pidfd_getfd = 434, 438  # the same number on all machines
    with UserProcess(NOBODY, about) as process:
        pid = process.ask(None, 20)["pid"]
        thief = ("import ctypes, os; libc = ctypes.CDLL(None, use_errno=True); os.setgid(%d); os.setuid(%d);"
                 "pid = libc.syscall(%d, %d, 0); got = [libc.syscall(%d, pid, fd, 0) for fd in range(64)];"
                 "print(pid >= 0, max(got), os.access('/proc/%d/mem', os.R_OK))" % (
                     NOBODY.gid, NOBODY.uid, pidfd_open, pid, pidfd_getfd, pid))
        said = subprocess.check_output([sys.executable, "-I", "-c", thief]).decode().split()
    if said[0] != "True":
        pytest.skip("this kernel has no pidfd_open(2)")
    assert said == ["True", "-1", "False"]


@as_root
def test_it_answers_again_and_again():
    with UserProcess(NOBODY, lambda number: number + 1) as process:
        assert [process.ask(number, 20) for number in (1, 2, 3)] == [2, 3, 4]


@as_root
def test_a_large_request_and_a_large_answer():
    text = "ä" * 300000
    assert ask(lambda value: value * 2, text) == text * 2


@as_root
def test_a_handler_that_fails_is_an_error_and_no_end():
    def handler(number):
        return 6 // number

    with UserProcess(NOBODY, handler) as process:
        with pytest.raises(UserProcessError, match="ZeroDivisionError"):
            process.ask(0, 20)
        assert process.ask(2, 20) == 3


@as_root
def test_its_time_is_over():
    started = time.monotonic()
    with UserProcess(NOBODY, time.sleep) as process:
        with pytest.raises(UserProcessError, match="did not answer in time"):
            assert not process.ended
            process.ask(600, 0.3)
        assert process.ended
        with pytest.raises(UserProcessError, match="has ended"):
            process.ask(0, 1)
    assert time.monotonic() - started < 20


@as_root
def test_what_it_started_ends_with_it(tmp_path):
    os.chmod(str(tmp_path), 0o777)
    for folder in (tmp_path, *list(tmp_path.parents)[:-2]):
        os.chmod(str(folder), os.stat(str(folder)).st_mode | 0o711)
    note = str(tmp_path / "pid")

    def handler(_request):
        child = subprocess.Popen(["sleep", "600"], start_new_session=True)
        with open(note, "w") as stream:
            stream.write(str(child.pid))
        time.sleep(600)

    with pytest.raises(UserProcessError, match="did not answer in time"):
        ask(handler, seconds=3)
    with open(note) as stream:
        assert is_gone(int(stream.read()))


@as_root
def test_a_number_that_is_another_process_meanwhile_is_not_killed(monkeypatch):
    """The user's process had ended when its turn came, and somebody else's had got its number."""
    other = subprocess.Popen(["sleep", "600"])
    try:
        with UserProcess(NOBODY, time.sleep) as user_process:
            monkeypatch.setattr(process_room, "child_pids", lambda pid: [other.pid] if pid == user_process._pid else [])
            with pytest.raises(UserProcessError, match="did not answer in time"):
                user_process.ask(600, 0.3, in_slice=False)
        time.sleep(0.2)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@as_root
@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="Python 3.9 is the first with pidfds")
def test_what_it_started_is_killed_by_a_handle_that_is_nobody_elses(monkeypatch):
    """Between the check and a signal to a number, the number may become another process."""
    signalled = []
    kill = os.kill
    monkeypatch.setattr(process_room.os, "kill", lambda pid, number: signalled.append(pid) or kill(pid, number))
    with UserProcess(NOBODY, lambda _request: subprocess.Popen(["sleep", "600"]).pid) as user_process:
        pid = user_process._pid
        child = user_process.ask(None, 20, in_slice=False)
    assert is_gone(child) and set(signalled) == {pid}


@as_root
def test_one_that_can_not_be_started_leaves_no_descriptor(monkeypatch):
    def fail():
        raise BlockingIOError(11, "Resource temporarily unavailable")

    before = os.listdir("/proc/self/fd")
    monkeypatch.setattr(process_room.os, "fork", fail)
    with pytest.raises(UserProcessError, match="no process of nobody can be started"):
        with UserProcess(NOBODY, time.sleep):
            pass
    assert os.listdir("/proc/self/fd") == before


@as_root
def test_what_goes_on_forking_is_not_followed_for_ever(monkeypatch):
    numbers = itertools.count(2 ** 23)  # no process has such a number: PID_MAX_LIMIT is 2^22
    parents = {}

    def children(parent):
        child = next(numbers)
        parents[child] = parent
        return [child]

    monkeypatch.setattr(process_room, "_ENDS", 0.3)
    monkeypatch.setattr(process_room, "child_pids", children)
    monkeypatch.setattr(process_room, "_origin", lambda pid: (parents[pid], ""))
    started = time.monotonic()
    with UserProcess(NOBODY, time.sleep) as user_process:
        with pytest.raises(UserProcessError, match="did not answer in time"):
            user_process.ask(600, 0.3, in_slice=False)
    assert parents and time.monotonic() - started < 20


@as_root
def test_what_can_not_be_killed_is_left(monkeypatch):
    """AppArmor refuses signals even of root's, where the user has chosen such a profile."""
    kill = os.kill

    def refuse(pid, number):
        kill(pid, number)
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(process_room.os, "kill", refuse)
    with UserProcess(NOBODY, time.sleep) as user_process:
        with pytest.raises(UserProcessError, match="did not answer in time"):
            user_process.ask(600, 0.3, in_slice=False)


@as_root
def test_an_error_has_no_control_characters():
    def handler(_request):
        raise ValueError("podman\x1b[2J\nsays \udcff \u202e" + "x" * 1000)

    with pytest.raises(UserProcessError) as caught:
        ask(handler)
    assert str(caught.value).startswith("ValueError: podman\ufffd[2J says \ufffd \ufffdxxx") and len(str(caught.value)) == 500


@as_root
def test_an_answer_of_any_size_is_no_answer():
    with pytest.raises(UserProcessError, match="more than 1000 bytes"):
        ask(lambda _request: "x" * 2000, max_answer=1000)


@as_root
def test_one_that_ends_is_an_error():
    with pytest.raises(UserProcessError, match="ended without an answer"):
        ask(lambda _request: os._exit(0))


@as_root
def test_it_ends_with_its_parent(tmp_path):
    """Also when that is killed."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            with UserProcess(NOBODY, about) as process:
                os.write(writer, str(process.ask(None, 20)["pid"]).encode())
                os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    child = int(os.read(reader, 20).decode())
    os.waitpid(pid, 0)
    os.close(reader)
    os.close(writer)
    assert is_gone(child)


@as_root
def test_it_can_not_write_a_large_file(tmp_path):
    def handler(path):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        with open(path, "wb") as stream:
            stream.write(b"x" * 20000)

    os.chmod(str(tmp_path), 0o777)
    for folder in (tmp_path, *list(tmp_path.parents)[:-2]):
        os.chmod(str(folder), os.stat(str(folder)).st_mode | 0o711)
    with UserProcess(NOBODY, handler, Limits(file_size=10000)) as process:
        with pytest.raises(UserProcessError, match="File too large"):
            process.ask(str(tmp_path / "large"), 20)


def test_the_caller_asks_himself_without_a_process():
    me = identity_from_passwd(pwd.getpwuid(os.geteuid()))
    with UserProcess(me, lambda _request: os.getpid()) as process:
        assert process.ask(None, 20) == os.getpid()
    with UserProcess(me, lambda _request: 1 // 0) as process:
        with pytest.raises(UserProcessError, match="ZeroDivisionError"):
            process.ask(None, 20)
