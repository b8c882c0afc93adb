# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which container a request means, and what is wrong with it."""

from collections import namedtuple

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._memory import current
from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.request import Request
from ansible_collections.podman_fleet.memory.plugins.module_utils._podman.cli import ListedContainer
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import Identity

Answer = namedtuple("Answer", "listed containers errors")
Container = namedtuple("Container", "ident")

A, B = "a" * 64, "a" * 12 + "b" * 52


def ask(*names):
    return [Request("containers[%d]." % index, name, "root", {}) for index, name in enumerate(names)]


def answer(errors=()):
    return Answer([ListedContainer(A, "web"), ListedContainer(B, "db")], [Container(A), Container(B)],
                  [{"message": text} for text in errors])


@pytest.mark.parametrize("word, ident", [("web", A), ("db", B), (A, A), (B[:13], B)])
def test_the_one_that_is_meant(word, ident):
    assert current._find_container(ask(word)[0], answer()).ident == ident


@pytest.mark.parametrize("word, words", [
    ("nothing", ["containers[0].name", "root", "'nothing'"]), (A[:11], ["no container"]), (A[:12], ["means 2 containers"])])
def test_none_or_several(word, words):
    with pytest.raises(ValueError) as caught:
        current._find_container(ask(word)[0], answer())
    assert [each for each in words if each not in str(caught.value)] == []


@pytest.mark.parametrize("errors, why", [(("broken storage",), "broken storage"), ((), "gone in the meantime")])
def test_one_that_podman_can_not_inspect(errors, why):
    with pytest.raises(ValueError, match=why):
        current._find_container(ask("web")[0], answer(errors)._replace(containers=[]))


def test_the_same_container_twice():
    requests = ask("web", "db", A)
    containers = {id(requests[0]): Container(A), id(requests[1]): Container(B), id(requests[2]): Container(A)}
    (refusal,) = current._duplicates(containers, requests)
    assert refusal.request is requests[2] and "containers[2].name" in refusal.reason and "containers[0].name" in refusal.reason


def test_a_user_who_is_not_there():
    with pytest.raises(current.RequestRefused, match="no user 'nosuchuser'"):
        current.find_owner("nosuchuser")


def test_only_root_changes_those_of_others(monkeypatch):
    monkeypatch.setattr(current, "current_identity", lambda: Identity("alice", 1000, 1000, "/home/alice"))
    with pytest.raises(current.RequestRefused, match="only root.*'root'.*'alice'.*become"):
        current.find_owner("root")
