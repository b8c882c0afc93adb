# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many simulated hosts on this machine: what a fleet does to a controller. `make test-scale`."""

import pytest

from bench import _simulate


@pytest.fixture(scope="session")
def simulated(tmp_path_factory):
    """Everything that oom_facts reads is a recorded host's, with 50 containers."""
    if not _simulate.possible():
        pytest.skip("this machine lets us have no mount namespace")
    with _simulate.Simulated(tmp_path_factory.mktemp("simulated") / "host") as simulated_hosts:
        yield simulated_hosts
