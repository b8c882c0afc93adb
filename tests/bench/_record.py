# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a real host with 50 containers says to oom_facts, recorded for _simulate.

    python -m fleet up debian13
    python -m bench._record debian13

writes tests/bench/recorded/<host>-podman<version>.tar.xz.
"""

import io
import subprocess
import sys
import tarfile
from pathlib import Path

from fleet import ssh, vm

HERE = Path(__file__).resolve().parent


def main():
    """Record one host."""
    host = vm.Host(sys.argv[1])
    host.put("/root/bench-create.py", (HERE / "create.py").read_text(encoding="utf-8"))
    host.put("/root/bench-record.sh", (HERE / "_record_on_host.sh").read_text(encoding="utf-8"))
    done = subprocess.run([*ssh.command(host.name, host.port, "root"), "--", "sh /root/bench-record.sh"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True, timeout=1800)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        version = archive.extractfile("./version").read().decode().split()[-1]
    path = HERE / "recorded" / f"{host.name}-podman{version}.tar.xz"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(subprocess.run(["xz", "-9e"], input=done.stdout, stdout=subprocess.PIPE, check=True).stdout)
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
