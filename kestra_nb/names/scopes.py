"""What functions read when they are called, and names that hide in texts."""

from __future__ import annotations

import ast
import re
import symtable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FRAME_CALLS = frozenset(["query", "eval"])
_SHELL_CALLS = "_nb_"
_SHELL_FIELD = re.compile(r"\{([^{}!:]+)|\$([A-Za-z_]\w*)")
_FRAME_NAME = re.compile(r"(?<![\w@])@([A-Za-z_]\w*)")


def outer_names(node: ast.stmt | ast.expr) -> tuple[frozenset[str], frozenset[str]]:
    """Give the global names that the scopes inside ``node`` read, and those they set by ``global``."""
    table = symtable.symtable(ast.unparse(node), "cell", "exec")
    reads: set[str] = set()
    binds: set[str] = set()
    waiting = list(table.get_children())
    while waiting:
        scope = waiting.pop()
        if str(scope.get_type()) == "annotation":
            continue
        waiting += scope.get_children()
        for symbol in scope.get_symbols():
            if symbol.is_global() and symbol.get_name() != "__class__":
                if symbol.is_referenced():
                    reads.add(symbol.get_name())
                if symbol.is_assigned() or symbol.is_imported():
                    binds.add(symbol.get_name())
    return frozenset(reads), frozenset(binds)


def frame_names(node: ast.Call) -> Iterator[str]:
    """Give what ``df.query("a > @limit")`` reads: pandas looks such names up where it is called."""
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if called in _FRAME_CALLS:
        for item in node.args:
            if isinstance(item, ast.Constant) and isinstance(item.value, str):
                yield from _FRAME_NAME.findall(item.value)


def shell_names(node: ast.Call) -> Iterator[str]:
    """Give what a translated shell line such as ``!ls {folder} $name`` may take from the namespace."""
    if isinstance(node.func, ast.Name) and node.func.id.startswith(_SHELL_CALLS):
        for item in ast.walk(node):
            if isinstance(item, ast.Constant) and isinstance(item.value, str):
                for expression, name in _SHELL_FIELD.findall(item.value):
                    yield from [name] if name else re.findall(r"(?<![\w.'\"])[A-Za-z_]\w*", expression)


@dataclass(slots=True)
class Later:
    """What a function reads when it is called, with the line of each, and what it sets by ``global``.

    ``perhaps`` are names that shell lines may mean, or the shell's own variables.
    """

    reads: dict[str, int] = field(default_factory=dict)
    binds: frozenset[str] = frozenset()
    perhaps: dict[str, int] = field(default_factory=dict)

    def joined(self, other: Later) -> Later:
        """Give what both read and set."""
        return Later(self.reads | other.reads, self.binds | other.binds, self.perhaps | other.perhaps)


def later(node: ast.stmt | ast.expr) -> Later:
    """Give what a function or a lambda reads and sets when it is called."""
    names, binds = outer_names(node)
    lines: dict[str, int] = {}
    perhaps: dict[str, int] = {}
    stored = {item.arg for item in ast.walk(node) if isinstance(item, ast.arg)}
    stored |= {item.id for item in ast.walk(node) if isinstance(item, ast.Name) and not isinstance(item.ctx, ast.Load)}
    for item in ast.walk(node):
        if isinstance(item, ast.Name) and item.id in names:
            lines[item.id] = min(item.lineno, lines.get(item.id, item.lineno))
        elif isinstance(item, ast.Call):
            for name in frame_names(item):
                if name not in stored:
                    lines.setdefault(name, item.lineno)
            perhaps |= {name: item.lineno for name in shell_names(item) if name not in stored}
    return Later(reads=lines, binds=binds, perhaps=perhaps)
