"""The words of ``data/magics.toml``."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parent.parent / "data" / "magics.toml"


def known(table: str, key: str) -> frozenset[str]:
    """Give one list of words."""
    return frozenset(_tables()[table][key])


def measuring_options(magic: str) -> str | None:
    """Give the letters of the options of a measuring line magic that take a value; None when it is none."""
    options: str | None = _tables()["line"]["measures"].get(magic)
    return options


@cache
def _tables() -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(_DATA.read_text(encoding="utf-8"))
