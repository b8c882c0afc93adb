# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real hosts, real kills, real Ansible: what the integration tests share."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from control import Control
from session import CELLS, host_names, main_host

from fleet import inventory, vm
from fleet.errors import FleetError
from scenarios import evidence, matrix, provoke

ALL_HOSTS = ("debian12", "debian13", "testing", "debian12-v1", "debian13-nomem")

# The matrix first, while the hosts hold nothing but its scenarios; what destroys evidence last.
ORDER = ("test_verdict_matrix", "test_oom_facts_users", "test_nothing_changed", "test_audit_playbook",
         "test_bad_input", "test_forgery", "test_attacks", "test_journal_gone", "test_schedule", "test_container_memory",
         "test_enforce", "test_recorder", "test_prepare")


def pytest_addoption(parser):
    """Options for people who work on one thing."""
    group = parser.getgroup("fleet")
    group.addoption("--fleet-hosts", default=",".join(ALL_HOSTS), help="hosts to use, comma separated")
    group.addoption("--fleet-reuse", action="store_true",
                    help="use hosts that run already, with what is on them, instead of fresh ones")
    group.addoption("--fleet-provoked", action="store_true",
                    help="with --fleet-reuse: the scenarios have been run on them, don't run them again")
    group.addoption("--fleet-anew", action="store_true",
                    help="run the scenarios, also where hosts are saved with them")
    group.addoption("--fleet-save", action="store_true",
                    help="save hosts with their scenarios; one that does not continue after it has lost them")
    group.addoption("--fleet-keep", action="store_true", help="leave the hosts running at the end")


def pytest_configure(config):
    """A place for the matrix's cells."""
    config.stash[CELLS] = {}


def say_to(config):
    """A function that shows a line of progress at once: pytest keeps what is printed until a test fails."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    speaking = threading.Lock()

    def say(line):
        with speaking:
            reporter.ensure_newline()
            reporter.write_line(line)
            reporter.flush()

    return say


def pytest_collection_modifyitems(items):
    """See ORDER; a file that isn't named there comes in between."""
    def place(item):
        name = item.path.stem
        return ORDER.index(name) if name in ORDER else ORDER.index("test_bad_input")

    items.sort(key=place)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Begin nothing after PODMAN_FLEET_UNTIL (seconds since the epoch): a run that is cut off from outside says nothing at all."""
    until = os.environ.get("PODMAN_FLEET_UNTIL")
    if until and time.time() > float(until):
        pytest.skip("NOT RUN: the time for the integration tests is over (tests/tools/test)")


@pytest.fixture(scope="session")
def fleet(request):
    """The hosts, up: {name: Host}."""
    names = host_names(request.config)
    say = say_to(request.config)
    reuse = request.config.getoption("--fleet-reuse")
    try:
        if not reuse:
            vm.down(names, say)
        vm.up(names, say, kept=None if reuse or request.config.getoption("--fleet-anew") else provoke.kept())
    except FleetError as exc:
        pytest.exit("the test hosts could not be started:\n%s" % exc, returncode=3)
    inventory.write()
    yield {name: vm.Host(name) for name in names}
    if not (reuse or request.config.getoption("--fleet-keep")):
        vm.down(names, say)
        inventory.write()


@pytest.fixture(scope="session")
def control(fleet):
    """Ansible with the fleet's inventory."""
    return Control(inventory.write())


@pytest.fixture(scope="session")
def provoked(request, fleet):
    """Every scenario run on every host: {(host, user, scenario's script): Ran}; {(host, "", ""): why not}."""
    if request.config.getoption("--fleet-provoked"):
        with ThreadPoolExecutor() as pool:
            list(pool.map(provoke.push, fleet.values()))
        return {}
    say = say_to(request.config)
    anew = request.config.getoption("--fleet-reuse") or request.config.getoption("--fleet-anew")
    save = request.config.getoption("--fleet-save")

    def one_host(name):
        # what goes wrong with one host is told by its own tests, the others go on
        try:
            continues = vm.kept_note(name, provoke.kept()) is not None
            run = provoke.provoked if not anew and (continues or save) else provoke.provoke
            return {(ran.host, ran.user, ran.name): ran for ran in run(name, tell=say)}
        except FleetError as exc:
            say("%s: %s" % (name, exc))
            return {(name, "", ""): str(exc)}

    with ThreadPoolExecutor() as pool:
        ran = {key: ran for each in pool.map(one_host, fleet) for key, ran in each.items()}
    inventory.write()  # a host that was saved has another port
    if os.environ.get("PODMAN_FLEET_PROVOKED"):  # tests/tools/test lets others have the processors from here on
        Path(os.environ["PODMAN_FLEET_PROVOKED"]).touch()
    return ran


@pytest.fixture(scope="session")
def root_facts(request, provoked, fleet, control):
    """What oom_facts says of all users of each host where it succeeds, as root: {host: facts}."""
    told = control.module(tuple(fleet))
    for host, each in told.items():
        if each.status != "ok":
            say_to(request.config)("%s: oom_facts %s: %s" % (host, each.status, each.result.get("msg")))
    return {host: each.result["ansible_facts"]["podman_oom"] for host, each in told.items() if each.status == "ok"}


@pytest.fixture(scope="session")
def said(provoked, root_facts, fleet):
    """The hosts' own evidence, read after the facts: {host: …}."""
    names = tuple(root_facts)
    with ThreadPoolExecutor() as pool:
        return dict(zip(names, pool.map(evidence.fetch, names)))


def pytest_sessionfinish(session):
    """A host whose scenarios are in doubt is not continued again."""
    doubtful = {column.split()[0] for (_row, column), cell in session.config.stash[CELLS].items() if cell.startswith("!")}
    for name in doubtful:
        vm.forget(name, provoke.kept())


@pytest.fixture(scope="session")
def one(request, fleet):
    """One host, for what is the same on all of them."""
    return fleet[main_host(request.config)]


def pytest_terminal_summary(terminalreporter, config):
    """Print the matrix."""
    cells = config.stash[CELLS]
    if not cells:
        return
    terminalreporter.section("verdict matrix: what oom_facts says (! = not what the kernel's record proves)")
    for line in matrix.table(cells):
        terminalreporter.write_line(line)
