"""Calls, attributes and addresses in the code that show a need without an import."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from kestra_nb import uses
from kestra_nb.model.finding import Location

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from kestra_nb.model.dependency import Import
    from kestra_nb.model.notebook import ScriptCell
    from kestra_nb.model.uses import Address, Call

    Tree = Callable[[ScriptCell], ast.Module | None]


def find(
    cells: Sequence[ScriptCell], imports: Sequence[Import], aliases: Mapping[str, str], tree_of: Tree
) -> list[Import]:
    """Find what calls, attributes and addresses need.

    Only cells in which a name of a rule occurs that can add something are parsed: one whose library is imported, and
    whose need is not imported anyway. In a cell only the statements with such a name are looked into.

    Args:
        cells: Of the script.
        imports: All imports of the script.
        aliases: Name in the script → dotted path of what an import bound it to.
        tree_of: Gives the parsed cell, None for one that is not Python.
    """
    imported = _imported(imports)
    text = "\n".join([cell.source for cell in cells])
    by_word, by_name = _rows(imported, text)
    addresses = _addresses(imported, text) if "://" in text else []
    words = [*by_word, *{begin for address in addresses for begin in address["begins"] if begin in text}]
    if not words:
        return []
    scene = _Scene(aliases, by_name, addresses)
    found: list[Import] = []
    for cell in cells:
        due = [word for word in words if word in cell.source]
        tree = tree_of(cell) if due and not cell.broken else None
        if tree is not None:
            for statement in _with_words(cell.source, tree, due):
                found.extend(scene.look(cell, statement))
    return found


def _with_words(source: str, tree: ast.Module, words: Sequence[str]) -> Iterator[ast.stmt]:
    """Give the statements of a cell in whose lines one of the words stands."""
    if len(tree.body) == 1:
        yield tree.body[0]
        return
    hits = {source.count("\n", 0, place) + 1 for word in words for place in _places(source, word)}
    for statement in tree.body:
        first, last = statement.lineno, statement.end_lineno or statement.lineno
        if any(first <= number <= last for number in hits):
            yield statement


def _places(text: str, word: str) -> Iterator[int]:
    place = text.find(word)
    while place >= 0:
        yield place
        place = text.find(word, place + 1)


def _imported(imports: Iterable[Import]) -> frozenset[str]:
    """Give every imported module with all that stands above it and what is taken from it."""
    names: set[str] = set()
    for item in imports:
        path = item.module
        names.update([f"{path}.{name}" for name in item.names])
        while path:
            names.add(path)
            path = path.rpartition(".")[0]
    return frozenset(names)


def _rows(imported: frozenset[str], text: str) -> tuple[set[str], dict[str, list[Call]]]:
    """Give the rows that can add a need, by name, with the words that show that a name is used in the text."""
    known = uses.by_library()
    words: set[str] = set()
    found: dict[str, list[Call]] = {}
    for row in [row for top in ("", *imported) for row in known.get(top, ())]:
        before, after = (".", "") if row.get("attribute") or row.get("assigned") else ("", "(")
        names = [name for name in row["name"] if before + name + after in text]
        if not names or not _can_show(row, text) or not uses.is_due(row, imported) or _is_met(row, imported):
            continue
        words.update([before + name + after for name in names])
        for name in names:
            if row not in found.setdefault(name, []):
                found[name].append(row)
    return words, found


def _can_show(row: Call, text: str) -> bool:
    """Tell by the text alone whether what a row demands of the arguments may be there."""
    if "only_if" in row and row["only_if"] + "=" not in text:
        return False
    for parts in (row.get("given"), row.get("containing"), row.get("argument")):
        if parts and not any(part in text for part in parts):
            return False
    if "module" not in row and not any(part in text for part in (*row.get("suffixes", ()), *row.get("values", ()))):
        return "argument" in row
    return not any(word in text for word in row.get("unless_used", ()))


def _is_met(row: Call, imported: frozenset[str]) -> bool:
    """Tell whether all that a row can need is imported anyway."""
    needs = [row.get("module", ""), *row.get("also", ())]
    for table in (row.get("values"), row.get("suffixes"), row.get("argument")):
        needs.extend(table.values() if table else ())
    return all(module in imported for module in needs if module)


def _addresses(imported: frozenset[str], text: str) -> list[Address]:
    return [
        address
        for address in uses.rules()["addresses"]
        if any(begin in text for begin in address["begins"]) and uses.is_due(address, imported)
    ]


class _Chain:
    """``xr.tutorial.open_dataset``: the attributes before the name, and what its first name is bound to."""

    __slots__ = ("before", "path")

    def __init__(self, node: ast.expr, aliases: Mapping[str, str]) -> None:
        parts: list[str] = []
        while isinstance(node, (ast.Attribute, ast.Call, ast.Subscript)):
            if isinstance(node, ast.Attribute):
                parts.append(node.attr)
            node = node.func if isinstance(node, ast.Call) else node.value
        parts.reverse()
        root = node.id if isinstance(node, ast.Name) else ""
        bound = aliases.get(root, "")
        self.path = ".".join([bound, *parts]) if bound else ""
        self.before = {root, *parts[:-1]} if parts else set()


class _Scene:
    """A script with the rows that can apply to it."""

    def __init__(
        self, aliases: Mapping[str, str], by_name: Mapping[str, Sequence[Call]], addresses: Sequence[Address]
    ) -> None:
        self.aliases = aliases
        self.by_name = by_name
        self.addresses = addresses

    def look(self, cell: ScriptCell, statement: ast.stmt) -> list[Import]:
        """Go through a statement."""
        found: list[Import] = []
        called: set[int] = set()
        todo: list[ast.AST] = [statement]
        while todo:
            node = todo.pop()
            kind = type(node)
            if kind is ast.Call:
                called.add(id(node.func))  # type: ignore[attr-defined]
                found.extend(self._call(cell, node))  # type: ignore[arg-type]
            elif kind is ast.Attribute:
                if node.attr in self.by_name and id(node) not in called:  # type: ignore[attr-defined]
                    found.extend(self._attribute(cell, node))  # type: ignore[arg-type]
            elif kind is ast.Assign:
                found.extend(self._assignment(cell, node))  # type: ignore[arg-type]
            elif kind is ast.Constant and self.addresses:
                found.extend(self._constant(cell, node))  # type: ignore[arg-type]
            for name in node._fields:
                value = getattr(node, name, None)
                if type(value) is list:
                    todo.extend(item for item in value if isinstance(item, ast.AST))
                elif isinstance(value, ast.AST):
                    todo.append(value)
        return found

    def _rows(self, node: ast.expr, name: str) -> Iterator[Call]:
        """Give the rows for a name whose first name may well be what they are about."""
        rows = self.by_name.get(name)
        if rows is None:
            return
        chain = _Chain(node, self.aliases)
        for row in rows:
            if not chain.before.intersection(row.get("apart", ())) and _is_about(row, chain.path):
                yield row

    def _call(self, cell: ScriptCell, node: ast.Call) -> Iterator[Import]:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for row in self._rows(node.func, name):
            yield from _of_call(row, name, node, place_of(cell, node))

    def _attribute(self, cell: ScriptCell, node: ast.Attribute) -> Iterator[Import]:
        if isinstance(node.ctx, ast.Load):
            for row in self._rows(node, node.attr):
                if row.get("attribute"):
                    yield from _needs(row, row.get("module", ""), f".{node.attr}", place_of(cell, node))

    def _assignment(self, cell: ScriptCell, node: ast.Assign) -> Iterator[Import]:
        target = node.targets[0]
        if isinstance(target, ast.Attribute):
            text = _text(node.value)
            for row in self.by_name.get(target.attr, ()):
                module = row.get("argument", {}).get(text, "")
                yield from _needs(row, module, f".{target.attr} = {text!r}", place_of(cell, node.value))

    def _constant(self, cell: ScriptCell, node: ast.Constant) -> Iterator[Import]:
        if isinstance(node.value, str) and "://" in node.value:
            due = [item for item in self.addresses if "call" not in item or _calls(cell, item["call"])]
            yield from uses.of_address(due, node.value, place_of(cell, node))


def _is_about(row: Call, path: str) -> bool:
    """Tell whether a call on a module is on one of the row's; a call on a value may be."""
    if "on" in row:
        return any(_is_below(path, module) for module in row["on"])
    if not path or path.partition(".")[0] not in uses.libraries() or not row.get("with"):
        return True
    return any(_is_below(path, module.partition(".")[0]) for module in row["with"])


