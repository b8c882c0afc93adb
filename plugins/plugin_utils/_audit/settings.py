# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""The settings of a report, read and checked: formats, when to fail, alerts.

Pure. A bad one is refused before any host is asked; "" means not given, since surveys deliver that.
"""

from __future__ import annotations

import difflib
from typing import Any, Iterable
from urllib.parse import urlsplit

from .._formats.render import FORMATS
from .._model.finding import SEVERITIES
from .._text import printable
from .alert import KINDS

NEVER = "never"


def parse_fail_on(given: Any, name: str) -> str | None:
    """Return the severity from which on findings fail the play, None for never.

    :param name: how the error calls the setting.
    :raises ValueError: for what is no severity.
    """
    value = _one_of(given, (NEVER, *SEVERITIES), name)
    return None if value == NEVER else value


def parse_formats(given: Iterable[Any] | None, name: str) -> tuple[str, ...]:
    """Return the formats that are wanted beside report.json, each once.

    :raises ValueError: for one that there is not.
    """
    wanted = [_one_of(each, tuple(FORMATS), name) for each in given or ()]
    return tuple(dict.fromkeys(each for each in wanted if each))


def parse_alert(given: Any, name: str) -> str | None:
    """Return the kind of body that an alert has.

    :raises ValueError: for one that there is not.
    """
    return _one_of(given, KINDS, name)


def parse_webhook_url(given: Any, name: str) -> str | None:
    """Return the address alerts go to, None when there is none.

    :raises ValueError: when it is no web address; it does not repeat the address, which is a secret.
    """
    text = str(given or "").strip()
    if not text:
        return None
    try:
        parts = urlsplit(text)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_one = False
    if not is_one:
        raise ValueError("%s: no address such as https://chat.example/hooks/…" % name)
    return text


def _one_of(given: Any, known: tuple[str, ...], name: str) -> str | None:
    text = "" if given is None else str(given).strip().lower()
    if not text:
        return None
    if text not in known:
        near = difflib.get_close_matches(text, known, 1)
        raise ValueError("%s: %s is none of %s%s" % (
            name, repr(printable(given, 60)), ", ".join(known), " (did you mean %s?)" % near[0] if near else ""))
    return text
