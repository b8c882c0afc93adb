# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""containers.conf: the one array that is read of it, and whose word counts."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._podman import containers_conf
from ansible_collections.podman_fleet.memory.plugins.module_utils._system import host_files as _host_files
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import Identity

ROOT = Identity("root", 0, 0, "/root")
ALICE = Identity("alice", 1000, 1000, "/home/alice")
NONE = (None, False)
ON = '[containers]\ncgroup_conf = ["memory.oom.group=1"]\n'


@pytest.mark.parametrize("text, expected", [
    ("", NONE), ("[containers]\n#cgroup_conf = [\"a=1\"]\n", NONE), ("[engine]\ncgroup_conf = [\"a=1\"]\n", NONE),
    (ON, (["memory.oom.group=1"], False)),
    ("[containers]\n cgroup_conf=[ 'a=1', \"b=2\" ] # both\n[engine]\n", (["a=1", "b=2"], False)),
    ("[containers]\ncgroup_conf = [\n  \"a=1\", # the ] first\n  \"b]=2\",\n]\nenv = [\"C=3\"]\n", (["a=1", "b]=2"], False)),
    ("[containers]\ncgroup_conf = [\"a=1\", {append=true}]\n", (["a=1"], True)),
    ("[containers]\ncgroup_conf = []\n", ([], False)), ("[engine]\n[containers]\ncgroup_conf = ['a']\n", (["a"], False)),
])
def test_the_array(text, expected):
    assert containers_conf.parse_cgroup_conf(text) == expected


def lay(root, **texts):
    for path, text in texts.items():
        target = root / {"vendor": "usr/share/containers/containers.conf", "etc": "etc/containers/containers.conf",
                         "one": "etc/containers/containers.conf.d/1.conf", "two": "etc/containers/containers.conf.d/2.conf",
                         "backup": "etc/containers/containers.conf.d/3.conf.bak",
                         "own": "home/alice/.config/containers/containers.conf",
                         "own_one": "home/alice/.config/containers/containers.conf.d/1.conf"}[path]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return _host_files.Files(str(root))


def conf(*values):
    return "[containers]\ncgroup_conf = [%s]\n" % ", ".join(values)


@pytest.mark.parametrize("texts, root, alice", [
    ({}, [], []), ({"etc": ON}, ["memory.oom.group=1"], ["memory.oom.group=1"]),
    ({"own": ON}, [], ["memory.oom.group=1"]), ({"own_one": ON}, [], ["memory.oom.group=1"]),
    ({"vendor": conf('"a"'), "one": conf('"b"')}, ["b"], ["b"]),
    ({"one": ON, "two": conf('"b"')}, ["b"], ["b"]), ({"one": ON, "two": conf('"b"', "{append=true}")},
                                                      ["memory.oom.group=1", "b"], ["memory.oom.group=1", "b"]),
    ({"backup": ON}, [], []), ({"two": conf('"b"'), "own_one": conf('"c"')}, ["b"], ["c"]),
])
def test_the_last_file_that_has_it_counts(tmp_path, texts, root, alice):
    files = lay(tmp_path, **texts)
    assert containers_conf.default_cgroup_conf(ROOT, files)[0] == root
    assert containers_conf.default_cgroup_conf(ALICE, files)[0] == alice


def test_whose_word_it_is_and_what_is_left_out(tmp_path):
    files = lay(tmp_path, one=ON, two=conf('"b"', "{append=true}"))
    drop_in = containers_conf.drop_in_directory(ROOT)
    assert drop_in == "/etc/containers/containers.conf.d"
    assert containers_conf.default_cgroup_conf(ROOT, files)[1] == [drop_in + "/1.conf", drop_in + "/2.conf"]
    assert containers_conf.default_cgroup_conf(ROOT, files, without=[drop_in + "/1.conf"]) == (["b"], [drop_in + "/2.conf"])
    assert containers_conf.drop_in_directory(ALICE) == "/home/alice/.config/containers/containers.conf.d"
