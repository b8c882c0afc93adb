# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands in for get-pip.py, which ansible-test would download from ci-files.testing.ansible.com.

tests/tools/ansible-test puts it where ansible-test looks first (~/.ansible/test/cache/get_pip_X_Y.py),
with a pip wheel from PyPI beside it. ansible-test runs it with the packages to install as arguments.
"""

import os
import runpy
import sys

# get_pip_24_2.py -> pip-24.2-py3-none-any.whl
_VERSION = os.path.basename(__file__)[len("get_pip_"):-len(".py")].replace("_", ".")
_WHEEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pip-%s-py3-none-any.whl" % _VERSION)

# get-pip.py's own options, which pip install doesn't know
_ARGUMENTS = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]

sys.path.insert(0, _WHEEL)
sys.argv = ["pip", "install", "--find-links", os.path.dirname(_WHEEL)] + _ARGUMENTS
runpy.run_module("pip", run_name="__main__", alter_sys=True)
