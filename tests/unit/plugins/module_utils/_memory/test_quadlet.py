# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a generated unit declares, read back from what Podman's own generator wrote, and our drop-in."""

import os

import pytest
from hypothesis import given, strategies as st

from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.quadlet import (
    UnreadableUnit,
    arguments_set_memory,
    drop_in_settings,
    render_drop_in,
    unit_settings,
)

FIXTURES = os.path.join(os.path.dirname(__file__), "..", "..", "..", "fixtures", "quadlet")
MIB = 1 << 20
ALL = {"limit": 100 * MIB, "swap_limit": 150 * MIB, "reservation": 50 * MIB, "oom_group": True}
NONE = {"limit": None, "swap_limit": None, "reservation": None, "oom_group": False}


def unit(*lines):
    return "[Unit]\nMemory=9g\n\n[X-Container]\nImage=bb\n%s\n[Service]\nPodmanArgs=--memory=9g\n" % "\n".join(lines)


@pytest.mark.parametrize("name", sorted(os.listdir(FIXTURES)))
def test_recorded_units(name):
    """Their file has PodmanArgs=--memory=64m, a drop-in the rest."""
    with open(os.path.join(FIXTURES, name), encoding="utf-8") as stream:
        text = stream.read()
    assert unit_settings(text) == {"limit": 80 * MIB, "swap_limit": 80 * MIB, "reservation": None, "oom_group": True}
    assert arguments_set_memory(text)


@pytest.mark.parametrize("lines, expected", [
    ([], {}),
    (["Memory=1g"], {"limit": 1024 * MIB, "swap_limit": 2048 * MIB}),
    (["Memory=1g", "Memory=2g"], {"limit": 2048 * MIB, "swap_limit": 4096 * MIB}),
    # arguments are put behind the key on the command line, wherever they stand in the file
    (["PodmanArgs=--memory=64m", "Memory=1g"], {"limit": 64 * MIB, "swap_limit": 128 * MIB}),
    (["PodmanArgs=-m 64m --memory-swap 100m"], {"limit": 64 * MIB, "swap_limit": 100 * MIB}),
    (["PodmanArgs=--memory=64m \\", "  --memory-swap=-1"], {"limit": 64 * MIB, "swap_limit": None}),
    (["PodmanArgs=--memory=64m", "PodmanArgs=", "PodmanArgs=--init"], {}),
    (["PodmanArgs=--memory=64m", "PodmanArgs=--memory=0 --memory-swap=-1"], {}),
    (["PodmanArgs=--memory-reservation=5m", 'PodmanArgs="--cgroup-conf=memory.oom.group=0"'],
     {"reservation": 5 * MIB, "oom_group": False}),
    (["PodmanArgs=--cgroup-conf memory.oom.group=1 --cgroup-conf=memory.high=9"], {"oom_group": True}),
    (["PodmanArgs=-m512m"], {"limit": 512 * MIB, "swap_limit": 1024 * MIB}),
    (["PodmanArgs=-itm512m"], {"limit": 512 * MIB, "swap_limit": 1024 * MIB}),
    (["PodmanArgs=--cgroup-conf=memory.high=9,memory.oom.group=1"], {"oom_group": True}),
    # systemd.syntax(7): quotes, escapes, and comments between joined lines
    (['PodmanArgs="--memory=64m" --memory-swap="64m"'], {"limit": 64 * MIB, "swap_limit": 64 * MIB}),
    (["PodmanArgs='--memory' '64m'"], {"limit": 64 * MIB, "swap_limit": 128 * MIB}),
    (['PodmanArgs="--memory=64 m"'], {"limit": 64 * MIB, "swap_limit": 128 * MIB}),
    (["PodmanArgs=--memory=64\\x6d"], {"limit": 64 * MIB, "swap_limit": 128 * MIB}),
    (['PodmanArgs=--label="a --memory=5m" -m 64m'], {"limit": 64 * MIB, "swap_limit": 128 * MIB}),
    (["PodmanArgs=--label 'it''s -m 5m' \\", "# comment", "; comment", " -m 64m"], {"limit": 64 * MIB, "swap_limit": 128 * MIB}),
    (["# \\", "PodmanArgs=-m 64m"], {"limit": 64 * MIB, "swap_limit": 128 * MIB}),
    (["Memory = 64m", "PodmanArgs = --memory-swap=.5g"], {"limit": 64 * MIB, "swap_limit": 512 * MIB}),
    (["PodmanArgs=--label=100%%", "Memory=64m"], {"limit": 64 * MIB, "swap_limit": 128 * MIB}),
])
def test_settings(lines, expected):
    nothing = {"limit": None, "swap_limit": None, "reservation": None, "oom_group": None}
    assert unit_settings(unit(*lines)) == dict(nothing, **expected)


