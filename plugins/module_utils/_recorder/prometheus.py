# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.
"""Metrics in Prometheus' text format, for the textfile collector of node_exporter.

Pure but for write(). The format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

import math

from .._system.host_files import replace_file

# name, kind: counter or gauge; help: one line; samples: [(labels, value)], labels a list of pairs.
_ESCAPES = (("\\", "\\\\"), ("\n", "\\n"), ('"', '\\"'))


def render(families):
    """Return the text of [(name, kind, help, samples)]; families without samples are left out."""
    lines = []
    for name, kind, words, samples in families:
        if not samples:
            continue
        lines.append("# HELP %s %s" % (name, words.replace("\\", "\\\\").replace("\n", "\\n")))
        lines.append("# TYPE %s %s" % (name, kind))
        lines += ["%s%s %s" % (name, _labels(labels), _number(value)) for labels, value in samples]
    return "\n".join(lines) + "\n"


def _labels(labels):
    if not labels:
        return ""
    return "{%s}" % ",".join('%s="%s"' % (name, escape(value)) for name, value in labels)


def escape(value):
    """Return a label's value as it stands between the quotes: names of containers and images are anybody's text."""
    for char, escaped in _ESCAPES:
        value = value.replace(char, escaped)
    return value


def _number(value):
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN"
    return "%d" % value if isinstance(value, (int, bool)) else repr(value)


def write(path, text):
    """Put a file in place at once, readable for everybody; the directory may belong to somebody else."""
    replace_file(path, text.encode("utf-8", "replace"), 0o644)
