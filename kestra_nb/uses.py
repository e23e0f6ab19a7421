"""Needs that no import shows: engines, drivers, extras, extensions. The rules are data (``data/uses.toml``)."""

from __future__ import annotations

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
SQL_MAGIC = re.compile(r"^# %+sql\b.*?(\w[\w+]*://)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of ``[[call]]``; the file says what each field means."""

    name: tuple[str, ...]
    with_: tuple[str, ...] = ()
    module: str = ""
    also: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    on: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    unless_used: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    keyword: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    only_if: str = ""
    given: tuple[str, ...] = ()
    positional: bool = False
    containing: tuple[str, ...] = ()
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
    unless: tuple[str, ...] = ()
    call: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The file as values; ``by_name`` finds the rows of a name."""

    by_name: Mapping[str, tuple[Rule, ...]]
    addresses: tuple[Address, ...]
    imports: Mapping[str, tuple[str, ...]]
    extensions: Mapping[str, str]
    matplotlib: Mapping[str, str]
    libraries: frozenset[str]


@functools.cache
def rules() -> Rules:
    """Read the rules once."""
    data = tables.load("uses.toml")
    by_name: dict[str, tuple[Rule, ...]] = {}
    made = [Rule(**_frozen(row)) for row in data["call"]]
    for rule in made:
        for name in rule.name:
            by_name[name] = (*by_name.get(name, ()), rule)
    modules = {module for rule in made for module in (*rule.with_, *rule.unless, rule.module)}
    return Rules(
        by_name=by_name,
        addresses=tuple(Address(**_frozen(row)) for row in data["url"]),
        imports={module: tuple(needs) for module, needs in data["imports"].items()},
        extensions=data["extensions"],
        matplotlib=data["matplotlib"],
        libraries=frozenset(module.partition(".")[0] for module in modules),
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
                found.extend(use(need, item.location, f"import of {module}", item) for need in needs)
    return found


def of_magics(runs: Iterable[tuple[str, str, Location]], cells: Iterable[ScriptCell] = ()) -> list[Import]:
    """Give what ``%load_ext``, ``%matplotlib`` and the address behind ``%sql`` need."""
    found: list[Import] = []
    known = rules()
    for kind, argument, place in runs:
        if kind == "extension":
            module = known.extensions.get(argument, argument)
            found.extend([use(module, place, f"%load_ext {argument}")] if module else [])
            found.extend(_of_sql(cells) if module == "sql" else ())
        elif kind == "matplotlib":
            found.append(use("matplotlib", place, f"%matplotlib {argument}".rstrip()))
            module = known.matplotlib.get(argument, "")
            if module not in {"", "matplotlib"}:
                found.append(use(module, place, f"%matplotlib {argument}"))
    return found


def _of_sql(cells: Iterable[ScriptCell]) -> Iterator[Import]:
    """Find the drivers of the databases that ``%sql`` lines name; the script has those lines as comments."""
    for cell in cells:
        for scheme in SQL_MAGIC.findall(cell.source):
            yield from of_address(rules().addresses, scheme, cell.location)


def of_address(addresses: Iterable[Address], text: str, place: Location) -> Iterator[Import]:
    """Give the drivers that an address needs."""
    scheme = text.partition("://")[0] + "://"
    for address in addresses:
        if text.startswith(address.begins):
            for module in (address.module, *address.also):
                yield use(module, place, scheme)


def use(need: str, location: Location, why: str, cause: Import | None = None) -> Import:
    """Make the import of a hidden need, ``module``, ``module[extra]`` or ``a|b``; it is as guarded as its cause."""
    first, *others = need.split("|")
    match = EXTRA.fullmatch(first)
    module, extras = (match.group(1), tuple(match.group(2).split(","))) if match else (first, ())
    made = Import(module=module, location=location, how="use", why=why, extras=extras, alternatives=tuple(others))
    return replace(made, guarded=cause.guarded, marker=cause.marker) if cause else made


def is_any(modules: Sequence[str], imported: frozenset[str]) -> bool:
    """Tell whether one of the modules is imported, or none is demanded."""
    return not modules or any(module in imported for module in modules)
