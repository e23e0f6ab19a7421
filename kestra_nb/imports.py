"""Script → the modules it needs, cell by cell, so that one broken cell costs only itself."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

from kestra_nb import calls, guards, uses
from kestra_nb.guards import Guard
from kestra_nb.model.dependency import Import
from kestra_nb.model.finding import Location

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kestra_nb.model.dependency import How
    from kestra_nb.model.notebook import Script, ScriptCell

IMPORT_LINE = r"(?m)^[ \t]*(?:from[ \t]+\.*[\w.]+[ \t]+import\b|import[ \t]+\w).*$"
PLAIN = Guard()
MATCH = getattr(ast, "Match", None)
DYNAMIC = ("import_module", "__import__", "importorskip", "run_module")


def find_imports(script: Script) -> tuple[Import, ...]:
    """Find every import of a script and every need that no import shows, in order of place.

    Only cells whose text has the word ``import``, or a name of a rule in ``data/uses.json`` that can add something,
    are parsed. Of a cell that is not Python the import lines are kept, marked ``broken``. Never raises.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "\d" in a string of the notebook is the author's matter
        return _find(script.cells, script)


def imports_of(text: str, path: str) -> tuple[Import, ...]:
    """Find the imports of a module beside the notebook, hidden needs included; never raises."""
    from kestra_nb.model.notebook import ScriptCell  # only for local modules

    count = text.count("\n") + 1
    lines = tuple(Location(path=path, line=number) for number in range(1, count + 1))
    cell = ScriptCell(location=Location(path=path), source=text, lines=lines, first_line=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _find((cell,), None)


def _find(cells: Sequence[ScriptCell], script: Script | None) -> tuple[Import, ...]:
    found: list[Import] = []
    trees: dict[int, ast.Module | None] = {}
    aliases: dict[str, str] = {}

    def tree_of(cell: ScriptCell) -> ast.Module | None:
        if id(cell) not in trees:
            trees[id(cell)] = _parse(cell.source)
        return trees[id(cell)]

    for cell in cells:
        if "import" not in cell.source:
            continue
        tree = None if cell.broken else tree_of(cell)
        if tree is None:
            found.extend(_salvage(cell))
        else:
            _Finder(cell, found, aliases).visit(tree.body, PLAIN)
    found.extend(uses.of_imports(found))
    found.extend(calls.find(cells, found, aliases, tree_of))
    if script is not None:
        found.extend(uses.of_magics(script.runs, cells))
    found.sort(key=_order)
    return tuple(found)


def _order(item: Import) -> tuple[int, int, int]:
    place = item.location
    return (place.cell or 0, place.line, place.column)


def _parse(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class _Finder:
    """Walks the statements of one cell, with what stands around each, and notes which name an import binds."""

    def __init__(self, cell: ScriptCell, found: list[Import], aliases: dict[str, str]) -> None:
        self.cell = cell
        self.found = found
        self.aliases = aliases
        self.has_dynamic = any(name in cell.source for name in DYNAMIC)

    def visit(self, body: Sequence[ast.stmt], guard: Guard) -> None:
        for statement in body:
            kind = type(statement)
            if kind is ast.Import or kind is ast.ImportFrom:
                self.aliases.update(_bound(statement))  # type: ignore[arg-type]
                self.found.extend(_of_statement(self.cell, statement, guard))  # type: ignore[arg-type]
            elif hasattr(statement, "body") or kind is MATCH:
                self._visit_compound(statement, guard)
            elif self.has_dynamic:
                self.found.extend(_dynamic(self.cell, statement, guard))

    def _visit_compound(self, statement: ast.stmt, guard: Guard) -> None:
        if isinstance(statement, ast.If):
            inside, otherwise = guards.of_if(statement.test, guard) if self._has_import(statement) else (guard, guard)
            self.visit(statement.body, inside)
            self.visit(statement.orelse, otherwise)
        elif isinstance(statement, ast.Try):
            inside, otherwise = guards.of_try(statement, guard, tuple(_modules(statement.body)))
            self.visit([*statement.body, *statement.orelse], inside)
            for handler in statement.handlers:
                self.visit(handler.body, otherwise)
            self.visit(statement.finalbody, guard)
        elif isinstance(statement, (ast.With, ast.AsyncWith)):
            self.visit(statement.body, _suppressed(statement, guard))
        else:
            for nested in _bodies(statement):
                self.visit(nested, guard)

    def _has_import(self, statement: ast.If) -> bool:
        """Tell cheaply whether the lines of a statement may import something."""
        lines = self.cell.source.split("\n")[statement.lineno - 1 : statement.end_lineno]
        return self.has_dynamic or any("import" in line for line in lines)


def _bound(statement: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    for alias in statement.names:
        if isinstance(statement, ast.ImportFrom):
            yield alias.asname or alias.name, f"{statement.module or ''}.{alias.name}"
        else:
            top = alias.name.partition(".")[0]
            yield (alias.asname, alias.name) if alias.asname else (top, top)


def _bodies(statement: ast.stmt) -> Iterator[Sequence[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        nested = getattr(statement, name, None)
        if nested:
            yield nested
    for part in (*getattr(statement, "cases", ()), *getattr(statement, "handlers", ())):
        yield part.body


def _suppressed(statement: ast.With | ast.AsyncWith, guard: Guard) -> Guard:
    for item in statement.items:
        call = item.context_expr
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("suppress"):  # noqa: SIM102
            if any(guards.catches_import_error(argument) for argument in call.args):
                return guard.of_kind(guard.kind or "try")
    return guard


def _modules(body: Iterable[ast.stmt]) -> Iterator[str]:
    for statement in body:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
            yield statement.module


def _of_statement(cell: ScriptCell, node: ast.Import | ast.ImportFrom, guard: Guard) -> Iterator[Import]:
    place = calls.place_of(cell, node)
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield _import(alias.name, place, guard)
        return
    names = tuple([alias.name for alias in node.names if alias.name != "*"])
    yield _import("." * node.level + (node.module or ""), place, guard, names, "from")


def _import(module: str, place: Location, guard: Guard, names: tuple[str, ...] = (), how: How = "import") -> Import:
    return Import(
        module=module,
        location=place,
        names=names,
        how=how,
        guarded=guard.kind,
        marker=guard.marker,
        fallback_for=guard.fallback_for,
    )


def _dynamic(cell: ScriptCell, statement: ast.stmt, guard: Guard) -> Iterator[Import]:
    for node in ast.walk(statement):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        first = node.args[0]
        if name in DYNAMIC and isinstance(first, ast.Constant) and isinstance(first.value, str):
            module = first.value
            if all(part.isidentifier() for part in module.split(".")):
                yield _import(module, calls.place_of(cell, node), guard, how="dynamic")


def _salvage(cell: ScriptCell) -> Iterator[Import]:
    """Keep the import lines of a cell that does not parse, unless it is in another language altogether."""
    lines = cell.source.split("\n")
    if _is_java_like(cell.source):
        return
    for match in re.finditer(IMPORT_LINE, cell.source):
        number = cell.source.count("\n", 0, match.start())
        tree = _parse_line(lines[number:])
        for statement in tree.body if tree is not None else ():
            if isinstance(statement, (ast.Import, ast.ImportFrom)):
                place = cell.lines[min(number, len(cell.lines) - 1)] if cell.lines else cell.location
                moved = replace(cell, lines=(place,))
                statement.lineno = 1
                yield from _of_statement(moved, statement, Guard(kind="broken"))


def _parse_line(lines: Sequence[str]) -> ast.Module | None:
    """Parse the import that begins on the first line; it may go on over brackets and backslashes."""
    text = lines[0].strip()
    count = 1
    while count < min(len(lines), 200) and (text.endswith("\\") or text.count("(") > text.count(")")):
        text += "\n" + lines[count]
        count += 1
    head = text.partition("\n")[0]
    whole = _parse(text) or _parse(head.partition("#")[0].partition(";")[0])
    return whole or _parse(head.partition("(")[0] + " _" if "(" in head else "")


def _is_java_like(text: str) -> bool:
    statements = [line.rstrip() for line in re.findall(IMPORT_LINE, text)]
    return bool(statements) and all(line.endswith(";") for line in statements)
