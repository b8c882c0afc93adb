# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""oom_facts is read only: what is there before is there afterwards, and nothing more."""

from __future__ import annotations

import pytest

# Sorted lines of everything that could have changed. Podman itself is run once before, so that
# what it makes for itself at any call (locks, boot id, events) is there the first time too.
SNAPSHOT = r"""
cat >/tmp/nothing-changed.sh <<'EOF'
cd /
podman info >/dev/null
podman container inspect --format "$(id -un) {{.ID}} {{.State.Status}} {{.State.Pid}} {{.State.StartedAt}} \
{{.State.FinishedAt}} {{.RestartCount}} {{.HostConfig.Memory}}" $(podman ps -aq)
EOF
sh /tmp/nothing-changed.sh
XDG_RUNTIME_DIR=/run/user/1000 HOME=/home/alice runuser -u alice -- sh /tmp/nothing-changed.sh
find /sys/fs/cgroup -path '*libpod*' \( -name memory.max -o -name memory.high -o -name memory.swap.max \
    -o -name memory.oom.group -o -name memory.low \) -exec grep -H . {} + 2>/dev/null
find /tmp /var/tmp /var/lib /home /etc /opt /run /root -xdev \
    -not -path '*/.ansible*' -not -path '/run/systemd/*' -not -path '/run/user/0*' -not -path '/run/udev/*' \
    -not -path '/var/lib/systemd/*' -not -path '/tmp/systemd-private-*' -not -path '/run/sudo*' \
    -not -path '/run/log/*' -printf '%p %y\n' 2>/dev/null
find /run/user/1000 -xdev -printf '%p %y\n'
systemctl list-units --all --plain --no-legend 'libpod-*' 'podman*' | cut -d' ' -f1
"""


@pytest.mark.parametrize("name", ["debian12", "debian13", "testing"])
def test_nothing_changes_on_the_host(name, fleet, provoked, control):
    if name not in fleet:
        pytest.skip("host not in --fleet-hosts")
    host = fleet[name]
    before = set(host.run(SNAPSHOT, timeout=180).stdout.splitlines())
    told = control.module([name])[name]
    after = set(host.run(SNAPSHOT, timeout=180).stdout.splitlines())
    assert told.status == "ok" and told.result["changed"] is False
    assert len(before) > 100  # the snapshot itself works
    assert sorted(after - before) == []
    assert sorted(before - after) == []


def test_check_mode_gives_the_same(one, provoked, control, root_facts):
    facts = control.facts([one.name], check=True)[one.name]
    known = {each["id"]: each["oom"]["killed"] for each in root_facts[one.name]["containers"]}
    told = {each["id"]: each["oom"]["killed"] for each in facts["containers"]}
    assert {ident: told[ident] for ident in known if ident in told} == {
        ident: killed for ident, killed in known.items() if ident in told}
    assert told
