# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in the storages of users, asked of real processes of theirs: alice's hold anything, bob's names are told all the same."""

import json
import os
import pwd
import resource
import shutil
import tempfile
import time
from contextlib import suppress

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder import stored_names
from ansible_collections.podman_fleet.memory.plugins.module_utils._recorder.stored_names import (
    ask_for_names,
    load_asked,
    store_asked,
)
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.times import SECOND

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can have processes of others")
NOW = 1795464345 * SECOND
IDENT, OTHER = "ab" * 32, "cd" * 32
# accounts that every system has, with homes of their own for the test
ALICE, BOB = pwd.getpwnam("daemon"), pwd.getpwnam("nobody")


def entry(ident=IDENT, names=("keep",), **more):
    # as Podman 5.4.2 on Debian 13 wrote it
    return dict({"id": ident, "names": list(names), "image": "9a6d633b", "layer": "f123", "flags": {"MountLabel": ""},
                 "metadata": json.dumps({"image-name": "localhost/bb:latest", "name": "keep"})}, **more)


class Homes:
    """Homes of root's victims and of the attacker, below a directory that they may pass."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        accounts = {user.pw_uid: pwd.struct_passwd((user.pw_name, "x", user.pw_uid, user.pw_gid, "", self.home(user), "/bin/sh"))
                    for user in (ALICE, BOB)}
        monkeypatch.setattr(stored_names.pwd, "getpwuid", lambda uid: accounts[uid])

    def home(self, user):
        path = os.path.join(self.folder, user.pw_name)
        if not os.path.isdir(path):
            os.mkdir(path, 0o700)
            os.chown(path, user.pw_uid, user.pw_gid)
        return path

    def store(self, user, content, name="containers.json"):
        """Put a file into the user's storage; returns its path."""
        folder = os.path.join(self.home(user), ".local/share/containers/storage/overlay-containers")
        if not os.path.isdir(folder):
            os.makedirs(folder)
        path = os.path.join(folder, name)
        if content is not None:
            with open(path, "w", encoding="utf-8") as handle:
                handle.write(content if isinstance(content, str) else json.dumps(content))
        for place, _folders, files in os.walk(self.home(user)):
            for each in [place] + [os.path.join(place, file) for file in files]:
                os.lchown(each, user.pw_uid, user.pw_gid)
        return path


@pytest.fixture
def homes(monkeypatch):
    # A process that is forked from pytest begins with all that pytest has, the recorder's with next to nothing.
    with open("/proc/self/status", encoding="utf-8") as status:
        (inherited,) = [int(line.split()[1]) * 1024 for line in status if line.startswith("VmData:")]
    monkeypatch.setattr(stored_names, "_MEMORY", inherited + stored_names._MEMORY)
    monkeypatch.setattr(stored_names, "_LIMITS", stored_names._LIMITS._replace(memory=2 * stored_names._MEMORY))
    folder = tempfile.mkdtemp()  # not tmp_path, which only root may enter
    os.chmod(folder, 0o711)
    yield Homes(folder, monkeypatch)
    shutil.rmtree(folder)


def ask(asked=None, now=NOW, alice=(IDENT,), bob=(OTHER,)):
    return ask_for_names({ALICE.pw_uid: list(alice), BOB.pw_uid: list(bob)}, asked or {}, now)


def test_both_files_and_only_what_is_asked_for(homes):
    homes.store(ALICE, [entry(), entry("ef" * 32, ["other"])])
    homes.store(BOB, [entry(OTHER, ["once"])], "volatile-containers.json")
    stored = ask()
    assert stored.names == {(IDENT, ALICE.pw_uid): ("keep", "localhost/bb:latest", None),
                            (OTHER, BOB.pw_uid): ("once", "localhost/bb:latest", None)}
    assert stored.asked == {}


