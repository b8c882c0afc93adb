# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users asked side by side in their own processes: one who hangs or lies costs the others nothing."""

import os
import pwd
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from fake_podman import FakePodman

from ansible_collections.podman_fleet.memory.plugins.module_utils._oom import users
from ansible_collections.podman_fleet.memory.plugins.module_utils._oom.users import UserProcesses
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import current_identity, identity_from_passwd
from ansible_collections.podman_fleet.memory.plugins.module_utils._users.owners import Owner
from ansible_collections.podman_fleet.memory.plugins.module_utils._users.process import UserProcess

ME = Owner(current_identity(), True, True)
NOBODY = Owner(identity_from_passwd(pwd.getpwnam("nobody")), True, False)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can have processes of others")


def ask(owners, path, words=(), seconds=60, timeout=30):
    request = {"words": list(words), "executable": path, "timeout": timeout}
    with UserProcesses(owners, request, seconds, 4) as processes:
        with ThreadPoolExecutor(4) as pool:
            futures = processes.ask(pool)
        return {future.result().podman.user.identity.name: future.result() for future in futures}


def change_script(podman, old, new):
    with open(podman.path) as stream:
        script = stream.read()
    assert old in script
    with open(podman.path, "w") as stream:
        stream.write(script.replace(old, new))


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A Podman that nobody can run as well."""
    for folder in (tmp_path, *list(tmp_path.parents)[:-2]):
        os.chmod(str(folder), os.stat(str(folder)).st_mode | 0o711)
    podman = FakePodman(tmp_path)
    python = shutil.which("python3", path="/usr/bin:/bin")  # nobody may not look into root's home
    if python is None:
        pytest.skip("there is no Python that every user can run")
    change_script(podman, sys.executable, python)
    for name in os.listdir(str(tmp_path)):
        os.chmod(str(tmp_path / name), 0o777)
    (tmp_path / "log").write_text("")
    os.chmod(str(tmp_path / "log"), 0o777)
    monkeypatch.setattr(users, "find_storage", lambda identity: "/storage")
    monkeypatch.setattr(users, "read_next_starts", lambda _answer, _timeout: {})
    return podman


@as_root
def test_all_answer(fake):
    answers = ask([ME, NOBODY], fake.path)
    assert sorted(answers) == ["nobody", "root"]
    names = [raw["Name"] for raw in fake.containers]
    for name, answer in answers.items():
        assert [container.facts["name"] for container in answer.podman.containers] == names
        assert {container.facts["user"] for container in answer.podman.containers} == {name}
        assert (answer.podman.sources[0]["status"], answer.podman.errors) == ("ok", [])
    assert answers["root"].info["version"] and answers["nobody"].info is None


@as_root
def test_podman_runs_as_the_user(fake, tmp_path):
    change_script(fake, 'print(each["Id"], each["Name"])', 'import os; print(each["Id"], "uid-%d" % os.getuid())')
    answers = ask([ME, NOBODY], fake.path)
    assert {entry.name for entry in answers["nobody"].podman.listed} == {"uid-%d" % NOBODY.identity.uid}
    assert {entry.name for entry in answers["root"].podman.listed} == {"uid-0"}


@as_root
def test_who_has_no_storage_is_not_mentioned_unless_named(fake, monkeypatch):
    monkeypatch.setattr(users, "find_storage", lambda identity: None)
    at_home = NOBODY._replace(identity=NOBODY.identity._replace(home="/"))
    assert sorted(ask([ME, at_home], fake.path)) == ["root"]
    answers = ask([ME, at_home._replace(named=True)], fake.path)
    assert {name: answer.podman.sources[0]["status"] for name, answer in answers.items()} == {"root": "absent", "nobody": "absent"}


@as_root
def test_one_who_is_there_without_a_home_is_told(fake, monkeypatch, tmp_path):
    """Not mounted, or the user may not enter it."""
    monkeypatch.setattr(users, "find_storage", lambda identity: None)
    away = NOBODY._replace(identity=NOBODY.identity._replace(home=str(tmp_path / "home")))
    answers = ask([ME, away], fake.path)
    assert answers["nobody"].podman.sources[0]["status"] == "unavailable"
    assert "home is not there, so it is not known" in answers["nobody"].podman.errors[0]["message"]
    assert sorted(ask([ME, away._replace(session=False)], fake.path)) == ["root"]


@as_root
def test_one_whose_home_hangs(fake, monkeypatch):
    monkeypatch.setattr(users, "_LOOK", 1.0)
    monkeypatch.setattr(users, "find_storage", lambda identity: time.sleep(600) if identity.uid else "/storage")
    started = time.monotonic()
    answers = ask([ME, NOBODY], fake.path)
    assert answers["nobody"].podman.sources[0]["status"] == "unavailable"
    assert "did not answer in time" in answers["nobody"].podman.errors[0]["message"]
    assert answers["nobody"].podman.complete is False
    assert answers["root"].podman.sources[0]["status"] == "ok"
    assert time.monotonic() - started < 20


@as_root
def test_one_whose_podman_hangs(fake):
    change_script(fake, "import json, os, sys\n", "import json, os, sys, time\nif os.getuid(): time.sleep(600)\n")
    started = time.monotonic()
    answers = ask([ME, NOBODY], fake.path, seconds=6, timeout=600)
    assert answers["nobody"].podman.sources[0]["status"] == "unavailable"
    assert answers["root"].podman.sources[0]["status"] == "ok" and answers["root"].podman.containers
    assert time.monotonic() - started < 25


@as_root
@pytest.mark.parametrize("said", [None, [], {"podman": None}, {"podman": {}}, {"podman": {"listed": 1}},
                                  {"podman": {"listed": [["a"]], "containers": []}}])
def test_an_answer_of_another_shape_is_none(fake, monkeypatch, said):
    real = UserProcess.ask

    def ask_process(self, request, *more, **named):
        answer = real(self, request, *more, **named)
        return said if request["storage"] and request["identity"][1] else answer

    monkeypatch.setattr(UserProcess, "ask", ask_process)
    answers = ask([ME, NOBODY], fake.path)
    assert answers["nobody"].podman.sources[0]["status"] == "unavailable"
    assert answers["root"].podman.sources[0]["status"] == "ok"
