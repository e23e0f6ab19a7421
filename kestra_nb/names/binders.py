"""Statements that set or delete names outside functions."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from kestra_nb.names.scopes import outer_names

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Binder:
    """A statement outside functions that sets or deletes a name.

    Attributes:
        name: ``*`` for a star import.
        node: The statement; for imports ``alias`` says which part of it.
        how: ``other`` is a loop, a ``with``, a ``match``, an unpacking or a walrus.
    """

    name: str
    node: ast.stmt
    how: Literal["import", "from", "def", "class", "assign", "del", "other"]
    alias: ast.alias | None = None


def binders(tree: ast.Module) -> tuple[Binder, ...]:
    """Give each statement that sets or deletes a name outside functions, in order of the text."""
    return tuple(found for statement in tree.body for found in statement_binders(statement))


def statement_binders(node: ast.stmt) -> Iterator[Binder]:
    """Give what one statement, with the statements inside it, sets or deletes."""
    match node:
        case ast.Import():
            for alias in node.names:
                yield Binder(name=alias.asname or alias.name.partition(".")[0], node=node, how="import", alias=alias)
        case ast.ImportFrom():
            for alias in node.names:
                yield Binder(name=alias.asname or alias.name, node=node, how="from", alias=alias)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield Binder(name=node.name, node=node, how="def")
            yield from (Binder(name=name, node=node, how="other") for name in sorted(outer_names(node)[1]))
        case ast.ClassDef():
            yield Binder(name=node.name, node=node, how="class")
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
            yield from _walrus_binders(node)
            yield Binder(name=name, node=node, how="assign")
        case ast.Delete():
            yield from (Binder(name=t.id, node=node, how="del") for t in node.targets if isinstance(t, ast.Name))
        case _:
            yield from _walrus_binders(node)
            for child in _inner_statements(node):
                yield from statement_binders(child)


def _walrus_binders(node: ast.stmt) -> Iterator[Binder]:
    """Give what the statement itself stores, apart from the statements inside it and from inner scopes."""
    own = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    waiting: list[ast.AST] = [node]
    while waiting:
        item = waiting.pop(0)
        simple = [item] == own
        if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store) and not simple:
            yield Binder(name=item.id, node=node, how="other")
        elif isinstance(item, (ast.MatchAs, ast.MatchStar, ast.ExceptHandler)) and item.name:
            yield Binder(name=item.name, node=node, how="other")
        if isinstance(item, (ast.Lambda, ast.comprehension)):
            continue
        waiting += [child for child in ast.iter_child_nodes(item) if not isinstance(child, ast.stmt)]


def _inner_statements(node: ast.stmt) -> Iterator[ast.stmt]:
    for part in ("body", "orelse", "finalbody"):
        yield from getattr(node, part, ())
    for holder in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield from holder.body
