"""All foreign notebooks, not the chosen ones alone: every cell is read as IPython reads it, every script compiles."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest

from kestra_nb import files
from kestra_nb.errors import NotebookError
from kestra_nb.source import to_script
from tests import foreign_notebooks as foreign
from tests.ipython_form import dumped, in_ipythons_form, of_ipython

if TYPE_CHECKING:
    from collections import Counter
    from pathlib import Path

    from kestra_nb.model.notebook import Notebook

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def notebooks() -> list[Notebook]:
    read = [outcome(path) for path in foreign.all_notebooks()]
    refused = [text for text in read if isinstance(text, str)]
    assert all("expected Python" in text or "no list of cells" in text for text in refused)
    assert len(read) - len(refused) > 800
    return [notebook for notebook in read if not isinstance(notebook, str)]


def outcome(path: Path) -> Notebook | str:
    try:
        return files.read_notebook(path)
    except NotebookError as error:
        return str(error)


def test_every_script_compiles_and_knows_its_lines(notebooks: list[Notebook], seen: Counter[str]) -> None:
    for notebook in notebooks:
        script = to_script(notebook)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(script.text, notebook.path, "exec", dont_inherit=True)
        assert len(script.lines) == script.text.count("\n")
        seen.update(finding.code for finding in script.findings)


def test_every_cell_is_taken_to_pieces_as_ipython_does(notebooks: list[Notebook]) -> None:
    sources = {cell.source for notebook in notebooks for cell in notebook.cells if cell.kind == "code"}
    understood = {source: tree for source in sorted(sources) if (tree := of_ipython(source)) is not None}
    assert len(understood) > 6000
    assert [source for source, tree in understood.items() if dumped(in_ipythons_form(source)) != tree] == []
