# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What roles say of their variables: argument specs, defaults, README, and what the code takes."""

import pathlib

import pytest

pytest.importorskip("ansible")
yaml = pytest.importorskip("yaml")

from ansible_collections.podman_fleet.memory.plugins.action import policy_enforce  # noqa: E402
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._ansible.conclusion import SPEC  # noqa: E402

ROLES = sorted(path for path in (pathlib.Path(__file__).parents[3] / "roles").iterdir())
# Variables that are not the role's own.
SHARED = {"podman_memory_policy", "podman_memory_merge_slices", "podman_memory_merge_reports"}


def load(role, name):
    path = role / name
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


def options_of(role):
    """{variable: its argument spec} of all entry points."""
    specs = load(role, "meta/argument_specs.yml")["argument_specs"]
    return {name: option for spec in specs.values() for name, option in spec["options"].items()}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_is_complete(role):
    for name in ("README.md", "defaults/main.yml", "meta/main.yml", "meta/argument_specs.yml", "tasks/main.yml"):
        assert (role / name).exists(), name
    assert "podman_fleet.memory.%s" % role.name in (role / "README.md").read_text(encoding="utf-8"), "an example"


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_variables_begin_with_the_role_and_have_the_default_that_is_documented(role):
    options, defaults = options_of(role), load(role, "defaults/main.yml")
    assert set(options) - SHARED == set(defaults)
    assert all(name.startswith(role.name + "_") for name in defaults)
    for name, default in defaults.items():
        if not (isinstance(default, str) and "{{" in default):  # a shared variable's
            assert options[name].get("default") == default, name


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_the_readme_has_all_variables(role):
    readme = (role / "README.md").read_text(encoding="utf-8")
    assert [name for name in options_of(role) if "`%s`" % name not in readme and name not in SHARED] == []


def choices_of(role, variable):
    return next(options_of(path)[variable]["choices"] for path in ROLES if path.name == role)


@pytest.mark.parametrize("option, variable", [("fail_on", "fail_on"), ("formats", "formats"), ("alert", "webhook_format")])
def test_choices_of_the_audit_are_those_of_the_code(option, variable):
    assert choices_of("oom_audit", "oom_audit_" + variable) == SPEC[option]["choices"]


@pytest.mark.parametrize("option", ["settings", "backend", "restart"])
def test_choices_of_the_policy_are_those_of_the_code(option):
    assert choices_of("memory_policy", "memory_policy_" + option) == policy_enforce._SPEC[option]["choices"]
