# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports in all formats, and a browser to look at them."""

from __future__ import annotations

import pathlib
import shutil

import hostile
import pytest
from browser import Browser


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    """The directory of a report of hostile hosts, in all formats."""
    return pathlib.Path(hostile.reports(tmp_path_factory.mktemp("reports"))).parent


@pytest.fixture(scope="session")
def browser():
    """Chromium; not a test less when it is missing."""
    for name in ("chromium", "chromedriver"):
        assert shutil.which(name), "%s is missing: use tests/tools/report, which installs it" % name
    with Browser() as one:
        yield one
