# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What actions have in common that run one of our modules on a host: nothing but the module's own results gets out.

Ansible acts upon some keys of any result, whoever wrote them (ansible-core 2.16 to 2.21, StrategyBase._process_pending_results):
`ansible_stats` becomes an artifact of the job, for the next job of a workflow an extra variable; `ansible_facts` become variables of
the host; one of another shape ends the run (2.16 to 2.19). `add_host` and `add_group` change the inventory; Ansible itself drops
them from what modules return, as all that begins with _ansible_ (remove_internal_keys up to 2.20; later they aren't read).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from .._text import printable

# Of any module, as AnsibleModule, its run_command and _execute_module give them.
_ANSIBLES = frozenset((
    "_ansible_parsed", "changed", "cmd", "deprecations", "diff", "exception", "failed", "invocation", "module_stderr", "module_stdout",
    "msg", "rc", "skipped", "stderr", "stderr_lines", "stdout", "stdout_lines", "unreachable", "warnings"))
_MAX_NAMED, _MAX_KEY = 10, 60  # of keys in a warning; characters of one
display = Display()


class HostAction(ActionBase):
    """Runs the module of the task's name; a subclass says what that module returns."""

    # Ansible would fetch the result as that of async_status, past all of this.
    _supports_async = False
    RETURNS: Collection[str] = ()
    FACTS: Collection[str] = ()  # names in ansible_facts

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result without what it doesn't return; a warning names host and keys."""
        result = super().run(tmp, task_vars)
        answer = self._execute_module(task_vars=task_vars)
        dropped = [key for key in answer if key not in _ANSIBLES and key not in self.RETURNS and key != "ansible_facts"]
        result.update((key, answer[key]) for key in answer if key in _ANSIBLES or key in self.RETURNS)
        facts = answer.get("ansible_facts")
        if isinstance(facts, dict):
            # with the path of the interpreter that Ansible found: it takes those of a host out itself
            known = {*self.FACTS, self._discovered_interpreter_key}
            dropped += ["ansible_facts.%s" % key for key in facts if key not in known]
            if passing := {key: value for key, value in facts.items() if key in known}:
                result["ansible_facts"] = passing
        if dropped:
            host = self._task.delegate_to or (task_vars or {}).get("inventory_hostname")
            display.warning("host %s: %s in its answer to %s: dropped, the module does not return that" % (
                printable(host, _MAX_KEY), _named(dropped), self._task.action))
        self.check(result)
        return result

    def check(self, result: dict[str, Any]) -> None:
        """Check the values of a result, which may be changed."""


def _named(keys: list[str]) -> str:
    names = ", ".join(printable(key, _MAX_KEY) for key in sorted(keys)[:_MAX_NAMED])
    return names + (" and %d more" % (len(keys) - _MAX_NAMED) if len(keys) > _MAX_NAMED else "")
