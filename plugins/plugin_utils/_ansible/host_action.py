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

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ...module_utils._door.document import DoorError
from ...module_utils._door.results import RESULTS, Passed, check_result
from .._text import printable

# Of any module, as AnsibleModule, its run_command and _execute_module give them.
_ANSIBLES = frozenset((
    "_ansible_parsed", "changed", "cmd", "deprecations", "diff", "exception", "failed", "invocation", "module_stderr", "module_stdout",
    "msg", "rc", "skipped", "stderr", "stderr_lines", "stdout", "stdout_lines", "unreachable", "warnings"))
_MAX_NAMED, _MAX_KEY = 10, 60  # of keys in a warning; characters of one
display = Display()


class HostAction(ActionBase):
    """Runs the module of the task's name; a subclass says which one that is."""

    # Ansible would fetch the result as that of async_status, past all of this.
    _supports_async = False
    MODULE = ""
    # Of the facts that it returns: {name in ansible_facts: takes a value, raises DoorError when it is none as a whole}
    FACTS: dict[str, Callable[[Any], Passed]] = {}

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what passes of the module's result; warnings name the host, and what did not pass."""
        result = super().run(tmp, task_vars)
        answer = self._execute_module(task_vars=task_vars)
        own = RESULTS[self.MODULE]["properties"]
        dropped = [key for key in answer if key not in _ANSIBLES and key not in own and key != "ansible_facts"]
        result.update(of_any_module(answer))
        problems = []
        try:
            passed = check_result(self.MODULE, {key: answer[key] for key in answer if key in own})
            result.update(passed.value)
            problems.append(passed.problems)
            facts, dropped_facts, fact_problems = self._facts(answer.get("ansible_facts"))
        except DoorError as exc:
            raise AnsibleActionFail("its answer %s" % exc) from exc
        if facts:
            result["ansible_facts"] = facts
        dropped, problems = dropped + dropped_facts, problems + fact_problems
        if dropped:
            problems.append(describe_dropped(dropped))
        if text := "; ".join(filter(None, problems)):
            warn_of_answer(self, task_vars, self.MODULE, text)
        return result

    def _facts(self, given: Any) -> tuple[dict[str, Any], list[str], list[str]]:
        """Return (facts that pass, names of those that are dropped, problems in words).

        :raises DoorError: one is none as a whole.
        """
        facts, dropped, problems = {}, [], []
        for key, value in given.items() if isinstance(given, dict) else ():
            if key == self._discovered_interpreter_key:
                facts[key] = value  # which Ansible found: it takes those of a host out itself
            elif key in self.FACTS:
                passed = self.FACTS[key](value)
                facts[key] = passed.value
                problems.append(passed.problems)
            else:
                dropped.append("ansible_facts.%s" % key)
        return facts, dropped, problems


def of_any_module(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what each module returns, of one's answer."""
    return {key: answer[key] for key in answer if key in _ANSIBLES}


def warn_of_answer(action: ActionBase, task_vars: dict[str, Any] | None, module: str, text: str) -> None:
    """Warn of what a host answered to a module; the warning names the host."""
    host = action._task.delegate_to or (task_vars or {}).get("inventory_hostname")
    display.warning("host %s: its answer to %s: %s" % (printable(host, _MAX_KEY), module, text))


def describe_dropped(keys: list[str]) -> str:
    """Return in words that keys of an answer did not get through."""
    return "%s: dropped, the module does not return that" % _named(keys)


def _named(keys: list[str]) -> str:
    names = ", ".join(printable(key, _MAX_KEY) for key in sorted(keys)[:_MAX_NAMED])
    return names + (" and %d more" % (len(keys) - _MAX_NAMED) if len(keys) > _MAX_NAMED else "")
