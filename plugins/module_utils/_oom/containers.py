# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.

"""The containers of one user: ask Podman for them, and the host for what they use now."""


from .._cgroup import effective as _effective, paths as _cgroup_path
from .._podman import containers_conf as _containers_conf, unit_command as _next_start
from .._podman.cli import matches_word
from .._system import host_files as _host_files, times as _times
from .._system.systemctl import Systemctl, SystemctlError
from . import evidence as _assemble, verdict as _verdict

_BY_UNIT = ("quadlet", "systemd")  # kinds of managers whose unit makes the container anew
_EVENTS = ("low", "high", "max", "oom", "oom_kill", "oom_group_kill")


def next_starts(answer, timeout):
    """Return {id: what the container's unit will start it with} of one user's containers.

    Those without a unit, and units that tell nothing, are not in it. One process for all of them.
    """
    identity = answer.user.identity
    managed = [each for each in answer.containers
               if each.facts["manager"]["kind"] in _BY_UNIT and each.facts["image"] and each.create_command]
    units = [each.facts["manager"]["unit"] for each in managed]
    try:
        lines = _next_start.podman_run_lines(Systemctl(identity, timeout).show(units, ["ExecStart"]))
    except SystemctlError:
        return {}  # then Podman's record is all there is
    group = _containers_conf.OOM_GROUP_ON in _containers_conf.default_cgroup_conf(identity, _host_files.Files())[0]
    found = {each.ident: _next_start.next_start_settings(lines[each.facts["manager"]["unit"]], each.create_command,
                                                         each.facts["image"], group)
             for each in managed if each.facts["manager"]["unit"] in lines}
    return {ident: settings for ident, settings in found.items() if settings}


def live(container, files, host):
    """Return ({effective, usage, events} for the facts, _assemble.LiveState) of a container's run.

    All three are None for a container that does not run.
    """
    nothing = {"effective": None, "usage": None, "events": None}
    if not container.running or not container.pid:
        return nothing, _assemble.LiveState(host.main_pid(container.pidfile), None, None, None)
    place = files.container_cgroups(container.pid, container.ident)
    if place is None:  # ended since Podman was asked
        return nothing, _assemble.LiveState(container.pid, None, None, None)
    lineage = [(path, files.limits(path)) for path in _cgroup_path.cgroup_lineage(place.leaf)]
    memory = dict(nothing, effective=_effective.effective_limits(lineage, place.own, files.hierarchy.version))
    if place.own is None:
        return memory, _assemble.LiveState(container.pid, None, None, None)
    counters = files.events(place.own)
    memory["usage"] = files.usage(place.own)
    memory["events"] = {key: (counters or {}).get(key) for key in _EVENTS}
    above = _cgroup_path.cgroup_lineage(place.own)[1:]
    return memory, _assemble.LiveState(container.pid, place.own, counters,
                                  [(path, files.local_events(path)) for path in above])


def removed(ident, answer, index, systemd, noted=None):
    """Return the facts' entry for a killed container that Podman no longer knows.

    :param answer: of the user it belonged to.
    :param systemd: {uid: from when on the systemd journal is whole}.
    :param noted: _recorder.Named of it, None when the recorder does not know it.
    """
    owner = answer.user.identity.uid
    events = index.events(ident, owner)
    named = events[-1] if events else None
    died = [event for event in events if event.kind == "died"]
    oom = _verdict.decide(ident, _assemble.removed_container_evidence(ident, owner, index, systemd[owner]))
    if not answer.complete:
        oom["evidence"].append("podman: the containers of %s could not be listed, it may still be there"
                               % answer.user.identity.name)
    return {
        "id": ident,
        "user": answer.user.identity.name,
        "name": (named.name if named else None) or (noted.name if noted else None),
        "image": (named.image if named else None) or (noted.image if noted else None),
        "manager": _manager(named, noted, [kill.task_memcg for kill in index.kills.get(ident, [])]
                            + [record.cgroup or "" for record in index.oomd(ident, owner)]),
        "memory_limit": noted.memory_limit if noted else None,
        "exit_code": died[-1].exit_code if died else None,
        # None: his containers could not be listed, so it may still be there
        "gone": True if answer.complete else None,
        "died_at": _times.to_iso(died[-1].at) if died else None,
        "oom": oom,
    }


def _manager(event, noted, cgroups):
    """Who made a container that is gone: its unit by Podman's event, a quadlet by its cgroup's name."""
    unit = (event.labels.get("PODMAN_SYSTEMD_UNIT") if event else None) or (noted.unit if noted else None)
    split = any("/libpod-payload-" in cgroup for cgroup in cgroups)
    return {"kind": ("quadlet" if split else "systemd") if unit else "none", "unit": unit}


def is_meant(entry, word):
    """Whether a word of the option `containers` means this entry of `removed`."""
    return matches_word(entry["id"], entry["name"], word)
