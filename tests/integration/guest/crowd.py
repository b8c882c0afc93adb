# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs on a test host as a user, the attacker: crowds the recorder in what is his own.

crowd.py make: thousands of cgroups that are called like containers, 40 levels of cgroups, a storage list that is deep, huge and
behind a pipe. crowd.py undo takes it away. What runs already stays as it is.
"""

import os
import sys

OWN = "/sys/fs/cgroup/user.slice/user-%d.slice/user@%d.service/crowd" % (os.getuid(), os.getuid())
STORAGE = os.path.expanduser("~/.local/share/containers/storage/crowd-containers")
CONTAINERS = 1500
LEVELS = 40


def make():
    os.mkdir(OWN)
    with open(OWN + "/cgroup.subtree_control", "w") as handle:
        handle.write("+memory")
    for number in range(CONTAINERS):
        os.mkdir("%s/libpod-%064x.scope" % (OWN, number))
    os.makedirs(OWN + "/d" * LEVELS)
    os.makedirs(STORAGE)
    os.mkfifo(STORAGE + "/containers.json")
    with open(STORAGE + "/volatile-containers.json", "w") as handle:
        handle.write("[" * (4 << 20))


def undo():
    for folder, _folders, _files in os.walk(OWN, topdown=False):
        os.rmdir(folder)
    for name in os.listdir(STORAGE):
        os.unlink(os.path.join(STORAGE, name))
    os.rmdir(STORAGE)


{"make": make, "undo": undo}[sys.argv[1]]()