def _is_below(path: str, module: str) -> bool:
    return path == module or path.startswith(module + ".")


def _of_call(row: Call, name: str, call: ast.Call, place: Location) -> Iterator[Import]:
    given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    arguments = [*call.args, *given.values()]
    if row.get("positional") and not call.args:
        return
    if "only_if" in row and not _is_given(given.get(row["only_if"]), row.get("given")):
        return
    if "containing" in row and not _holds(arguments, row["containing"]):
        return
    why = f"{name}({row['only_if']}={ast.unparse(given[row['only_if']])})" if "only_if" in row else f"{name}(…)"
    module, shown = _chosen(row, name, arguments, given)
    yield from _needs(row, module, shown or why, place)
    for text in map(_text, arguments) if "argument" in row else ():
        yield from _needs(row, row["argument"].get(text, ""), f"{name}({text!r})", place)


def _is_given(value: ast.expr | None, texts: Sequence[str] | None) -> bool:
    if value is None or (isinstance(value, ast.Constant) and value.value in {None, False}):
        return False
    return not texts or _text(value) in texts


def _holds(arguments: Iterable[ast.expr], parts: Iterable[str]) -> bool:
    texts = [ast.unparse(argument) for argument in arguments]
    return any(part in text for part in parts for text in texts)


def _chosen(row: Call, name: str, arguments: Sequence[ast.expr], given: Mapping[str, ast.expr]) -> tuple[str, str]:
    """Give the module that the arguments decide for, with what shows it."""
    keyword = row.get("keyword", "")
    text = _text(given[keyword]) if keyword in given else ""
    if text in row.get("values", ()):
        return row["values"][text], f"{name}({keyword}={text!r})"
    first = _text(arguments[0]).lower() if arguments else ""
    for suffix, module in row.get("suffixes", {}).items():
        if first.endswith(suffix):
            return module, f"{name}(…{suffix})"
    return row.get("module", ""), ""


def _needs(row: Call, module: str, why: str, place: Location) -> Iterator[Import]:
    if not module:
        return
    usual = row.get("module", "")
    others = tuple(name for name in row.get("alternatives", ()) if name != module) if usual in {"", module} else ()
    yield replace(uses.use(module, place, why), alternatives=others)
    for further in row.get("also", ()):
        yield uses.use(further, place, why)


def _calls(cell: ScriptCell, names: Iterable[str]) -> bool:
    return any(f"{name}(" in cell.source for name in names)


def _text(node: ast.expr) -> str:
    """Give the text of a literal, of a formatted one what is certain at its end."""
    if isinstance(node, ast.JoinedStr) and node.values:
        return _text(node.values[-1])
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def place_of(cell: ScriptCell, node: ast.stmt | ast.expr) -> Location:
    """Give the place in the notebook where a node of a cell begins."""
    lines = cell.lines
    line = lines[min(node.lineno, len(lines)) - 1] if lines else cell.location
    return Location(path=line.path, cell=line.cell, cell_id=line.cell_id, line=line.line, column=node.col_offset + 1)
