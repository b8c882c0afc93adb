# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the audit share: recorded facts, and small containers for single rules."""

from __future__ import annotations

import builtins
import copy
import json
import pathlib

import pytest
from sample_container import MIB, make_container

FIXTURES = pathlib.Path(__file__).parents[2] / "fixtures" / "oom_audit"


def _recorded(name):
    return json.loads((FIXTURES / ("%s.json" % name)).read_text(encoding="utf-8"))


@pytest.fixture
def recorded():
    """Return a function that gives the facts recorded on a real host, by the fixture's name."""
    return _recorded


@pytest.fixture
def without_jmespath(monkeypatch):
    """A controller on which jmespath is not installed."""
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "jmespath":
            raise ImportError("no")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)


@pytest.fixture
def container():
    """Return a function that makes a container."""
    return make_container


@pytest.fixture
def facts():
    """Return a function that makes a host's facts of containers."""
    def make(*containers, **changes):
        made = {
            "schema": "podman_fleet.memory/facts/v1",
            "host": {"cgroup_version": 2, "swap_total": 1024 * MIB},
            "sources": [{"name": "podman", "user": "root", "status": "ok", "detail": None, "covers_since": None}],
            "containers": copy.deepcopy(list(containers)), "removed": [], "errors": [],
        }
        made.update(changes)
        return made
    return make
