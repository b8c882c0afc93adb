# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An executable that answers as Podman does, from what was recorded on real hosts (tests/unit/fixtures/README.md)."""

import json
import os
import shutil
import stat
import sys
import textwrap

import pytest
from as_nobody import open_to_all

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures")
HOSTS = sorted(name[:-len(".json")] for name in os.listdir(os.path.join(FIXTURES, "inspect_root")))

# state: containers as inspect shows them, info, broken: ids that can't be inspected, stuck: ids that do not stop.
SCRIPT = """\
    #!%(python)s -IS
    import json, os, sys
    words = sys.argv[1:]
    with open(%(log)r, "a") as stream:
        print(json.dumps(words), file=stream)
    with open(%(state)r) as stream:
        state = json.load(stream)
    containers = state["containers"]

    def fail(message):
        print("WARN[0000] something else\\n" + message, file=sys.stderr)
        sys.exit(125)

    if words[0] == "ps":
        for each in containers:
            print(each["Id"], each["Name"])
    elif words[:2] == ["container", "inspect"]:
        bad = [ident for ident in words[2:] if ident in state["broken"]]
        if bad:
            fail("Error: inspecting %%s: unable to parse its config" %% bad[0])
        print(json.dumps([each for each in containers if each["Id"] in words[2:]]))
        gone = set(words[2:]) - {each["Id"] for each in containers}
        if gone:
            fail("Error: no such container " + min(gone))
    elif words == ["info", "--format", "json"]:
        print(json.dumps(state["info"]))
    elif words == ["--version"]:
        print("podman version", state["info"]["version"]["Version"])
    elif words[0] in ("stop", "start"):
        for each in containers:
            if {each["Id"], each["Name"]} & set(words[1:]) and each["Id"] not in state["stuck"]:
                each["State"]["Status"] = {"stop": "exited", "start": "running"}[words[0]]
        with open(%(state)r, "w") as stream:
            json.dump(state, stream)
    else:
        fail("Error: unrecognized command `podman %%s`" %% words[0])
"""


def recorded(kind, host):
    """Return the recorded JSON of a kind (inspect_root, podman_info …) and host."""
    with open(os.path.join(FIXTURES, kind, host + ".json"), encoding="utf-8") as stream:
        return json.load(stream)


def write_executable(folder, text):
    """Write a script to a file `podman` in a folder; return its path."""
    path = os.path.join(str(folder), "podman")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(textwrap.dedent(text))
    os.chmod(path, stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
    return path


class FakePodman:
    """A Podman with the recorded containers of a host, in a folder."""

    def __init__(self, folder, host=HOSTS[-1], user="root"):
        self._log = os.path.join(str(folder), "log")
        self._state = os.path.join(str(folder), "state")
        self.containers = recorded("inspect_" + user, host)
        self.path = write_executable(folder, SCRIPT % {"python": sys.executable, "log": self._log, "state": self._state})
        self.set_state(containers=self.containers, info=recorded("podman_info", host), broken=[], stuck=[])

    def set_state(self, **changes):
        """Change what it answers."""
        state = {}
        if os.path.exists(self._state):
            with open(self._state, encoding="utf-8") as stream:
                state = json.load(stream)
        with open(self._state, "w", encoding="utf-8") as stream:
            json.dump(dict(state, **changes), stream)

    def calls(self):
        """Return the arguments of each call so far."""
        with open(self._log, encoding="utf-8") as stream:
            return [json.loads(line) for line in stream]

    def ident(self, name):
        """Return the id of a container."""
        return next(raw["Id"] for raw in self.containers if raw["Name"] == name)

    def state(self):
        """Return what it has now, see SCRIPT."""
        with open(self._state, encoding="utf-8") as stream:
            return json.load(stream)

    def change_script(self, old, new):
        """Replace a part of the executable."""
        with open(self.path, encoding="utf-8") as stream:
            script = stream.read()
        assert old in script
        with open(self.path, "w", encoding="utf-8") as stream:
            stream.write(script.replace(old, new))


class SharedPodman(FakePodman):
    """One that every user can run, with the same containers for all.

    :param folder: below a temporary directory of root's, which is opened for others.
    """

    def __init__(self, folder, host=HOSTS[-1]):
        super().__init__(folder, host)
        python = shutil.which("python3", path="/usr/bin:/bin")  # others may not look into root's home
        if python is None:
            pytest.skip("there is no Python that every user can run")
        self.change_script(sys.executable, python)
        with open(self._log, "w", encoding="utf-8"):
            pass
        open_to_all(folder)
        for path in (self.path, self._log, self._state):
            os.chmod(path, 0o777)
