# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time.
"""What the recorder knows, as metrics. Pure.

Names: Prometheus' conventions (base units, _total for counters, one _info to join with); the words of
prometheus-podman-exporter and cAdvisor where they mean the same. `id` has Podman's 12 digits.
"""

from .._system.times import SECOND

METRICS_FILE = "podman_oom_recorder.prom"
VERSION = "1.0.0"  # of the collection

_C = "podman_oom_container_"
_SCOPES = ("container", "ancestor", "host", "oomd")
_EVENTS = ("low", "high", "max", "oom", "oom_kill", "oom_group_kill")
_EVENT_HELP = {
    "low": "Reclaims below memory.low",
    "high": "Times over memory.high",
    "max": "Times the limit was about to be exceeded",
    "oom": "Times the limit was hit and reclaim failed",
    "oom_kill": "Processes killed by any OOM killer",
    "oom_group_kill": "Times all processes were killed together",
}


def metric_families(running, counts, run):
    """Return the families for _prometheus.render().

    :param running: [(labels, _recorder_cgroups.Sample, image)] of running containers, labels a dict
        {id, name, user, unit}.
    :param counts: {(user, name, unit, scope): (kills, time of the last in microseconds)}.
    :param run: {version, at (seconds), duration (seconds), errors, complete_since (seconds or None), bytes}.
    """
    return _about_containers(running) + _about_kills(running, counts) + _about_the_run(running, run)


def _identity(labels):
    return [(key, labels[key]) for key in ("id", "name", "user")]


def _about_containers(running):
    def gauge(name, words, value):
        samples = [(_identity(labels), value(each)) for labels, each, _image in running]
        return (_C + name, "gauge", words, [pair for pair in samples if pair[1] is not None])

    found = [
        (_C + "info", "gauge", "A running container, always 1.",
         [(_identity(labels) + [("unit", labels["unit"]), ("image", image or "")], 1) for labels, _each, image in running]),
        gauge("memory_limited", "Whether a memory limit is enforced, its own or one above it.",
              lambda each: int(each.limits["limit"] is not None)),
        gauge("memory_limit_bytes", "The lowest memory limit that the kernel enforces; not there when there is none.",
              lambda each: each.limits["limit"]),
        gauge("oom_group_enabled", "Whether memory.oom.group kills all processes together.",
              lambda each: None if each.limits["oom_group"] is None else int(each.limits["oom_group"])),
    ]
    for key, words in (("working_set", "Memory in use less inactive page cache."), ("anon", "Anonymous memory."),
                       ("peak", "The most memory of this run, page cache included."), ("swap", "Swap in use.")):
        found.append(gauge("memory_%s_bytes" % key, words, lambda each, key=key: each.usage[key]))
    for key in _EVENTS:
        samples = [(_identity(labels), (each.events or {}).get(key)) for labels, each, _image in running]
        found.append((_C + "memory_events_%s_total" % key, "counter", _EVENT_HELP[key] + ", in this run.",
                      [pair for pair in samples if pair[1] is not None]))
    return found


def _about_kills(running, counts):
    """Counters by user, name and unit, not by id: a container that is made anew goes on counting.

    One that runs has them from the start, so that the first kill is an increase.
    """
    totals = {(labels["user"], labels["name"], labels["unit"], scope): (0, None)
              for labels, _each, _image in running for scope in _SCOPES}
    totals.update(counts)
    last = {}
    for key, (_count, at) in counts.items():
        last[key[:3]] = max(at, last.get(key[:3], 0))

    def labels(key):
        return [("name", key[1]), ("user", key[0]), ("unit", key[2])]

    return [
        (_C + "oom_kills_total", "counter",
         "OOM kills in containers of this name, by whose limit it was: container, ancestor, host, or systemd-oomd (oomd).",
         [(labels(key) + [("scope", key[3])], count) for key, (count, _at) in sorted(totals.items())]),
        (_C + "last_oom_timestamp_seconds", "gauge", "When the last OOM kill in a container of this name was.",
         [(labels(key), at / SECOND) for key, at in sorted(last.items())]),
    ]


def _about_the_run(running, run):
    return [
        ("podman_oom_recorder_info", "gauge", "The recorder of podman_fleet.memory, always 1.", [([("version", run["version"])], 1)]),
        ("podman_oom_recorder_last_success_timestamp_seconds", "gauge", "When the recorder last ran to its end.", [([], run["at"])]),
        ("podman_oom_recorder_duration_seconds", "gauge", "How long that took.", [([], run["duration"])]),
        ("podman_oom_recorder_containers", "gauge", "Running containers that it found.", [([], len(running))]),
        ("podman_oom_recorder_errors", "gauge", "Sources that it could not read wholly.", [([], run["errors"])]),
        ("podman_oom_recorder_history_bytes", "gauge", "Size of its history.", [([], run["bytes"])]),
        ("podman_oom_recorder_complete_since_timestamp_seconds", "gauge", "From when on it lacks no kill.", [([], run["complete_since"])]),
    ]
