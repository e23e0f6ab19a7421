"""Needs that no import shows: engines, drivers, extras, extensions. The rules are data (``data/uses.toml``)."""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from kestra_nb import tables
from kestra_nb.model.dependency import Import

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from kestra_nb.model.finding import Location
    from kestra_nb.model.notebook import ScriptCell

EXTRA = re.compile(r"([\w.]+)\[([\w,.-]+)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of ``[[call]]``; the file says what each field means."""

    name: tuple[str, ...]
    with_: tuple[str, ...] = ()
    module: str = ""
    also: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    keyword: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    only_if: str = ""
    given: tuple[str, ...] = ()
    suffixes: Mapping[str, str] = field(default_factory=dict)
    argument: Mapping[str, str] = field(default_factory=dict)
    attribute: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One row of ``[[url]]``."""

    begins: tuple[str, ...]
    with_: tuple[str, ...] = ()
    module: str
    also: tuple[str, ...] = ()
    call: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The file as values; ``by_name`` finds the rows of a name."""

    by_name: Mapping[str, tuple[Rule, ...]]
    addresses: tuple[Address, ...]
    imports: Mapping[str, tuple[str, ...]]
    extensions: Mapping[str, str]
    matplotlib: Mapping[str, str]


@functools.cache
def rules() -> Rules:
    """Read the rules once."""
    data = tables.load("uses.toml")
    by_name: dict[str, tuple[Rule, ...]] = {}
    for row in data["call"]:
        rule = Rule(**_frozen(row))
        for name in rule.name:
            by_name[name] = (*by_name.get(name, ()), rule)
    return Rules(
        by_name=by_name,
        addresses=tuple(Address(**_frozen(row)) for row in data["url"]),
        imports={module: tuple(needs) for module, needs in data["imports"].items()},
        extensions=data["extensions"],
        matplotlib=data["matplotlib"],
    )


def _frozen(row: Mapping[str, Any]) -> dict[str, Any]:
    plain = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    plain["with_"] = plain.pop("with", ())
    return plain


def words_in(text: str) -> tuple[str, ...]:
    """Give the names and beginnings of addresses of the rules that occur in a text at all."""
    known = rules()
    names = [name for name in known.by_name if name in text]
    schemes = {begin for address in known.addresses for begin in address.begins if begin in text}
    return (*names, *sorted(schemes))


def of_imports(imports: Iterable[Import]) -> list[Import]:
    """Give what the imported modules need besides themselves."""
    known = rules().imports
    found: list[Import] = []
    for item in imports:
        paths = [item.module, *(f"{item.module}.{name}" for name in item.names)]
        for module, needs in known.items():
            if any(path == module or path.startswith(module + ".") for path in paths):
                found.extend(_use(need, item.location, f"import of {module}", item) for need in needs)
    return found


def of_calls(
    trees: Iterable[tuple[ScriptCell, ast.Module]], imports: Sequence[Import], words: Sequence[str]
) -> list[Import]:
    """Give what calls, attributes and addresses in texts need."""
    known = rules()
    imported = _imported(imports)
    by_name = {name: _applying(known.by_name[name], imported) for name in words if name in known.by_name}
    addresses = [
        address
        for address in known.addresses
        if _any(address.with_, imported) and any(begin in words for begin in address.begins)
    ]
    found: list[Import] = []
    for cell, tree in trees:
        if any(word in cell.source for word in words):
            found.extend(_in_tree(cell, tree, by_name, addresses))
    return found


def of_magics(runs: Iterable[tuple[str, str, Location]]) -> list[Import]:
    """Give what ``%load_ext`` and ``%matplotlib`` need."""
    found: list[Import] = []
    for kind, argument, place in runs:
        if kind == "extension":
            module = rules().extensions.get(argument, argument)
            if module:
                found.append(_use(module, place, f"%load_ext {argument}"))
        elif kind == "matplotlib":
            found.append(_use("matplotlib", place, f"%matplotlib {argument}".rstrip()))
            module = rules().matplotlib.get(argument, "")
            if module not in {"", "matplotlib"}:
                found.append(_use(module, place, f"%matplotlib {argument}"))
    return found


def _use(need: str, location: Location, why: str, cause: Import | None = None) -> Import:
    match = EXTRA.fullmatch(need)
    module, extras = (match.group(1), tuple(match.group(2).split(","))) if match else (need, ())
    use = Import(module=module, location=location, how="use", why=why, extras=extras)
    return replace(use, guarded=cause.guarded, marker=cause.marker) if cause else use


def _imported(imports: Iterable[Import]) -> frozenset[str]:
    """Give every imported module with all that stands above it and what is taken from it."""
    names: set[str] = set()
    for item in imports:
        parts = item.module.split(".")
        names.update(".".join(parts[:count]) for count in range(1, len(parts) + 1))
        names.update(f"{item.module}.{name}" for name in item.names)
    return frozenset(names)


def _any(modules: Sequence[str], imported: frozenset[str]) -> bool:
    return not modules or any(module in imported for module in modules)


def _applying(rows: Iterable[Rule], imported: frozenset[str]) -> list[Rule]:
    return [
        rule
        for rule in rows
        if _any(rule.with_, imported) and not (rule.unless and any(module in imported for module in rule.unless))
    ]


def _in_tree(
    cell: ScriptCell, tree: ast.Module, by_name: Mapping[str, Sequence[Rule]], addresses: Sequence[Address]
) -> Iterator[Import]:
    called: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called.add(id(node.func))
            name = _last_name(node.func)
            for rule in by_name.get(name, ()):
                yield from _of_call(rule, name, node, _place(cell, node))
        elif isinstance(node, ast.Attribute) and id(node) not in called and isinstance(node.ctx, ast.Load):
            for rule in by_name.get(node.attr, ()):
                yield from _needs(rule, rule.module if rule.attribute else "", f".{node.attr}", _place(cell, node))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
            name, text = node.targets[0].attr, _text(node.value)
            for rule in by_name.get(name, ()):
                yield from _needs(rule, rule.argument.get(text, ""), f".{name} = {text!r}", _place(cell, node.value))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "://" in node.value:
            yield from _of_address(addresses, node.value, cell, _place(cell, node))


def _of_address(addresses: Iterable[Address], text: str, cell: ScriptCell, place: Location) -> Iterator[Import]:
    scheme = text.partition("://")[0] + "://"
    for address in addresses:
        if text.startswith(address.begins) and (not address.call or _calls(cell, address.call)):
            for module in (address.module, *address.also):
                yield _use(module, place, scheme)


def _calls(cell: ScriptCell, names: Iterable[str]) -> bool:
    return any(f"{name}(" in cell.source for name in names)


def _of_call(rule: Rule, name: str, call: ast.Call, place: Location) -> Iterator[Import]:
    given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    why = f"{name}(…)"
    if rule.only_if:
        value = given.get(rule.only_if)
        if value is None or ast.unparse(value) in {"None", "False"} or (rule.given and _text(value) not in rule.given):
            return
        why = f"{name}({rule.only_if}={ast.unparse(value)})"
    module = rule.module
    texts = [_text(argument) for argument in (*call.args, *given.values())]
    for text in texts[:1]:
        for suffix, by_suffix in rule.suffixes.items():
            if text.lower().endswith(suffix):
                module, why = by_suffix, f"{name}(…{suffix})"
    if rule.keyword and rule.keyword in given:
        value = given[rule.keyword]
        if _text(value) in rule.values:
            module, why = rule.values[_text(value)], f"{name}({rule.keyword}={_text(value)!r})"
    yield from _needs(rule, module, why, place)
    for text in texts:
        yield from _needs(rule, rule.argument.get(text, ""), f"{name}({text!r})", place)


def _needs(rule: Rule, module: str, why: str, place: Location) -> Iterator[Import]:
    if not module:
        return
    alternatives = rule.alternatives if module == rule.module or not rule.module else ()
    yield replace(_use(module, place, why), alternatives=tuple(name for name in alternatives if name != module))
    for further in rule.also:
        yield _use(further, place, why)


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _text(node: ast.expr) -> str:
    """Give the text of a literal, of a formatted one what is certain at its end."""
    if isinstance(node, ast.JoinedStr) and node.values:
        return _text(node.values[-1])
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _place(cell: ScriptCell, node: ast.expr) -> Location:
    line = cell.lines[min(node.lineno, len(cell.lines)) - 1] if cell.lines else cell.location
    return replace(line, column=node.col_offset + 1)
