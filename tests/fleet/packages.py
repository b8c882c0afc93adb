"""The Debian packages that the controller needs."""

import os
import shutil
import subprocess

from . import paths
from .errors import FleetError

LIST = paths.HERE / "packages.txt"


def wanted():
    """The list in packages.txt, without comments."""
    lines = (line.partition("#")[0].strip() for line in LIST.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def missing():
    """Which of them are not installed."""
    if not shutil.which("dpkg-query"):
        raise FleetError(f"this is no Debian; the test hosts need: {' '.join(wanted())}")
    shown = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *wanted()],
        capture_output=True,
        text=True,
        check=False,  # it fails as soon as one is unknown
    ).stdout
    installed = {line.split()[0] for line in shown.splitlines() if line.endswith(" installed")}
    return [name for name in wanted() if name not in installed]


def require():
    """Stops with a clear word when something is missing."""
    lacking = missing()
    if lacking:
        raise FleetError(f"missing packages: {' '.join(lacking)}; install them with: python3 -m fleet setup")


def setup(say=print):
    """Installs what is missing, as root."""
    lacking = missing()
    if not lacking:
        say("all packages are installed")
        return
    if os.geteuid() != 0:
        raise FleetError(f"not root; as root: apt-get install --no-install-recommends {' '.join(lacking)}")
    say(f"installing {' '.join(lacking)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", *lacking]):
        done = subprocess.run(
            ["apt-get", *step], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode:
            raise FleetError(f"apt-get {step[0]} failed:\n{done.stdout[-3000:]}")
