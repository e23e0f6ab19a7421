"""Cells completed over a shell in this process: what is put before them, in which order, and what is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from IPython.core.interactiveshell import InteractiveShell  # noqa: TID253  a shell is what this is about

from kestra_nb import capture, kernel, session
from kestra_nb.errors import NotebookError
from kestra_nb.model.finding import Location
from kestra_nb.model.notebook import Cell, Notebook
from tests.faces.live_cells import CASES, Case

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Shell: TypeAlias = Any  # IPython's methods have no types


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Shell]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    InteractiveShell.clear_instance()
    made: Shell = InteractiveShell.instance(history_length=0)
    made.history_manager.enabled = False
    yield made
    made.reset(new_session=False)
    InteractiveShell.clear_instance()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_cells_of_the_live_kernel(shell: Shell, case: Case) -> None:
    """The same cells run on a real kernel and in a fresh process in tests/faces; here it is only what is decided."""
    if any(cell.startswith("%%kestra") for cell in case.before):
        shell.run_line_magic("load_ext", "kestra_nb")
    found = completed(shell, *case.before, case.cell)
    said = " ".join(f"{item.message} {item.hint}" for item in found.findings if item.severity == "error")
    assert bool(said) == bool(case.refused)
    assert not [text for text in case.refused if text not in said]


def completed(shell: Shell, *cells: str, inputs: frozenset[str] = frozenset()) -> capture.Capture:
    for cell in cells[:-1]:
        shell.run_cell(cell, store_history=True).raise_error()
    live = kernel.LiveKernel(shell, cells[-1])
    return capture.complete(cells[-1], Location(path=live.here), live, inputs=inputs)


def sources(found: capture.Capture) -> list[tuple[str, str]]:
    return [(cell.location.path, cell.source) for cell in found.cells]


def test_imports_then_values_then_definitions_each_under_its_cell(shell: Shell) -> None:
    found = completed(
        shell,
        "def f(x):\n    return g(x) * rate",
        "import json as j\nrate = 2",
        "def g(x):\n    return j.loads(x)",
        "from math import pi",
        "print(f('3'), pi)",
    )
    assert sources(found) == [
        ("In [2]", "import json as j"),
        ("In [4]", "from math import pi"),
        ("In [2]", "rate = 2"),
        ("In [1]", "def f(x):\n    return g(x) * rate"),
        ("In [3]", "def g(x):\n    return j.loads(x)"),
        ("In [5]", "print(f('3'), pi)"),
    ]
    assert not found.findings


def test_an_input_goes_into_a_parameters_cell(shell: Shell) -> None:
    found = completed(shell, "rows = 10\nname = 'x'", "print(rows, name)", inputs=frozenset(["rows"]))
    assert [(cell.source, cell.tags) for cell in found.cells] == [
        ("rows = 10", ("parameters",)),
        ("name = 'x'", ()),
        ("print(rows, name)", ()),
    ]


def test_the_place_of_a_line_is_that_of_the_cell_it_stands_in(shell: Shell) -> None:
    found = completed(shell, "a = 1\n\n\nb = 2\ndef f():\n    return b", "f()\n\nnobody")
    assert [str(cell.location) for cell in found.cells] == ["In [1]:4", "In [1]:5", "In [2]:1"]
    assert [str(item.location) for item in found.findings] == ["In [2]:3"]


def test_modules_of_values_are_imported_before_names_that_hide_them(shell: Shell) -> None:
    found = completed(shell, "from datetime import datetime, date\nd = date(2026, 1, 2)", "print(d, datetime.min)")
    assert [source for _, source in sources(found)] == [
        "import datetime",
        "d = datetime.date(2026, 1, 2)",
        "from datetime import datetime",
        "print(d, datetime.min)",
    ]


def test_second_names_of_one_list_are_assigned_from_the_first(shell: Shell) -> None:
    found = completed(shell, "a = [1]\nb = a", "print(a, b)")
    assert [source for _, source in sources(found)][:2] == ["a = [1]", "b = a"]


def test_future_annotations_come_first(shell: Shell) -> None:
    found = completed(shell, "from __future__ import annotations\ndef f(x: Nobody): ...", "f(1)")
    assert found.cells[0].source == "from __future__ import annotations"
    shell.compile.reset_compiler_flags()


def test_submodules_are_named_where_their_parent_does_not_load_them(shell: Shell) -> None:
    found = completed(
        shell, "import xml, os\nimport xml.sax.saxutils as s", "xml.sax.saxutils.escape('<')\nos.path.join('a')"
    )
    assert [source for _, source in sources(found)][:2] == [
        "import xml.sax\nimport xml.sax.saxutils",
        "import xml\nimport os",
    ]


def test_a_cell_of_this_magic_is_read_without_its_line(shell: Shell) -> None:
    shell.run_cell("from IPython.core.magic import register_cell_magic", store_history=False)
    shell.run_cell(
        "@register_cell_magic\ndef kestra_flow(line, cell):\n    get_ipython().run_cell(cell)", store_history=False
    )
    found = completed(shell, "%%kestra_flow --execute\n\ndef f():\n    return 1", "f()")
    assert [str(cell.location) for cell in found.cells] == ["In [1]:3", "In [2]:1"]


@pytest.mark.parametrize(
    ("cell", "message"),
    [("", "empty"), ("  \n\n", "empty"), ("x = = 1", "not Python"), ("def f(:", "not Python"), ("return 1", "outside")],
)
def test_cells_that_no_flow_can_be_made_of(shell: Shell, cell: str, message: str) -> None:
    with pytest.raises(NotebookError, match=message):
        completed(shell, cell)


def test_names_of_the_past_that_are_gone(shell: Shell) -> None:
    found = completed(shell, "x = 1\ny = 2", "del x", "print(x, y, z)")
    assert [(item.code, item.message) for item in found.findings] == [
        ("KNB151", "'x' was deleted in In [2]:1."),
        ("KNB151", "'z' is not defined."),
    ]


def test_a_built_in_name_that_was_put_there_is_none(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.extra", 3, raising=False)
    found = completed(shell, "print(extra, open, exit, len)")
    assert [item.message for item in found.findings] == ["'extra' is not defined."]


def test_what_is_no_value_and_no_definition_is_refused_with_its_line(shell: Shell) -> None:
    found = completed(shell, "import collections\nP = collections.namedtuple('P', 'x')", "P(1)")
    assert found.findings[0].message == (
        "'P' is a class made in In [1]:2 (P = collections.namedtuple('P', 'x')) and cannot be written into a script."
    )


def test_a_cell_of_this_magic_that_did_not_run_made_nothing(shell: Shell) -> None:
    shell.run_cell("from IPython.core.magic import register_cell_magic", store_history=False)
    shell.run_cell("@register_cell_magic\ndef kestra_flow(line, cell): ...", store_history=False)
    found = completed(shell, "x = object()", "%%kestra_flow --id x\nx = object()", "print(x)")
    assert "In [1]:1" in found.findings[0].message


def notebook(*cells: str) -> Notebook:
    made = (
        Cell(source=text, kind="code", location=Location(path="n.ipynb", cell=number))
        for number, text in enumerate(cells, 1)
    )
    return Notebook(path="n.ipynb", cells=tuple(made))


@pytest.mark.parametrize(
    ("ran", "saved", "codes"),
    [
        ({1: "a", 2: "b"}, ("a", "b"), []),
        ({1: "a"}, ("a", "b"), ["KNB158"]),
        ({1: "a", 2: "c"}, ("a", "b"), ["KNB157"]),
        ({1: "a", 2: "old", 3: "b"}, ("a", "b"), []),
        ({}, ("a",), []),
        ({1: "a"}, ("%load_ext kestra_nb", "a", "%kestra plan"), []),
    ],
)
def test_a_file_that_is_older_than_what_ran(ran: dict[int, str], saved: tuple[str, ...], codes: list[str]) -> None:
    assert [item.code for item in session.behind(ran, notebook(*saved))] == codes


def test_the_notebook_file(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    with pytest.raises(NotebookError, match="does not know"):
        session.notebook_path(shell)
    jupyter, code, given = (tmp_path / name for name in ("jupyter.ipynb", "code.ipynb", "given.ipynb"))
    monkeypatch.setenv("JPY_SESSION_NAME", str(jupyter))
    with pytest.raises(NotebookError, match="renamed"):
        session.notebook_path(shell)
    for path in (jupyter, code, given):
        path.write_text("{}")
    assert session.notebook_path(shell) == jupyter
    shell.user_ns["__vsc_ipynb_file__"] = str(code)
    assert session.notebook_path(shell) == code
    assert session.notebook_path(shell, str(given)) == given
    with pytest.raises(NotebookError, match=r"There is no notebook 'nowhere\.ipynb'\. Name"):
        session.notebook_path(shell, "nowhere.ipynb")
