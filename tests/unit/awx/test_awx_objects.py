# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What we tell AWX: against the argument specs of awx.awx, and against our own variables and playbooks.

awx.awx itself is not needed: its argument specs are recorded by tests/tools/record_awx_specs.py.
"""

import json
import pathlib
import re

import pytest

yaml = pytest.importorskip("yaml")

ROOT = pathlib.Path(__file__).parents[3]
ROLE = ROOT / "roles" / "awx"
SPECS = json.loads((pathlib.Path(__file__).parent / "awx.awx-24.6.1.json").read_text(encoding="ascii"))
TASK_FILES = ("present.yml", "absent.yml")
SURVEYS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((ROLE / "files" / "surveys").glob("*.json"))}
PATTERNS = sorted((ROOT / "extensions" / "patterns").glob("*/meta/pattern.json"))


def load(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


TASKS = [(task["name"], key.rpartition(".")[2], value) for name in TASK_FILES for task in load(ROLE / "tasks" / name)
         for key, value in task.items() if key.startswith("awx.awx.")]


def is_template(value):
    return isinstance(value, str) and "{{" in value


# the tasks


def test_there_are_tasks_for_all_that_a_schedule_needs():
    assert {module for _name, module, _args in TASKS} == {
        "project", "inventory", "inventory_source", "execution_environment", "job_template", "schedule", "notification_template"}


@pytest.mark.parametrize("name, module, args", TASKS, ids=[each[0] for each in TASKS])
def test_arguments_are_those_of_the_module(name, module, args):
    spec = SPECS["modules"][module]
    known = set(spec) | {alias for option in spec.values() for alias in option.get("aliases", ())}
    assert set(args) <= known
    assert {option for option, about in spec.items() if about.get("required")} <= set(args)
    assert {"organization", "image"} & set(args) or args.get("state") == "absent"
    for option, value in args.items():
        about = spec[option]
        if is_template(value):
            continue
        if "choices" in about:
            assert value in about["choices"], option
        kind = about.get("type", "str")
        assert isinstance(value, {"str": str, "bool": bool, "int": int, "list": list, "dict": dict}[kind]), option


def choices_of(variable):
    return load(ROLE / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"][variable].get("choices")


def test_what_variables_may_be_is_what_the_modules_take():
    assert set(choices_of("awx_scm_type")) < set(SPECS["modules"]["project"]["scm_type"]["choices"])
    types = {each["job_type"] for each in load(ROLE / "vars" / "main.yml")["__awx_templates"].values()}
    assert types == set(SPECS["modules"]["job_template"]["job_type"]["choices"])


def test_what_can_change_hosts_begins_as_a_check():
    templates = load(ROLE / "vars" / "main.yml")["__awx_templates"]
    assert {name: each["job_type"] for name, each in templates.items()} == {
        "audit": "run", "enforce": "check", "prepare": "check"}


# surveys


def role_variables():
    """Return {variable: its argument spec} of all roles."""
    found = {}
    for path in ROOT.glob("roles/*/meta/argument_specs.yml"):
        for entry in load(path)["argument_specs"].values():
            found.update(entry["options"])
    return found


QUESTIONS = [(name, each) for name, survey in SURVEYS.items() for each in survey["spec"]]


@pytest.mark.parametrize("name, question", QUESTIONS, ids=["%s-%s" % (name, each["variable"]) for name, each in QUESTIONS])
def test_a_question_is_as_awx_wants_it(name, question):
    # awx/main/models/mixins.py and awx/api/views: what a survey's element has to have
    assert set(question) == {"question_name", "question_description", "required", "type", "variable", "choices", "default", "min", "max"}
    assert question["type"] in ("text", "multiplechoice")
    assert question["required"] is False, "nobody has to answer"
    if question["type"] == "multiplechoice":
        assert question["default"] in question["choices"], "an unanswered question has a value that the role takes"
        assert "Empty" not in question["question_description"], "AWX refuses an empty answer to it"
    else:
        assert question["min"] == 0 and question["default"] == "" and question["choices"] == [], "an empty answer has to be possible"


PLAYBOOKS = {path.stem for path in (ROOT / "playbooks").glob("*.yml")}


@pytest.mark.parametrize("name, question", QUESTIONS, ids=["%s-%s" % (name, each["variable"]) for name, each in QUESTIONS])
def test_a_question_asks_for_a_variable_of_ours(name, question):
    if name not in PLAYBOOKS:
        pytest.skip("there is no playbook %s yet" % name)
    about = role_variables()[question["variable"]]
    if question["type"] == "multiplechoice" and "choices" in about:
        assert question["choices"] == [each for each in about["choices"] if each]
    # text: what a template can take it for when it comes as text
    assert about["type"] in ("str", "path", "list", "bool", "raw")


# patterns


@pytest.mark.parametrize("path", PATTERNS, ids=[path.parts[-3] for path in PATTERNS])
def test_a_pattern_is_what_its_readers_want(path):
    """As ansible-lint's rule `pattern`, galaxy-importer's PatternsParser and the pattern service read it."""
    pattern = json.loads(path.read_text(encoding="utf-8"))
    folder = path.parents[1]
    assert pattern["schema_version"] == "1.0" and pattern["name"] == folder.name
    assert (folder / "README.md").exists()
    for key in ("title", "description", "short_description", "tags"):
        assert pattern[key]
    resources = pattern["aap_resources"]
    assert {"name", "description"} <= set(resources["controller_project"])
    assert {"name", "image_name"} <= set(resources["controller_execution_environment"])
    assert all(isinstance(label, str) for label in resources["controller_labels"])
    templates = resources["controller_job_templates"]
    assert [each for each in templates if each.get("primary")] == templates[:1]
    assert {each["playbook"] for each in templates} == {each.name for each in (folder / "playbooks").iterdir()}
    for template in templates:
        plays = load(folder / "playbooks" / template["playbook"])
        stem = template["playbook"].rpartition(".")[0]
        assert [each["ansible.builtin.import_playbook"] for each in plays] == ["podman_fleet.memory." + stem]
        assert stem in PLAYBOOKS
        assert template["survey"] == SURVEYS[stem], "one survey, told twice"
        assert template["ask_inventory_on_launch"] and template["ask_credential_on_launch"], "a pattern has neither"
        # the service posts them to the API as they are
        assert set(template) - {"primary", "survey"} <= set(SPECS["modules"]["job_template"])


@pytest.mark.parametrize("path", PATTERNS, ids=[path.parts[-3] for path in PATTERNS])
def test_a_pattern_is_of_the_schema(path):
    """What pattern-schema-1.0.0.json of ansible/pattern-service asks for."""
    pattern = json.loads(path.read_text(encoding="utf-8"))
    assert re.fullmatch(r"[a-z0-9_]{1,64}", pattern["name"]) and len(pattern["title"]) <= 64
    assert not pattern["short_description"].endswith(".") and len(set(pattern["tags"])) == len(pattern["tags"])
    resources = pattern["aap_resources"]
    assert {"name", "description", "image_name"} <= set(resources["controller_execution_environment"])
    assert resources["controller_execution_environment"]["pull"] in ("always", "missing", "never")
    for template in resources["controller_job_templates"]:
        assert {"name", "description", "playbook"} <= set(template) and len(template["name"]) <= 200
        survey = template["survey"]
        assert all(isinstance(survey[key], str) for key in ("name", "description"))
        for question in survey["spec"]:
            assert re.fullmatch(r"[a-z0-9_]{1,64}", question["variable"]) and isinstance(question["required"], bool)
            assert all(isinstance(question[key], str) for key in ("type", "question_name", "question_description", "default"))
            assert isinstance(question["choices"], list) and all(isinstance(choice, str) for choice in question["choices"])


def test_there_is_a_pattern():
    assert PATTERNS


# soft dependency


def test_modules_of_awx_are_only_in_files_that_are_included_when_it_is_there():
    users = [path.relative_to(ROOT).as_posix() for folder in ("roles", "playbooks", "extensions") for path in (ROOT / folder).rglob("*.yml")
             if re.search(r"^\s*(- )?awx\.awx\.\w+:", path.read_text(encoding="utf-8"), re.M)]
    assert sorted(users) == ["roles/awx/tasks/" + name for name in sorted(TASK_FILES)]
    included = {task["ansible.builtin.include_tasks"] for task in load(ROLE / "tasks" / "main.yml") if "ansible.builtin.include_tasks" in task}
    assert included == set(TASK_FILES), "dynamically: an import would read them at once"
