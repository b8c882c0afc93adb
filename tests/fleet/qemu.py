"""One QEMU process: its command line, its start, its end. Knows nothing about ssh or images."""

import os
import pathlib
import signal
import socket
import subprocess
import time

from .errors import FleetError

# What every host gets, with or without GRUB (see recipe/files/etc/default/grub.d).
APPEND = (
    "root=/dev/vda1",
    "rw",
    "console=ttyS0",
    "net.ifnames=0",
    "loglevel=4",
    "apparmor=0",
    "TERM=dumb",  # systemd's messages on the console without colours and moving stars
    "mitigations=off",  # an emulated CPU has nothing to mitigate
)


def accelerator():
    """kvm only where the CPU has it: /dev/kvm exists on machines where it can only hang."""
    flags = pathlib.Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split()
    if ("vmx" in flags or "svm" in flags) and os.access("/dev/kvm", os.R_OK | os.W_OK):
        return ["-accel", "kvm", "-cpu", "host"]
    # Without AVX: emulating "max" takes a quarter longer for Podman, which is written in Go.
    return ["-accel", "tcg,thread=multi", "-cpu", "Nehalem"]


def cpu_model():
    """The real CPU's name; with kvm a saved machine can continue only on the same one."""
    lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    return next((line for line in lines if line.startswith("model name")), "")


def free_port():
    """A TCP port on loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def arguments(disk, disk_format, port, memory, console, *, monitor="", kernel=None, initrd=None, append=(), incoming="",
              processors=1, nodes=()):
    """QEMU's command line: `incoming` continues a saved machine, `monitor` is a socket. Without a kernel the machine boots its own disk through GRUB."""
    line = [
        "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-M", "q35", *accelerator(),
        "-m", str(memory), "-smp", str(processors), "-display", "none",
        "-rtc", "base=utc,clock=host",
        "-chardev", f"file,id=console,path={console}", "-serial", "chardev:console",
        # A lost disk is built again, so nothing has to wait for the controller's disk.
        "-drive", f"if=none,id=disk,file={disk},format={disk_format},cache=unsafe,discard=unmap",
        "-device", "virtio-blk-pci,drive=disk",
        # restrict: the host can be reached, and reaches nothing.
        "-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22",
        "-device", "virtio-net-pci,netdev=net,romfile=",
        "-device", "virtio-rng-pci",
    ]  # fmt: skip
    for node, size in enumerate(nodes):
        line += ["-object", f"memory-backend-ram,id=node{node},size={size}M", "-numa", f"node,memdev=node{node}"]
    if monitor:
        line += ["-qmp", f"unix:{monitor},server=on,wait=off"]
    if incoming:
        line += ["-incoming", incoming]
    if kernel:
        line += ["-kernel", str(kernel), "-initrd", str(initrd), "-append", " ".join((*APPEND, *append))]
    else:
        line += ["-vga", "std"]  # GRUB hangs without a display device
    return line


def start(line, errors):
    """Starts QEMU apart from our terminal; its stderr goes to the file `errors`."""
    with open(errors, "wb") as stderr:
        return subprocess.Popen(
            line, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr, start_new_session=True
        )


def is_ours(pid, disk):
    """Whether `pid` is a QEMU that has this disk open: pids are reused."""
    try:
        cmdline = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"qemu-system" in cmdline and os.fsencode(disk) in cmdline


def stop(pid, disk, timeout=20):
    """Ends one QEMU and waits until it is gone."""
    for number, patience in ((signal.SIGTERM, timeout), (signal.SIGKILL, 5)):
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if not is_ours(pid, disk):
                return
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return
            reap(pid)
            time.sleep(0.1)
    raise FleetError(f"qemu process {pid} does not end")


def reap(pid):
    """Collects the exit status if the process is our child; else it would look alive."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
