"""Calls, attributes and addresses in the code that show a need without an import."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kestra_nb import uses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from kestra_nb.model.dependency import Import
    from kestra_nb.model.finding import Location
    from kestra_nb.model.notebook import ScriptCell
    from kestra_nb.uses import Address, Rule

Trees = list[tuple["ScriptCell", ast.Module]]


def find(trees: Trees, imports: Sequence[Import], aliases: Mapping[str, str], words: Sequence[str]) -> list[Import]:
    """Find what calls, attributes and addresses need.

    Args:
        trees: The cells that parse.
        imports: All imports of the script.
        aliases: Name in the script → dotted path of what an import bound it to.
        words: Of ``uses.words_in``: nothing else is looked for.
    """
    scene = _Scene.of(trees, imports, aliases, words)
    found: list[Import] = []
    for cell, tree in trees:
        if any(word in cell.source for word in words):
            found.extend(scene.look(cell, tree))
    return found


def _imported(imports: Iterable[Import]) -> frozenset[str]:
    """Give every imported module with all that stands above it and what is taken from it."""
    names: set[str] = set()
    for item in imports:
        parts = item.module.split(".")
        names.update(".".join(parts[:count]) for count in range(1, len(parts) + 1))
        names.update(f"{item.module}.{name}" for name in item.names)
    return frozenset(names)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chain:
    """``xr.tutorial.open_dataset``: the name, the attributes before it, and what its first name is bound to."""

    name: str
    before: tuple[str, ...]
    path: str

    @classmethod
    def of(cls, node: ast.expr, aliases: Mapping[str, str]) -> _Chain:
        parts: list[str] = []
        while isinstance(node, (ast.Attribute, ast.Call, ast.Subscript)):
            if isinstance(node, ast.Attribute):
                parts.append(node.attr)
            node = node.func if isinstance(node, ast.Call) else node.value
        parts.reverse()
        root = node.id if isinstance(node, ast.Name) else ""
        bound = aliases.get(root, "")
        path = ".".join([bound, *parts]) if bound else ""
        names = [root, *parts]
        return cls(name=names[-1], before=tuple(names[:-1]), path=path)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """A script with the rules that can apply to it."""

    aliases: Mapping[str, str]
    by_name: Mapping[str, Sequence[Rule]]
    addresses: Sequence[Address]
    libraries: frozenset[str]

    @classmethod
    def of(cls, trees: Trees, imports: Iterable[Import], aliases: Mapping[str, str], words: Sequence[str]) -> _Scene:
        known, imported = uses.rules(), _imported(imports)
        sources = [cell.source for cell, _ in trees]
        begins = {word for word in words if "://" in word}
        return cls(
            aliases=aliases,
            by_name={
                name: [rule for rule in known.by_name[name] if _can_apply(rule, imported, sources)]
                for name in words
                if name in known.by_name
            },
            addresses=[
                address
                for address in known.addresses
                if begins.intersection(address.begins) and _is_due(address, imported)
            ],
            libraries=known.libraries,
        )

    def look(self, cell: ScriptCell, tree: ast.Module) -> Iterator[Import]:
        called: set[int] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called.add(id(node.func))
                yield from self._call(node, _place(cell, node))
            elif isinstance(node, ast.Attribute) and id(node) not in called and isinstance(node.ctx, ast.Load):
                for rule in self._rules(node, node.attr):
                    yield from _needs(rule, rule.module if rule.attribute else "", f".{node.attr}", _place(cell, node))
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
                yield from self._assignment(node.targets[0].attr, _text(node.value), _place(cell, node.value))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "://" in node.value:
                addresses = [item for item in self.addresses if not item.call or _calls(cell, item.call)]
                yield from uses.of_address(addresses, node.value, _place(cell, node))

    def _rules(self, node: ast.expr, name: str) -> Iterator[Rule]:
        """Give the rules for a name whose first name may well be what they are about."""
        rows = self.by_name.get(name, ())
        if not rows:
            return
        chain = _Chain.of(node, self.aliases)
        for rule in rows:
            if not set(rule.apart).intersection(chain.before) and self._is_about(rule, chain):
                yield rule

    def _is_about(self, rule: Rule, chain: _Chain) -> bool:
        """Tell whether a call on a module is on one of the rule's; a call on a value may be."""
        if rule.on:
            return any(_is_below(chain.path, module) for module in rule.on)
        if not chain.path or chain.path.partition(".")[0] not in self.libraries:
            return True
        return not rule.with_ or any(_is_below(chain.path, module.partition(".")[0]) for module in rule.with_)

    def _call(self, node: ast.Call, place: Location) -> Iterator[Import]:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for rule in self._rules(node.func, name):
            yield from _of_call(rule, name, node, place)

    def _assignment(self, name: str, text: str, place: Location) -> Iterator[Import]:
        for rule in self.by_name.get(name, ()):
            yield from _needs(rule, rule.argument.get(text, ""), f".{name} = {text!r}", place)


