# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the controller takes of results: each thing of its type, and what does not pass is told.

That it takes all of what the modules return is shown where their results are made: _memory/test_run.py, modules/test_container_drain.py,
_cgroup_v2/test_snapshot.py.
"""

import copy
import json
import os

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._door.document import DoorError
from ansible_collections.podman_fleet.memory.plugins.module_utils._door.results import (
    CGROUP_FACTS,
    DOCUMENT,
    RESULTS,
    check_result,
)

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), *[".."] * 5)
STATE = {"declared": {"limit": 1, "swap_limit": 1, "reservation": None, "oom_group": True}, "effective": None}
ENTRY = {"name": "db", "user": "root", "id": "a" * 64, "changed": True, "before": STATE, "after": STATE, "applied_live": True, "persistent": True,
         "method": "libpod_api+quadlet", "restart_required": False, "message": "set"}


def test_the_schema_is_published():
    """Written by tests/tools/facts_schema."""
    with open(os.path.join(ROOT, "docs", "results-v1.schema.json"), encoding="utf-8") as stream:
        assert json.load(stream) == json.loads(json.dumps(DOCUMENT))


def test_they_are_json_schemas():
    jsonschema = pytest.importorskip("jsonschema")
    for schema in [DOCUMENT, CGROUP_FACTS] + list(RESULTS.values()):
        jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate({"containers": [ENTRY]}, RESULTS["container_memory"])


@pytest.mark.parametrize("key", sorted(ENTRY))
@pytest.mark.parametrize("odd", [{}, [[]], 10 ** 400, float("nan"), "\x1b[2J" * 1000, -1])
def test_an_entry_with_an_odd_value_is_told(key, odd):
    value, problems = check_result("container_memory", {"containers": [dict(ENTRY, **{key: odd}), ENTRY]})
    if key in ("name", "message") and isinstance(odd, str):
        assert not problems and "\x1b" not in value["containers"][0][key] and len(value["containers"][0][key]) <= 4000
    elif key in ("before", "after"):
        assert problems.startswith("containers.0.%s" % key) and value["containers"] == [dict(ENTRY, **{key: None}), ENTRY]
    else:
        assert problems.startswith("containers.0.%s is not " % key) and value["containers"] == [ENTRY]


def test_what_is_not_described_is_dropped():
    assert check_result("container_memory", {"containers": [dict(ENTRY, more=1)], "ansible_stats": {}}) == ({"containers": [ENTRY]}, "")


@pytest.mark.parametrize("module, given, message", [
    ("container_memory", {"containers": {}}, "is not what container_memory returns: containers is not a list"),
    ("kernel_cmdline", {"reboot_required": "no"}, "is not what kernel_cmdline returns: reboot_required is not true or false"),
    ("oom_recorder", {"recorder": {"code": "x"}}, "is not what oom_recorder returns: recorder.code is not a text"),
])
def test_none_as_a_whole(module, given, message):
    with pytest.raises(DoorError) as caught:
        check_result(module, copy.deepcopy(given))
    assert message in str(caught.value)


def test_a_list_without_end_is_counted():
    value, problems = check_result("container_drain", {"notes": ["x"] * 5000})
    assert len(value["notes"]) == 100 and problems == "notes has 5000 elements, of which the first 100 are kept"