@pytest.mark.parametrize("content", [
    "{not json", [{"id": ["list"], "names": ["x"]}], [entry(names=[{"no": "text"}], metadata="[1]")], [1, None, "x"], {"id": IDENT},
    [{"id": IDENT, "names": "text", "metadata": {"no": "text"}}], [{"id": IDENT, "names": []}], "[" * 100000,
    [entry(names=["-v"], metadata="")], [entry(names=["{{ lookup('pipe', 'id') }}"], metadata=None)],
    [entry(names=["\x1b[2J"], metadata=None)], [entry(names=["a" * 100000], metadata=None)], '[{"id": "%s", "names": ["\\ud800"]}]' % IDENT,
    "[" + "[]," * 1300000 + "[]]", "[" + ",".join(['{"a":%d}' % number for number in range(300000)]) + "]", "[]" + " " * (8 << 20),
])
def test_whatever_a_storage_holds_it_names_nothing_that_is_none(homes, content):
    homes.store(ALICE, content)
    homes.store(BOB, [entry(OTHER, ["bobs"])])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    stored = ask()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024  # KiB: root's process does not hold it
    assert stored.names.get((IDENT, ALICE.pw_uid)) in (None, (None, None, None), (None, "localhost/bb:latest", None))
    assert stored.names[(OTHER, BOB.pw_uid)].name == "bobs"


def test_a_pipe_keeps_nobody_waiting(homes):
    os.mkfifo(homes.store(ALICE, None))
    homes.store(BOB, [entry(OTHER, ["bobs"])])
    assert ask().names[(OTHER, BOB.pw_uid)].name == "bobs"


def test_roots_files_are_not_read_through_links(homes, tmp_path):
    (tmp_path / "secret.json").write_text(json.dumps([entry(names=["secret"])]))
    (tmp_path / "secret.json").chmod(0o600)
    os.symlink(str(tmp_path / "secret.json"), homes.store(ALICE, None))
    assert ask(bob=()).names == {}


def test_who_does_not_answer_is_told_and_the_others_are_whole(homes, monkeypatch):
    homes.store(BOB, [entry(OTHER, ["bobs"])])
    real = stored_names.find_storage

    def hangs(identity):
        with suppress(KeyboardInterrupt):
            if identity.uid == ALICE.pw_uid:
                import select
                select.select([], [], [], 60)
        return real(identity)

    monkeypatch.setattr(stored_names, "find_storage", hangs)
    monkeypatch.setattr(stored_names, "_SECONDS_EACH", 0.5)
    began = time.monotonic()
    stored = ask()
    assert time.monotonic() - began < 20 and stored.names[(OTHER, BOB.pw_uid)].name == "bobs"
    assert "did not answer in time" in stored.asked[ALICE.pw_uid].problem


def test_one_who_makes_cgroups_without_names_is_asked_once_in_ten_minutes(homes, monkeypatch):
    homes.store(ALICE, [entry()])
    stored = ask(alice=[IDENT, "ef" * 32], bob=())
    assert set(stored.names) == {(IDENT, ALICE.pw_uid)} and stored.asked == {ALICE.pw_uid: (NOW, None)}
    asked = load_asked(store_asked(stored.asked))
    again = ask(asked, NOW + 60 * SECOND, bob=())
    assert again.names == {} and again.asked == asked
    for later in (NOW + 601 * SECOND, NOW - 86400 * SECOND):  # the clock was set back
        assert set(ask(asked, later, bob=()).names) == {(IDENT, ALICE.pw_uid)}


def test_a_uid_without_a_name_is_told(homes):
    stored = ask_for_names({987654: [IDENT]}, {}, NOW)
    assert stored.names == {} and "uid 987654 has no name" in stored.asked[987654].problem


def test_what_a_user_makes_of_an_error_is_printable(homes, monkeypatch):
    def fails(_identity):
        raise ValueError("\x1b[2J" * 100)

    monkeypatch.setattr(stored_names, "find_storage", fails)
    problem = ask(bob=()).asked[ALICE.pw_uid].problem
    assert problem.isprintable() and len(problem) <= 128
