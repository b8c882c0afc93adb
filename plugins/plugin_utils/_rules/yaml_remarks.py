# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to write into the file that compose or `podman kube play` makes a container of, as a sentence.

Pure. No command: where in the file it belongs is for people to see, and to play it again is not needed, since `podman update` or
container_memory has changed what runs.
"""

from __future__ import annotations

import posixpath

from .._model.container_facts import Facts
from .words import path_word, service_word

_COMPOSE = "com.docker.compose."  # labels of docker-compose, which podman-compose writes too
# Podman's option: key of a service in a compose file (compose-spec, 05-services.md).
_COMPOSE_KEYS = {"--memory": "mem_limit", "--memory-swap": "memswap_limit", "--memory-reservation": "mem_reservation"}
# Podman's option: resource of a container (podman-kube-play(1)); there is none for swap.
_KUBE_KEYS = {"--memory": "resources.limits", "--memory-reservation": "resources.requests"}


def compose_remarks(container: Facts, options: str) -> list[str]:
    """Return the remarks for a container of docker-compose or podman-compose.

    :param options: memory options and --cgroup-conf=memory.oom.group=… of `podman run`.
    """
    labels = container.get("labels") or {}
    keys = ["%s: %s" % (_COMPOSE_KEYS[key], value) for key, value in _pairs(options) if key in _COMPOSE_KEYS]
    # with both, docker-compose refuses the file if they differ, and podman-compose takes that below deploy
    remarks = ["# the next up takes what is in %s: write %s into its service %s, or where it has deploy.resources.limits.memory change that" % (
        _compose_file(labels) or "the compose file", " and ".join(keys), service_word(labels.get(_COMPOSE + "service")) or "there")]
    return remarks * bool(keys) + _group_remarks(options, "compose file")


def _compose_file(labels: Facts) -> str | None:
    """The file, where it is one: several are merged, and which of them has the service is not said."""
    folder, file = labels.get(_COMPOSE + "project.working_dir"), labels.get(_COMPOSE + "project.config_files")
    # podman-compose gives it relative to the folder
    return path_word(posixpath.normpath(posixpath.join(folder, file))) if isinstance(folder, str) and isinstance(file, str) else None


def kube_remarks(container: Facts, options: str) -> list[str]:
    """Return the remarks for a container of `podman kube play`.

    :param options: as in compose_remarks().
    """
    file = path_word((container.get("manager") or {}).get("file"))
    keys = ["memory: %s into %s" % (_quantity(value), _KUBE_KEYS[key]) for key, value in _pairs(options) if key in _KUBE_KEYS]
    remarks = ["# the next podman kube play takes what is in %s: write %s of the container there" % (file or "the YAML of its pod", " and ".join(keys))]
    return remarks * bool(keys) + _group_remarks(options, "pod in YAML")


def _group_remarks(options: str, what: str) -> list[str]:
    """Neither compose-spec nor podman-kube-play(1) has a key for memory.oom.group."""
    return ["# a %s has no standard key for %s: what gives it to each new container is cgroup_conf in containers.conf, from Podman 4.5 on" % (
        what, value) for key, value in _pairs(options) if key == "--cgroup-conf"]


def _pairs(options: str) -> list[tuple[str, str]]:
    return [(key, value) for key, _equals, value in (option.partition("=") for option in options.split(" "))]


def _quantity(size: str) -> str:
    """A size of Podman as Kubernetes reads it, where 512m is half a byte (kubernetes.io, "Resource Management for Pods")."""
    return size[:-1] + size[-1].upper() + "i" if size[-1].isalpha() else size
