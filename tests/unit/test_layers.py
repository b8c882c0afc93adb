# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which room may import which, and how large rooms, files and functions get: a new import across rooms is a decision."""

import ast
import os
import re
import sys

import pytest
from docs_pages import read_page, tables

PLUGINS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "plugins")
BASES = ("module_utils", "plugin_utils")
ALLOWED = {
    # on managed hosts
    "module_utils/_system": (),
    "module_utils/_door": ("_system",),
    "module_utils/_users": ("_system", "_door"),
    "module_utils/_cgroup": ("_system",),
    "module_utils/_podman": ("_system", "_door"),
    "module_utils/_boot": ("_system",),
    "module_utils/_logs": ("_system", "_cgroup"),
    "module_utils/_cgroup_v2": ("_system", "_boot"),
    "module_utils/_recorder": ("_system", "_users", "_door", "_cgroup", "_logs"),
    "module_utils/_memory": ("_system", "_users", "_door", "_cgroup", "_podman"),
    "module_utils/_oom": ("_system", "_users", "_door", "_cgroup", "_podman", "_logs", "_recorder"),
    "module_utils/_drain": ("_system", "_users", "_door", "_podman"),
    "module_utils/_defaults": ("_system", "_users", "_door", "_podman", "_cgroup_v2"),
    # on the controller
    "plugin_utils/_text": (),
    "plugin_utils/_version": (),
    "plugin_utils/_terminal": ("_text",),
    "plugin_utils/_model": ("_text",),
    "plugin_utils/_policy": ("_text", "_model", "module_utils/_system", "module_utils/_door"),
    "plugin_utils/_rules": ("_text", "_model", "_policy", "module_utils/_system", "module_utils/_door"),
    "plugin_utils/_report": ("_model",),
    "plugin_utils/_formats": ("_text", "_terminal", "_model", "_report", "module_utils/_system"),
    "plugin_utils/_rightsize": ("_text", "_model", "_report", "_formats"),
    "plugin_utils/_audit": ("_text", "_model", "_policy", "_rules", "_report", "_formats"),
    "plugin_utils/_enforce": ("_text", "_terminal", "_model", "_policy", "_rules", "module_utils/_system"),
    "plugin_utils/_cgroup_v2": ("_text", "_model", "_policy", "_rules"),
    "plugin_utils/_ansible": ("_text", "_terminal", "_policy", "_report", "_formats", "_audit", "module_utils/_door", "module_utils/_system"),
}
USES_ANSIBLE = ("plugin_utils/_ansible",)
MAX_FILES = 14  # in a room
FILES = sorted(os.path.relpath(os.path.join(folder, name), PLUGINS) for base in BASES
               for folder, _folders, names in os.walk(os.path.join(PLUGINS, base)) for name in names if name.endswith(".py"))


def parsed(path):
    with open(os.path.join(PLUGINS, path), encoding="utf-8") as stream:
        return ast.parse(stream.read())


def room(parts):
    """`plugin_utils/_rules` of ["plugin_utils", "_rules", "kills"]."""
    return "/".join(parts[:2])


def imports(path):
    """Yield what a file imports: for our own files their parts below plugins/, else the dotted name."""
    here = path[:-len(".py")].split(os.sep)
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module
        elif isinstance(node, ast.ImportFrom):
            package = here[:-node.level] + (node.module.split(".") if node.module else [])
            for alias in node.names:
                target = package + [alias.name]
                yield target if os.path.exists(os.path.join(PLUGINS, *target) + ".py") else package


def files_imported(path):
    """The files of ours that a file imports, as paths below plugins/."""
    return {os.path.join(*name) + ".py" for name in imports(path) if isinstance(name, list)}


@pytest.mark.parametrize("path", FILES)
def test_a_file_imports_only_what_its_room_may(path):
    here = room(path[:-len(".py")].split(os.sep))
    base = here.partition("/")[0]
    allowed = {here} | {each if "/" in each else base + "/" + each for each in ALLOWED[here]}
    for name in imports(path):
        if isinstance(name, list):
            assert room(name) in allowed, "%s may not import %s" % (here, "/".join(name))
        else:
            assert not name.startswith("ansible_collections."), "imports of our own files are relative: %s" % name
            assert name.partition(".")[0] != "ansible" or here in USES_ANSIBLE, "%s may not import Ansible" % here


def test_each_rule_is_about_a_room_that_is_there():
    assert set(ALLOWED) == {room(path[:-len(".py")].split(os.sep)) for path in FILES}


def test_the_page_on_the_architecture_says_the_same():
    rooms = {}
    for base, rows in zip(BASES, tables(read_page("architecture"))):
        for name, _knows, names in rows[1:]:
            rooms[base + "/" + name.strip("`")] = set(re.findall(r"\w+", names))
    assert rooms == {here: {each.rpartition("/")[2] for each in allowed} for here, allowed in ALLOWED.items()}


def test_the_files_and_functions_that_it_names_are_there():
    text = read_page("architecture")
    paths = set(re.findall(r"``([a-z_0-9]+/[a-z_0-9/]+\.py)``", text)) - {"tests/unit/test_layers.py"}
    assert len(paths) > 20 and all(os.path.isfile(os.path.join(PLUGINS, path)) for path in paths)
    names = {node.name for path in FILES for node in ast.walk(parsed(path)) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    assert set(re.findall(r"``(\w+)\(\)``", text)) | set(re.findall(r"``([A-Z]\w+)``", text)) <= names


def test_no_file_imports_itself_by_a_detour():
    graph = {path: files_imported(path) for path in FILES}
    done, active = set(), []

    def visit(path):
        assert path not in active, "a cycle: %s" % " -> ".join(active[active.index(path):] + [path])
        if path not in done:
            active.append(path)
            for target in sorted(graph[path]):
                visit(target)
            active.pop()
            done.add(path)

    for path in FILES:
        visit(path)
    assert done == set(FILES)


@pytest.mark.parametrize("folder", sorted({os.path.dirname(path) for path in FILES} - set(BASES)))
def test_a_room_can_be_looked_over(folder):
    assert len([path for path in FILES if os.path.dirname(path) == folder]) <= MAX_FILES


@pytest.mark.skipif(sys.version_info < (3, 8), reason="needs ast's end_lineno")
@pytest.mark.parametrize("path", FILES)
def test_a_function_fits_on_a_screen(path):
    for node in ast.walk(parsed(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno - node.lineno < 50, "%s: %s()" % (path, node.name)
