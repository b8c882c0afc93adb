# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs on the controller is documented by a stub and fragments: their options are those of the action.

For modules ansible-test checks it, for action plugins nothing does. And of a module's answer its action lets through what is documented.
"""

import importlib
import os

import pytest

pytest.importorskip("ansible")
yaml = pytest.importorskip("yaml")

from ansible_collections.podman_fleet.memory.plugins.module_utils._door.results import CGROUP_FACTS, RESULTS  # noqa: E402
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._ansible.host_task import FACTS_SPEC  # noqa: E402

PLUGINS = "ansible_collections.podman_fleet.memory.plugins."
SPECS = {name: importlib.import_module("%saction.%s" % (PLUGINS, name))._SPEC for name in (
    "audit_report", "policy_enforce", "policy_explain", "report_compare", "report_merge", "report_render", "rightsize", "settings_check")}
SPECS["audit_collect"] = {**FACTS_SPEC, "prefix": {"type": "str"}}


def documented(name):
    """The options of a stub and of its fragments."""
    text = yaml.safe_load(importlib.import_module(PLUGINS + "modules." + name).DOCUMENTATION)
    options = dict(text.get("options") or {})
    for fragment in text["extends_documentation_fragment"]:
        file, _dot, part = fragment.replace("podman_fleet.memory.", "").partition(".")
        found = importlib.import_module(PLUGINS + "doc_fragments." + file).ModuleDocFragment
        options.update(yaml.safe_load(getattr(found, (part or "documentation").upper())).get("options") or {})
    return options


@pytest.mark.parametrize("name", SPECS)
def test_options(name):
    options = documented(name)
    assert set(options) == set(SPECS[name])
    for option, spec in SPECS[name].items():
        about = options[option]
        assert about.get("type", "str") == spec.get("type", "str"), option
        assert about.get("elements") == spec.get("elements"), option
        assert about.get("choices") == spec.get("choices"), option
        assert about.get("required", False) == spec.get("required", False), option
        if "default" in spec:
            assert about.get("default") == spec["default"], option


def on_hosts():
    """The modules that run on hosts: those of the action group."""
    with open(os.path.join(os.path.dirname(__file__), *[".."] * 4, "meta", "runtime.yml"), encoding="ascii") as stream:
        return yaml.safe_load(stream)["action_groups"]["memory"]


@pytest.mark.parametrize("name", on_hosts())
def test_what_a_module_returns_passes_and_nothing_else(name):
    returned = yaml.safe_load(importlib.import_module(PLUGINS + "modules." + name).RETURN)
    facts = returned.pop("ansible_facts", {"contains": {}})["contains"]
    action = importlib.import_module(PLUGINS + "action." + name).ActionModule
    assert action.MODULE == name and (sorted(RESULTS[name]["properties"]), sorted(action.FACTS)) == (sorted(returned), sorted(facts))


def assert_same_keys(about, schema, path):
    """What a schema has is what is documented, as far down as it is."""
    while schema["type"] in ("array", ["array", "null"]):
        schema = schema["items"]
    assert sorted(about["contains"]) == sorted(schema["properties"]), path
    for key, below in about["contains"].items():
        if "contains" in below:
            assert_same_keys(below, schema["properties"][key], path + [key])


@pytest.mark.parametrize("name", on_hosts())
def test_each_key_of_it_is_described_for_the_door(name):
    returned = yaml.safe_load(importlib.import_module(PLUGINS + "modules." + name).RETURN)
    facts = returned.pop("ansible_facts", {"contains": {}})["contains"]
    for key, about in returned.items():
        if "contains" in about:
            assert_same_keys(about, RESULTS[name]["properties"][key], [name, key])
    if "podman_cgroup" in facts:
        assert_same_keys(facts["podman_cgroup"], CGROUP_FACTS, [name])
