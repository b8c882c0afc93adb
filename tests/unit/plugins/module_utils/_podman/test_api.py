# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One service for each user: started, spoken to, refused, hanging, and always ended."""

import json
import os
import shutil
import stat
import subprocess
import sys
import textwrap
import time

import pytest
from as_nobody import as_root, home_of_nobody
from fake_podman import write_executable

from ansible_collections.podman_fleet.memory.plugins.module_utils._podman import api
from ansible_collections.podman_fleet.memory.plugins.module_utils._podman.api import PodmanService, ServiceError
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import current_identity
from ansible_collections.podman_fleet.memory.plugins.module_utils._users.process import UserProcess

# A Podman that has one container, "good", and writes down what it is asked.
FAKE = """\
    #!%s
    import http.server, json, os, socketserver, sys
    assert sys.argv[1:3] == ["system", "service"] and sys.argv[3].startswith("--time="), sys.argv
    print(json.dumps([os.getpid(), sys.argv]), file=open(%r, "a"), flush=True)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def address_string(self):
            return "unix"

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])).decode())
            print(json.dumps([self.path, body]), file=open(%r, "a"), flush=True)
            good = "/good/" in self.path
            if not good:
                print("crun: no", file=sys.stderr, flush=True)
            text = b"good" if good else b'{"message": "OCI runtime error"}'
            self.send_response(201 if good else 500)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *arguments):
            pass

    socketserver.UnixStreamServer(sys.argv[4][len("unix://"):], Handler).serve_forever()
"""


