# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kernel command lines: quoting, names, and which argument wins."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._boot.kernel_args import (
    EFFECTS,
    boolean_argument,
    describe_arguments,
    disabling_argument,
    parse_arguments,
)

# raspberrypi/linux#6980: the firmware's in front, cmdline.txt behind.
PI = ("reboot=w coherent_pool=1M 8250.nr_uarts=1 pci=pcie_bus_safe cgroup_disable=memory numa_policy=interleave "
      "vc_mem.mem_size=0x40000000  cgroup_memory=1 cgroup_enable=memory console=ttyAMA10,115200 rootwait")


def pairs(line):
    return [(argument.name, argument.value) for argument in parse_arguments(line)]


@pytest.mark.parametrize("line, expected", [
    ("", []),
    (" \t\n", []),
    ("quiet", [("quiet", None)]),
    ("a=", [("a", "")]),
    ("a=b=c", [("a", "b=c")]),
    ("  a=1   b=2\n", [("a", "1"), ("b", "2")]),
    ('a="x y" b', [("a", "x y"), ("b", None)]),
    ('"a=x y" b', [("a", "x y"), ("b", None)]),
    ('a=x" "y', [("a", 'x" "y')]),  # lib/cmdline.c: only a quote at the edge is taken away
    ('dyndbg="file a +p; file b +p" quiet', [("dyndbg", "file a +p; file b +p"), ("quiet", None)]),
    ('a="open end b=1', [("a", "open end b=1")]),
    ('"', [("", None)]),
    ('a="', [("a", "")]),
    ("a='x y'", [("a", "'x"), ("y'", None)]),  # single quotes are no quotes to the kernel
    ("cgroup-disable=memory", [("cgroup_disable", "memory")]),
    ("a=b-c", [("a", "b-c")]),
])
def test_words_as_the_kernel_splits_them(line, expected):
    assert pairs(line) == expected


def test_the_word_itself_is_kept_for_who_has_to_remove_it():
    arguments = parse_arguments('x "a=1 2" cgroup-disable=memory')
    assert [argument.text for argument in arguments] == ["x", '"a=1 2"', "cgroup-disable=memory"]


def test_behind_two_dashes_it_is_for_init_only():
    arguments = parse_arguments("a -- cgroup_disable=memory systemd.unified_cgroup_hierarchy=0 --")
    assert [argument.kernel for argument in arguments] == [True, False, False, False]
    assert disabling_argument(arguments, "memory", False) is None
    assert boolean_argument(arguments, "systemd.unified_cgroup_hierarchy") is False  # systemd reads all of the line


@pytest.mark.parametrize("line, expected", [
    ("", None), ("other=1", None),
    ("k", True), ("k=1", True), ("k=yes", True), ("k=Y", True), ("k=TRUE", True), ("k=t", True), ("k=on", True),
    ("k=0", False), ("k=no", False), ("k=n", False), ("k=False", False), ("k=f", False), ("k=off", False),
    ("k=", None), ("k=2", None), ("k=maybe", None),
    ("k=0 k=1", True), ("k=1 k", True), ("k=1 k=0", False), ("k='0'", False), ('k="0"', False),
])
def test_switch(line, expected):
    assert boolean_argument(parse_arguments(line), "k") is expected


@pytest.mark.parametrize("line, known, expected", [
    ("", False, None),
    ("cgroup_disable=memory", False, "cgroup_disable=memory"),
    ("cgroup_disable=cpu,memory,io", False, "cgroup_disable=cpu,memory,io"),
    ("cgroup_disable=cpu", False, None),
    ("cgroup_disable=memory_hugetlb", False, None),
    ("cgroup_disable", False, None),
    ("cgroup_disable=memory cgroup_disable=cpu", False, "cgroup_disable=memory"),
    ("cgroup_disable=memory cgroup_enable=memory", False, "cgroup_disable=memory"),
    ("cgroup_disable=memory cgroup_enable=memory", True, None),
    ("cgroup_enable=memory cgroup_disable=memory", True, "cgroup_disable=memory"),
    ("cgroup_enable=cpuset cgroup_disable=memory", True, "cgroup_disable=memory"),
    (PI, True, None),
    (PI, False, "cgroup_disable=memory"),
])
def test_what_turns_the_memory_controller_off(line, known, expected):
    argument = disabling_argument(parse_arguments(line), "memory", known)
    assert (argument and argument.text) == expected


def test_only_relevant_arguments_are_shown():
    assert describe_arguments(parse_arguments("root=/dev/vda1 password=secret psi=1 swapaccount")) == [
        {"name": "psi", "value": "1", "effect": EFFECTS["psi"]},
        {"name": "swapaccount", "value": None, "effect": EFFECTS["swapaccount"]}]


def test_long_line_is_no_problem():
    assert len(parse_arguments("a=1 " * 20000)) == 20000
