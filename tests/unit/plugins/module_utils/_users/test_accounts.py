# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which uids are users of their own."""

import os

from ansible_collections.podman_fleet.memory.plugins.module_utils._users import accounts


def test_who_has_a_name_or_a_slice(tmp_path, monkeypatch):
    """The latter: the directory service is down, and the user's containers run."""
    (tmp_path / "user-987654.slice").mkdir()
    monkeypatch.setattr(accounts.pwd, "getpwuid", lambda uid: {1000: "alice"}[uid])
    known = accounts.Accounts(str(tmp_path))
    assert [known.is_user(uid) for uid in (1000, 987654, 100001)] == [True, True, False]


def test_a_directory_service_is_asked_once_for_each_and_not_without_end(tmp_path, monkeypatch):
    asked = []

    def look_up(uid):
        asked.append(uid)
        if uid != 1001:
            raise KeyError(uid)

    monkeypatch.setattr(accounts.pwd, "getpwuid", look_up)
    known = accounts.Accounts(os.path.join(str(tmp_path), "gone"))
    for uid in list(range(100000, 102000)) * 2:
        assert not known.is_user(uid)
    assert asked == list(range(100000, 101000))
    assert known.is_user(1001)  # whom they can't hide
