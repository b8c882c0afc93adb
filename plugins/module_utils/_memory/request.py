# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What container_memory is asked to do: its options as data, validated without looking at the host.

Pure. Whether it can be done to a container in its present state: plan.py.
"""

from typing import Any, Dict, List, NamedTuple, Optional

from .._system.sizes import format_size, parse_size

SETTING_OPTIONS = ("memory", "memory_swap", "memory_reservation", "oom_group")


class Request(NamedTuple):
    """What one container is to get."""

    where: str  # prefix of the option's name in a message: "containers[0]." or ""
    name: str  # name, id or prefix of the id
    user: str  # name of the owner
    requested: Dict[str, Optional[int]]  # {a word of SETTING_OPTIONS: bytes, None for unlimited, or a bool}, only what was given


class Options(NamedTuple):
    """How it may be done, for all containers."""

    persist: bool  # a quadlet's drop-in may be written
    allow_below_usage: bool
    backend: str  # auto, libpod_api, cli, cgroupfs
    restart: str  # never, if_needed
    executable: str
    timeout: int  # seconds for each command


class RequestError(ValueError):
    """An option is wrong; the message names it, its value, and what would be right."""


def parse_requests(params: Dict[str, Any], caller: str, page_size: int) -> List[Request]:
    """Return the requests in the module's parameters.

    :param caller: name of the user the module runs as.
    :param page_size: bytes of the kernel's page.
    :raises RequestError: for the first option that is wrong.
    """
    if params["containers"] is None:
        return [_parse_request("", params, caller, page_size)]
    flat = [key for key in ("user",) + SETTING_OPTIONS if params.get(key) is not None]
    if flat:
        raise RequestError("%s: give it in each element of containers, not beside it" % ", ".join(flat))
    return [_parse_request("containers[%d]." % index, element, caller, page_size)
            for index, element in enumerate(params["containers"])]


def _parse_request(where: str, given: Dict[str, Any], caller: str, page_size: int) -> Request:
    name = (given["name"] or "").strip()
    if not name:
        raise RequestError("%sname: it is empty; give the container's name or ID" % where)
    user = (given.get("user") or "").strip() or caller
    requested = {key: _parse_value(where, key, given[key]) for key in SETTING_OPTIONS if given.get(key) is not None}
    if not requested:
        raise RequestError("%sname: nothing is to be set on %r; give one of %s" % (where, name, ", ".join(SETTING_OPTIONS)))
    _check(where, requested, page_size)
    return Request(where, name, user, requested)


def _parse_value(where: str, key: str, value: Any) -> Optional[int]:
    if key == "oom_group":
        return bool(value)
    try:
        return parse_size(value)
    except ValueError as exc:
        raise RequestError("%s%s: %s" % (where, key, exc))


def _check(where: str, requested: Dict[str, Optional[int]], page_size: int) -> None:
    """Refuse what no container can have: the runtime refuses it only after Podman has recorded it."""
    memory, swap, reservation = (requested.get(key) for key in SETTING_OPTIONS[:3])
    for key in SETTING_OPTIONS[:3]:
        size = requested.get(key)
        if size is not None and size < page_size:
            raise RequestError("%s%s: %s is less than one page of the kernel's memory, which has %d bytes" % (
                where, key, format_size(size), page_size))
    if "memory" in requested and memory is None and swap is not None:
        raise RequestError("%smemory_swap: %s limits memory and swap together, so it needs a limit for memory, and memory is "
                           "unlimited" % (where, format_size(swap)))
    if memory is not None and swap is not None and swap < memory:
        raise RequestError("%smemory_swap: %s is less than memory, %s; it counts memory and swap together, so give at least "
                           "as much" % (where, format_size(swap), format_size(memory)))
    if memory is not None and reservation is not None and reservation > memory:
        raise RequestError("%smemory_reservation: %s is more than memory, %s; it is the part that is protected, so give at "
                           "most as much" % (where, format_size(reservation), format_size(memory)))
