# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every scenario on every host, of root and of alice: the facts against the kernel's record."""

from __future__ import annotations

import json

import pytest
from session import CELLS, host_names

from scenarios import catalogue, judge, matrix


def pytest_generate_tests(metafunc):
    """One case for each host, user and container."""
    cases = [
        pytest.param(host, user, scenario, target, id="%s/%s/%s" % (host, user, target.key))
        for scenario in catalogue.ALL for target in scenario.targets
        for host in host_names(metafunc.config) for user in scenario.users
        if scenario.applies(host, user)
    ]
    metafunc.parametrize("host,user,scenario,target", cases)


def test_verdict(host, user, scenario, target, provoked, root_facts, said, request):
    """The scenario happened, and the facts say of it what the kernel's record proves."""
    cells = request.config.stash[CELLS]
    column = "%s %s" % (host, user)
    cells[(target.key, column)] = "! not provoked"
    assert (host, "", "") not in provoked, "scenarios not provoked: %s" % provoked[(host, "", "")]
    assert host in root_facts, "oom_facts failed on this host"
    for name in (scenario.name, scenario.name + ".root"):
        ran = provoked.get((host, user, name))
        assert ran is None or ran.rc == 0, "scenario not provoked, rc %d:\n%s" % (ran.rc, ran.log)
    try:
        case = judge.find(said[host], user, target)
        judge.check_provoked(target, case)
    except judge.NotProvoked as exc:
        pytest.fail("scenario not provoked: %s" % exc)
    told = judge.entry(root_facts[host], user, case)
    wrong = judge.compare(target, case, root_facts[host], user)
    cells[(target.key, column)] = ("! " if wrong else "") + matrix.cell(told)
    assert not wrong, _raw(wrong, case, told)


def _raw(wrong, case, told):
    """Everything a person needs to decide who is wrong."""
    return "\n".join(
        ["; ".join(wrong), "id: " + case.ident, "kernel:"] + ["  %d %s" % (each.at, each.text) for each in case.records]
        + ["inspect: " + json.dumps(case.inspect and case.inspect["State"]), "facts: " + json.dumps(told, indent=1)])
