"""Hosts that run: start, wait, speak to, stop."""

import concurrent.futures
import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time

from . import image, paths, qemu, qmp, ssh, state
from .errors import FleetError
from .hosts import DEFAULT, HOSTS

BOOT_TIMEOUT = float(os.environ.get("PODMAN_FLEET_BOOT_TIMEOUT") or 240)
RESTORE_TIMEOUT = 180  # then the ordinary boot is tried
# Time limits of commands are for a host that has a processor of its own; eight of them may share two.
SLOWNESS = float(os.environ.get("PODMAN_FLEET_SLOWNESS") or 3)

# Colours, cursor movements and systemd's moving stars say nothing in a log.
_NOISE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1bM|\r")


class CommandError(FleetError):
    """A command on a host failed; the finished process is in `.result`."""

    def __init__(self, host, cmd, result):
        self.result = result
        output = "\n".join(text.strip() for text in (result.stdout, result.stderr) if text and text.strip())
        super().__init__(f"{host}: rc {result.returncode} from: {ssh.remote(cmd)}\n{output}")


class Host:
    """One host by name, running or not. All state is in its directory, so any process can use it."""

    def __init__(self, name, directory=None):
        if directory is None and name not in HOSTS:
            raise FleetError(f"no host {name!r}; there are: {', '.join(HOSTS)}")
        self.name = name
        self.spec = HOSTS.get(name)
        self.dir = pathlib.Path(directory or paths.RUN / name)
        self.disk = self.dir / "disk.qcow2"
        self.console = self.dir / "console.log"
        self.monitor = paths.sockets() / f"{name}.qmp"

    # what it is now

    def _number(self, name):
        try:
            return int((self.dir / name).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    @property
    def pid(self):
        """QEMU's process id, None when the host doesn't run."""
        pid = self._number("qemu.pid")
        return pid if pid and qemu.is_ours(pid, self.dir) else None

    @property
    def port(self):
        """The port on 127.0.0.1 that leads to the host's sshd."""
        port = self._number("port")
        if port is None:
            raise FleetError(f"{self.name} is not running; start it with: python3 -m fleet up {self.name}")
        return port

    @property
    def running(self):
        return self.pid is not None

    def console_tail(self, lines=20):
        """The last lines of the serial console."""
        try:
            text = self.console.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return "(no console)"
        clean = [line.rstrip() for line in _NOISE.sub("", text).splitlines()]
        return "\n".join([line for line in clean if line][-lines:]) or "(console is empty)"

    # speaking to it

    def run(self, cmd, user="root", check=True, timeout=120, input=None):  # pylint: disable=redefined-builtin
        """Runs a command (a string for the remote shell, or a list) and returns the CompletedProcess.

        `timeout` (seconds, times SLOWNESS) ends the wait for a host that hangs; a slow one is no error.
        """
        timeout *= SLOWNESS
        line = [*ssh.command(self.name, self.port, user), "--", ssh.remote(cmd)]
        feed = {"stdin": subprocess.DEVNULL} if input is None else {"input": input}
        try:
            result = subprocess.run(
                line, capture_output=True, text=True, errors="replace", timeout=timeout, check=False, **feed
            )
        except subprocess.TimeoutExpired as error:
            raise FleetError(
                f"{self.name}: no end after {timeout:.0f} s: {ssh.remote(cmd)}\nend of its console:\n{self.console_tail()}"
            ) from error
        if check and result.returncode:
            raise CommandError(self.name, cmd, result)
        return result

    def put(self, path, data, user="root", mode=0o644):
        """Writes text to a file on the host, with its directories."""
        self.run(["install", "-D", "-m", f"{mode:o}", "/dev/stdin", str(path)], user=user, input=data)

    # life

    def start(self, img, disk, disk_format, incoming=""):
        """Starts QEMU; a port that somebody took in between is worth another try."""
        spec = self.spec
        boot = {"kernel": img.kernel, "initrd": img.initrd} if not (spec and spec.grub) else {}
        append = (f"systemd.hostname={self.name}", *(spec.append if spec else ()))
        errors = self.dir / "qemu.err"
        for _attempt in range(5):
            self.console.write_bytes(b"")
            port = qemu.free_port()
            memory = spec.memory if spec else 1024
            line = qemu.arguments(
                disk, disk_format, port, memory, self.console,
                monitor=self.monitor, append=append, incoming=incoming, processors=spec.processors if spec else 1,
                nodes=spec.nodes if spec else (), **boot,
            )  # fmt: skip
            process = qemu.start(line, errors)
            (self.dir / "qemu.pid").write_text(f"{process.pid}\n", encoding="ascii")
            (self.dir / "port").write_text(f"{port}\n", encoding="ascii")
            try:
                process.wait(timeout=0.7)
            except subprocess.TimeoutExpired:
                return
            said = errors.read_text(encoding="utf-8", errors="replace").strip()
            if "Could not set up host forwarding" not in said:
                break
        raise FleetError(f"{self.name}: qemu ended at once (rc {process.returncode}): {said}")

    def wait(self, timeout=None):
        """Waits until ssh answers and systemd has finished starting; returns systemd's word for it."""
        limit = BOOT_TIMEOUT if timeout is None else timeout
        end = time.monotonic() + limit
        while not self.sshd_answers():
            self.still_booting(end, limit, "sshd does not answer")
        while True:
            # Asked again and again: `--wait` was seen to hang on systemd 262.
            state_now = self._system_state(min(30, max(end - time.monotonic(), 1)))
            if state_now in ("running", "degraded"):
                return state_now
            self.still_booting(end, limit, f"systemd says {state_now!r}")

    def _system_state(self, patience):
        line = [*ssh.command(self.name, self.port, "root", multiplex=False), "systemctl is-system-running"]
        try:
            result = subprocess.run(
                line, capture_output=True, text=True, timeout=patience, check=False, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired:
            return "no answer"
        return result.stdout.strip() or result.stderr.strip()

    def sshd_answers(self):
        """Whether sshd itself, not only QEMU's port, is there."""
        # QEMU accepts for the guest, so only the banner tells.
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def still_booting(self, end, limit, what):
        """A short pause, or the end of patience with a word about where it hangs."""
        problem = None
        if not self.running:
            said = (self.dir / "qemu.err").read_text(encoding="utf-8", errors="replace").strip()
            problem = f"qemu ended while booting: {said}"
        elif time.monotonic() > end:
            problem = f"not up after {limit:.0f} s: {what} (PODMAN_FLEET_BOOT_TIMEOUT)"
        if problem:
            raise FleetError(f"{self.name}: {problem}\nend of its console:\n{self.console_tail(30)}")
        time.sleep(0.3)

    def reboot(self, timeout=None):
        """Reboots from inside and waits for the next boot."""
        before = self.run("cat /proc/sys/kernel/random/boot_id").stdout
        self.run("systemctl reboot", check=False)
        ssh.hang_up(self.name)
        end = time.monotonic() + (timeout or BOOT_TIMEOUT)
        while True:
            state = self.wait(end - time.monotonic())
            if self.run("cat /proc/sys/kernel/random/boot_id", check=False).stdout not in ("", before):
                return state
            ssh.hang_up(self.name)
            self.still_booting(end, timeout or BOOT_TIMEOUT, "still the old boot")

    def power_off(self, timeout=120):
        """Shuts down in good order and waits until QEMU has ended."""
        self.run("systemctl poweroff", check=False)
        ssh.hang_up(self.name)
        end = time.monotonic() + timeout
        while self.running:
            qemu.reap(self._number("qemu.pid"))
            if time.monotonic() > end:
                raise FleetError(f"{self.name}: does not power off\nend of its console:\n{self.console_tail()}")
            time.sleep(0.2)

    def kill(self):
        """Ends QEMU, whatever the host is doing."""
        ssh.hang_up(self.name)
        if self.running:
            qemu.stop(self.pid, self.dir)


@contextlib.contextmanager
def temporary(name, img, directory):
    """A host on the image's own disk, for the build's first boot."""
    host = Host(name, directory)
    host.start(img, img.disk, "raw")
    try:
        host.wait()
        yield host
    finally:
        host.kill()


def _start_one(name, say, cold, kept):
    host = Host(name)
    with paths.lock(paths.RUN, name):
        if host.running:
            host.wait()
            return "runs already"
        img = image.build(host.spec.image, say)
        started = time.monotonic()
        try:
            # A restored GRUB host was seen to hang in its next reboot, and rebooting is what it is for.
            saves = not (cold or host.spec.grub)
            how = (saves and kept and _start_kept(host, img, kept, say)) or (saves and _start_saved(host, img, say))
            how = how or _boot(host, img)
        except BaseException:
            host.kill()
            raise
        return f"{how} in {time.monotonic() - started:.0f} s on port {host.port}"


def _fresh(host, backing, backing_format):
    ssh.hang_up(host.name)
    shutil.rmtree(host.dir, ignore_errors=True)
    host.dir.mkdir(parents=True)
    overlay(backing, backing_format, host.disk)


def _boot(host, img):
    """The ordinary start."""
    _fresh(host, img.disk, "raw")
    host.start(img, host.disk, "qcow2")
    system = host.wait()
    settle(host)
    return "booted" if system == "running" else f"booted ({system}: {failed_units(host)})"


def _start_saved(host, img, say):
    """Continues a saved host, saving it first if needed; None when an ordinary boot has to do."""
    directory = state.path_of(host.spec, img.disk.parent)
    how = "restored"
    with paths.lock(paths.IMAGES, directory.name):
        if not directory.is_dir():
            how = _boot(host, img)
            try:
                state.save(host, directory)
            except (FleetError, OSError) as error:
                say(f"{host.name}: cannot be saved ({_first_line(error)})")
                return None
            how += ", saved, restored"
    return how if _continue(host, img, directory, say) else None


def _start_kept(host, img, kept, say):
    """Continues a host as `keep` left it; None when there is no such state."""
    directory = state.kept_path(host.spec, img.disk.parent, kept)
    with paths.lock(paths.IMAGES, directory.name):
        if not state.is_fresh(directory):
            return None
        return f"restored with {kept.what}" if _continue(host, img, directory, say) else None


def _continue(host, img, directory, say):
    """Whether the host continues from a saved state.

    If it does not, only the shortcut is broken. It is thrown away, so that a later start makes it again.
    """
    try:
        _restore(host, img, directory)
    except (FleetError, OSError) as error:
        say(f"{host.name}: its saved state does not continue ({_first_line(error)})")
        host.kill()
        shutil.rmtree(directory, ignore_errors=True)
        return False
    return True


def keep(name, kept, note, say=print):
    """Saves a running host as it is now, for later `up`s with the same `kept`, and continues it.

    `note` is text that `kept_note` gives back.

    :raises FleetError: it does not continue; what was done on it is lost.
    """
    host = Host(name)
    if host.spec.grub:
        raise FleetError(f"{name}: a GRUB host cannot be kept")
    with paths.lock(paths.RUN, name):
        img = image.build(host.spec.image, say)
        directory = state.kept_path(host.spec, img.disk.parent, kept)
        with paths.lock(paths.IMAGES, directory.name):
            ssh.hang_up(name)
            state.sweep(host.spec, kept)
            state.save(host, directory, note=note)
            if not _continue(host, img, directory, say):
                raise FleetError(f"{name}: does not continue after it was saved; what was done on it is lost")


def forget(name, kept):
    """Removes what `keep` saved of a host."""
    state.sweep(HOSTS[name], kept)


def kept_note(name, kept):
    """The note of a host that is kept, None when there is none."""
    img = image.ready(HOSTS[name].image)
    directory = img and state.kept_path(HOSTS[name], img.disk.parent, kept)
    return state.note_of(directory) if directory and state.is_fresh(directory) else None


def _first_line(error):
    return (str(error).splitlines() or [repr(error)])[0]


def _restore(host, img, directory):
    _fresh(host, state.disk_of(directory), "qcow2")
    host.start(img, host.disk, "qcow2", incoming=state.restore_from(directory))
    with qmp.Monitor(host.monitor) as monitor:
        monitor.migrated(RESTORE_TIMEOUT)
        monitor.execute("cont")  # it was saved standing still
    end = time.monotonic() + RESTORE_TIMEOUT
    while not host.sshd_answers():
        host.still_booting(end, RESTORE_TIMEOUT, "sshd does not answer")
    host.run("true", timeout=RESTORE_TIMEOUT)  # a login takes seconds that the clock would be wrong by
    host.run(state.WAKE, input=f"{time.time():.2f}", timeout=RESTORE_TIMEOUT)


def overlay(backing, backing_format, target):
    """A disk that keeps only what changes against `backing`."""
    backing = pathlib.Path(backing).resolve()  # a saved disk is used from other caches too
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-F", backing_format, "-b", str(backing), str(target)],
        check=True,
        stdin=subprocess.DEVNULL,
    )


def settle(host):
    """What can be set only inside: the hostname where no kernel argument carries it."""
    if host.spec.grub:
        host.run(f"echo {host.name} >/etc/hostname && hostname {host.name}")


def failed_units(host):
    """Names of failed units, in one line."""
    return " ".join(host.run("systemctl --failed --plain --no-legend | cut -d' ' -f1", check=False).stdout.split())


def _each(names, work, say, at_once=None):
    """Does `work` for all names, so many at once; all are tried, then the failures are raised together."""
    problems = []
    with concurrent.futures.ThreadPoolExecutor(at_once or max(len(names), 1)) as pool:
        jobs = {pool.submit(work, name): name for name in names}
        for job in concurrent.futures.as_completed(jobs):
            try:
                say(f"{jobs[job]}: {job.result()}")
            except FleetError as error:
                say(f"{jobs[job]}: FAILED")
                problems.append(str(error))
    if problems:
        raise FleetError("\n\n".join(problems))


def up(names=DEFAULT, say=print, cold=False, kept=None):
    """Starts hosts in parallel; returns when all of them can be used.

    `cold`: boot, restore nothing. `kept` (state.Kept): continue the hosts that `keep` saved as that, where it did.
    """
    names = list(dict.fromkeys(names))
    for name in names:
        Host(name)  # an unknown name stops us before anything starts
    # Images first: on two cores a build and a boot at once are slower than one after the other.
    for name in dict.fromkeys(HOSTS[name].image for name in names if not Host(name).running):
        image.build(name, say)
    # An emulated boot keeps a processor busy: more of them than processors only run into time-outs.
    _each(names, lambda name: _start_one(name, say, cold, kept), say, at_once=max(os.cpu_count() or 1, 2))
    return [Host(name) for name in names]


def down(names=None, say=print):
    """Stops hosts (None: all that run) and drops their disks."""

    def stop(name):
        with paths.lock(paths.RUN, name):
            host = Host(name)
            ran = host.running
            host.kill()
            for part in (host.disk, host.dir / "port", host.dir / "qemu.pid"):
                part.unlink(missing_ok=True)
            return "stopped" if ran else "was not running"

    _each([host.name for host in running()] if names is None else list(names), stop, say)


def running():
    """The hosts that run now."""
    return [host for host in map(Host, HOSTS) if host.running]
