# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of `podman run` about memory: which count, and what they mean together."""

import pytest
from hypothesis import given, strategies as st

from ansible_collections.podman_fleet.memory.plugins.module_utils._memory.settings import to_run_options
from ansible_collections.podman_fleet.memory.plugins.module_utils._podman.run_options import (
    memory_settings,
    parse_run_options,
    split_options,
)

MIB = 1 << 20
NOTHING = {"limit": None, "swap_limit": None, "reservation": None, "oom_group": None}


@pytest.mark.parametrize("words, values", [
    ([], {}), (["--init", "-d", "--env", "A=--memory=5m"], {}),
    (["--memory=64m"], {"limit": "64m"}), (["--memory", "64m"], {"limit": "64m"}), (["-m", "64m"], {"limit": "64m"}),
    (["-m=64m", "--memory=32m"], {"limit": "32m"}), (["--memory"], {"limit": ""}),
    (["--memory-swap=-1", "--memory-reservation", "5m"], {"swap_limit": "-1", "reservation": "5m"}),
    (["--cgroup-conf=memory.oom.group=1"], {"oom_group": "1"}), (["--cgroup-conf", "memory.oom.group=0"], {"oom_group": "0"}),
    (["--cgroup-conf=memory.oom.group=1", "--cgroup-conf=memory.high=5"], {"oom_group": "1"}),
    (["--cgroup-conf=memory.high=5"], {}), (["--memory-swappiness=5"], {}),
    # pflag's short options: joined with their value, with "=", with each other
    (["-m512m"], {"limit": "512m"}), (["-m=512m"], {"limit": "512m"}), (["-itm512m"], {"limit": "512m"}),
    (["-dm", "512m"], {"limit": "512m"}), (["-dm=512m"], {"limit": "512m"}), (["-i=false", "-m5m"], {"limit": "5m"}),
    (["-eA=-m5m"], {}), (["-e", "-m5m"], {}), (["-vm512m:/m"], {}), (["-hm5m"], {}),
    # what stands behind an option with a value is its value
    (["--name", "--memory=5m"], {}), (["--label", "-m=5m", "-m", "6m"], {"limit": "6m"}), (["--rm", "-m", "6m"], {"limit": "6m"}),
    # pflag's StringSlice
    (["--cgroup-conf=memory.high=5,memory.oom.group=1"], {"oom_group": "1"}),
    (["--cgroup-conf=memory.oom.group=1,memory.oom.group=0"], {"oom_group": "0"}),
    (["--cgroup-conf", '"memory.high=5","memory.oom.group=1"'], {"oom_group": "1"}), (["--cgroup-conf="], {}),
])
def test_parsing(words, values):
    assert parse_run_options(words) == values


@pytest.mark.parametrize("values, settings", [
    ({}, {}), ({"limit": "64m"}, {"limit": 64 * MIB, "swap_limit": 128 * MIB}),
    ({"limit": "64m", "swap_limit": "64m"}, {"limit": 64 * MIB, "swap_limit": 64 * MIB}),
    ({"limit": "64m", "swap_limit": "-1"}, {"limit": 64 * MIB}),
    ({"limit": "64m", "swap_limit": ""}, {"limit": 64 * MIB, "swap_limit": 128 * MIB}),
    ({"limit": "0"}, {}), ({"swap_limit": "64m"}, {}), ({"reservation": "5m"}, {"reservation": 5 * MIB}),
    ({"oom_group": "1"}, {"oom_group": True}), ({"oom_group": "0"}, {"oom_group": False}),
])
def test_what_they_mean(values, settings):
    assert memory_settings(values) == dict(NOTHING, **settings)


@pytest.mark.parametrize("key", ["limit", "swap_limit", "reservation"])
def test_what_is_no_size(key):
    with pytest.raises(ValueError, match="MEM"):
        memory_settings({key: "${MEM}"})


def test_a_group_that_is_none():
    with pytest.raises(ValueError, match="GROUP"):
        memory_settings({"oom_group": "${GROUP}"})


@pytest.mark.parametrize("variable", ["$OPTIONS", "${OPTIONS}"])
def test_a_variable_may_be_any_option(variable):
    with pytest.raises(ValueError, match="OPTIONS"):
        parse_run_options(["--rm", variable, "-m", "5m"])
    assert parse_run_options(["--name", variable, "-m", "5m"]) == {"limit": "5m"}


@pytest.mark.parametrize("words, arguments", [
    (["--rm", "redis", "-m", "5m"], ["redis", "-m", "5m"]), (["-d", "--name", "redis", "--", "-x"], ["-x"]), ([], []),
    (["-dit", "-", "x"], ["-", "x"]), (["--name"], []), (["--init=false", "--tty=false", "redis"], ["redis"]),
])
def test_where_options_end(words, arguments):
    assert list(split_options(words).arguments) == arguments


# `podman run --help` of Podman 5.4.2 (Debian 13): the options that are shown without a kind of value
SWITCHES = """--detach --disable-content-trust --env-host --help --http-proxy --init --interactive --no-healthcheck --no-hostname
    --no-hosts --oom-kill-disable --passwd --privileged --publish-all --quiet --read-only --read-only-tmpfs --replace --rm --rmi
    --rootfs --sig-proxy --tls-verify --tty --unsetenv-all -d -i -P -q -t""".split()


@pytest.mark.parametrize("switch", SWITCHES)
def test_switches_take_no_word(switch):
    assert list(split_options([switch, "redis"]).arguments) == ["redis"]


sizes = st.one_of(st.none(), st.integers(1, 1 << 50))


@given(st.fixed_dictionaries({"limit": sizes, "swap_limit": sizes, "reservation": sizes, "oom_group": st.booleans()}))
def test_what_container_memory_writes_is_read_again(settings):
    if settings["limit"] is None:
        settings["swap_limit"] = None  # without a limit it limits nothing
    assert memory_settings(parse_run_options(to_run_options(settings))) == settings
