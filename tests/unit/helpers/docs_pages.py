# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages of docs/docsite/rst: their tables and code blocks."""

import csv
import os
import re
import textwrap

PAGES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "docs", "docsite", "rst")


def read_page(name):
    with open(os.path.join(PAGES, name + ".rst"), encoding="utf-8") as stream:
        return stream.read()


def code_blocks(text, language):
    """Return the text of each code block of that language."""
    blocks = re.findall(r"^\.\. code-block:: %s\n\n((?:    .*\n|\n)+)" % language, text, re.MULTILINE)
    return [textwrap.dedent(block).strip("\n") + "\n" for block in blocks]


def tables(text):
    """Return all tables, each a list of rows, each a list of cells; the first row is the header."""
    blocks = re.findall(r"^\.\. (list-table|csv-table)::.*\n((?:   .*\n|\n)+)", text, re.MULTILINE)
    return [_list_rows(body) if kind == "list-table" else _csv_rows(body) for kind, body in blocks]


def table(text, *header):
    """Return the rows below this header, of all tables that have it."""
    return [row for rows in tables(text) if tuple(rows[0]) == header for row in rows[1:]]


def _list_rows(body):
    rows = []
    for line in body.splitlines():
        match = re.match(r"   (\* -|  -)(?: (.*))?$", line)
        if match:
            if match.group(1) == "* -":
                rows.append([])
            rows[-1].append(match.group(2) or "")
    return rows


def _csv_rows(body):
    header, rest = re.match(r"   :header: (.*)\n\n((?:.*\n)*)", body).groups()
    return [row for row in csv.reader([header] + textwrap.dedent(rest).splitlines(), skipinitialspace=True) if row]
