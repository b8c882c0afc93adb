# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which arguments a kernel command line should have and should not have, and a line edited accordingly.

Pure. Knows nothing of files and boot loaders.
"""

from typing import Iterable, List, NamedTuple, Sequence, Tuple

from .kernel_args import Argument, parse_arguments, word_spans


class Desired(NamedTuple):
    """The arguments that a command line should have and should not have."""

    present: List[Argument]
    absent: List[Argument]  # one without a value means every value of that name, except those in present


class ArgumentError(ValueError):
    """An option is no argument, or contradicts another one."""


def parse_desired(present: Iterable[str], absent: Iterable[str]) -> Desired:
    """Return the Desired of two lists of `name` and `name=value`.

    :raises ArgumentError: naming the option, the value and what is wrong with it.
    """
    desired = Desired([_parse_option("present", text) for text in present], [_parse_option("absent", text) for text in absent])
    if not desired.present and not desired.absent:
        raise ArgumentError("present, absent: one of them has to name an argument")
    for argument in desired.present:
        if _contains(desired.absent, argument):
            raise ArgumentError("present and absent both name %s" % argument.text)
    return desired


def _parse_option(option: str, text: str) -> Argument:
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise ArgumentError("%s: %r has a line break or another control character" % (option, text))
    if text.count('"') % 2:
        raise ArgumentError("%s: %r has a double quote that is not closed" % (option, text))
    arguments = parse_arguments(text)
    if len(arguments) != 1 or arguments[0].text != text:
        raise ArgumentError("%s: %r is not one kernel argument, such as quiet or console=ttyS0 (a value with spaces "
                            "needs double quotes around it)" % (option, text))
    if not arguments[0].name:
        raise ArgumentError("%s: %r has no name in front of the =" % (option, text))
    return arguments[0]


def _contains(arguments: Iterable[Argument], argument: Argument) -> bool:
    return any((argument.name, argument.value) == (other.name, other.value) for other in arguments)


def _is_unexpected(argument: Argument, desired: Desired) -> bool:
    """Whether the argument should not be there. What stands behind `--` is init's and never meant."""
    if not argument.kernel or _contains(desired.present, argument):
        return False
    return any(argument.name == absent.name and absent.value in (None, argument.value) for absent in desired.absent)


def unexpected_arguments(arguments: Iterable[Argument], desired: Desired) -> List[Argument]:
    """Return the arguments that should not be there, in order."""
    return [argument for argument in arguments if _is_unexpected(argument, desired)]


def missing_arguments(arguments: Sequence[Argument], desired: Desired) -> List[Argument]:
    """Return the desired arguments that are not there, each once."""
    there = [argument for argument in arguments if argument.kernel]
    missing: List[Argument] = []
    for argument in desired.present:
        if not _contains(there + missing, argument):
            missing.append(argument)
    return missing


def cmdline_satisfies(line: str, desired: Desired) -> bool:
    """Whether a command line has all that it should have and nothing that it should not have."""
    arguments = parse_arguments(line)
    return not unexpected_arguments(arguments, desired) and not missing_arguments(arguments, desired)


def edit_cmdline(line: str, desired: Desired) -> str:
    """Return the command line without unexpected arguments and with the missing ones at its end (in front of `--`).

    Everything else stays as it is, byte by byte; a line that needs nothing is returned as it is.
    """
    arguments = iter(parse_arguments(line))
    edited, at, end = "", 0, None
    for start, stop in word_spans(line):
        if line[start:stop] == "--" and end is None:
            end = len(edited + line[at:start].rstrip())
        elif _is_unexpected(next(arguments), desired):
            edited, at = _without_word(edited + line[at:start], line, stop)
            continue
        edited, at = edited + line[at:stop], stop
    edited += line[at:]
    missing = " ".join(argument.text for argument in missing_arguments(parse_arguments(line), desired))
    if not missing:
        return edited
    end = len(edited.rstrip()) if end is None else end
    behind = " " if edited[end:end + 1] and not edited[end].isspace() else ""
    return edited[:end] + (" " if end else "") + missing + behind + edited[end:]


def _without_word(front: str, line: str, stop: int) -> Tuple[str, int]:
    """Leave out a word that ends at `stop`, and one space: in front of it, or behind it at the line's beginning."""
    if front.endswith((" ", "\t")):
        return front[:-1], stop
    return front, stop + 1 if line.startswith((" ", "\t"), stop) else stop
