"""Where the fleet keeps its things. Everything is below CACHE/fleet; only sockets are elsewhere."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import tempfile

from .errors import FleetError

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(
    os.environ.get("PODMAN_FLEET_CACHE")
    or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "podman_fleet"
)
FLEET = CACHE / "fleet"
IMAGES = FLEET / "images"
RUN = FLEET / "run"
SSH_KEY = FLEET / "ssh" / "id_ed25519"
INVENTORY = FLEET / "inventory.yml"


def sockets():
    """A short, private directory: a unix socket's path may have only about 100 characters."""
    tag = hashlib.sha256(str(FLEET).encode()).hexdigest()[:8]
    path = pathlib.Path(tempfile.gettempdir()) / f"podman-fleet-{os.getuid()}-{tag}"
    path.mkdir(mode=0o700, exist_ok=True)
    if path.lstat().st_uid != os.getuid() or path.is_symlink():
        raise FleetError(f"{path} belongs to somebody else; remove it or set TMPDIR")
    return path


@contextlib.contextmanager
def lock(directory, name):
    """One process at a time for `name` (a host or an image); freed by the kernel if we die.

    The lock lies where the thing is made, so that caches that share it share the lock.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / f".lock-{name}", "w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
