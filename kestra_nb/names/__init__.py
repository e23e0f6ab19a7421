"""Which names a piece of Python reads before it has set them itself, and which names it sets.

The analysis follows the order in which Python runs the code: branches, loops, ``del``, and functions, whose reads count
from the moment their name is first used.
"""

from __future__ import annotations

import ast

from kestra_nb.names.binders import Binder, binders
from kestra_nb.names.flow import Read, free_names
from kestra_nb.names.order import Needs, running_order

__all__ = ["Binder", "Needs", "Read", "binders", "chains", "free_names", "running_order", "unseen_reads"]

_UNSEEN = frozenset(["eval", "exec", "globals", "locals", "vars"])


def chains(tree: ast.AST) -> dict[str, frozenset[tuple[str, ...]]]:
    """Give the attribute chains on each name: ``{"xml": {("dom", "minidom")}}`` for ``xml.dom.minidom``."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for node in ast.walk(tree):
        parts: list[str] = []
        inner: ast.AST = node
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if parts and isinstance(inner, ast.Name):
            found.setdefault(inner.id, set()).add(tuple(reversed(parts)))
    return {name: frozenset(items) for name, items in found.items()}


def unseen_reads(tree: ast.AST) -> tuple[tuple[str, int], ...]:
    """Give calls whose reads cannot be seen, as (function, line): ``eval`` and ``exec`` of text, ``globals()``."""
    return tuple(
        (node.func.id, node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _UNSEEN
    )
