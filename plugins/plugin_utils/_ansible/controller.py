# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change at any time.

"""What our action plugins have to know of Ansible itself.

Only this file, _conclusion.py, _host_task.py and _origin.py import Ansible. Public interfaces only, but for a play's _uuid.
"""

from __future__ import annotations

import os
import re
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase
from ansible.utils.color import ANSIBLE_COLOR
from ansible.utils.display import Display

from .._policy.parse import PolicyError, parse_policy
from .._policy.policy import Policy
from .._terminal import Line, plain_text
from .._text import printable
from .origin import source_file
from .run_dir import RunDir

POLICY = "podman_memory_policy"  # the variable
# Stdout callbacks whose output is read by programs: a line of ours would break it.
_MACHINE_CALLBACKS = ("json", "jsonl", "null")
_STYLES = {"title": "1", "bad": "31", "warn": "33", "good": "32", "dim": "2"}
_BECOME = re.compile(r"(missing|incorrect|invalid|timeout).*(become|sudo|su|doas|privilege)|password is required|not in the sudoers"
                     r"|privilege escalation", re.I)
display = Display()


def run_dir(task: Task, of: str = "audit") -> RunDir:
    """Return the RunDir of the play that a task belongs to.

    Ansible's own temporary directory is one per ansible process, is shared by its forks, and is
    removed at its end. A play keeps its uuid over all batches of `serial`.

    :param of: what the run is of; a play may have both, an audit and an enforcement.
    """
    uuid = getattr(task.get_play(), "_uuid", "play")
    return RunDir(os.path.join(C.DEFAULT_LOCAL_TMP, "podman_memory_" + of, uuid))


def run_as(action: ActionBase) -> str | None:
    """Return the user that modules of this task run as on the host, None when only the host knows."""
    connection = action._connection
    become = getattr(connection, "become", None)
    if become is not None:
        return become.get_option("become_user", playcontext=action._play_context) or "root"
    return action._get_remote_user() or None


def load_policy(action: ActionBase, given: dict[str, Any] | None, task_vars: dict[str, Any]) -> Policy:
    """Return the policy that an option gives, else the variable's, else the built-in one.

    The variable is taken here and not with a template in the role: before ansible-core 2.19, Jinja makes
    text of a mapping that has a date in it (a waiver's `expires`).
    """
    source = "option policy"
    if given is None:
        variable = task_vars.get(POLICY)
        path = source_file(variable)
        source = "variable %s%s" % (POLICY, " of " + printable(path) if path else "")
        given = action._templar.template(variable)
    try:
        return parse_policy(given, source)
    except PolicyError as exc:
        raise AnsibleActionFail(str(exc)) from exc


def problem_from_error(error: BaseException) -> dict[str, str]:
    """Return {kind, message} for what was raised instead of an answer."""
    message = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, AnsibleConnectionFailure):
        return {"kind": "unreachable", "message": message}
    if is_timeout(error):
        return {"kind": "timeout", "message": "gave no answer in time"}
    return {"kind": "become" if _BECOME.search(message) else "failed", "message": message}


def problem_from_result(result: dict[str, Any]) -> dict[str, str]:
    """Return {kind, message} for a module's result without facts."""
    parts = [str(result.get("msg") or "no facts came back")]
    # the last line is the one that says it: of a traceback, of "sh: python3: not found"
    said = str(result.get("module_stderr") or result.get("module_stdout") or "").strip()
    if said:
        parts.append(said.splitlines()[-1])
    message = " ".join(": ".join(part.rstrip(". ") for part in parts).split())
    if result.get("unreachable"):
        return {"kind": "unreachable", "message": message}
    return {"kind": "become" if _BECOME.search(message) else "failed", "message": message}


def is_timeout(error: BaseException) -> bool:
    """Whether it is what the task keyword `timeout` raises.

    By name: it is in ansible.executor.task_executor up to 2.18 and in a private package from 2.19 on.
    """
    return type(error).__name__ == "TaskTimeoutError"


def has_human_output() -> bool:
    """Whether a person reads the standard output."""
    return str(C.DEFAULT_STDOUT_CALLBACK).rsplit(".", 1)[-1] not in _MACHINE_CALLBACKS


def output_width(known: int | None) -> int:
    """Return how wide the output is; `known` is what Ansible's Display found, 79 when there is no terminal."""
    given = os.environ.get("COLUMNS", "")
    return int(given) if given.isdigit() and (known or 79) <= 79 else known or 79


def show_lines(lines: list[Line]) -> None:
    """Show lines, with colours where Ansible uses them: on a terminal, without NO_COLOR or ANSIBLE_NOCOLOR."""
    painted = "\n".join("".join(_paint(piece.style, piece.text) for piece in line).rstrip() for line in lines)
    # the log file gets no colours
    display.display("\n" + painted + "\n", screen_only=True)
    display.display(plain_text(lines), log_only=True)


def _paint(style: str, text: str) -> str:
    code = _STYLES.get(style)
    return "\033[%sm%s\033[0m" % (code, text) if ANSIBLE_COLOR and code and text.strip() else text
