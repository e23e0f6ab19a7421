"""Reading: every format and every way in which a file can be odd."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest

from kestra_nb.errors import NotebookError
from kestra_nb.read import from_cells, notebook_sha256, parse


def code(source: object, **more: object) -> dict[str, object]:
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None, **more}


def notebook(*cells: object, **metadata: object) -> str:
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def test_nbformat_4() -> None:
    text = notebook(
        {"cell_type": "markdown", "source": ["# Title\n", "text"], "metadata": {}, "id": "m1"},
        code(["x = 1\n", "y = 2"], id="c1", metadata={"tags": ["parameters", 3]}),
        code("z", id=5),
        {"cell_type": "raw", "source": "raw", "metadata": {}},
        {"cell_type": "strange", "source": "?"},
        {"cell_type": "code"},
        kernelspec={"name": "python3", "language": "python", "display_name": "Python 3"},
        language_info={"name": "python", "version": "3.11.7"},
        kestra_nb={"strategy": "fresh_venv"},
    )
    found = parse(text, "a/b.ipynb")
    assert found.path == "a/b.ipynb"
    assert [cell.kind for cell in found.cells] == ["markdown", "code", "code", "raw", "raw", "code"]
    assert [cell.source for cell in found.cells] == ["# Title\ntext", "x = 1\ny = 2", "z", "raw", "?", ""]
    assert [str(cell.location) for cell in found.cells][:2] == ["a/b.ipynb:cell 1:1", "a/b.ipynb:cell 2:1"]
    assert [cell.location.cell_id for cell in found.cells][:3] == ["m1", "c1", None]
    assert found.cells[1].tags == ("parameters",)
    assert (found.language, found.kernel, found.metadata) == ("python", "python3", {"strategy": "fresh_venv"})


@pytest.mark.parametrize("version", [2, 3])
def test_older_formats_read_like_what_nbformat_upgrades_them_to(version: int) -> None:
    nbformat: Any = importlib.import_module("nbformat")

    cells = [
        {"cell_type": "code", "input": ["x = 1\n", "y"], "language": "python", "outputs": [], "collapsed": False},
        {"cell_type": "markdown", "source": "text"},
        {"cell_type": "code", "input": "z", "language": "python", "outputs": [], "prompt_number": 2},
    ]
    if version == 3:
        cells.append({"cell_type": "heading", "level": 2, "source": "Head"})
    data = {"nbformat": version, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]}
    text = json.dumps(data)
    upgraded = nbformat.reads(text, as_version=4)
    found = parse(text, "old.ipynb")
    assert [(cell.kind, cell.source.lstrip("# ")) for cell in found.cells] == [
        (cell.cell_type, cell.source.lstrip("# ")) for cell in upgraded.cells
    ]


def test_byte_order_marks_and_line_ends() -> None:
    text = notebook(code("x = 1\r\ny = 2\rz = 3"))
    for data in (text.encode("utf-8-sig"), text.encode("utf-16"), "\ufeff".encode() + text.encode()):
        assert parse(data, "a.ipynb").cells[0].source == "x = 1\ny = 2\nz = 3"
    assert parse("\ufeff" + text, "a.ipynb").cells[0].source == "x = 1\ny = 2\nz = 3"
    assert (
        parse("x = 'é'".encode("latin-1").replace(b"x", b"# coding: latin-1\nx"), "a.py")
        .cells[0]
        .source.endswith("'é'")
    )
    assert parse(b"# -*- coding: utf-8 -*-\nx = 1", "a.py").cells[0].source.endswith("x = 1")


def test_outputs_do_not_count_but_code_and_tags_do() -> None:
    plain = parse(notebook(code("x")), "a.ipynb")
    with_output = parse(notebook(code("x", outputs=[{"text": "y" * 9999}], id="q")), "b.ipynb")
    with_text = parse(notebook({"cell_type": "markdown", "source": "m"}, code("x")), "a.ipynb")
    tagged = parse(notebook(code("x", metadata={"tags": ["skip"]})), "a.ipynb")
    assert plain.sha256 == with_output.sha256 == with_text.sha256 == notebook_sha256(plain.cells)
    assert len({plain.sha256, tagged.sha256, parse(notebook(code("xy")), "a").sha256}) == 3
    assert parse(notebook(code("x"), code("y")), "a").sha256 != parse(notebook(code("x\0y")), "a").sha256


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"kernelspec": {"name": "my-env"}},
        {"kernelspec": "python3"},
        {"kernelspec": {"name": 3, "language": None}, "language_info": []},
        {"kernelspec": {"name": "python2", "language": "python"}},
        {"language_info": {"name": "ipython", "version": 3}},
        {"language_info": {"name": "Python"}},
        {"language_info": {"name": "python3"}},
        {"kernelspec": {"language": "python"}, "language_info": {}},
        {"language_info": {"name": "xeus-python"}},
        {"kernelspec": {"name": "pysparkkernel"}, "language_info": {"name": "pyspark"}},
    ],
)
def test_odd_kernelspecs_are_python(metadata: dict[str, object]) -> None:
    assert parse(notebook(code("x"), **metadata), "a.ipynb").language == "python"


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({"language_info": {"name": "R"}}, "R"),
        ({"kernelspec": {"language": "julia", "name": "julia-1.9"}}, "julia"),
        ({"kernelspec": {"name": "ir"}}, "r"),
        ({"kernelspec": {"name": "julia-1.10"}}, "julia"),
        ({"kernelspec": {"name": "bash"}}, "bash"),
        ({"kernelspec": {"name": "xcpp17"}}, "cpp"),
        ({"kernelspec": {"name": "python3"}, "language_info": {"name": "scala"}}, "scala"),
    ],
)
def test_other_languages_are_refused(metadata: dict[str, object], language: str) -> None:
    with pytest.raises(NotebookError) as caught:
        parse(notebook(code("x"), **metadata), "a.ipynb")
    assert str(caught.value) == (
        f"'a.ipynb' is a notebook in {language!r}, expected Python. kestra-nb exports Python notebooks only."
    )


def test_other_language_of_an_old_notebook() -> None:
    cell = {"cell_type": "code", "input": "1", "language": "ruby"}
    with pytest.raises(NotebookError, match="in 'ruby'"):
        parse(json.dumps({"nbformat": 3, "worksheets": [{"cells": [cell]}, "no sheet"]}), "a.ipynb")


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        (
            "",
            "a.ipynb",
            "'a.ipynb' is empty, expected a notebook or a Python script. Save the notebook,",
        ),
        (b"\xef\xbb\xbf \n", "a.py", "'a.py' is empty, expected a notebook or a Python script."),
        (
            "{\n  'a': 1}",
            "a.ipynb",
            "a.ipynb:2:3: The file is no valid JSON, as a notebook must be: expecting",
        ),
        ('{"cells": [', "a.ipynb", "a.ipynb:1:12: The file is no valid JSON"),
        ("x = 1", "a.ipynb", "a.ipynb:1:1: The file is no valid JSON"),
        ("{\n<<<<<<< HEAD\n}", "a.ipynb", "a.ipynb:2:1: The file holds the marks of a merge that was not finished"),
        ("[1]", "a.ipynb", "'a.ipynb' is JSON but no notebook: it has no list of cells."),
        ('{"a": 1}', "a", "'a' is JSON but no notebook"),
        ('{"cells": {}}', "a.ipynb", "'a.ipynb' is JSON but no notebook"),
        ('{"cells": [1]}', "a.ipynb", "a.ipynb:cell 1:1: The cell is int, expected an object with a source."),
        ("[" * 200000, "a.ipynb", "'a.ipynb' is nested too deeply for a notebook."),
        (b"\xff\x00", "a.ipynb", "'a.ipynb' is not text in UTF-8 (byte 1). Save it as UTF-8."),
        (b"# coding: nonsense\nx", "a.py", "'a.py' says that it is written in 'nonsense', which is no encoding"),
        (b"# coding: ascii\n\xff", "a.py", "'a.py' is not text in ASCII (byte 17)."),
        ("a,b", "a.csv", "'a.csv' is neither a notebook (.ipynb) nor a Python script (.py)."),
        ("# Text", "b/a.md", "'jupytext --to ipynb b/a.md' makes a notebook of many other formats."),
        ("", "", "The text is empty"),
    ],
)
def test_what_is_no_notebook_is_one_sentence(text: str | bytes, path: str, expected: str) -> None:
    with pytest.raises(NotebookError) as caught:
        parse(text, path)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.code == "KNB101"


def test_content_decides_without_a_suffix() -> None:
    assert parse(notebook(code("x")), "notebook").cells[0].location.cell == 1
    assert parse("x = 1", "script").cells[0].location.cell is None
    assert parse("x = 1", "dir.d/script").cells[0].source == "x = 1"


def test_live_cells() -> None:
    found = from_cells(["x = 1", "y\r\n"], path="n.ipynb")
    assert [(cell.source, cell.location.cell, cell.location.path) for cell in found.cells] == [
        ("x = 1", 1, "n.ipynb"),
        ("y\n", 2, "n.ipynb"),
    ]
    assert found.sha256 == parse(notebook(code("x = 1"), code("y\n")), "other.ipynb").sha256


# --- scripts --------------------------------------------------------------------------------------------------------

PERCENT = '''\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

import sys

# %% [markdown]
# # Title
# text

# %% tags=["parameters"]
rows = 5


# %% A title [raw]
# raw text
# %% {"tags": ["skip", "x"]}
# %matplotlib inline
# !ls
# an ordinary comment
# %%time
s = """
# %% not a cell
"""
# %% [md]
"""
Text in
a string
"""
# %%
'''


def test_percent_script() -> None:
    found = parse(PERCENT, "a.py")
    assert found.kernel == "python3"
    assert [(cell.kind, cell.location.line, cell.tags) for cell in found.cells] == [
        ("code", 9, ()),
        ("markdown", 12, ()),
        ("code", 16, ("parameters",)),
        ("raw", 20, ()),
        ("code", 22, ("skip", "x")),
        ("markdown", 30, ()),
        ("code", 35, ()),
    ]
    sources = [cell.source for cell in found.cells]
    assert sources[0] == "import sys"
    assert sources[1] == "# Title\ntext"
    assert sources[2] == "rows = 5"
    assert sources[3] == "raw text"
    assert sources[4] == '%matplotlib inline\n!ls\n# an ordinary comment\n%%time\ns = """\n# %% not a cell\n"""'
    assert sources[5] == "Text in\na string"
    assert sources[6] == ""
    lines = PERCENT.split("\n")
    for cell in found.cells[:1] + found.cells[2:3]:
        assert lines[cell.location.line - 1] == cell.source
    assert {cell.location.cell for cell in found.cells} == {None}


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("x = 1\n\n\n", ["x = 1\n\n\n"]),
        ("#!/usr/bin/env python\nx = 1", ["#!/usr/bin/env python\nx = 1"]),
        ("# %%\nx\n# %%\ny", ["x", "y"]),
        ("#%%\nx\n#%% Title\ny", ["x", "y"]),
        ("# In[1]:\n\n\nx\n\n# In[ ]:\n\ny\n", ["x", "y"]),
        ("# <codecell>\nx\n# <markdowncell>\n# text\n", ["x", "text"]),
        ("# %%time\nx = 1", ["# %%time\nx = 1"]),
        ("    # %%\nx = 1", ["    # %%\nx = 1"]),
        ("# ---\nno header\n# ---\nx", ["# ---\nno header\n# ---\nx"]),
        ("# ---\n# jupyter: {}\n", ["# ---\n# jupyter: {}\n"]),
        ("# ---\n# jupyter: {}\n# ---\n\nx = 1\n", ["x = 1"]),
        ("# %% tags=[broken\nx\n# %% {broken}\ny\n# %% tags=['a']\nz\n# %% {\"tags\": 3}\nw", ["x", "y", "z", "w"]),
        ("# %%\n# %matplotlib inline\nx", ["# %matplotlib inline\nx"]),
    ],
)
def test_marks_of_cells(text: str, sources: list[str]) -> None:
    assert [cell.source for cell in parse(text, "a.py").cells] == sources


def test_a_script_in_another_language_is_refused() -> None:
    text = "# ---\n# jupyter:\n#   kernelspec:\n#     language: R\n#     name: ir\n# ---\nx"
    with pytest.raises(NotebookError, match="in 'R'"):
        parse(text, "a.py")
