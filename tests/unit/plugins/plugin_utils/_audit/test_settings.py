# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of the report: what is given, what is not, what is wrong."""

from __future__ import annotations

import pytest

from ansible_collections.podman_fleet.memory.plugins.plugin_utils._audit import settings as _settings


@pytest.mark.parametrize("given, expected", [
    (None, None), ("", None), ("never", None), (" Never ", None), ("high", "high"), ("CRITICAL", "critical")])
def test_fail_on(given, expected):
    assert _settings.parse_fail_on(given, "x") == expected


@pytest.mark.parametrize("given, message", [
    ("hihg", "oom_audit_fail_on: 'hihg' is none of never, critical, high, medium, low, info (did you mean high?)"),
    (True, "oom_audit_fail_on: 'True' is none of"),
    ("\x1b[31m", "oom_audit_fail_on: '\\\\x1b[31m' is none of"),
])
def test_fail_on_that_is_wrong(given, message):
    with pytest.raises(ValueError) as caught:
        _settings.parse_fail_on(given, "oom_audit_fail_on")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("given, expected", [
    (None, ()), ([], ()), ([""], ()), (["html", "csv", "html", ""], ("html", "csv")), ([" SARIF "], ("sarif",))])
def test_formats(given, expected):
    assert _settings.parse_formats(given, "x") == expected


def test_formats_that_are_wrong():
    with pytest.raises(ValueError, match=r"oom_audit_formats: 'htlm' is none of html, csv.*did you mean html\?"):
        _settings.parse_formats(["csv", "htlm"], "oom_audit_formats")


@pytest.mark.parametrize("given", [None, "", "  "])
def test_no_webhook(given):
    assert _settings.parse_webhook_url(given, "x") is None


def test_webhook():
    assert _settings.parse_webhook_url(" https://chat.example/hooks/1 ", "x") == "https://chat.example/hooks/1"


@pytest.mark.parametrize("given", ["chat.example/s3cret", "ftp://chat.example/s3cret", "https://", "http://[s3cret"])
def test_a_webhook_that_is_wrong_is_not_repeated(given):
    with pytest.raises(ValueError) as caught:
        _settings.parse_webhook_url(given, "oom_audit_webhook_url")
    assert "oom_audit_webhook_url: no address" in str(caught.value) and "s3cret" not in str(caught.value)


@pytest.mark.parametrize("given, expected", [("", None), (None, None), ("slack", "slack"), ("generic", "generic")])
def test_alert(given, expected):
    assert _settings.parse_alert(given, "x") == expected


def test_an_alert_that_is_wrong():
    with pytest.raises(ValueError, match="'teams' is none of generic, slack"):
        _settings.parse_alert("teams", "x")
