# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""What container_memory is asked to do: its options as data, checked as far as they speak for themselves.

Pure. Whether it can be done to a container as it is now: _memory_plan.py.
"""

from collections import namedtuple

from .._system.sizes import format_size, parse_size

SETTINGS = ("memory", "memory_swap", "memory_reservation", "oom_group")

# where: how a message names it; name: name, id or prefix of the id; user: name of the owner; wanted:
# {a word of SETTINGS: bytes, None for unlimited, or a bool}, only what was given.
Request = namedtuple("Request", "where name user wanted")


class RequestError(ValueError):
    """An option is wrong; the message names it, its value, and what would be right."""


def requests(params, caller, page_size):
    """Return [Request] from the module's parameters.

    :param caller: name of the user the module runs as.
    :param page_size: bytes of the kernel's page.
    :raises RequestError: for the first option that can't be meant.
    """
    if params["containers"] is None:
        given = [("", params)]
    else:
        flat = [key for key in ("user",) + SETTINGS if params.get(key) is not None]
        if flat:
            raise RequestError("%s: give it in each element of containers, not beside it" % ", ".join(flat))
        given = [("containers[%d]." % index, each) for index, each in enumerate(params["containers"])]
    return [_request(where, each, caller, page_size) for where, each in given]


def _request(where, given, caller, page_size):
    name = (given["name"] or "").strip()
    if not name:
        raise RequestError("%sname: it is empty; give the container's name or ID" % where)
    user = (given.get("user") or "").strip() or caller
    wanted = {key: _value(where, key, given[key]) for key in SETTINGS if given.get(key) is not None}
    if not wanted:
        raise RequestError("%sname: nothing is to be set on %r; give one of %s" % (where, name, ", ".join(SETTINGS)))
    _check(where, wanted, page_size)
    return Request(where, name, user, wanted)


def _value(where, key, value):
    if key == "oom_group":
        return value
    try:
        return parse_size(value)
    except ValueError as exc:
        raise RequestError("%s%s: %s" % (where, key, exc))


def _check(where, wanted, page_size):
    """What no container can have: refused by the runtime only after Podman has written it down."""
    memory, swap, reservation = (wanted.get(key) for key in SETTINGS[:3])
    for key in SETTINGS[:3]:
        if wanted.get(key) is not None and wanted[key] < page_size:
            raise RequestError("%s%s: %s is less than one page of the kernel's memory, which has %d bytes" % (
                where, key, format_size(wanted[key]), page_size))
    if "memory" in wanted and memory is None and swap is not None:
        raise RequestError("%smemory_swap: %s limits memory and swap together, so it needs a limit for memory, and memory is "
                           "unlimited" % (where, format_size(swap)))
    if memory is not None and swap is not None and swap < memory:
        raise RequestError("%smemory_swap: %s is less than memory, %s; it counts memory and swap together, so give at least "
                           "as much" % (where, format_size(swap), format_size(memory)))
    if memory is not None and reservation is not None and reservation > memory:
        raise RequestError("%smemory_reservation: %s is more than memory, %s; it is the part that is protected, so give at "
                           "most as much" % (where, format_size(reservation), format_size(memory)))
