"""Commands on a host over ssh: one multiplexed connection per host and user."""

import shlex
import subprocess

from . import paths

OPTIONS = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "no",  # hosts are thrown away, their ports are reused
    "UserKnownHostsFile": "/dev/null",
    "GlobalKnownHostsFile": "/dev/null",
    "LogLevel": "ERROR",
    "IdentitiesOnly": "yes",
    "PreferredAuthentications": "publickey",
    "GSSAPIAuthentication": "no",
    "ConnectTimeout": "30",
}
# A host that thrashes in a provoked OOM is silent for a while; that is no reason to hang up.
MASTER = {"ControlMaster": "auto", "ControlPersist": "900", "ServerAliveInterval": "20", "ServerAliveCountMax": "6"}


def options(**more):
    """ssh's -o arguments, as a list."""
    return [word for item in {**OPTIONS, **more}.items() for word in ("-o", "=".join(item))]


def create_key():
    """The fleet's own key pair, made once; returns the public key."""
    if not paths.SSH_KEY.exists():
        paths.SSH_KEY.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "podman_fleet", "-f", str(paths.SSH_KEY)],
            check=True,
            stdin=subprocess.DEVNULL,
        )
    return paths.SSH_KEY.with_suffix(".pub").read_text(encoding="utf-8").strip()


def _control_path(name, user):
    return str(paths.sockets() / f"{name}-{user}")


def command(name, port, user, *, multiplex=True):
    """The argument list that opens a session on 127.0.0.1:port."""
    master = {**MASTER, "ControlPath": _control_path(name, user)} if multiplex else {}
    return [
        "ssh", "-F", "none", "-i", str(paths.SSH_KEY), "-p", str(port),
        *options(**master), f"{user}@127.0.0.1",
    ]  # fmt: skip


def hang_up(name):
    """Ends the masters of a host; needed before its port or its boot changes."""
    for socket in paths.sockets().glob(f"{name}-*"):
        if socket.name.rpartition("-")[0] != name or not socket.is_socket():
            continue
        subprocess.run(
            ["ssh", "-F", "none", "-o", f"ControlPath={socket}", "-O", "exit", "127.0.0.1"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=20,
        )
        socket.unlink(missing_ok=True)


def remote(cmd):
    """A command as the remote shell wants it: strings as they are, lists quoted."""
    return cmd if isinstance(cmd, str) else shlex.join(cmd)
