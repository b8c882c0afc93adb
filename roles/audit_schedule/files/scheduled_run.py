# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run one scheduled audit, never beside another one of the same reports, and remove old reports after it.

    python3 scheduled_run.py SETTINGS.json

Called by systemd or cron; the role audit_schedule writes the settings:

    command      list: what to run
    directory    where to run it
    environment  dict: what to add to the environment
    reports      directory of the reports
    wait         seconds to wait for another run to end; 0: skip this one at once
    keep         this many newest reports are kept
    keep_days    reports that are not older are kept

Exit code: that of the command; 75 when the run was skipped; 1 when old reports could not be removed, or the settings
are no good. Standard library only, Python 3.6 and newer.
"""

import datetime
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

SKIPPED = 75  # sysexits.h: EX_TEMPFAIL, try again later
LOCK = ".lock"
LATEST = "latest"
REPORT = "report.json"
# What plugin_utils/_publish.py removes a day later, should this be killed while it removes a report.
EXPIRED = ".partial-expired-"
NAME = re.compile(r"^([0-9]{8}T[0-9]{6}Z)(?:-([0-9]+))?$")
PAUSE = 0.5  # seconds between two looks at the lock


def utcnow():
    """Return the time in UTC, naive: as the names of reports have it."""
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)


def say(message):
    """Tell a person: the journal, or cron's mail."""
    print(message, flush=True)


# --- which reports are old (pure) ----------------------------------------------------------------


def report_key(name):
    """Return what to sort a report's directory by, (time, number); None when the name is not one of a report."""
    found = NAME.match(name)
    if not found:
        return None
    try:
        moment = datetime.datetime.strptime(found.group(1), "%Y%m%dT%H%M%SZ")
    except ValueError:
        return None
    return moment, int(found.group(2) or 1)


def expired(names, latest, keep, keep_days, now):
    """Return the names of reports to remove, oldest first.

    A report stays when it is one of the `keep` newest, or not older than `keep_days`, or the latest one.

    :param names: of all entries; those that are not reports are never returned.
    :param latest: the name that `latest` points to, or None.
    :param keep: a number; 0: the number keeps none.
    :param keep_days: days; 0: age keeps none. With both 0, all are kept.
    :param now: naive datetime in UTC.
    """
    if not keep and not keep_days:
        return []
    reports = sorted((key, name) for key, name in ((report_key(name), name) for name in names) if key)
    newest = {name for _key, name in reports[len(reports) - keep:]} if keep else set()
    # the newest one stays even when `latest` is gone
    newest.update(name for _key, name in reports[-1:])
    youngest = now - datetime.timedelta(days=keep_days) if keep_days else None
    return [name for (moment, _number), name in reports
            if name not in newest and name != latest and (youngest is None or moment < youngest)]


# --- removing them -------------------------------------------------------------------------------


def latest_of(reports):
    """Return the name of the directory that `latest` points to, None when there is none."""
    path = os.path.join(reports, LATEST)
    return os.path.basename(os.path.realpath(path)) if os.path.islink(path) else None


def is_report(path):
    """Whether it is a directory with a report, and not a link to one."""
    return os.path.isdir(path) and not os.path.islink(path) and os.path.isfile(os.path.join(path, REPORT))


def prune(reports, keep, keep_days, now):
    """Remove old reports; return how many.

    Each is renamed first, so that nobody finds half a report.

    :raises OSError: one could not be removed.
    """
    if not os.path.isdir(reports):
        return 0
    names = [name for name in os.listdir(reports) if is_report(os.path.join(reports, name))]
    old = expired(names, latest_of(reports), keep, keep_days, now)
    for name in old:
        gone = os.path.join(reports, EXPIRED + name)
        os.rename(os.path.join(reports, name), gone)
        shutil.rmtree(gone)
    return len(old)


# --- one run at a time ---------------------------------------------------------------------------


class Lock:
    """A lock that the kernel frees when its holders are gone, however they ended.

    The run inherits it: it is held until the last process of the run has ended, as with flock(1).
    """

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)

    def _try(self):
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def take(self, wait):
        """Return whether it was free within so many seconds."""
        if self._try():
            return True
        say("another run is under way (%s)%s" % (self.holder(), "" if wait else ": skipped"))
        if not wait:
            return False
        say("waiting up to %d s for it" % wait)
        end = time.monotonic() + wait
        while time.monotonic() < end:
            time.sleep(min(PAUSE, max(end - time.monotonic(), 0)))
            if self._try():
                return True
        say("the other run did not end in %d s (%s): skipped" % (wait, self.holder()))
        return False

    def holder(self):
        """Return what the holder wrote about itself."""
        return os.pread(self.fd, 200, 0).decode("ascii", "replace").strip() or "it has not said since when"

    def sign(self):
        """Write who holds it, for the message of those who come later."""
        since = utcnow().strftime("%Y-%m-%dT%H:%M:%SZ")
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, ("pid %d since %s\n" % (os.getpid(), since)).encode("ascii"), 0)


def environment(more):
    """Return the environment of the command; numbers and booleans may come as JSON has them."""
    return dict(os.environ, **{name: value if isinstance(value, str) else json.dumps(value) for name, value in more.items()})


def run(settings):
    """Take the lock, run the command, remove old reports; return the exit code."""
    os.makedirs(settings["reports"], exist_ok=True)
    lock = Lock(os.path.join(settings["reports"], LOCK))
    if not lock.take(int(settings["wait"])):
        return SKIPPED
    lock.sign()
    process = subprocess.Popen(
        settings["command"], cwd=settings["directory"], env=environment(settings["environment"]),
        stdin=subprocess.DEVNULL, pass_fds=[lock.fd])
    # who ends this run means the command
    signal.signal(signal.SIGTERM, lambda number, _frame: process.send_signal(number))
    code = process.wait()
    code = code if code >= 0 else 128 - code  # by a signal: as a shell says it
    try:
        removed = prune(settings["reports"], int(settings["keep"]), int(settings["keep_days"]), utcnow())
    except OSError as exc:
        say("old reports could not be removed: %s" % exc)
        return code or 1
    if removed:
        say("removed %d old report%s" % (removed, "" if removed == 1 else "s"))
    return code


def main(arguments):
    """Return the exit code."""
    if len(arguments) != 1:
        say(__doc__.strip())
        return 1
    try:
        with open(arguments[0], encoding="utf-8") as stream:
            return run(json.load(stream))
    except (OSError, ValueError, KeyError) as exc:
        say("%s: %s: %s" % (arguments[0], type(exc).__name__, exc))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
