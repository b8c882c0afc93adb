"""Saved hosts: a host that has booted once is saved, and later starts continue from there.

A saved host is its memory (QEMU's migration stream) and its disk at that moment, cached by
everything that must be the same when it continues. It is only a shortcut: whatever goes wrong
with it ends in an ordinary boot.
"""

import hashlib
import pathlib
import shlex
import shutil
import subprocess
import tempfile
import time
from collections import namedtuple

from . import paths, qemu, qmp

FORMAT = 1  # raise it when the way of saving changes

# A host that is saved after something was done on it. what: the name of that; content: a text that is another
# one when it would do something else.
Kept = namedtuple("Kept", "what content")

# What was done lies in the past when a kept host continues, and records are looked for in the last seven days.
_KEPT_SECONDS = 3 * 24 * 3600


def _qemu_version():
    shown = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True)
    return shown.stdout.splitlines()[0]


def path_of(spec, image_dir):
    """The directory of the saved host: named by image, host, machine and QEMU."""
    machine = qemu.arguments("disk", "qcow2", 0, spec.memory, "console", append=spec.append, kernel="kernel", initrd="",
                             processors=spec.processors, nodes=spec.nodes)
    parts = [str(FORMAT), image_dir.name, repr(spec), *machine, _qemu_version()]
    if "kvm" in machine:
        parts.append(qemu.cpu_model())
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
    return paths.IMAGES / f"state-{spec.name}-{digest}"


def kept_path(spec, image_dir, kept):
    """The directory of the host saved as `kept`."""
    parts = [path_of(spec, image_dir).name, kept.content]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
    return paths.IMAGES / f"{kept.what}-{spec.name}-{digest}"


def is_fresh(directory):
    """Whether there is a kept host that is young enough."""
    try:
        return time.time() - memory_of(directory).stat().st_mtime < _KEPT_SECONDS
    except OSError:
        return False


def sweep(spec, kept):
    """Removes the host saved as this, whatever the content: they are large, and only the newest is asked for."""
    for stale in paths.IMAGES.glob(f"{kept.what}-{spec.name}-" + "?" * 12):
        shutil.rmtree(stale, ignore_errors=True)


def note_of(directory):
    """The text that was saved with a kept host, None when there is none."""
    try:
        return (directory / "note").read_text(encoding="utf-8")
    except OSError:
        return None


def memory_of(directory):
    """The file with the memory."""
    return directory / "memory"


def disk_of(directory):
    """The disk as it was when the memory was saved."""
    return directory / "disk.qcow2"


def restore_from(directory):
    """QEMU's -incoming argument."""
    return "exec:cat " + shlex.quote(str(memory_of(directory)))


def save(host, target, timeout=120, note=""):
    """Saves a running host to `target`; QEMU is gone afterwards, whether it worked or not. `note`: see `note_of`."""
    work = pathlib.Path(tempfile.mkdtemp(prefix=f".tmp-state-{host.name}-", dir=paths.IMAGES))
    try:
        with qmp.Monitor(host.monitor) as monitor:
            monitor.execute("stop")
            # Nothing runs meanwhile, so there is no reason to be slow.
            monitor.execute("migrate-set-parameters", **{"max-bandwidth": 1 << 40})
            monitor.execute("migrate", uri="exec:cat >" + shlex.quote(str(memory_of(work))))
            monitor.migrated(timeout)
        host.kill()  # QEMU closes the disk properly on SIGTERM
        shutil.move(host.disk, disk_of(work))
        # Overlays on top of it must never be able to change it.
        disk_of(work).chmod(0o444)
        (work / "note").write_text(note, encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        work.chmod(0o755)
        work.rename(target)
    finally:
        host.kill()
        shutil.rmtree(work, ignore_errors=True)


# After a while in a file: the time of day, and random numbers that differ from the last restore.
# 0x5207 is RNDRESEEDCRNG.
WAKE = """
date --set @$(cat) >/dev/null
python3 -c 'import fcntl, os
with open("/dev/urandom", "wb") as random: fcntl.ioctl(random, 0x5207)'
"""
