"""One cell on its way into the script: what a script cannot have where a cell may have it is moved or wrapped."""

from __future__ import annotations

import ast
import importlib
import re
import symtable
import warnings
from typing import TYPE_CHECKING

from kestra_nb.ipython import parse, translate
from kestra_nb.ipython.text import indent
from kestra_nb.model.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kestra_nb.model.finding import Location
    from kestra_nb.model.notebook import Cell

_AWAITS = re.compile(r"\b(?:await|async|create_task|ensure_future|get_running_loop)\b")
_NEED_LOOP = frozenset({"create_task", "ensure_future", "get_running_loop"})


class Work:
    """A cell, what it was translated to, and what is wrong with that.

    Attributes:
        cell: As it was read.
        made: Its translation; ``lines`` may be changed, then ``check`` is due.
        text: What ``made`` says.
        problem: Why it does not compile; None when it does.
    """

    __slots__ = ("_tree", "cell", "made", "problem", "text")

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.made = translate(cell.source, cell.location)
        self.text = ""
        self.problem: SyntaxError | None = None
        self._tree: ast.Module | None = None
        self.check()

    def check(self) -> None:
        """Compile the text anew. A cell that awaits at its top level is no problem: it will be wrapped."""
        self._tree = None
        self.text = self.made.text
        self.problem = compile_error(self.text)
        if self.problem is not None and _AWAITS.search(self.text):
            self.problem = compile_error(self.text, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    @property
    def broken(self) -> bool:
        """Whether it is not Python even after translation."""
        return self.problem is not None

    @property
    def tree(self) -> ast.Module:
        """Its syntax tree, an empty one when it is broken; made when first asked for, because most cells need none."""
        if self._tree is None:
            self._tree = (None if self.broken else parse(self.made.text)) or ast.Module(body=[], type_ignores=[])
        return self._tree

    def places(self) -> tuple[Location, ...]:
        """Give the place of each line of the text."""
        known = {line: self.made.at(line) for line in {line for _, line in self.made.lines}}
        return tuple(known[line] for _, line in self.made.lines)

    def place(self, node: ast.stmt | ast.expr) -> Location:
        """Give the place in the notebook of a node of the tree; with its column when the line came over unchanged."""
        return self._place(node.lineno, node.col_offset)

    def finding(self) -> Finding:
        """Say where and why it is not Python."""
        problem = self.problem or SyntaxError("invalid syntax")
        number = min(max(problem.lineno or 1, 1), len(self.made.lines))
        message = f"The cell is no Python: {problem.msg}; the script holds it as comments."
        hint = "Mend the cell, or tag it 'skip'."
        place = self._place(number, max((problem.offset or 1) - 1, 0))
        return Finding(code="KNB102", severity="error", message=message, hint=hint, location=place)

    def _place(self, number: int, offset: int) -> Location:
        text, line = self.made.lines[number - 1]
        original = self.cell.source.split("\n")
        if line > len(original) or original[line - 1] != text:
            return self.made.at(line)
        return self.made.at(line, len(text.encode("utf-8", "replace")[:offset].decode("utf-8", "replace")) + 1)


def compile_error(text: str, *, flags: int = 0) -> SyntaxError | None:
    """Compile a text; give what is wrong with it, as a SyntaxError whatever Python raises. Never warns."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "main.py", "exec", flags, dont_inherit=True)
    except SyntaxError as error:
        return error
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return SyntaxError(str(error) or type(error).__name__, ("", None, None, None))
    return None


def hoist_futures(work: Work) -> list[tuple[str, Location]]:
    """Take ``from __future__`` out of a cell: a script may have it on top only. Give the lines for the top."""
    if "__future__" not in work.text:
        return []
    known = frozenset(importlib.import_module("__future__").all_feature_names) - {"barry_as_FLUFL"}
    found = []
    for node in reversed(work.tree.body):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            names = [alias.name for alias in node.names]
            if known.issuperset(names) and all(alias.asname is None for alias in node.names):
                found.append((f"from __future__ import {', '.join(names)}", work.place(node)))
                _silence(work, node)
    if found:
        work.check()
    return found[::-1]


def _silence(work: Work, node: ast.stmt) -> None:
    """Make a comment of a statement that stands alone on its lines, ``pass`` of one that does not."""
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    lines = work.made.lines
    rest = lines[last][0].encode()[node.end_col_offset :].decode()
    if node.col_offset == 0 and (not rest.strip() or rest.lstrip().startswith("#")):
        lines[first : last + 1] = [(f"# {text}", line) for text, line in lines[first : last + 1]]
    else:
        before = lines[first][0].encode()[: node.col_offset].decode()
        lines[first : last + 1] = [(f"{before}pass{rest}", lines[first][1])]


def run_in_loop(work: Work) -> None:
    """Wrap a cell that awaits something in a function, and run that in the script's event loop."""
    if not _AWAITS.search(work.text) or not any(map(_needs_loop, work.tree.body)):
        return
    stars = _take_star_imports(work)
    _take_annotations(work)
    lines = work.made.lines
    names = ", ".join(_bound(work.text))
    first, last = lines[0][1], lines[-1][1]
    body = zip(indent([text for text, _ in lines]), (line for _, line in lines), strict=True)
    work.made.lines = [
        *stars,
        ("async def _nb_cell():", first),
        *([(f"    global {names}", first)] if names else []),
        *body,
        ("_nb_await(_nb_cell())", last),
    ]
    work.made.helpers.add("_nb_await")
    work.check()


def _needs_loop(node: ast.AST) -> bool:
    """Tell whether a statement outside functions awaits, or starts a task."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
        return False
    if isinstance(node, (ast.Await, ast.AsyncFor, ast.AsyncWith)) or (
        isinstance(node, ast.comprehension) and node.is_async
    ):
        return True
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in _NEED_LOOP:
            return True
    return any(map(_needs_loop, ast.iter_child_nodes(node)))


def _bound(text: str) -> list[str]:
    """Give the names that a cell sets outside functions and classes."""
    table = symtable.symtable(text, "cell", "exec")
    return sorted(symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported())


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            yield child
            yield from _outside_functions(child)


def _take_star_imports(work: Work) -> list[tuple[str, int]]:
    """Take star imports out: a function may not have them."""
    taken = []
    for node in _outside_functions(work.tree):
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*" and node.end_lineno == node.lineno:
            text, line = work.made.lines[node.lineno - 1]
            raw = text.encode()
            taken.append((raw[node.col_offset : node.end_col_offset].decode(), line))
            changed = raw[: node.col_offset] + b"pass" + raw[node.end_col_offset :]
            work.made.lines[node.lineno - 1] = (changed.decode(), line)
    return taken


def _take_annotations(work: Work) -> None:
    """Take annotations of names out: a global name may not have one inside a function."""
    found = [node for node in _outside_functions(work.tree) if isinstance(node, ast.AnnAssign)]
    for node in sorted(found, key=lambda item: (item.lineno, item.col_offset), reverse=True):
        if not isinstance(node.target, ast.Name) or node.annotation.end_lineno != node.lineno:
            continue
        text, line = work.made.lines[node.lineno - 1]
        raw = text.encode()
        start, end = node.target.end_col_offset or 0, node.annotation.end_col_offset or 0
        changed = raw[:start] + raw[end:] if node.value else raw[: node.col_offset] + b"pass" + raw[end:]
        work.made.lines[node.lineno - 1] = (changed.decode(), line)


def headings(works: Sequence[Work]) -> list[str]:
    """Give the comment above each cell in the script.

    Cells of a live kernel are counted anew: their execution counts change at every run, the script must not.
    """
    live = {work.cell.location.path: 0 for work in works if work.cell.location.path.startswith("In [")}
    ordered = sorted(live, key=lambda path: (len(path), path))
    names = {path: f"# earlier cell {number}" for number, path in enumerate(ordered, 1)}
    if ordered:
        names[ordered[-1]] = "# this cell"
    return [names.get(work.cell.location.path, f"# {work.cell.location.cell_name}") for work in works]
