# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel's log is lost, in the journal and in the ring buffer: silence proves nothing any more.

Destroys the evidence of one host, so it comes last.
"""

from __future__ import annotations

import pytest

# The ring buffer can't be emptied (dmesg -C only hides it from dmesg): it is written over.
# <7>: not shown on the emulated serial console, which is slow.
LOSE = r"""
sysctl -qw kernel.printk_devkmsg=on
line=$(head -c 900 /dev/zero | tr '\0' x)
i=0
while [ $i -lt 1500 ]; do echo "<7>$line" >/dev/kmsg; i=$((i + 1)); done
journalctl --rotate --vacuum-time=1s
journalctl --rotate --vacuum-time=1s
"""


@pytest.fixture(scope="module")
def after(one, provoked, root_facts, said, control):
    """The facts once everything is lost."""
    one.run(LOSE, timeout=300)
    assert "oom-kill:" not in one.run("dmesg").stdout
    return control.facts([one.name])[one.name]


def test_the_source_says_that_it_is_not_whole(after):
    (kernel,) = [each for each in after["sources"] if each["name"] == "kernel_log"]
    assert kernel["status"] in ("partial", "unavailable")


def test_no_false_without_proof(after):
    """Only a running container's counters, or no run at all, still prove a "no"."""
    for each in after["containers"]:
        if each["oom"]["killed"] is False:
            assert each["state"]["status"] in ("running", "created"), (each["name"], each["oom"])


def test_unknown_says_what_is_missing(after):
    unknown = [each for each in after["containers"] if each["oom"]["killed"] is None]
    assert unknown
    for each in unknown:
        assert "kernel_log" in each["oom"]["missing"], (each["name"], each["oom"])


def test_counters_still_prove_a_kill(after):
    running = [each for each in after["containers"] if each["name"] == "child-kill-running"]
    assert {each["user"] for each in running} == {"root", "alice"}
    for each in running:
        assert (each["oom"]["killed"], each["oom"]["cause"]) == (True, "container_limit"), each["oom"]
