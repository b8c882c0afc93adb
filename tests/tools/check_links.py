# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""check_links.py [ROOT]: check that each relative link, anchor and label of the documentation leads somewhere.

Reads *.md, *.rst, and R(text, label) in plugins and argument specs. Links to other sites are not followed. The names of
plugins and options are checked by antsibull-docs.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Iterator
from urllib.parse import unquote

OURS = "ansible_collections.podman_fleet.memory."
# labels that antsibull-docs makes: ..._module, ..._role and so on
OF_PLUGIN = re.compile(re.escape(OURS) + r"(\w+)_(module|filter|role)")
PLUGIN_FILES = {"module": "plugins/modules/%s.py", "filter": "plugins/filter/%s.py", "role": "roles/%s/meta/argument_specs.yml"}
WITH_DOCUMENTATION = ("plugins/*/*.py", "roles/*/meta/argument_specs.yml")

MARKDOWN_CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.MULTILINE | re.DOTALL)
MARKDOWN_LINK = re.compile(r"\[[^\]\[]*\]\(\s*<?([^)>\s]+)[^)]*\)|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
MARKDOWN_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
RST_CODE = re.compile(r"``[^\n]*?``")
RST_LINK = re.compile(r"`[^`<]*<([^`>]+)>`__?")
RST_LABEL = re.compile(r"^\.\. _([^:\s]+):\s*$", re.MULTILINE)
RST_REF = re.compile(r":ref:`(?:[^`<]*<([^`>]+)>|([^`<]+))`")
PLUGIN_REF = re.compile(r"\bR\((?:[^,\\)]|\\.)+,\s*([^)\s]+)\)")


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2]).resolve()
    problems = list(find_problems(root))
    print("\n".join(problems) or "all links lead somewhere")
    return 1 if problems else 0


def find_problems(root: Path) -> Iterator[str]:
    """Yield "file:line: link: what is wrong with it"."""
    labels = {label for path in files(root, "*.rst") for label in RST_LABEL.findall(path.read_text(encoding="utf-8"))}
    for path, line, link in links(root, files(root, "*.md"), MARKDOWN_LINK, MARKDOWN_CODE):
        yield from described(path, line, link, check_link(root, root / path, link))
    for path, line, link in links(root, files(root, "*.rst"), RST_LINK, RST_CODE):
        yield from described(path, line, link, None if is_external(link) else "pages refer to each other by :ref:")
    for path, line, label in links(root, files(root, "*.rst"), RST_REF, RST_CODE):
        yield from described(path, line, label, check_label(root, labels, label))
    documented = [path for pattern in WITH_DOCUMENTATION for path in sorted(root.glob(pattern))]
    for path, line, label in links(root, documented, PLUGIN_REF):
        yield from described(path, line, label, check_label(root, labels, label))


def links(root: Path, paths: list[Path], link: re.Pattern[str], code: re.Pattern[str] | None = None) -> Iterator[tuple[Path, int, str]]:
    """Yield (file below the root, line, target) of what matches outside of code."""
    for path in paths:
        text = path.read_text(encoding="utf-8")
        text = without(code, text) if code else text
        for match in link.finditer(text):
            yield path.relative_to(root), text.count("\n", 0, match.start()) + 1, match.group(match.lastindex or 0)


def described(path: Path, line: int, link: str, problem: str | None) -> Iterator[str]:
    if problem:
        yield "%s:%d: %s: %s" % (path, line, link, problem)


def files(root: Path, pattern: str) -> list[Path]:
    """Return the files of the tree but those in hidden directories and reports."""
    return sorted(path for path in root.rglob(pattern)
                  if not any(part.startswith(".") or part == "reports" for part in path.relative_to(root).parts))


def without(code: re.Pattern[str], text: str) -> str:
    """Blank out code; lines keep their numbers."""
    return code.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)


def is_external(link: str) -> bool:
    return bool(re.match(r"[a-z][a-z0-9+.-]*:", link))


def check_link(root: Path, path: Path, link: str) -> str | None:
    """Return what is wrong with a link of a Markdown file."""
    if is_external(link):
        return None
    name, _hash, anchor = unquote(link).partition("#")
    target = (path.parent / name).resolve() if name else path
    if not target.exists():
        return "no such file"
    if root not in target.parents:
        return "outside of the repository"
    if anchor and target.suffix == ".md" and anchor not in anchors(target.read_text(encoding="utf-8")):
        return "no such heading"
    return None


def anchors(markdown: str) -> set[str]:
    """Return the anchors that GitHub, GitLab and Forgejo make of headings."""
    found: dict[str, int] = {}
    fences = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
    for heading in MARKDOWN_HEADING.findall(without(fences, markdown)):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
    return {slug if not number else "%s-%d" % (slug, number) for slug, most in found.items() for number in range(most + 1)}


def check_label(root: Path, labels: set[str], label: str) -> str | None:
    """Return what is wrong with a label; labels of other collections and of Ansible's own pages are not known here."""
    plugin = OF_PLUGIN.fullmatch(label)
    if label in labels or not label.startswith(OURS):
        return None
    if plugin and (root / (PLUGIN_FILES[plugin.group(2)] % plugin.group(1))).exists():
        return None
    return "no such label"


if __name__ == "__main__":
    sys.exit(main())
