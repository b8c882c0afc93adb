# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""containers.conf: the one array that is read of it, and whose word counts."""

import pytest

from ansible_collections.podman_fleet.memory.plugins.module_utils._podman import containers_conf
from ansible_collections.podman_fleet.memory.plugins.module_utils._podman.containers_conf import CgroupConf, ConfigError
from ansible_collections.podman_fleet.memory.plugins.module_utils._system import host_files as _host_files
from ansible_collections.podman_fleet.memory.plugins.module_utils._system.command import Identity

ROOT = Identity("root", 0, 0, "/root")
ALICE = Identity("alice", 1000, 1000, "/home/alice")
GROUP = CgroupConf(["memory.oom.group=1"], None)
ON = '[containers]\ncgroup_conf = ["memory.oom.group=1"]\n'


@pytest.mark.parametrize("text, expected", [
    ("", None), ("[containers]\n#cgroup_conf = [\"a=1\"]\n", None), ("[engine]\ncgroup_conf = [\"a=1\"]\n", None),
    (ON, GROUP),
    ("[containers]\n cgroup_conf=[ 'a=1', \"b=2\" ] # both\n[engine]\n", CgroupConf(["a=1", "b=2"], None)),
    ("[containers]\ncgroup_conf = [\n  \"a=1\", # the ] first\n  \"b]=2\",\n]\nenv = [\"C=3\"]\n", CgroupConf(["a=1", "b]=2"], None)),
    ("[containers]\ncgroup_conf = [\"a=1\", {append=true}]\n", CgroupConf(["a=1"], True)),
    ("[containers]\ncgroup_conf = [{append = false}, \"a=1\"]\n", CgroupConf(["a=1"], False)),
    ("[containers]\ncgroup_conf = []\n", CgroupConf([], None)), ("[engine]\n[containers]\ncgroup_conf = ['a']\n", CgroupConf(["a"], None)),
    # a commented element does not count
    ("[containers]\ncgroup_conf = [\n#  \"memory.oom.group=1\",\n]\n", CgroupConf([], None)),
    ("[containers]\ncgroup_conf = [ # \"x=1\"\n  \"a=1\" # , \"memory.oom.group=1\"\n  , # ]\n ]\n", CgroupConf(["a=1"], None)),
    # other ways to write the same (the first was read so by Podman 5.4 on debian13)
    ('containers.cgroup_conf = ["memory.oom.group=1"]\n', GROUP), ('containers = {cgroup_conf = ["memory.oom.group=1"]}\n', GROUP),
    ('["containers"]\n"cgroup_conf" = ["memory.oom.group=1"]\n', GROUP), ("[ containers ] # x\n'cgroup_conf'=['memory.oom.group=1']", GROUP),
    ('[containers]\ncgroup_conf = [\n"""memory.oom.\\\n   group=1""", \'\'\'b=#1\'\'\']\n', CgroupConf(["memory.oom.group=1", "b=#1"], None)),
    ('[containers]\ncgroup_conf = ["memory\\u002eoom.group=1"]\n', GROUP), (ON.replace("\n", "\r\n"), GROUP),
    # looks like it, within a text
    ('[containers]\nenv = ["""\n[containers]\ncgroup_conf = ["a=1"]\n"""]\n', None),
])
def test_the_array(text, expected):
    assert containers_conf.parse_cgroup_conf(text) == expected


@pytest.mark.parametrize("text", [
    "[containers]\ncgroup_conf = [\"a=1\"\n", "[containers]\ncgroup_conf = \"a=1\"\n", "[containers]\ncgroup_conf = [1]\n", "[containers\n",
    "[containers]\ncgroup_conf = [\"a=1\", {apend=true}]\n", "[containers]\ncgroup_conf = [\"a=1\", {append=1}]\n", "containers = 1\n[containers]\n",
    "[containers]\ncgroup_conf = ['a']\ncgroup_conf = ['b']\n", "[[containers]]\ncgroup_conf = []\n", "[containers]\ncgroup_conf = [[\"a=1\"]]\n",
    "containers = true\n",
])
def test_what_is_not_understood_is_unknown(tmp_path, text):
    with pytest.raises(ConfigError):
        containers_conf.parse_cgroup_conf(text)
    files = lay(tmp_path, one=text)
    with pytest.raises(ConfigError, match="^/etc/containers/containers.conf.d/1.conf: "):
        containers_conf.default_oom_group(ALICE, files)


@pytest.mark.parametrize("values, expected", [
    (["memory.oom.group=1"], True), (["memory.oom.group = 1"], False), (["memory.oom.group=0"], False), ([], False), (["x"], False),
    (["memory.oom.group=1", "memory.oom.group=0"], False), (["memory.oom.group=0", "memory.oom.group=1"], True),
])
def test_the_last_value_of_a_name_counts(tmp_path, values, expected):
    files = lay(tmp_path, one=conf(*['"%s"' % value for value in values]))
    assert containers_conf.default_oom_group(ROOT, files) is expected


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
    # seen with Podman 5.4 on debian13: it goes on, until one says false
    ({"vendor": conf('"a"', "{append=true}"), "one": conf('"b"'), "own": conf('"c"')}, ["a", "b"], ["a", "b", "c"]),
    ({"vendor": conf('"a"', "{append=true}"), "one": conf('"b"'), "own": conf('"c"', "{append=false}")}, ["a", "b"], ["c"]),
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
