# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Simulated hosts: this machine, on which Podman's answers are what a real host said (recorded/README.md).

    with Simulated(directory) as simulated:
        subprocess.run(simulated.command(["ansible-playbook", …]))

The command runs with a stand-in for Podman at simulated.podman and, in a mount namespace, with the recorded host's
container storage, cgroups and journal, and 42 processes in the places of the containers' main processes. So a local
connection finds the work of a host with 50 containers there: only for load, and without Podman's own time.
The kernel's ring buffer and the counts in /proc are this machine's.

Needs root or user namespaces. Nothing outside of the namespace and the directory is touched.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

RECORDED = Path(__file__).resolve().parent / "recorded" / "debian13-podman5.4.2.tar.xz"
CONTAINERS = 50

_STAND_IN = """#!/bin/sh
# What `podman` said on the recorded host.
case "$*" in
    "ps --all"*) exec cat {here}/ps ;;
    "container ls"*) exec cut -d' ' -f1 {here}/ps ;;
    "container inspect"*) exec cat {here}/inspect ;;
    "info"*) exec cat {here}/info ;;
    "--version"* | "version"*) exec cat {here}/version ;;
esac
echo "not recorded: podman $*" >&2
exit 125
"""


def possible():
    """Whether this machine lets us have a mount namespace."""
    try:
        return subprocess.run(["unshare", *_user("--map-root-user"), "--mount", "true"], capture_output=True,
                              check=False).returncode == 0
    except OSError:
        return False


def _user(*words):
    return [] if os.geteuid() == 0 else list(words)


class Simulated:
    """The namespace, for as long as the context lasts. The hosts of a fleet share it: their answers are the same."""

    def __init__(self, directory):
        """:param directory: recreated; where the recorded host is unpacked."""
        self.directory = Path(directory)
        self.podman = self.directory / "podman"
        self._holder = None

    def __enter__(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        with tarfile.open(RECORDED) as archive:
            archive.extractall(self.directory)
        (self.directory / "storage" / "overlay-containers").mkdir(parents=True)
        self.stand_in("podman", _STAND_IN)
        self._holder = subprocess.Popen(
            ["unshare", *_user("--map-root-user"), "--mount", "--propagation", "private", "--",
             sys.executable, __file__, str(self.directory)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self._holder.stdout.readline().strip() != "ready":
            self.__exit__()
            raise OSError("the simulated host could not be put together")
        return self

    def __exit__(self, *_error):
        self._holder.stdin.close()  # what the holder waits for
        self._holder.stdout.close()
        self._holder.wait()

    def stand_in(self, name, script):
        """Write an executable and return its path; {here} in the script is the recorded host's directory."""
        path = self.directory / name
        path.write_text(script.replace("{here}", shlex.quote(str(self.directory))), encoding="utf-8")
        path.chmod(0o755)
        return path

    def command(self, argv):
        """The command line that runs another one there."""
        return ["nsenter", "--target", str(self._holder.pid), *_user("--user", "--preserve-credentials"), "--mount",
                f"--wd={os.getcwd()}", *argv]


def _hold(directory):
    """In the namespace: put the recorded host over this one, until our standard input is closed."""
    layers = directory / "layers"
    layers.mkdir()
    _mount("-t", "tmpfs", "none", layers)
    etc, log = _over("/etc", layers / "etc"), _over("/var/log", layers / "log")
    (etc / "containers").mkdir(exist_ok=True)
    (etc / "containers" / "storage.conf").write_text(f'[storage]\ngraphroot = "{directory}/storage"\n', encoding="utf-8")
    shutil.copyfile(directory / "machine-id", etc / "machine-id")
    shutil.copytree(directory / "journal", log / "journal", dirs_exist_ok=True)
    _mount("--bind", directory / "cgroup", "/sys/fs/cgroup")
    processes = _processes(directory)
    try:
        print("ready", flush=True)
        sys.stdin.read()
    finally:
        for each in processes:
            each.kill()
            each.wait()


def _processes(directory):
    """A process for each recorded main process, in its recorded cgroup as far as /proc tells; inspect gets its pid."""
    inspect = (directory / "inspect").read_text(encoding="utf-8")
    processes, told = [], {}
    for recorded in (directory / "proc").iterdir():
        process = subprocess.Popen(["sleep", "infinity"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        processes.append(process)
        _mount("--bind", recorded, f"/proc/{process.pid}/cgroup")
        told[recorded.name] = str(process.pid)
    # all at once: a new pid may be another's recorded one
    inspect = re.sub(r'(?<="Pid": )(\d+)', lambda match: told.get(match.group(), match.group()), inspect)
    (directory / "inspect").write_text(inspect, encoding="utf-8")
    return processes


def _over(path, layer):
    """Lay something writable over a directory, in this namespace alone."""
    for name in ("upper", "work"):
        (layer / name).mkdir(parents=True)
    _mount("-t", "overlay", "overlay", "-o", f"lowerdir={path},upperdir={layer}/upper,workdir={layer}/work", path)
    return Path(path)


def _mount(*words):
    subprocess.run(["mount", *map(str, words)], check=True)


if __name__ == "__main__":
    _hold(Path(sys.argv[1]))
