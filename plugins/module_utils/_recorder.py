# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""The recorder's history as a source of the facts."""

import os

HISTORY = "history.sqlite"


def recorder_source(state_dir):
    """Return the facts' `sources` entry of the recorder.

    :param state_dir: directory of its history.
    """
    path = os.path.join(state_dir, HISTORY)
    there = os.path.exists(path)
    return {
        "name": "recorder",
        "user": None,
        "status": "unavailable" if there else "absent",
        "covers_since": None,
        "detail": "%s is there, but this version of the collection can't read it" % path if there
        else "no history in %s" % state_dir,
    }
