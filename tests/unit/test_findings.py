"""Every code that the kit can say has its row in the table, and no row is dead."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import kestra_nb

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGE = Path(kestra_nb.__file__).parent
TABLE = tomllib.loads((PACKAGE / "data" / "findings.toml").read_text(encoding="utf-8"))


def used_codes() -> set[str]:
    codes: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        codes |= set(re.findall(r'"(KNB\d{3})"', path.read_text(encoding="utf-8")))
    return codes


def test_every_code_has_its_row() -> None:
    assert used_codes() - TABLE.keys() == set()


def test_no_row_is_dead() -> None:
    assert TABLE.keys() - used_codes() == set()


def test_every_row_says_what_it_means_and_what_to_do() -> None:
    for code, row in TABLE.items():
        assert row.keys() == {"title", "meaning", "what_to_do"}, code
        assert all(isinstance(text, str) and text.strip() for text in row.values()), code
