# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remedies for the controller, pasted into a shell: nothing in them is a template, and they are for the one host that is meant."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("ansible")

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._model.container_key import ContainerKey  # noqa: E402
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules.evidence import not_checked_finding  # noqa: E402
from ansible_collections.podman_fleet.memory.plugins.plugin_utils._rules.remedy import oom_group_remedy  # noqa: E402

ID = "c" * 64
# Notes each call of it.
STAND_IN = '''#!/usr/bin/python
DOCUMENTATION = """
module: container_memory
short_description: stand-in
description: Stand-in.
options: {}
"""
import json
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule(argument_spec={"name": {}, "user": {}, "oom_group": {"type": "bool"}})
with open(%r, "a") as stream:
    stream.write(json.dumps(module.params) + "\\n")
module.exit_json()
'''
PIPE = "lookup('ansible.builtin.pipe', 'touch %s')"


@pytest.fixture
def paste(tmp_path):
    """Return a function that pastes a remedy into a shell, and gives the calls of container_memory so far."""
    memory = tmp_path / "tree" / "ansible_collections" / "podman_fleet" / "memory"
    (memory / "plugins" / "modules").mkdir(parents=True)
    (memory / "galaxy.yml").write_text("namespace: podman_fleet\nname: memory\nversion: 1.0.0\n", encoding="ascii")
    calls = tmp_path / "calls"
    calls.touch()
    (memory / "plugins" / "modules" / "container_memory.py").write_text(STAND_IN % str(calls), encoding="ascii")
    (tmp_path / "inventory.json").write_text(json.dumps({"all": {
        "vars": {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable},
        "hosts": dict.fromkeys(["web1", "web2", "we*", "~web", "web1:web2", "!web1", "{{ 7 }}"], {})}}), encoding="ascii")
    env = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    env.update(PATH="%s:%s" % (pathlib.Path(sys.executable).parent, env["PATH"]), ANSIBLE_COLLECTIONS_PATH=str(tmp_path / "tree"),
               ANSIBLE_HOME=str(tmp_path / "home"), ANSIBLE_INVENTORY=str(tmp_path / "inventory.json"), PYTHONDONTWRITEBYTECODE="1")

    def run(text):
        subprocess.run(["bash", "-c", text], cwd=str(tmp_path), env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=120, check=False)
        return [json.loads(line) for line in calls.read_text(encoding="ascii").splitlines()]

    return run


def remedy(name="web", user="root", host="web1"):
    container = {"id": ID, "name": name, "user": user, "manager": {"kind": "none", "unit": None}, "pod": None}
    return oom_group_remedy(host, container, ContainerKey("x", user, name, None), True)


def test_what_is_meant_is_called(paste):
    assert paste(remedy()) == [{"name": "web", "user": "root", "oom_group": True}]
    assert paste(remedy(user="AD\\alice"))[1:] == [{"name": "web", "user": "AD\\alice", "oom_group": True}]


def test_a_name_is_no_template(paste, tmp_path):
    mark = tmp_path / "mark"
    for template in ("{{ %s }}", "{%% if %s %%}{%% endif %%}", "{# #}{{ %s }}", "'; touch %s; '", "$(touch %s)"):
        hostile = template % (PIPE % mark if "{" in template else mark)
        calls = paste(remedy(name=hostile))
        assert calls and calls[-1] == {"name": ID, "user": "root", "oom_group": True}, "its id instead"
        assert paste(remedy(user=hostile)) == calls and paste(remedy(host=hostile)) == calls, "no command"
        assert not mark.exists()


@pytest.mark.parametrize("host", ["all", "we*", "~web", "web1:web2", "!web1", "{{ 7 }}", "-i", "@/etc/passwd"])
def test_a_host_s_name_is_no_pattern(paste, host):
    assert paste(remedy(host=host)) == []
    assert not_checked_finding(host, "failed", "x")["remedy"].startswith("# no command can be shown")
