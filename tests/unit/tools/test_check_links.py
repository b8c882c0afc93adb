# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check of links that `make lint` runs."""

from __future__ import annotations

import importlib.util
import pathlib

import pytest

TOOL = pathlib.Path(__file__).parents[2] / "tools" / "check_links.py"
SPEC = importlib.util.spec_from_file_location("check_links", TOOL)
check_links = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(check_links)

LABEL = "ansible_collections.podman_fleet.memory.docsite.policy"
RST = ".. _%s:\n\nPolicy\n======\n\n" % LABEL
README = """# Name

## What it `needs`, and [why](a.md)

## Twice

## Twice

```text
[not a link](nowhere.md)
# not a heading
```
"""


@pytest.fixture
def tree(tmp_path):
    """Return a function that writes the files of a tree and gives its problems."""
    def check(**files):
        (tmp_path / "a.md").write_text("", encoding="utf-8")
        (tmp_path / "README.md").write_text(README, encoding="utf-8")
        (tmp_path / "policy.rst").write_text(RST, encoding="utf-8")
        (tmp_path / "plugins" / "modules").mkdir(parents=True)
        (tmp_path / "plugins" / "modules" / "oom_facts.py").write_text(files.pop("module", ""), encoding="utf-8")
        for name, text in files.items():
            (tmp_path / name.replace("__", ".")).write_text(text, encoding="utf-8")
        return list(check_links.find_problems(tmp_path.resolve()))
    return check


@pytest.mark.parametrize("link", [
    "README.md", "README.md#twice", "README.md#twice-1", "README.md#what-it-needs-and-why", "#here", "plugins",
    "https://example.com/nowhere#x", "mailto:a@example.com", "<README.md>", 'README.md "with a title"',
])
def test_links_that_lead_somewhere(tree, link):
    assert tree(page__md="# Here\n\n[x](%s)\n" % link) == []


@pytest.mark.parametrize("link, problem", [
    ("READ.md", "no such file"),
    ("README.md#thrice", "no such heading"),
    ("README.md#twice-2", "no such heading"),
    ("README.md#not-a-heading", "no such heading"),
    ("#there", "no such heading"),
    ("../../outside", "no such file"),
    ("../", "outside of the repository"),
])
def test_links_that_do_not(tree, link, problem):
    assert tree(page__md="# Here\n\n[x](%s)\n" % link) == ["page.md:3: %s: %s" % (link, problem)]


def test_a_reference_at_the_end_of_a_file(tree):
    assert tree(page__md="[x][y]\n\n[y]: nowhere.md\n") == ["page.md:3: nowhere.md: no such file"]


def test_code_has_no_links(tree):
    assert tree(page__md="`[x](nowhere.md)`\n\n~~~\n[x](nowhere.md)\n~~~\n", page__rst="``:ref:`nothing``\n") == []


@pytest.mark.parametrize("text, problems", [
    (":ref:`%s`" % LABEL, []),
    (":ref:`the policy <%s>`" % LABEL, []),
    (":ref:`x <ansible_collections.podman_fleet.memory.oom_facts_module>`", []),
    (":ref:`x <ansible_collections.podman_fleet.memory.none_module>`", ["no such label"]),
    (":ref:`x <%s_of_another_name>`" % LABEL, ["no such label"]),
    (":ref:`Ansible's <playbooks_vars>`", []),
    ("`x <https://example.com>`__", []),
    ("`x <policy.md>`__", ["pages refer to each other by :ref:"]),
])
def test_pages_of_the_docsite(tree, text, problems):
    assert [problem.rpartition(": ")[2] if "pages" not in problem else problem.split(": ", 2)[2] for problem in tree(page__rst=text)] == problems


def test_labels_in_the_documentation_of_plugins(tree):
    text = "description:\n  - See R(the policy\\, all of it, %s).\n  - See R(that, %s.none).\n" % (LABEL, LABEL)
    assert tree(module=text) == ["plugins/modules/oom_facts.py:3: %s.none: no such label" % LABEL]
