# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a job hands to the next one of a workflow: AWX makes extra variables of it, which beat all others."""

import json
import pathlib
import re

import pytest

pytest.importorskip("ansible")
yaml = pytest.importorskip("yaml")

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._ansible import conclusion  # noqa: E402
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit.audit import Outcome  # noqa: E402
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._enforce.summary import EnforcementSummary  # noqa: E402
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._report.tally import Tally  # noqa: E402

ROOT = pathlib.Path(__file__).parents[3]
PREFIXES = ("podman_memory", "awx", *(path.name for path in (ROOT / "roles").iterdir()))
NAME = re.compile(r"\b_*(?:%s)_\w+" % "|".join(PREFIXES))
# What AWX itself gives to each job (awx/main/models/jobs.py, unified_jobs.py and workflow.py, get_*_meta_vars).
OF_AWX = re.compile(r"(awx|tower)_(job|user|inventory|project|schedule|workflow|webhook|parent_job|execution_node)(_|$)")


def outputs():
    """{playbook: names of what it hands on}; merge does as audit."""
    result = {}
    conclusion.set_counts(result, Outcome(Tally(), "2026-11-24T03:00:00Z", "/r/report.json", True, None, [], {}))
    return {"audit": set(result["ansible_stats"]["data"]), "enforce": set(EnforcementSummary().stats(check_mode=False))}


def inputs():
    """{name: file} of all variables that playbooks, roles and surveys read, set or ask for."""
    files = [path for folder in ("defaults", "vars", "tasks", "handlers", "templates", "meta", "files")
             for path in (ROOT / "roles").glob("*/%s/**/*" % folder) if path.is_file()]
    files += (ROOT / "playbooks").glob("*.yml")
    names = {}
    for path in files:
        # names of roles, modules and playbooks come after a dot
        for match in re.finditer(r"(?<![\w.])" + NAME.pattern, path.read_text(encoding="utf-8")):
            names.setdefault(match.group(), path.relative_to(ROOT).as_posix())
    return names


def test_the_names_are_found():
    assert {"podman_memory_hosts", "podman_memory_policy", "podman_memory_report", "podman_memory_merge_slices",
            "oom_audit_reports", "cgroup_v2_reboot_ok", "audit_schedule_name", "awx_name", "oom_recorder_state"} <= set(inputs())


@pytest.mark.parametrize("playbook", ["audit", "enforce"])
def test_no_output_has_the_name_of_an_input(playbook):
    names = outputs()[playbook]
    assert names and all(name.startswith("podman_memory_%s_" % playbook) for name in names)
    assert {name: path for name, path in inputs().items() if name in names} == {}


def test_no_output_of_one_is_that_of_another():
    assert not outputs()["audit"] & outputs()["enforce"]


def test_variables_of_the_role_awx_are_not_those_that_awx_gives_to_jobs():
    names = set(yaml.safe_load((ROOT / "roles" / "awx" / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))[
        "argument_specs"]["main"]["options"])
    assert "awx_name" in names and [name for name in sorted(names) if OF_AWX.match(name)] == []
    assert [name for name in inputs() if OF_AWX.match(name)] == []


def test_no_survey_asks_for_an_output():
    asked = {question["variable"] for path in (ROOT / "roles" / "awx" / "files" / "surveys").glob("*.json")
             for question in json.loads(path.read_text(encoding="utf-8"))["spec"]}
    assert asked and not asked & set.union(*outputs().values())
