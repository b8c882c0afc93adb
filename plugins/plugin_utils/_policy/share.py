# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sizes of a policy: bytes, or a share of the host's memory, which are bytes on a host alone. Pure."""

from __future__ import annotations

import decimal
from typing import Any, NamedTuple, Union

from ...module_utils._system.sizes import format_size


class Share(NamedTuple):
    """A share of the host's memory."""

    of_host: decimal.Decimal  # above 0, up to 1


Bound = Union[int, Share, None]  # bytes, or a share; None: no bound


def bytes_of(bound: Bound, memory_total: Any) -> int | None:
    """Return the bytes of a bound on a host, None where it has none, or the host's memory is not known.

    :param memory_total: of the host's facts.
    """
    if isinstance(bound, Share):
        return int(bound.of_host * memory_total) if isinstance(memory_total, int) else None
    return bound


def is_above(one: Bound, other: Bound) -> bool:
    """Whether a bound is above another one on any host; bytes and a share can't be compared."""
    if isinstance(one, Share) and isinstance(other, Share):
        return one.of_host > other.of_host
    return isinstance(one, int) and isinstance(other, int) and one > other


def format_bound(bound: Bound) -> str:
    """Return it as a policy has it: 512m, 10%."""
    if isinstance(bound, Share):
        return "%s%%" % format((bound.of_host * 100).normalize(), "f")
    return format_size(bound)
