"""Installations that a cell starts from Python: ``os.system("pip install …")`` and its like."""

from __future__ import annotations

import ast
import shlex
from typing import TYPE_CHECKING

from kestra_nb.ipython.installs import read_install
from kestra_nb.ipython.shell import declare

if TYPE_CHECKING:
    from kestra_nb.source.work import Work

_CALLS = frozenset({"system", "run", "call", "check_call", "check_output", "Popen", "getoutput", "getstatusoutput"})


def notice_installs(work: Work) -> None:
    """Take what such calls install as requirements; the calls themselves stay, because they are Python."""
    for node in ast.walk(work.tree):
        if isinstance(node, ast.Call) and node.args and (command := _command(node)):
            install = read_install(command)
            if install is not None:
                _, line = work.made.lines[node.lineno - 1]
                declare(install, line, work.made)
                message = "The code installs distributions while it runs, besides those that the flow brings."
                hint = "Remove the call: kestra-nb takes what it asks for as requirements."
                work.made.find("KNB142", "warning", message, line=line, hint=hint)


def _command(node: ast.Call) -> str:
    """Give the command line that a call starts, empty when it does not stand in the code."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    argument = node.args[0]
    if name in {"main", "_internal_main"} and isinstance(argument, ast.List):
        return f"pip {shlex.join(map(_word, argument.elts))}"
    if name not in _CALLS:
        return ""
    if isinstance(argument, (ast.List, ast.Tuple)):
        words = [_word(item) for item in argument.elts]
        return " ".join(word if word == "python" else shlex.quote(word) for word in words)
    return _word(argument)


def _word(node: ast.expr) -> str:
    """Give a literal text; ``python`` for ``sys.executable``; an f-string with its fields in braces."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = (_word(part.value) if isinstance(part, ast.FormattedValue) else _word(part) for part in node.values)
        return "".join(parts)
    text = ast.unparse(node)
    return "python" if text == "sys.executable" else f"{{{text}}}"
