# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stable names: a recreated container is the same one, and two containers of one unit are not."""

from __future__ import annotations

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._model.container_key import ContainerKeys

UNIT = {"manager": {"kind": "kube", "unit": "pod.service"}}


def test_by_unit_by_name_by_id(container, facts):
    of_unit, named, nameless = container(**UNIT), container(name="db"), container(name="", id="d" * 64)
    keys = ContainerKeys(facts(of_unit, named, nameless))
    assert keys.lookup(of_unit) == ("pod.service", "root", "web", "pod.service")
    assert keys.lookup(named) == ("db", "root", "db", None)
    assert keys.lookup(nameless) == ("d" * 64, "root", "d" * 12, None)


def test_a_unit_of_several_containers_does_not_name_one(container, facts):
    app, db = container(name="app", **UNIT), container(name="db", **UNIT)
    keys = ContainerKeys(facts(app, db, container(name="app", user="alice", **UNIT)))
    assert [keys.lookup(one).stable_name for one in (app, db)] == ["pod.service/app", "pod.service/db"]
    # another user's unit of that name is another unit
    assert keys.lookup(container(name="app", user="alice", **UNIT)).stable_name == "pod.service"


def test_a_removed_container_has_the_unit_of_its_successor(container, facts):
    keys = ContainerKeys(facts(container(**UNIT)))
    assert keys.lookup({"id": "d" * 64, "user": "root", "name": "web"}).stable_name == "pod.service"
    assert keys.lookup({"id": "d" * 64, "user": "alice", "name": "web"}).stable_name == "web"
    assert keys.lookup({"id": "d" * 64, "user": "root", "name": None}).name == "d" * 12
