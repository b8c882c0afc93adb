# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a kernel command line says: quoting, names, and which arguments decide about cgroups.

Pure. Knows nothing of where a command line comes from or of boot loaders.
"""

from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple


class Argument(NamedTuple):
    """One word of a kernel command line."""

    name: str  # with "_" for "-"
    value: Optional[str]  # None: there is no "="
    text: str  # the word as it stands
    kernel: bool  # False: behind "--", where only init reads


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


def parse_arguments(line: str) -> List[Argument]:
    """Return the arguments of a kernel command line, in order.

    As the kernel does it, lib/cmdline.c next_arg(): white space outside of double quotes
    separates; a quote around the whole word or around the value is removed.
    """
    arguments = []
    kernel = True
    for start, end in word_spans(line):
        word = line[start:end]
        if word == "--" and kernel:
            kernel = False  # kernel/params.c parse_args(): the rest is init's
            continue
        arguments.append(_parse_argument(word, kernel))
    return arguments


def word_spans(line: str) -> List[Tuple[int, int]]:
    """Return [(start, end)]: where the words of a kernel command line stand in it."""
    spans: List[Tuple[int, int]] = []
    start, quoted = None, False
    for at, char in enumerate(line):
        if char.isspace() and not quoted:
            if start is not None:
                spans.append((start, at))
            start = None
            continue
        if char == '"':
            quoted = not quoted
        start = at if start is None else start
    return spans + [(start, len(line))] if start is not None else spans


def _parse_argument(text: str, kernel: bool) -> Argument:
    name, equals, value = _unquote(text).partition("=")
    # kernel/params.c parameq() and systemd's proc_cmdline_key_streq(): "-" and "_" are the same.
    return Argument(name.replace("-", "_"), _unquote(value) if equals else None, text, kernel)


def _unquote(text: str) -> str:
    if not text.startswith('"'):
        return text
    return text[1:-1] if text.endswith('"') and len(text) > 1 else text[1:]


def cgroup_arguments(arguments: Iterable[Argument]) -> List[Argument]:
    """Return the arguments that decide about cgroups, in order."""
    return [argument for argument in arguments if argument.name in EFFECTS]


def describe_arguments(arguments: Iterable[Argument]) -> List[Dict[str, Any]]:
    """Return the arguments that decide about cgroups as the facts have them: [{name, value, effect}]."""
    return [{"name": argument.name, "value": argument.value, "effect": EFFECTS[argument.name]}
            for argument in cgroup_arguments(arguments)]


def last_argument(arguments: Iterable[Argument], name: str) -> Optional[Argument]:
    """Return the last argument of that name, which counts for systemd, or None."""
    named = [argument for argument in arguments if argument.name == name]
    return named[-1] if named else None


def boolean_argument(arguments: Iterable[Argument], name: str) -> Optional[bool]:
    """Return the boolean that systemd reads; None when it isn't given or is no boolean.

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


def disabling_argument(arguments: Iterable[Argument], controller: str, enable_known: bool) -> Optional[Argument]:
    """Return the argument that turns a controller off, or None.

    :param enable_known: whether the kernel has cgroup_enable= (downstream, Raspberry Pi): there the
        order decides (raspberrypi/linux#6980), everywhere else nothing reverses a cgroup_disable=.
    """
    switches = _switches(arguments, controller, ("cgroup_disable", "cgroup_enable") if enable_known else ("cgroup_disable",))
    return switches[-1] if switches and switches[-1].name == "cgroup_disable" else None


def enabling_argument(arguments: Iterable[Argument], controller: str) -> Optional[Argument]:
    """Return the argument that turns a controller on where the kernel has cgroup_enable=, and that no later one turns off, or None."""
    switches = _switches(arguments, controller, ("cgroup_disable", "cgroup_enable"))
    return switches[-1] if switches and switches[-1].name == "cgroup_enable" else None


def _switches(arguments: Iterable[Argument], controller: str, names: Sequence[str]) -> List[Argument]:
    return [argument for argument in arguments if argument.kernel and argument.name in names
            and controller in (argument.value or "").split(",")]
