# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Record the argument specs of awx.awx, for tests/unit/awx.

    pip download --no-deps 'ansible==12.*'
    python3 tests/tools/record_awx_specs.py ansible-12.3.0-py3-none-any.whl tests/unit/awx

The `ansible` package has awx.awx up to 12.x. Its wheel has 50 MB, so tests use what is recorded. Each module's own
main() is run with a stand-in for AWX's module class, which takes the spec and ends it.
"""

import importlib.util
import json
import pathlib
import sys
import tempfile
import types
import zipfile

PREFIX = "ansible_collections/awx/awx/"
WANTED = ("project", "inventory", "inventory_source", "execution_environment", "job_template", "schedule", "notification_template")


class Told(Exception):
    """Carries the argument spec."""


class ControllerAPIModule:
    """In place of awx.awx's own, which would go to the network."""

    def __init__(self, argument_spec, **_more):
        raise Told(argument_spec)


def spec_of(path):
    """Return the argument spec of a module's file."""
    utils = types.ModuleType("controller_api")
    utils.ControllerAPIModule = ControllerAPIModule
    package = "ansible_collections.awx.awx.plugins"
    for name in ("ansible_collections", "ansible_collections.awx", "ansible_collections.awx.awx", package, package + ".module_utils"):
        sys.modules.setdefault(name, types.ModuleType(name))
    sys.modules[package + ".module_utils.controller_api"] = utils
    found = importlib.util.spec_from_file_location(package + ".modules." + path.stem, path)
    module = importlib.util.module_from_spec(found)
    module.__package__ = package + ".modules"
    sys.modules.setdefault(package + ".modules", types.ModuleType(package + ".modules"))
    found.loader.exec_module(module)
    try:
        module.main()
    except Told as told:
        return told.args[0]
    raise SystemExit("%s has no argument spec" % path)


def main(wheel, target):
    """Write TARGET/awx.awx-VERSION.json."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        version = json.loads(archive.read(PREFIX + "MANIFEST.json"))["collection_info"]["version"]
        names = {name: PREFIX + "plugins/modules/%s.py" % name for name in WANTED}
        specs = {name: spec_of(pathlib.Path(archive.extract(path, folder))) for name, path in names.items()}
    text = json.dumps({"from": pathlib.Path(wheel).name, "version": version, "modules": specs}, indent=1, sort_keys=True)
    pathlib.Path(target, "awx.awx-%s.json" % version).write_text(text + "\n", encoding="ascii")


if __name__ == "__main__":
    main(*sys.argv[1:])
