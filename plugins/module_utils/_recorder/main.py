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

from .database import HistoryError
from .run import AlreadyRunning, Options, record

SETTINGS = "settings.json"


def main(folder):
    """Run once; return the exit code.

    :param folder: where the settings are.
    """
    with open(os.path.join(folder, SETTINGS), encoding="utf-8") as handle:
        options = Options(**json.load(handle))
    try:
        record(options)
    except AlreadyRunning as exc:
        sys.stderr.write("%s\n" % exc)
    except (HistoryError, OSError) as exc:
        sys.stderr.write("the recorder could not write: %s\n" % exc)
        return 1
    return 0