def _is_due(row: Rule | Address, imported: frozenset[str]) -> bool:
    return uses.is_any(row.with_, imported) and not any(module in imported for module in row.unless)


def _can_apply(rule: Rule, imported: frozenset[str], sources: Iterable[str]) -> bool:
    return _is_due(rule, imported) and not any(word in source for word in rule.unless_used for source in sources)


def _is_below(path: str, module: str) -> bool:
    return path == module or path.startswith(module + ".")


def _of_call(rule: Rule, name: str, call: ast.Call, place: Location) -> Iterator[Import]:
    given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    why = f"{name}(…)"
    if rule.positional and not call.args:
        return
    if rule.only_if:
        value = given.get(rule.only_if)
        if value is None or ast.unparse(value) in {"None", "False"} or (rule.given and _text(value) not in rule.given):
            return
        why = f"{name}({rule.only_if}={ast.unparse(value)})"
    arguments = [*call.args, *given.values()]
    if rule.containing and not any(part in ast.unparse(argument) for part in rule.containing for argument in arguments):
        return
    module, shown = _chosen(rule, name, arguments, given)
    yield from _needs(rule, module, shown or why, place)
    for text in map(_text, arguments):
        yield from _needs(rule, rule.argument.get(text, ""), f"{name}({text!r})", place)


def _chosen(rule: Rule, name: str, arguments: Sequence[ast.expr], given: Mapping[str, ast.expr]) -> tuple[str, str]:
    """Give the module that the arguments decide for, with what shows it."""
    text = _text(given[rule.keyword]) if rule.keyword in given else ""
    if text in rule.values:
        return rule.values[text], f"{name}({rule.keyword}={text!r})"
    first = _text(arguments[0]).lower() if arguments else ""
    for suffix, module in rule.suffixes.items():
        if first.endswith(suffix):
            return module, f"{name}(…{suffix})"
    return rule.module, ""


def _needs(rule: Rule, module: str, why: str, place: Location) -> Iterator[Import]:
    if not module:
        return
    others = tuple(name for name in rule.alternatives if name != module) if rule.module in {"", module} else ()
    yield replace(uses.use(module, place, why), alternatives=others)
    for further in rule.also:
        yield uses.use(further, place, why)


def _calls(cell: ScriptCell, names: Iterable[str]) -> bool:
    return any(f"{name}(" in cell.source for name in names)


def _text(node: ast.expr) -> str:
    """Give the text of a literal, of a formatted one what is certain at its end."""
    if isinstance(node, ast.JoinedStr) and node.values:
        return _text(node.values[-1])
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _place(cell: ScriptCell, node: ast.expr) -> Location:
    line = cell.lines[min(node.lineno, len(cell.lines)) - 1] if cell.lines else cell.location
    return replace(line, column=node.col_offset + 1)
