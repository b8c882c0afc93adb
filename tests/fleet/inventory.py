"""The Ansible inventory of the hosts that run."""

import json
import os

from . import paths, ssh, vm


def _host(host):
    return {
        "ansible_host": "127.0.0.1",
        "ansible_port": host.port,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(paths.SSH_KEY),
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_common_args": " ".join(ssh.options()),
        "fleet_variant": host.spec.variant,
        "fleet_image": host.spec.image,
    }


def data(running):
    """The inventory as plain data. `rootless`: where a limit of a rootless container can hold."""

    def group(condition):
        return {"hosts": {host.name: {} for host in running if condition(host.spec)}}

    return {
        "fleet": {"hosts": {host.name: _host(host) for host in running}},
        "v2": group(lambda spec: spec.cgroup == "v2"),
        "rootless": group(lambda spec: spec.limits_rootless),
    }


def _yaml(value, depth=0):
    """Block YAML of nested dictionaries; a scalar's JSON is its YAML."""
    for key, item in value.items():
        if isinstance(item, dict) and item:
            yield f"{'  ' * depth}{key}:"
            yield from _yaml(item, depth + 1)
        else:
            yield f"{'  ' * depth}{key}: {json.dumps(item)}"


def write():
    """Writes the inventory of the running hosts and returns its path."""
    text = "\n".join(("---", "# Written by `python3 -m fleet inventory`.", *_yaml(data(vm.running())))) + "\n"
    paths.FLEET.mkdir(parents=True, exist_ok=True)
    new = paths.INVENTORY.with_suffix(f".{os.getpid()}")
    new.write_text(text, encoding="utf-8")
    new.replace(paths.INVENTORY)
    return paths.INVENTORY
