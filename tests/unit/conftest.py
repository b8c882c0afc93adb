# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes `ansible_collections.podman_fleet.memory` mean this repository, wherever it was cloned to.

ansible-test and `make test-unit` have a collections tree on the path already; a bare `pytest`
has not. Runs on Python 3.6 too, without ansible-core.
"""

import importlib
import os
import shutil
import sys
import tempfile
import types

import hypothesis
import pytest

# A machine that is busy with virtual machines is no reason to fail.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("unhurried")

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NAMES = ("ansible_collections", "ansible_collections.podman_fleet", "ansible_collections.podman_fleet.memory")


def _stand_in():
    for name, path in zip(NAMES, ([], [], [ROOT])):
        module = types.ModuleType(name)
        module.__path__ = path
        sys.modules[name] = module
        parent, _dot, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)


try:
    importlib.import_module(NAMES[-1])
except ImportError:
    _stand_in()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Temporary directories in a place of this run's own.

    When it begins, pytest closes the one that all its runs share to other users, in the middle of another run's tests that
    have a process of nobody's in there.
    """
    if not hasattr(config, "workerinput") and not config.option.basetemp:
        config.option.basetemp = tempfile.mkdtemp(prefix="unit-")  # short: sockets are below it
        config.add_cleanup(lambda: shutil.rmtree(config.option.basetemp, ignore_errors=True))
