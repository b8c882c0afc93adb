# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""What a kernel command line says: quoting, names, and which arguments decide about cgroups.

Pure. Knows nothing of where a command line comes from or of boot loaders.
"""

from collections import namedtuple

# name: with "_" for "-", value: str, None without "="; text: the word as it stands;
# kernel: False behind "--", where only init reads.
Argument = namedtuple("Argument", "name value text kernel")

# Arguments that decide about the cgroup hierarchy and what it offers, and what each does:
# the kernel's Documentation/admin-guide/kernel-parameters.txt, systemd(1) and NEWS of systemd 256,
# raspberrypi/linux#6980 for cgroup_enable and cgroup_memory.
EFFECTS = {
    "systemd.unified_cgroup_hierarchy": "1: systemd mounts cgroup v2 alone, 0: v1 or hybrid (without effect from systemd 258 on)",
    "systemd.legacy_systemd_cgroup_controller": "where v1 is used, 1: without, 0: with a v2 tree beside it (hybrid)",
    "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE": "1: systemd 256 and 257 boot on v1 though they refuse it otherwise",
    "cgroup_no_v1": "controllers that v1 may not use; all: systemd takes v2",
    "cgroup_disable": "controllers that the kernel turns off",
    "cgroup_enable": "controllers that are turned on again (kernels of the Raspberry Pi and of old Debian only)",
    "cgroup_memory": "1: memory controller on (old kernels of the Raspberry Pi only)",
    "cgroup.memory": "what the memory controller does not account: nosocket, nokmem, nobpf",
    "swapaccount": "0: swap is not accounted (kernels before 6.2 or so)",
    "psi": "1 or 0: pressure stall information on or off",
}

_TRUE = ("1", "yes", "y", "true", "t", "on")
_FALSE = ("0", "no", "n", "false", "f", "off")


def parse_arguments(line):
    """Return the Arguments of a kernel command line, in order.

    As the kernel does it, lib/cmdline.c next_arg(): white space outside of double quotes
    separates; a quote around the whole word or around the value is taken away.
    """
    arguments = []
    kernel = True
    for word in _words(line):
        if word == "--" and kernel:
            kernel = False  # kernel/params.c parse_args(): the rest is init's
            continue
        arguments.append(_argument(word, kernel))
    return arguments


def word_spans(line):
    """Return [(start, end)]: where the words of a kernel command line stand in it."""
    found, start, quoted = [], None, False
    for at, char in enumerate(line):
        if char.isspace() and not quoted:
            if start is not None:
                found.append((start, at))
            start = None
            continue
        if char == '"':
            quoted = not quoted
        start = at if start is None else start
    return found + [(start, len(line))] if start is not None else found


def _words(line):
    return [line[start:end] for start, end in word_spans(line)]


def _argument(text, kernel):
    word = text
    if word.startswith('"'):
        word = word[1:-1] if word.endswith('"') and len(word) > 1 else word[1:]
    name, equals, value = word.partition("=")
    if value.startswith('"'):
        value = value[1:-1] if value.endswith('"') and len(value) > 1 else value[1:]
    # kernel/params.c parameq() and systemd's proc_cmdline_key_streq(): "-" and "_" are the same.
    return Argument(name.replace("-", "_"), value if equals else None, text, kernel)


def cgroup_arguments(arguments):
    """Return those of the Arguments that decide about cgroups, in order."""
    return [each for each in arguments if each.name in EFFECTS]


def describe_arguments(arguments):
    """Return the relevant Arguments as the facts show them."""
    return [{"name": each.name, "value": each.value, "effect": EFFECTS[each.name]} for each in cgroup_arguments(arguments)]


def last_argument(arguments, name):
    """Return the last Argument of that name (what systemd goes by), or None."""
    found = [each for each in arguments if each.name == name]
    return found[-1] if found else None


def boolean_argument(arguments, name):
    """Return the boolean that systemd sees: True, False, or None when it isn't given or is no boolean.

    systemd's proc_cmdline_get_bool(): no value means yes; the last one counts; it removes
    single quotes too, which the kernel does not.
    """
    argument = last_argument(arguments, name)
    if argument is None:
        return None
    if argument.value is None:
        return True
    value = argument.value.strip("'\"").lower()
    return True if value in _TRUE else False if value in _FALSE else None


def names_controller(argument, controller):
    """Whether a comma separated value (cgroup_disable=cpu,memory) names the controller."""
    return controller in (argument.value or "").split(",")


def controller_switches(arguments, controller):
    """Return the cgroup_disable= and cgroup_enable= Arguments for the controller, in the order they are applied."""
    return [each for each in arguments
            if each.kernel and each.name in ("cgroup_disable", "cgroup_enable") and names_controller(each, controller)]


def disabling_argument(arguments, controller, enable_known):
    """Return the Argument that turns the controller off, or None.

    :param enable_known: whether the kernel has cgroup_enable= (downstream, Raspberry Pi): there the
        order decides (raspberrypi/linux#6980), everywhere else nothing takes a cgroup_disable= back.
    """
    switches = controller_switches(arguments, controller)
    if not enable_known:
        switches = [each for each in switches if each.name == "cgroup_disable"]
    return switches[-1] if switches and switches[-1].name == "cgroup_disable" else None
