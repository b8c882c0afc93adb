# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Metrics in Prometheus' text format, for the textfile collector of node_exporter.

Pure but for write_textfile(). The format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

import math
import os
from typing import Iterable, List, NamedTuple, Sequence, Tuple, Union

from .host_files import replace_file_in
from .protected_paths import open_directory, remove_leftovers

Number = Union[int, float]
# The labels of one sample in the order in which they are written, and its value.
Sample = Tuple[Sequence[Tuple[str, str]], Number]


class Family(NamedTuple):
    """All samples of one metric."""

    name: str
    kind: str  # counter or gauge
    help: str
    samples: List[Sample]


def render_metrics(families: Iterable[Family]) -> str:
    """Return the text of metric families; those without samples are left out."""
    lines = []
    for family in families:
        if not family.samples:
            continue
        lines.append("# HELP %s %s" % (family.name, family.help.replace("\\", "\\\\").replace("\n", "\\n")))
        lines.append("# TYPE %s %s" % (family.name, family.kind))
        lines += ["%s%s %s" % (family.name, _format_labels(labels), _format_number(value)) for labels, value in family.samples]
    return "\n".join(lines) + "\n"


def _format_labels(labels: Sequence[Tuple[str, str]]) -> str:
    return "{%s}" % ",".join('%s="%s"' % (name, escape_label(value)) for name, value in labels) if labels else ""


def escape_label(value: str) -> str:
    """Return a label's value as it stands between the quotes: names of containers and images can have any character."""
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _format_number(value: Number) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN"
    return "%d" % value if isinstance(value, int) else repr(value)


def write_textfile(path: str, text: str) -> None:
    """Put a file in place at once, readable by all; the directory may belong to another user.

    node_exporter reads *.prom: while the file is written it has another name. Such drafts of a program that was killed
    are removed, so only one program at a time may write a file.

    :raises OSError: the old file is still there, unless only the directory could not be synced.
    """
    folder, name = os.path.split(path)
    directory = open_directory(folder)
    try:
        remove_leftovers(directory, ".%s." % name, ".new")
        replace_file_in(directory, name, text.encode("utf-8", "replace"), 0o644)
    finally:
        os.close(directory)
