# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write each task result to DIR/HOST.json, so that a test reads data and not a screen."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: collect
type: notification
short_description: Write results to files
description: Test tool. The directory is in the environment variable COLLECT_DIR.
"""


class CallbackModule(CallbackBase):
    """One file per host; a later task overwrites."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "collect"

    def _write(self, status, result):
        # ansible-core 2.19 made the fields without underscore the public ones
        host = getattr(result, "host", None) or result._host
        data = getattr(result, "result", None) or result._result
        path = Path(os.environ["COLLECT_DIR"]) / (host.get_name() + ".json")
        path.write_text(json.dumps({"status": status, "result": dict(data)}, default=str), encoding="utf-8")

    def v2_runner_on_ok(self, result):
        self._write("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._write("failed", result)

    def v2_runner_on_unreachable(self, result):
        self._write("unreachable", result)
