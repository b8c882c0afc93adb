# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""50,000 containers: the report needs no more memory than a small one, and its page stays usable."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import time

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._formats.render import FORMATS

LARGE = pathlib.Path(__file__).with_name("large.py")


def made(directory, hosts):
    """What it took to make a report of hosts with 50 containers each."""
    done = subprocess.run([sys.executable, str(LARGE), str(directory), str(hosts), ",".join(FORMATS)],
                          stdout=subprocess.PIPE, check=True, timeout=600)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A report of 1,000 hosts."""
    return made(tmp_path_factory.mktemp("large"), 1000)


def test_memory_does_not_grow_with_the_fleet(large, tmp_path):
    small = made(tmp_path, 20)
    assert large["containers"] == 50000 and large["findings"] > 80000
    # all of the report in memory would be ten times its size, which is more than 150 MiB
    assert large["mib"]["json"] > 150
    assert large["most_mib"] < small["most_mib"] + 20, (large, small)


def test_the_page_stays_usable(large, browser):
    page = pathlib.Path(large["path"]).with_name("report.html")
    assert page.stat().st_size < 60 * 2**20
    began = time.monotonic()
    browser.open(page)
    took = {"open": time.monotonic() - began}
    count = browser.js("return document.querySelectorAll('#panel-findings tbody tr').length")
    assert count == 100, "a page of rows, not all of them"
    for name, action, condition in (
            ("filter", lambda: browser.keys("host0999", "#panel-findings input"),
             "[...document.querySelectorAll('#panel-findings tbody td:nth-child(4)')].every((e) => e.innerText.startsWith('host0999'))"),
            ("detail", lambda: browser.click("#panel-findings .open"), "document.querySelector('#panel-findings .detail dl')"),
            ("containers", lambda: browser.click("#tab-containers"), "document.querySelectorAll('#panel-containers tr.row').length === 100"),
            ("sort", lambda: browser.click("#panel-containers th button", 1),
             "document.querySelector('#panel-containers td:nth-child(2)').innerText === 'host0000.example'"),
            ("page", lambda: browser.click("#panel-containers .pager button", 1),
             "document.querySelector('#panel-containers .pager').innerText.startsWith('101–200 of 50,000')")):
        began = time.monotonic()
        action()
        browser.wait(condition)
        took[name] = time.monotonic() - began
    assert browser.console() == []
    # far more than it takes, since the machine may run virtual machines meanwhile
    assert took["open"] < 40 and max(took[name] for name in took if name != "open") < 20, took
