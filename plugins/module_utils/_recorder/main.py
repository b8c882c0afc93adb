# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.
"""The recorder as a program: what its service starts once a minute.

Knows its settings and its exit codes: 0 done, also when some source could not be read (the facts say so); 1 nothing
could be written.
"""

import json
import os
import sys

from . import database as _history, run as _recorder_run

SETTINGS = "settings.json"


def main(folder):
    """Run once; return the exit code.

    :param folder: where the settings are.
    """
    with open(os.path.join(folder, SETTINGS), encoding="utf-8") as handle:
        options = _recorder_run.Options(**json.load(handle))
    try:
        _recorder_run.run(options)
    except _recorder_run.Busy as exc:
        sys.stderr.write("%s\n" % exc)
    except (_history.HistoryError, OSError) as exc:
        sys.stderr.write("the recorder could not write: %s\n" % exc)
        return 1
    return 0
