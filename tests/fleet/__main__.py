"""`python3 -m fleet COMMAND`: the fleet by hand."""

import argparse
import os
import sys
import threading
import time

from . import errors, hosts, image, inventory, packages, paths, ssh, vm

START = time.monotonic()
_SPEAKING = threading.Lock()


def say(text):
    """Progress, with the seconds since the start; to stderr, so that stdout is only results."""
    with _SPEAKING:
        print(f"[{time.monotonic() - START:4.0f} s] {text}", file=sys.stderr, flush=True)


def _setup(_options):
    packages.setup(say)


def _build(options):
    packages.require()
    for name in dict.fromkeys(vm.Host(host).spec.image for host in options.hosts or hosts.DEFAULT):
        say(f"{name}: {image.build(name, say).disk}")


def _up(options):
    packages.require()
    vm.up(options.hosts or hosts.DEFAULT, say, cold=options.cold)
    say(f"inventory: {inventory.write()}")


def _down(options):
    vm.down(options.hosts or None, say)
    inventory.write()


def _ssh(options):
    host = vm.Host(options.host)
    line = ssh.command(host.name, host.port, options.user)
    if not options.command and sys.stdin.isatty():
        line.insert(1, "-t")
    os.execvp(line[0], [*line, *options.command])


def _inventory(_options):
    print(inventory.write())


def _status(_options):
    for name, spec in hosts.HOSTS.items():
        host = vm.Host(name)
        state = f"running  port {host.port}  qemu {host.pid}" if host.running else "-"
        print(f"{name:16} {spec.image:9} cgroup {spec.cgroup:7} {state}")


def _console(options):
    print(vm.Host(options.host).console_tail(options.lines))


def parser():
    """The command line."""
    top = argparse.ArgumentParser(prog="fleet", description="Real test hosts as virtual machines.")
    commands = top.add_subparsers(dest="command_name", required=True)

    def add(name, function, text, several=False, one=False):
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(function=function)
        if several:
            command.add_argument("hosts", nargs="*", metavar="HOST", help=f"of: {', '.join(hosts.HOSTS)}")
        if one:
            command.add_argument("host", metavar="HOST")
        return command

    add("setup", _setup, "install the Debian packages this needs")
    add("build", _build, "build the images, as far as they are not cached", several=True)
    start = add("up", _up, "start hosts from a clean disk and wait for them", several=True)
    start.add_argument("--cold", action="store_true", help="boot instead of continuing a saved host")
    add("down", _down, "stop hosts (all) and drop their disks", several=True)
    login = add("ssh", _ssh, "a shell or a command on a host", one=True)
    login.add_argument("-u", "--user", default="root")
    login.add_argument("command", nargs=argparse.REMAINDER)
    add("inventory", _inventory, "write the Ansible inventory of the running hosts; print its path")
    add("status", _status, "what runs")
    console = add("console", _console, "the end of a host's console", one=True)
    console.add_argument("-n", "--lines", type=int, default=50)
    return top


def main():
    """Runs one command; errors meant for people come without a traceback."""
    options = parser().parse_args()
    try:
        paths.FLEET.mkdir(parents=True, exist_ok=True)
        options.function(options)
    except errors.FleetError as error:
        print(f"\nfleet: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nfleet: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
