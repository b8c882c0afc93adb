# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What our action plugins have to know of Ansible itself.

Public interfaces only, but for a play's _uuid and the origin of a variable.
"""

from __future__ import annotations

import os
import re
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase
from ansible.utils.color import stringc
from ansible.utils.display import Display

from .._policy.parse import PolicyError, parse_policy
from .._policy.policy import Policy
from .._terminal import Line, Piece, plain_text
from .._text import printable
from .run_dir import RunDir

POLICY_VARIABLE = "podman_memory_policy"
# Stdout callbacks whose output is read by programs: a line of ours would break it.
_MACHINE_CALLBACKS = ("json", "jsonl", "null")
# Of those that are seen on dark and on light terminals.
_COLORS = {"title": "bright blue", "bad": "red", "warn": "yellow", "good": "green"}
_BECOME = re.compile(r"password is required|not in the sudoers|privilege escalation", re.I)
# One of the first and after it one of the second. As one pattern it would take quadratic time for a message of many of the first.
_WRONG, _MEANS = re.compile(r"missing|incorrect|invalid|timeout", re.I), re.compile(r"become|\bsu\b|sudo|doas|privilege", re.I)
_DEFAULT_COLUMNS = 79
_MAX_MESSAGE = 2000  # characters of a host's message that are kept: half of them from its end, where the error often is
display = Display()


def open_run_dir(task: Task, purpose: str = "audit") -> RunDir:
    """Return the RunDir of the play that a task belongs to.

    Ansible's own temporary directory is one per ansible process, is shared by its forks, and is
    removed at its end. A play keeps its uuid over all batches of `serial`.

    :param purpose: audit or enforce; a play may have both.
    """
    uuid = getattr(task.get_play(), "_uuid", "play")
    return RunDir(os.path.join(C.DEFAULT_LOCAL_TMP, "podman_memory_" + purpose, uuid))


def run_as(action: ActionBase) -> str | None:
    """Return the user that modules of this task run as on the host, None when only the host knows."""
    connection = action._connection
    become = getattr(connection, "become", None)
    if become is not None:
        return become.get_option("become_user", playcontext=action._play_context) or "root"
    return action._get_remote_user() or None


def load_policy(action: ActionBase, given: dict[str, Any] | None, task_vars: dict[str, Any]) -> Policy:
    """Return the policy of an option, else of the variable, else the built-in one.

    The variable is read here and not with a template in the role: before ansible-core 2.19, Jinja makes
    text of a mapping that has a date in it (a waiver's `expires`).

    :raises AnsibleActionFail: it cannot be used.
    """
    source = "option policy"
    if given is None:
        variable = task_vars.get(POLICY_VARIABLE)
        path = source_file(variable)
        source = "variable %s%s" % (POLICY_VARIABLE, " of " + printable(path) if path else "")
        given = action._templar.template(variable)
    try:
        return parse_policy(given, source)
    except PolicyError as exc:
        raise AnsibleActionFail(str(exc)) from exc


def source_file(value: Any) -> str | None:
    """Return the path of the file that a variable's value was read from, None when Ansible does not know it.

    There is no public interface for it. Values of the command line and of templates have none.
    """
    position = getattr(value, "ansible_pos", None)  # up to ansible-core 2.18
    if isinstance(position, tuple) and position and isinstance(position[0], str):
        return position[0]
    try:
        from ansible._internal._datatag._tags import Origin
    except ImportError:
        return None
    path = getattr(Origin.get_tag(value), "path", None)
    return path if isinstance(path, str) else None


def problem_from_error(error: BaseException) -> dict[str, str]:
    """Return {kind, message} for what was raised instead of an answer."""
    message = _one_line(str(error)) or type(error).__name__
    if isinstance(error, AnsibleConnectionFailure):
        return {"kind": "unreachable", "message": message}
    if is_timeout(error):
        return {"kind": "timeout", "message": "gave no answer in time"}
    return {"kind": "become" if is_about_become(message) else "failed", "message": message}


def problem_from_result(result: dict[str, Any]) -> dict[str, str]:
    """Return {kind, message} for a module's result that is a failure, or has no facts."""
    # from ansible-core 2.19 on, what a module raises is in `exception` alone, as an object
    error = getattr(getattr(result.get("exception"), "event", None), "msg", None)
    parts = [_one_line(_plain(result.get("msg")) or _plain(error) or "no facts came back")]
    # the last line is the one that says it: of a traceback, of "sh: python3: not found"
    output = (_plain(result.get("module_stderr")) or _plain(result.get("module_stdout"))).strip()
    if output:
        parts.append(_one_line(output[-_MAX_MESSAGE:].splitlines()[-1]))
    message = _one_line(": ".join(part.rstrip(". ") for part in parts))
    if result.get("unreachable"):
        return {"kind": "unreachable", "message": message}
    return {"kind": "become" if is_about_become(message) else "failed", "message": message}


def is_about_become(message: str) -> bool:
    """Whether a message, one line, says that a user may not or could not become another one."""
    wrong = _WRONG.search(message)
    return bool(_BECOME.search(message) or wrong and _MEANS.search(message, wrong.end()))


def _plain(value: Any) -> str:
    """A host's value as text; lists and the like, which may be of any depth, are named by their type."""
    if value is None or value == "":
        return ""
    return str(value) if isinstance(value, (str, int, float)) else "(a value of type %s)" % type(value).__name__


def _one_line(text: str) -> str:
    """White space as single spaces, and no longer than a message may be."""
    if len(text) > _MAX_MESSAGE:
        text = "%s … %s" % (text[:_MAX_MESSAGE // 2], text[-_MAX_MESSAGE // 2:])
    return " ".join(text.split())


def is_timeout(error: BaseException) -> bool:
    """Whether it is what the task keyword `timeout` raises.

    By name: it is in ansible.executor.task_executor up to 2.18 and in a private package from 2.19 on.
    """
    return type(error).__name__ == "TaskTimeoutError"


def has_human_output() -> bool:
    """Whether people read the standard output."""
    return str(C.DEFAULT_STDOUT_CALLBACK).rsplit(".", 1)[-1] not in _MACHINE_CALLBACKS


def output_width(known: int | None) -> int:
    """Return how many columns the output has.

    :param known: what Ansible's Display found; 79 when there is no terminal.
    """
    given = os.environ.get("COLUMNS", "")
    known = known or _DEFAULT_COLUMNS
    return int(given) if given.isdigit() and known <= _DEFAULT_COLUMNS else known


def show_lines(lines: list[Line]) -> None:
    """Show lines, with colours where Ansible uses them: on a terminal, without NO_COLOR or ANSIBLE_NOCOLOR."""
    colored = "\n".join("".join(map(_colored, line)).rstrip() for line in lines)
    # the log file gets no colours
    display.display("\n" + colored + "\n", screen_only=True)
    display.display(plain_text(lines), log_only=True)


def _colored(piece: Piece) -> str:
    color = _COLORS.get(piece.style)
    return stringc(piece.text, color) if color and piece.text.strip() else piece.text
