"""The shell text that several strategies share: for ``/bin/sh``, dash among them, and short enough to read in the YAML.

Kestra joins before-commands and commands into one ``/bin/sh -c`` with ``set -e`` in front: what one line exports the
next one has, and a failing line stops the task before the person's code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from kestra_nb.model.flow import Text, Verbatim
from kestra_nb.strategies.base import REQUIREMENTS, minor

if TYPE_CHECKING:
    from kestra_nb.model.plan import Case

Tool = Literal["uv", "pip"]

DISK = 'disk="${PWD%/*}/kestra-nb"'
"""A folder beside the folders of the executions: it outlives them and is writable (Kestra's ``tasks.tmpDir``)."""

STOP = Verbatim(
    "stop() { printf 'kestra-nb: main.py was not started: %s\\n' "
    "\"$(printf '%s' \"$1\" | tail -c 1000 | tr -s '\\n ' ' ')\" >&2; exit 1; }"
)
"""Ends the task with one line: the end of what an installer said, in which it names the requirement and the cause."""

UV_KEEPS = Verbatim(
    f'{DISK}\nexport UV_CACHE_DIR="$disk/uv" UV_PYTHON_INSTALL_DIR="$disk/python" UV_TOOL_DIR="$disk/tools"'
)
"""What uv fetches stays on the disk of the environments, where it can link instead of copy; a home may be read-only."""


def tool_of(case: Case) -> Tool:
    """Choose what installs: uv when the workers have it, pip when they do not or nothing is known of it."""
    return "uv" if case.target.fact("uv").value else "pip"


def prepare(case: Case, tool: Tool) -> tuple[Text, ...]:
    """Give the lines that come first: how to stop, and where uv keeps things or which Python pip runs in."""
    return (STOP, UV_KEEPS if tool == "uv" else _find_python(case))


def make(case: Case, tool: Tool, folder: str) -> str:
    """Give the command that makes an empty environment of the lock's Python; ``folder`` is a shell word."""
    if tool == "uv":
        return f"uv venv --quiet --no-project --python {minor(case.lock.python)} {folder}"
    return f'"$python" -m venv {folder}'


def fill(tool: Tool, folder: str, *options: str) -> str:
    """Give the command that installs exactly the pins into an environment."""
    command = f"uv pip install --python {folder}" if tool == "uv" else f"{folder}/bin/python -m pip install"
    return " ".join((command, "--quiet", "--no-deps", *options, "-r", REQUIREMENTS))


def attempt(*commands: str) -> str:
    """Run commands one after the other; when one fails, stop with what it said."""
    return 'why="$(exec 2>&1\n  ' + " &&\n  ".join(commands) + ')" || stop "$why"'


def activate(folder: str, *, lasting: bool = False) -> Verbatim:
    """Make an environment the one that ``python`` and its console scripts are found in (no ``activate`` for dash).

    Into one that does not outlive the run Python writes no bytecode, which nobody would read.
    """
    discarded = "" if lasting else " PYTHONDONTWRITEBYTECODE=1"
    return Verbatim(f'export VIRTUAL_ENV={folder} PATH="{folder.strip(chr(34))}/bin:$PATH"{discarded}')


def runs_files(case: Case, folder: str) -> str:
    """Stop when compiled code could not be loaded from a folder's disk; nothing for a lock that is Python alone."""
    if all(pin.wheel.endswith("-none-any.whl") for pin in case.lock.pins):
        return ""
    return (
        f"printf '#!/bin/sh\\n' > {folder}/runs && chmod +x {folder}/runs && {folder}/runs 2>/dev/null ||\n"
        f'  stop "{folder.strip(chr(34))} is mounted noexec, compiled code cannot be loaded from it"'
    )


def _find_python(case: Case) -> Verbatim:
    version = minor(case.lock.python)
    return Verbatim(
        f'python="$(command -v python{version} || command -v python3)" || stop "this worker has no Python"\n'
        f'"$python" -c "import sys; sys.exit(sys.version_info[:2] != ({version.replace(".", ", ")}))" ||\n'
        f'  stop "this worker has $("$python" --version), the lock is for {version}: export with --target-python"'
    )
