# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""Which arguments a kernel command line should have and should not, and a line edited accordingly.

Pure. Knows nothing of files and boot loaders.
"""

from collections import namedtuple

from .kernel_args import parse_arguments, word_spans

# present, absent: [_kernel_args.Argument]. An absent one without a value means every value of that name,
# but for those that are wanted.
Desired = namedtuple("Wanted", "present absent")


class ArgumentError(ValueError):
    """An option names no argument, or contradicts another one."""


def parse_desired(present, absent):
    """Return the Wanted of two lists of `name` and `name=value`.

    :raises ArgumentError: naming the option, the value and what is wrong with it.
    """
    found = Desired([_parsed("present", text) for text in present], [_parsed("absent", text) for text in absent])
    if not found.present and not found.absent:
        raise ArgumentError("present, absent: one of them has to name an argument")
    for each in found.present:
        if any(_same(each, other) for other in found.absent):
            raise ArgumentError("present and absent both name %s" % each.text)
    return found


def _parsed(option, text):
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


def _same(one, other):
    return (one.name, one.value) == (other.name, other.value)


def is_unexpected(argument, asked):
    """Whether the argument should not be there. What stands behind `--` is init's and never meant.

    :param asked: Wanted.
    """
    if not argument.kernel or any(_same(argument, each) for each in asked.present):
        return False
    return any(argument.name == each.name and each.value in (None, argument.value) for each in asked.absent)


def unexpected_arguments(arguments, asked):
    """Return those of the Arguments that should not be there, in order."""
    return [each for each in arguments if is_unexpected(each, asked)]


def missing_arguments(arguments, asked):
    """Return the wanted Arguments that are not among these, each once."""
    there = [each for each in arguments if each.kernel]
    found = []
    for each in asked.present:
        if not any(_same(each, other) for other in there + found):
            found.append(each)
    return found


def cmdline_satisfies(line, asked):
    """Whether a command line has all that is wanted and nothing that is not."""
    arguments = parse_arguments(line)
    return not unexpected_arguments(arguments, asked) and not missing_arguments(arguments, asked)


def edit_cmdline(line, asked):
    """Return the command line with what is lacking at its end (in front of `--`) and without what is unwanted.

    Everything else stays as it is, byte by byte; a line that needs nothing is returned as it is.
    """
    arguments = iter(parse_arguments(line))
    kept, at, end = "", 0, None
    for start, stop in word_spans(line):
        if line[start:stop] == "--" and end is None:
            end = len(kept + line[at:start].rstrip())
        elif is_unexpected(next(arguments), asked):
            kept, at = _without(kept + line[at:start], line, stop)
            continue
        kept, at = kept + line[at:stop], stop
    kept += line[at:]
    added = " ".join(each.text for each in missing_arguments(parse_arguments(line), asked))
    if not added:
        return kept
    end = len(kept.rstrip()) if end is None else end
    behind = " " if kept[end:end + 1] and not kept[end].isspace() else ""
    return kept[:end] + (" " if end else "") + added + behind + kept[end:]


def _without(front, line, stop):
    """Leave out a word that ended at `stop`, and one space: in front of it, or behind it at the line's beginning."""
    if front.endswith((" ", "\t")):
        return front[:-1], stop
    return front, stop + 1 if line.startswith((" ", "\t"), stop) else stop