@pytest.fixture
def fake(tmp_path):
    """Returns (make an executable of a script, the file with what was asked)."""
    log = str(tmp_path / "log")

    def make(text):
        path = str(tmp_path / "podman")
        with open(path, "w") as stream:
            stream.write(textwrap.dedent(text))
        os.chmod(path, stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
        return path

    return make, log


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The directory in place of /run."""
    path = str(tmp_path / "run")
    os.mkdir(path)
    real = api.tempfile.mkdtemp
    monkeypatch.setattr(api.tempfile, "mkdtemp", lambda prefix, dir: real(prefix=prefix, dir=path))
    return path


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_one_service_for_all_updates(fake, folder):
    make, log = fake
    executable = make(FAKE % (sys.executable, log, log))
    with PodmanService(executable, current_identity(), 30) as service:
        (private,) = os.listdir(folder)
        assert stat.S_IMODE(os.stat(os.path.join(folder, private)).st_mode) == 0o700
        service.update("good", {"memory": {"limit": 1}})
        with pytest.raises(ServiceError, match="HTTP 500.*OCI runtime error.*crun: no"):
            service.update("bad", {})
        service.update("good", {"unified": {"a": "b"}})
    with open(log) as stream:
        lines = [json.loads(line) for line in stream]
    assert [line[0] for line in lines[1:]] == ["/v4.0.0/libpod/containers/%s/update" % name for name in ("good", "bad", "good")]
    assert lines[1][1] == {"memory": {"limit": 1}}
    assert os.listdir(folder) == [] and gone(lines[0][0])


def test_a_service_that_does_not_start_says_why(fake, folder):
    make, _log = fake
    with pytest.raises(ServiceError, match="exit code 125: Error: no such command"):
        with PodmanService(make("#!/bin/sh\necho 'Error: no such command' >&2\nexit 125\n"), current_identity(), 30):
            raise AssertionError("it started")
    assert os.listdir(folder) == []


def test_a_service_that_hangs_is_not_waited_for(fake, folder):
    make, _log = fake
    began = time.time()
    with pytest.raises(ServiceError, match="did not open its socket in 1 s"):
        with PodmanService(make("#!/bin/sh\nexec sleep 60\n"), current_identity(), 1):
            raise AssertionError("it started")
    assert time.time() - began < 20 and os.listdir(folder) == []


def test_no_podman(folder):
    with pytest.raises(ServiceError, match="/nonexistent/podman"):
        with PodmanService("/nonexistent/podman", current_identity(), 1):
            raise AssertionError("it started")
    assert os.listdir(folder) == []


def test_it_is_ended_after_an_error_of_the_caller(fake, folder):
    make, log = fake
    with pytest.raises(KeyError):
        with PodmanService(make(FAKE % (sys.executable, log, log)), current_identity(), 30):
            raise KeyError("from inside")
    with open(log) as stream:
        assert gone(json.loads(stream.readline())[0])
    assert os.listdir(folder) == []


# A Podman whose service answers each request with what is written in place of ANSWER.
HOSTILE = """\
    #!%s
    import os, socket, sys, time
    server = socket.socket(socket.AF_UNIX)
    server.bind(sys.argv[4][len("unix://"):])
    server.listen(5)
    while True:
        client, _address = server.accept()
        try:
            client.recv(65536)
            ANSWER
        except OSError:
            pass
"""
ENDLESS = {
    "a hundred times go on": "while True: client.sendall(b'HTTP/1.1 100 Continue\\r\\n\\r\\n')",
    "slow bytes": "client.sendall(b'HTTP/1.1 201 Created\\r\\nContent-Length: 1000\\r\\n\\r\\n')\n"
                  "            while True: client.sendall(b'x'); time.sleep(0.1)",
    "slow headers": "client.sendall(b'HTTP/1.1 201 Created\\r\\nX-Y: ')\n"
                    "            while True: client.sendall(b'x'); time.sleep(0.1)",
    "nothing": "time.sleep(600)",
    "a large body": "client.sendall(b'HTTP/1.1 201 Created\\r\\n\\r\\n')\n            while True: client.sendall(b'x' * 65536)",
    "many headers": "client.sendall(b'HTTP/1.1 201 Created\\r\\n')\n            while True: client.sendall(b'A: b\\r\\n' * 100)",
    "no HTTP": "client.sendall(b'\\0' * 1000); client.close()",
}


@pytest.mark.parametrize("answer", ENDLESS.values(), ids=ENDLESS.keys())
def test_an_answer_has_a_size_and_a_deadline(fake, folder, answer):
    make, _log = fake
    with PodmanService(make(HOSTILE.replace("ANSWER", answer) % sys.executable), current_identity(), 3) as service:
        began = time.monotonic()
        with pytest.raises(ServiceError):
            service.update("good", {})
        assert time.monotonic() - began < 6
    assert os.listdir(folder) == []


def test_a_flood_on_standard_error_fills_nothing(fake, folder):
    make, log = fake
    script = FAKE.replace('print("crun: no"', 'print("x" * 65536 * 64 + chr(10) + "crun: no"') % (sys.executable, log, log)
    assert "65536" in script
    with PodmanService(make(script), current_identity(), 30) as service:
        with pytest.raises(ServiceError, match="crun: no"):
            service.update("bad", {})
        assert len(service._stderr._data) <= 65536
        service.update("good", {})


# Runs as nobody in nobody's runtime directory until it is killed: whatever appears there is replaced by links to a victim's.
ATTACK = """
import os, sys
run, victim = sys.argv[1:]
number = 0
while True:
    for name in os.listdir(run):
        number += 1
        path = os.path.join(run, name)
        try:
            for each, target in (("stderr", "secret"), ("api.sock", "secret")):
                try:
                    os.symlink(os.path.join(victim, target), os.path.join(path, each))
                except OSError:
                    pass
            if number % 3 == 0:
                os.rename(path, os.path.join(run, ".old%d" % number))
                os.symlink(victim, path)
        except OSError:
            pass
"""


@as_root
def test_races_in_a_users_runtime_directory(tmp_path, monkeypatch):
    """C1: 300 starts while the user replaces all that is made there. What is root's stays as it was."""
    nobody = home_of_nobody(tmp_path)
    victim = tmp_path / "victim"
    victim.mkdir(mode=0o700)
    (victim / "secret").write_text("of root's\n")
    monkeypatch.setattr(api, "runtime_dir", lambda _identity: nobody.home)
    podman = write_executable(tmp_path, "#!/bin/sh\necho Error: no >&2\nexit 125\n")

    def start(_request):
        messages = []
        for _start in range(300):
            try:
                with PodmanService(podman, nobody, 5):
                    messages.append("it started")
            except ServiceError as exc:
                messages.append(str(exc))
        return messages

    attack = subprocess.Popen([shutil.which("python3", path="/usr/bin:/bin"), "-I", "-c", ATTACK, nobody.home, str(victim)],
                              preexec_fn=lambda: (os.setgid(nobody.gid), os.setuid(nobody.uid)))
    try:
        with UserProcess(nobody, start) as process:
            messages = process.ask(None, 120)
    finally:
        attack.kill()
        attack.wait()
    assert len(messages) == 300 and not any("of root's" in message for message in messages)
    assert [path.name for path in victim.iterdir()] == ["secret"] and (victim / "secret").read_text() == "of root's\n"
    assert {os.lstat(os.path.join(folder, name)).st_uid for folder, folders, files in os.walk(nobody.home)
            for name in folders + files} <= {nobody.uid}
