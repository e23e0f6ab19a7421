"""What is known about modules that nobody here has installed: tables, as data with their dates."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

DATA = Path(__file__).parent / "data"


class Modules:
    """``data/modules.toml``: module → distributions on PyPI that own it, the usual one first."""

    def __init__(self, made: str, owners: Mapping[str, tuple[str, ...]]) -> None:
        self.made = made
        self.owners = owners

    def look_up(self, module: str) -> tuple[str, tuple[str, ...]]:
        """Give the longest known beginning of a dotted module and its distributions; empty when unknown."""
        parts = module.split(".")
        for count in range(len(parts), 0, -1):
            known = ".".join(parts[:count])
            if known in self.owners:
                return known, self.owners[known]
        return "", ()

    def is_shared(self, module: str) -> bool:
        """Tell whether a name is known as the common roof of several distributions (``google``, ``google.cloud``)."""
        return module not in self.owners and any(known.startswith(module + ".") for known in self.owners)


def load(name: str) -> dict[str, Any]:
    """Read a TOML file of ``kestra_nb/data``."""
    return parse((DATA / name).read_text(encoding="utf-8"))


def parse(text: str) -> dict[str, Any]:
    """Read TOML; a ``ValueError`` says what is wrong with it."""
    if sys.version_info >= (3, 11):
        import tomllib  # only when something is to be looked up
    else:
        import tomli as tomllib

    return tomllib.loads(text)


@functools.cache
def modules() -> Modules:
    """Read the table of modules once."""
    data = load("modules.toml")
    owners: dict[str, tuple[str, ...]] = {}
    for name in data["same"]:
        owners[name.replace("-", "_")] = (name,)
    for module, names in data["modules"].items():
        owners[module] = (names,) if isinstance(names, str) else tuple(names)
    return Modules(str(data["made"]), owners)


@functools.cache
def standard_library(python: str) -> frozenset[str]:
    """Give the top-level modules of the standard library of a Python (``3.12``; 3.8 to 3.14 are known)."""
    data = load("stdlib.toml")
    version = _numbers(python)
    names = set(data["always"])
    names |= {name for name, since in data["since"].items() if version >= _numbers(since)}
    names |= {name for name, until in data["until"].items() if version < _numbers(until)}
    return frozenset(names)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])
