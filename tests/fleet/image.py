"""Disk images: one per suite, cached by the content of what they are made from.

mmdebstrap makes the tree, mke2fs writes it into a partition, one boot fills Podman's storage and
installs GRUB. Everything happens in a temporary directory that is renamed at the very end.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
from collections import namedtuple

from . import hosts, paths, ssh
from .errors import FleetError

MIRROR = os.environ.get("PODMAN_FLEET_MIRROR", "http://deb.debian.org/debian")
RECIPE = paths.HERE / "recipe"
FORMAT = 1  # raise it when this file changes what an image is
DISK_MIB = 8192  # sparse
PARTITION_START = 1 << 20  # sector 2048, leaves room for GRUB

PACKAGES = (
    # a system that boots and can be logged into
    "systemd systemd-sysv dbus dbus-user-session libpam-systemd udev kmod iproute2 procps "
    "openssh-server sudo libnss-myhostname python3-minimal python3 initramfs-tools linux-image-cloud-amd64 grub-pc "
    # Podman, rootless Podman, pods, the container image
    "podman crun runc conmon uidmap slirp4netns passt netavark nftables iptables catatonit busybox-static "
    # installed, not enabled
    "systemd-oomd"
).split()

Image = namedtuple("Image", "name disk kernel initrd")


def digest(name, public_key):
    """A hash over everything that decides what the image is; no dates, no versions."""
    parts = [str(FORMAT), str(DISK_MIB), hosts.SUITES[name], MIRROR, public_key, *PACKAGES]
    for path in sorted(RECIPE.rglob("*")):
        if path.is_file():
            parts += [str(path.relative_to(RECIPE)), path.read_text(encoding="utf-8")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def _files(name, directory):
    return Image(name, directory / "disk.raw", directory / "vmlinuz", directory / "initrd")


def path_of(name):
    """The directory where the image of this content is, or will be."""
    return paths.IMAGES / f"{name}-{digest(name, ssh.create_key())}"


def ready(name):
    """The image if it is in the cache, else None."""
    directory = path_of(name)
    return _files(name, directory) if directory.is_dir() else None


def build(name, say=print):
    """The image, built when the cache doesn't have it."""
    with paths.lock(paths.IMAGES, name):
        image = ready(name)
        if image:
            return image
        if os.geteuid() != 0:
            raise FleetError("building images needs root (file owners inside the image)")
        target = path_of(name)
        _sweep(name)
        work = pathlib.Path(tempfile.mkdtemp(prefix=f".tmp-{name}-", dir=paths.IMAGES))
        try:
            started = time.monotonic()
            _make(name, work, say)
            work.chmod(0o755)
            work.rename(target)
            say(f"{name}: image built in {time.monotonic() - started:.0f} s")
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return _files(name, target)


def _sweep(name):
    """Removes what interrupted builds of this image left; the lock says that none is running."""
    for stale in paths.IMAGES.glob(f".tmp-{name}-*"):
        shutil.rmtree(stale, ignore_errors=True)


def _make(name, work, say):
    image = _files(name, work)
    tree = work / "root"
    log = work / "build.log"
    say(f"{name}: installing {hosts.SUITES[name]} from {MIRROR}")
    _run(_mmdebstrap(name, tree), name, log)
    for wanted, pattern in ((image.kernel, "vmlinuz-*"), (image.initrd, "initrd.img-*")):
        found = sorted((tree / "boot").glob(pattern))
        if not found:
            raise FleetError(f"{name}: no /boot/{pattern} in the new system")
        shutil.copy(found[-1], wanted)
    say(f"{name}: writing the disk")
    _write_disk(tree, image.disk, name, log)
    shutil.rmtree(tree)
    say(f"{name}: first boot (container images, GRUB)")
    _provision(name, image, work)


def _mmdebstrap(name, tree):
    files = f'tar -C "{RECIPE}/files" --owner=0 --group=0 --mode=u=rwX,go=rX -c . | tar -C "$1" -x'
    return [
        "mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory",
        f"--include={','.join(PACKAGES)}",
        # Debian testing's index can be past its date on a mirror that stands still.
        '--aptopt=Acquire::Check-Valid-Until "false"',
        '--aptopt=APT::Install-Recommends "false"',
        '--aptopt=Acquire::Languages "none"',
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        # Before the packages, so that the initrd is made once and small.
        f"--essential-hook={files}",
        f'--customize-hook="{RECIPE}/customize.sh" "$1" "{ssh.create_key()}"',
        hosts.SUITES[name], str(tree), MIRROR,
    ]  # fmt: skip


def _write_disk(tree, disk, name, log):
    size = DISK_MIB << 20
    with open(disk, "wb") as handle:
        handle.truncate(size)
    _run(["sfdisk", "--quiet", str(disk)], name, log, text="label: dos\nstart=2048, type=83, bootable\n")
    # Features that Debian 12's GRUB cannot read are off, whatever the controller's default is.
    features = "^metadata_csum_seed,^orphan_file"
    blocks = f"{(size - PARTITION_START) // 1024}k"
    _run(
        ["mke2fs", "-q", "-t", "ext4", "-O", features, "-m", "0", "-L", "root",
         "-E", f"offset={PARTITION_START},lazy_itable_init=0,lazy_journal_init=0", "-d", str(tree), str(disk), blocks],
        name, log,
    )  # fmt: skip


def _provision(name, image, work):
    from . import vm  # it needs this module to find its images

    script = (RECIPE / "provision.sh").read_text(encoding="utf-8")
    with vm.temporary(f"build-{name}", image, work) as host:
        host.run("sh -s", input=script, timeout=300)
        host.power_off()
    # What is left in the directory is the image, its boot files, and the logs of how it was made.
    for part in ("port", "qemu.pid", "qemu.err"):
        (work / part).unlink(missing_ok=True)


def _run(command, name, log, text=""):
    """One build step; its output is kept, and its end shown when it fails."""
    with open(log, "a+", encoding="utf-8", errors="replace") as handle:
        result = subprocess.run(command, input=text, stdout=handle, stderr=handle, text=True, check=False)
        if result.returncode:
            handle.seek(0)
            tail = "".join(handle.readlines()[-25:])
            raise FleetError(f"{name}: {command[0]} failed ({result.returncode}):\n{tail}")
