"""The reference says what the code says."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location("reference", Path(__file__).with_name("reference.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
reference = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(reference)


@pytest.mark.parametrize("name", sorted(reference.PAGES))
def test_a_page_is_as_the_code_writes_it(name: str) -> None:
    written = (reference.FOLDER / name).read_text(encoding="utf-8")
    assert written == reference.PAGES[name](), "run './dev reference' and commit what it writes"


def test_every_strategy_says_what_it_does_when_it_fits_what_it_costs_and_when_it_is_refused() -> None:
    page = reference.strategies_page()
    sections = page.split("\n## ")[1:]
    assert len(sections) >= 8
    for section in sections:
        assert len(section.split()) > 60, section.splitlines()[0]


def test_the_readme_shows_the_flow_that_its_cell_becomes() -> None:
    written = (reference.ROOT / "README.md").read_text(encoding="utf-8")
    assert written == reference.readme(), "run './dev reference' and commit what it writes"


def test_every_file_that_the_readme_points_at_is_there() -> None:
    text = (reference.ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!http)([^)]+)\)", text)
    assert len(links) > 5
    assert [link for link in links if not (reference.ROOT / link).exists()] == []


def test_the_readme_names_the_stages_and_strategies_there_are() -> None:
    text = (reference.ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in reference.strategies.registered())
    help_text = subprocess.run([reference.ROOT / "dev", "help"], capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"\./dev (\w+)", text)) <= set(re.findall(r"\./dev (\w+)", help_text))
