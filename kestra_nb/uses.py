"""Needs that no import shows: engines, drivers, extras, extensions.

The rules are data (``data/uses.json``). Each was checked against the source or the documentation of the library it
names, or by running the call with the need blocked, as of the date in the file.
"""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING

from kestra_nb import tables
from kestra_nb.model.dependency import Import

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from kestra_nb.model.finding import Location
    from kestra_nb.model.notebook import ScriptCell
    from kestra_nb.model.uses import Address, Call, Needs, Rules

SQL_MAGIC = r"(?m)^# %+sql\b.*?(\w[\w+]*://)"


@functools.cache
def rules() -> Rules:
    """Read the rules once."""
    data: Rules = json.loads((tables.DATA / "uses.json").read_bytes())
    return data


@functools.cache
def by_library() -> Mapping[str, Sequence[Call]]:
    """Give the rows about calls by the top-level modules of their ``with``; under an empty name those without."""
    found: dict[str, list[Call]] = {}
    for row in rules()["calls"]:
        for top in {module.partition(".")[0] for module in row.get("with", ())} or {""}:
            found.setdefault(top, []).append(row)
    return found


@functools.cache
def libraries() -> frozenset[str]:
    """Give every top-level module that some row about calls names."""
    rows = rules()["calls"]
    modules = {module for row in rows for key in ("with", "unless") for module in row.get(key, ())}  # type: ignore[attr-defined]
    modules |= {row["module"] for row in rows if row.get("module")}
    return frozenset(module.partition(".")[0] for module in modules)


@functools.cache
def _companions() -> Mapping[str, Sequence[tuple[str, Sequence[str]]]]:
    found: dict[str, list[tuple[str, Sequence[str]]]] = {}
    for module, needs in rules()["imports"].items():
        found.setdefault(module.partition(".")[0], []).append((module, needs))
    return found


def of_imports(imports: Iterable[Import]) -> list[Import]:
    """Give what the imported modules need besides themselves."""
    known = _companions()
    found: list[Import] = []
    for item in imports:
        rows = known.get(item.module.partition(".")[0])
        if rows is None:
            continue
        paths = [item.module, *(f"{item.module}.{name}" for name in item.names)]
        for module, needs in rows:
            if any(path == module or path.startswith(module + ".") for path in paths):
                found.extend(use(need, item.location, f"import of {module}", item) for need in needs)
    return found


def of_magics(runs: Iterable[tuple[str, str, Location]], cells: Iterable[ScriptCell] = ()) -> list[Import]:
    """Give what ``%load_ext``, ``%matplotlib`` and the address behind ``%sql`` need."""
    found: list[Import] = []
    for kind, argument, place in runs:
        if kind == "extension":
            module = rules()["extensions"].get(argument, argument)
            found.extend([use(module, place, f"%load_ext {argument}")] if module else [])
            found.extend(_of_sql(cells) if module == "sql" else ())
        elif kind == "matplotlib":
            found.append(use("matplotlib", place, f"%matplotlib {argument}".rstrip()))
            module = rules()["matplotlib"].get(argument, "")
            if module not in {"", "matplotlib"}:
                found.append(use(module, place, f"%matplotlib {argument}"))
    return found


def _of_sql(cells: Iterable[ScriptCell]) -> Iterator[Import]:
    """Find the drivers of the databases that ``%sql`` lines name; the script has those lines as comments."""
    for cell in cells:
        for scheme in re.findall(SQL_MAGIC, cell.source):
            yield from of_address(rules()["addresses"], scheme, cell.location)


def of_address(addresses: Iterable[Address], text: str, place: Location) -> Iterator[Import]:
    """Give the drivers that an address needs."""
    scheme = text.partition("://")[0] + "://"
    for address in addresses:
        if text.startswith(tuple(address["begins"])):
            for module in (address["module"], *address.get("also", ())):
                yield use(module, place, scheme)


def use(need: str, location: Location, why: str, cause: Import | None = None) -> Import:
    """Make the import of a hidden need, ``module``, ``module[extra]`` or ``a|b``; it is as guarded as its cause."""
    first, *others = need.split("|")
    module, _, extras = first.rstrip("]").partition("[")
    return Import(
        module=module,
        location=location,
        how="use",
        why=why,
        extras=tuple(extras.split(",")) if extras else (),
        alternatives=tuple(others),
        guarded=cause.guarded if cause else "",
        marker=cause.marker if cause else "",
    )


def is_due(row: Needs, imported: frozenset[str]) -> bool:
    """Tell whether the imports of a script make a row count."""
    demanded = row.get("with")
    if demanded and not any(module in imported for module in demanded):
        return False
    return not any(module in imported for module in row.get("unless", ()))
