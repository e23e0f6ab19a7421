"""``get_ipython().run_line_magic("cd", "..")`` and its like, as nbconvert writes magics: read as the magics."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from kestra_nb.ipython import translate_special
from kestra_nb.ipython.syntax import Special

if TYPE_CHECKING:
    from kestra_nb.source.work import Work

_METHODS = frozenset({"system", "getoutput", "run_line_magic", "magic", "run_cell_magic"})


def unwrap_calls(work: Work) -> None:
    """Translate statements that hand a literal text to IPython; others stay as they are."""
    statements = [node for node in ast.walk(work.tree) if isinstance(node, (ast.Expr, ast.Assign))]
    changed = False
    for node in sorted(statements, key=lambda item: item.lineno, reverse=True):
        special = _special(node, work)
        if special is not None:
            made = translate_special(special, work.made.at(1))
            work.made.lines[special.first - 1 : special.last] = [
                (text, work.made.lines[special.first - 1][1]) for text, _ in made.lines
            ]
            work.made.take(made)
            changed = True
    if changed:
        work.check()


def _special(node: ast.Expr | ast.Assign, work: Work) -> Special | None:
    """Read one statement; None when it is something else, or shares its line with another."""
    call = node.value
    match call:
        case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython")), attr=method), keywords=[]):
            texts = [item.value for item in call.args if isinstance(item, ast.Constant) and isinstance(item.value, str)]
        case _:
            return None
    if method not in _METHODS or not texts or len(texts) != len(call.args):
        return None
    last = node.end_lineno or node.lineno
    before = work.made.lines[node.lineno - 1][0].encode()[: call.col_offset].decode()
    after = work.made.lines[last - 1][0].encode()[node.end_col_offset :].decode().strip()
    indent = before[: len(before) - len(before.lstrip())]
    if (after and not after.startswith("#")) or (isinstance(node, ast.Expr) and before != indent):
        return None
    return _made(method, texts, before, (node.lineno, last))


def _made(method: str, texts: list[str], before: str, lines: tuple[int, int]) -> Special | None:
    first, last = lines
    if method == "system":
        return Special(kind="shell", name="", text=texts[0], first=first, last=last, before=before)
    if method == "getoutput":
        return Special(kind="capture", name="", text=texts[0], first=first, last=last, before=before)
    if method == "magic":
        name, _, text = texts[0].lstrip("%").partition(" ")
        return Special(kind="magic", name=name, text=text, first=first, last=last, before=before)
    if method == "run_line_magic":
        return Special(kind="magic", name=texts[0], text="".join(texts[1:2]), first=first, last=last, before=before)
    if before or len(texts) != 3:  # noqa: PLR2004  name, line, cell
        return None
    body = texts[2].removesuffix("\n")
    return Special(kind="cell", name=texts[0], text=texts[1], first=first, last=last, body=body)
