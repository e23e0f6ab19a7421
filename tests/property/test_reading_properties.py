"""Whatever a notebook holds: reading it is a value or one sentence, and its script compiles."""

from __future__ import annotations

import ast
import json
import warnings

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kestra_nb.errors import NotebookError
from kestra_nb.ipython import translate
from kestra_nb.ipython.syntax import Plain, clean, split
from kestra_nb.ipython.text import block_literal, comment_out, literal, scan
from kestra_nb.model.finding import Location
from kestra_nb.model.notebook import Cell, Notebook
from kestra_nb.read import parse
from kestra_nb.source import to_script
from tests.ipython_form import dumped, in_ipythons_form, of_ipython

LINES = st.sampled_from([
    "x = 1", "    y = 2", "\tz = 3", "if x:", "else:", "for i in range(3):", "def f(a, b=[1]):", "    return a",
    "class A:", "async def g():", "await g()", "async with a as b:", "x: int = await g()", "from math import *",
    "import os, sys as s", "from __future__ import annotations", "from __future__ import braces", "global x", "x = (",
    ")", "'''", '"""', "'", '"', "x = '''a", "b'''", "\\", "x = 1 + \\", "# comment", "# coding: latin-1", "%", "%%",
    "!", "!!", "?", "??", "x?", "x??", "%cd /", "%time x = 1", "x = %time f()", "%timeit -n 2 x", "%run a.py",
    "%matplotlib inline", "%env A=1", "%nobody", "%load_ext x", "%prun -s a x", "%pylab", "%xdel x", "%store -r x",
    "%who", "%sx ls", "%kestra plan", "%dotenv", "    %cd {x}", "    !ls", "\t!ls $x", "!ls {x} \\", "y = !ls",
    "a, b = !ls {x!r}", "!pip install a==1 'b", "%pip install -r", "pip install x", "%conda install a=1",
    "!pip install git+https://u:p@h/x#egg=y && ls", "%%bash", "%%bash --out x", "%%time", "%%timeit a",
    "%%capture out", "%%writefile a b", "%%html", "%%R", "%%script", "%%kestra_flow", "%%prun", ">>> x = 1", "... y",
    "In [1]: x = 1", "   ...: y", "/f a", ",f a", ";f a", "get_ipython().system('ls')",
    "get_ipython().run_cell_magic('time', '', 'x')", "x = get_ipython().magic('cd /')", "display(x)", "input()",
    "exit()", "open('x.csv')", "password = 'abc123xyz'", "x = _ + Out[1]", "print 'x'", "return", "yield",
    "nonlocal x", "del x", "match x:", "    case 1:", "@f", "lambda: (yield)", "f'{x!r:{y}}'", "x = 1;", "; x",
    "été = 'ü\u2028'", "\u2028", "\x0c", "\x0cx", "# /// script", "# dependencies = ['a']", "# ///", "# %%",
    "# %% [markdown]", "x\r\ny", "\r", "\0", "\ud800", "x = \ud800", "{{ x }}", "{% raw %}", "{# c #}",
    '::{"outputs":{}}::', "", "   ",
])  # fmt: skip
CELLS = st.one_of(st.lists(LINES, max_size=8).map("\n".join), st.text(max_size=60))
TAGS = st.sampled_from([(), (), ("parameters",), ("skip",), ("injected-parameters",)])
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                ["cells", "worksheets", "metadata", "source", "input", "cell_type", "tags", "id", "kernelspec", "name",
                 "language", "language_info", "nbformat", "kestra_nb"]
            ) | st.text(max_size=4),
            inner,
            max_size=6,
        ),
    ),
    max_leaves=25,
)  # fmt: skip
MANY = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def notebook_of(cells: list[tuple[str, tuple[str, ...]]]) -> Notebook:
    made = (
        Cell(source=newlines(source), kind="code", location=Location(cell=number), tags=tags)
        for number, (source, tags) in enumerate(cells, start=1)
    )
    return Notebook(path="", cells=tuple(made))


def newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def compiles(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "main.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


@MANY
@given(st.lists(st.tuples(CELLS, TAGS), max_size=5))
@example([("x = (1", ()), ("2)", ())])
@example([("x = '''", ()), ("'''", ())])
@example([("x = 1", ()), ("global x", ())])
@example([("x: int = 1", ()), ("def f():\n    global x\nglobal x", ())])
def test_a_script_compiles_and_has_a_place_for_each_line(cells: list[tuple[str, tuple[str, ...]]]) -> None:
    notebook = notebook_of(cells)
    script = to_script(notebook)
    assert compiles(script.text)
    script.text.encode("utf-8")
    assert script.text.endswith("\n")
    assert len(script.lines) == script.text.count("\n")
    lines = script.text.split("\n")
    by_number = {cell.location.cell: cell for cell in notebook.cells}
    for cell in script.cells:
        assert len(cell.lines) == cell.source.count("\n") + 1
        if not cell.broken:
            stands = lines[cell.first_line - 1 : cell.first_line - 1 + len(cell.lines)]
            assert "\n".join(stands) == cell.source
            assert tuple(script.lines[cell.first_line - 1 : cell.first_line - 1 + len(cell.lines)]) == cell.lines
    for place in filter(None, script.lines):
        assert 1 <= place.line <= by_number[place.cell].source.count("\n") + 1
    broken = {cell.location.cell for cell in script.cells if cell.broken}
    assert broken == {item.location.cell for item in script.findings if item.code == "KNB102" and item.location}


@MANY
@given(CELLS)
def test_python_comes_over_unchanged(cell: str) -> None:
    if not compiles(cell) or "get_ipython" in cell or "__future__" in cell or cell.lstrip().startswith("In ["):
        return
    script = to_script(notebook_of([(cell, ())]))
    assert script.cells[0].source == newlines(cell)


def outcome(text: str | bytes, path: str) -> Notebook | str:
    """Give the notebook, or the sentence that says why there is none."""
    try:
        return parse(text, path)
    except NotebookError as error:
        return str(error)


@MANY
@given(st.one_of(JSON.map(json.dumps), st.text(max_size=40)), st.sampled_from(["a.ipynb", "a.py", "a", ""]))
def test_any_text_is_a_notebook_or_one_sentence(text: str, path: str) -> None:
    read = outcome(text, path)
    assert isinstance(read, Notebook) or ("\n" not in read and read.endswith("."))
    assert isinstance(read, str) or compiles(to_script(read).text)


@MANY
@given(st.binary(max_size=40), st.sampled_from(["a.ipynb", "a.py", "a"]))
def test_any_bytes_are_a_notebook_or_one_sentence(data: bytes, path: str) -> None:
    read = outcome(data, path)
    assert isinstance(read, Notebook) or "\n" not in read


@MANY
@given(CELLS)
def test_pieces_cover_a_cell(cell: str) -> None:
    cell = clean(newlines(cell))
    numbers: list[int] = []
    for piece in split(cell):
        last = piece.first + piece.text.count("\n") if isinstance(piece, Plain) else piece.last
        numbers += range(piece.first, last + 1)
    assert numbers == list(range(1, cell.count("\n") + 2))


@MANY
@given(CELLS)
def test_translating_never_raises_and_keeps_places_in_order(cell: str) -> None:
    made = translate(cell, Location(cell=1))
    numbers = [line for _, line in made.lines]
    assert numbers == sorted(numbers)
    assert all(1 <= number <= cell.count("\n") + 1 for number in numbers)


@MANY
@given(st.text(max_size=40).filter(lambda text: not any(0xD800 <= ord(char) < 0xE000 for char in text)))
def test_literals_and_comments(text: str) -> None:
    assert ast.literal_eval(literal(text)) == text
    assert compiles(comment_out(text.replace("\r", "\n")))
    block = block_literal(text.replace("\r", "\n").split("\n"))
    if block is not None:
        assert eval("\n".join(block)) == text.replace("\r", "\n") + "\n"  # noqa: S307  that it is a literal is the test


@MANY
@given(st.text(max_size=60))
def test_the_scanner_takes_every_character(text: str) -> None:
    position, pieces = 0, 0
    while position < len(text):
        tokens, after = scan(text, position)
        assert after > position
        assert all(position <= token.start < token.end <= after for token in tokens)
        position, pieces = after, pieces + 1
    assert pieces <= text.count("\n") + 1


PLAIN_LINES = st.sampled_from([
    "x = 1", "    y = 2", "if x:", "else:", "def f():", "    return 1", "x = (", ")", "'''", '"""', "x = '''a",
    "b'''", "x = 1 + \\", "# comment", "%cd /", "    %cd /", "!ls", "    !ls 'x", "y = !ls", "    y = %env A", "x?",
    "    x??", "%%time", "%%bash", "z = [", "]", "%run a \\", "!ls \\", "f(x)?", "?x", "a.b?", "!!ls", "s = 'it'", "",
    "    ", "x = {'a': 1}", "d['k'] = !ls", "f(a=!ls)", "x == !ls", "# !ls", "'!ls'", "f'{x}'", "/f a", "@f", "\t%cd",
    "async def f():", "    await x",
])  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(st.lists(PLAIN_LINES, min_size=1, max_size=6).map("\n".join))
def test_the_same_pieces_as_ipython(cell: str) -> None:
    expected = of_ipython(cell)
    open_brackets = sum(map(cell.count, "([{")) - sum(map(cell.count, ")]}"))
    swallows = "?" in cell and open_brackets  # IPython's help then takes what stands before it for part of the name
    dangles = cell.rstrip("\n").endswith("\\")  # IPython keeps or drops that backslash by what white space follows
    if expected is not None and not swallows and not dangles:
        assert dumped(in_ipythons_form(cell)) == expected


@pytest.mark.parametrize("depth", [100, 100_000])
def test_deep_nesting(depth: int) -> None:
    assert compiles(to_script(notebook_of([("(" * depth + ")" * depth, ()), ("x = 1", ())])).text)
