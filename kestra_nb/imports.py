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

    from kestra_nb.model.notebook import Script, ScriptCell

IMPORT_LINE = re.compile(r"^[ \t]*(?:from[ \t]+\.*[\w.]+[ \t]+import\b|import[ \t]+\w).*$", re.MULTILINE)
DYNAMIC = re.compile(r"\b(?:import_module|__import__|importorskip|run_module)\b")


def find_imports(script: Script) -> tuple[Import, ...]:
    """Find every import of a script and every need that no import shows, in order of place.

    Only cells whose text has the word ``import`` or a trigger of ``data/uses.toml`` are parsed. Of a cell that is not
    Python the import lines are kept, marked ``broken``. Never raises.
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
    trees: calls.Trees = []
    aliases: dict[str, str] = {}
    words = uses.words_in("\n".join(cell.source for cell in cells))
    for cell in cells:
        if "import" not in cell.source and not any(word in cell.source for word in words):
            continue
        tree = None if cell.broken else _parse(cell.source)
        if tree is None:
            found.extend(_salvage(cell))
            continue
        trees.append((cell, tree))
        found.extend(_imports(cell, tree, aliases))
    found.extend(uses.of_imports(found))
    if words:
        found.extend(calls.find(trees, found, aliases, words))
    if script is not None:
        found.extend(uses.of_magics(script.runs, cells))
    return tuple(sorted(found, key=lambda item: _order(item.location)))


def _order(location: Location) -> tuple[int, int, int]:
    return (location.cell or 0, location.line, location.column)


def _parse(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _imports(cell: ScriptCell, tree: ast.Module, aliases: dict[str, str]) -> Iterator[Import]:
    """Give the imports of a cell, and note which name each binds."""
    for statement, guard in _statements(tree.body, Guard()):
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            aliases.update(_bound(statement))
            yield from _of_statement(cell, statement, guard)
        elif DYNAMIC.search(cell.source) and not hasattr(statement, "body"):
            yield from _dynamic(cell, statement, guard)


def _bound(statement: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    for alias in statement.names:
        if isinstance(statement, ast.ImportFrom):
            yield alias.asname or alias.name, f"{statement.module or ''}.{alias.name}"
        else:
            top = alias.name.partition(".")[0]
            yield (alias.asname, alias.name) if alias.asname else (top, top)


def _statements(body: Sequence[ast.stmt], guard: Guard) -> Iterator[tuple[ast.stmt, Guard]]:
    """Walk statements only, with what stands around each."""
    for statement in body:
        yield statement, guard
        if isinstance(statement, ast.If):
            inside, otherwise = guards.of_if(statement.test, guard)
            yield from _statements(statement.body, inside)
            yield from _statements(statement.orelse, otherwise)
        elif isinstance(statement, ast.Try):
            tried = tuple(_modules(statement.body))
            inside, otherwise = guards.of_try(statement, guard, tried)
            yield from _statements([*statement.body, *statement.orelse], inside)
            for handler in statement.handlers:
                yield from _statements(handler.body, otherwise)
            yield from _statements(statement.finalbody, guard)
        elif isinstance(statement, (ast.With, ast.AsyncWith)):
            yield from _statements(statement.body, _suppressed(statement, guard))
        else:
            for nested in _bodies(statement):
                yield from _statements(nested, guard)


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
                return replace(guard, kind=guard.kind or "try")
    return guard


def _modules(body: Iterable[ast.stmt]) -> Iterator[str]:
    for statement in body:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
            yield statement.module


def _of_statement(cell: ScriptCell, node: ast.Import | ast.ImportFrom, guard: Guard) -> Iterator[Import]:
    place = _place(cell, node)
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield _import(alias.name, place, guard)
        return
    module = "." * node.level + (node.module or "")
    names = tuple(alias.name for alias in node.names if alias.name != "*")
    yield replace(_import(module, place, guard), names=names, how="from")


def _import(module: str, place: Location, guard: Guard) -> Import:
    return Import(
        module=module, location=place, guarded=guard.kind, marker=guard.marker, fallback_for=guard.fallback_for
    )


def _dynamic(cell: ScriptCell, statement: ast.stmt, guard: Guard) -> Iterator[Import]:
    for node in ast.walk(statement):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        first = node.args[0]
        if DYNAMIC.fullmatch(name) and isinstance(first, ast.Constant) and isinstance(first.value, str):
            module = first.value
            if all(part.isidentifier() for part in module.split(".")):
                yield replace(_import(module, _place(cell, node), guard), how="dynamic")


def _place(cell: ScriptCell, node: ast.stmt | ast.expr) -> Location:
    line = cell.lines[min(node.lineno, len(cell.lines)) - 1] if cell.lines else cell.location
    return replace(line, column=node.col_offset + 1)


def _salvage(cell: ScriptCell) -> Iterator[Import]:
    """Keep the import lines of a cell that does not parse, unless it is in another language altogether."""
    lines = cell.source.split("\n")
    if _is_java_like(cell.source):
        return
    for match in IMPORT_LINE.finditer(cell.source):
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
    statements = [line.rstrip() for line in IMPORT_LINE.findall(text)]
    return bool(statements) and all(line.endswith(";") for line in statements)