# Of Debian 13, Podman 5.4.2: the file, container.d/10-fleet.conf, our own qa.container.d/50-podman-fleet-memory.conf, container.d/90-fleet.conf
FOR_ALL = ["PodmanArgs=--stop-timeout=0", "PodmanArgs=--memory=64m", "PodmanArgs=--memory=100m --memory-swap=200m", "PodmanArgs=--memory=80m"]


@pytest.mark.parametrize("number, limit, swap", [(2, 64, 128), (3, 100, 200), (4, 80, 200)])
def test_drop_ins_for_all_containers_count_by_their_names(number, limit, swap):
    settings = unit_settings(unit(*FOR_ALL[:number]))
    assert (settings["limit"], settings["swap_limit"]) == (limit * MIB, swap * MIB)


@pytest.mark.parametrize("line", ["PodmanArgs=--memory=${MEM}", "Memory=${MEM}", "PodmanArgs=-m${MEM}", "PodmanArgs=$MEM_OPTIONS",
                                  "PodmanArgs=--cgroup-conf=memory.oom.group=$MEM", "Memory=%iMEM", "PodmanArgs=-m=%%MEM"])
def test_a_variable_is_not_taken_for_nothing(line):
    with pytest.raises(UnreadableUnit, match="MEM"):
        unit_settings(unit(line))


def test_whether_arguments_give_the_memory():
    assert not arguments_set_memory(unit("Memory=1g", "PodmanArgs=--memory-swap=2g"))
    assert arguments_set_memory(unit("PodmanArgs=-m 1g"))


def test_the_drop_in():
    assert render_drop_in(ALL, False).endswith(
        "[Container]\nPodmanArgs=--memory=100m --memory-swap=150m --memory-reservation=50m --cgroup-conf=memory.oom.group=1\n")
    assert render_drop_in(ALL, True).endswith(
        "[Container]\nMemory=100m\nPodmanArgs=--memory-swap=150m --memory-reservation=50m --cgroup-conf=memory.oom.group=1\n")
    # Memory=0 would be another zero than the one of an earlier PodmanArgs
    assert render_drop_in(NONE, True).endswith("PodmanArgs=--memory=0 --memory-swap=-1 --memory-reservation=0 "
                                               "--cgroup-conf=memory.oom.group=0\n")


def test_our_own_drop_in_keeps_what_is_not_given():
    assert drop_in_settings(render_drop_in({"oom_group": True}, True)) == {"oom_group": True}
    assert drop_in_settings(render_drop_in({"limit": None, "swap_limit": None}, True)) == {"limit": None, "swap_limit": None}


sizes = st.one_of(st.none(), st.integers(1, 1 << 50))
keys = {"limit": sizes, "swap_limit": sizes, "reservation": sizes, "oom_group": st.booleans()}


@given(st.fixed_dictionaries(keys), st.booleans(), st.sets(st.sampled_from(sorted(keys))))
def test_what_is_written_is_read_again(given_, memory_key, dropped):
    some = {key: value for key, value in given_.items() if key not in dropped}
    if some.get("limit") is None:
        some.pop("swap_limit", None)  # without a limit it limits nothing
    found = drop_in_settings(render_drop_in(some, memory_key))
    assert {key: found[key] for key in some} == some
    assert set(found) == set(some)
