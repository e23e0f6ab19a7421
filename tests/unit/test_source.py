"""Notebook to script: lines, parameters, what cannot run where nobody sits."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from kestra_nb.model.finding import Finding, Location
from kestra_nb.model.notebook import Cell, Notebook, Script
from kestra_nb.read import from_cells, parse
from kestra_nb.source import to_script

if TYPE_CHECKING:
    from pathlib import Path


def script_of(*sources: str) -> Script:
    script = to_script(from_cells(sources))
    compile(script.text, "main.py", "exec", dont_inherit=True)
    assert len(script.lines) == script.text.count("\n")
    return script


def with_tags(*cells: tuple[str, str]) -> Script:
    """Make a script of cells with one tag each, none when empty."""
    made = tuple(
        Cell(source=text, kind="code", location=Location(cell=number), tags=(tag,) if tag else ())
        for number, (text, tag) in enumerate(cells, start=1)
    )
    return to_script(Notebook(path="", cells=made))


def found(script: Script) -> list[tuple[str, str, str]]:
    return [(item.code, item.severity, str(item.location)) for item in script.findings]


def the_finding(*sources: str) -> Finding:
    (finding,) = script_of(*sources).findings
    return finding


def own_text(script: Script) -> str:
    """The text that comes from the notebook."""
    lines = script.text.split("\n")
    return "\n".join(text for text, place in zip(lines, script.lines, strict=False) if place is not None)


# --- lines ----------------------------------------------------------------------------------------------------------


def test_cells_stand_under_a_heading_and_every_line_knows_its_place() -> None:
    notebook = {
        "cells": [
            {"cell_type": "markdown", "source": "text"},
            {"cell_type": "code", "source": "x = 1\n%cd /\ny = 2", "id": "b"},
            {"cell_type": "code", "source": "z = 3", "id": "c"},
        ]
    }
    script = to_script(parse(json.dumps(notebook), "n.ipynb"))
    lines = script.text.split("\n")
    numbers = {text: number for number, text in enumerate(lines, start=1)}
    assert lines[:2] == ["# Made by kestra-nb: change the notebook, not this script.", ""]
    assert script.lines[numbers["# cell 2"] - 1] is None
    place = script.lines[numbers["y = 2"] - 1]
    assert place == Location(path="n.ipynb", cell=2, cell_id="b", line=3)
    assert str(script.lines[numbers["z = 3"] - 1]) == "n.ipynb:cell 3:1"
    assert [cell.first_line for cell in script.cells] == [numbers["x = 1"], numbers["z = 3"]]
    for cell in script.cells:
        text = lines[cell.first_line - 1 : cell.first_line - 1 + len(cell.lines)]
        assert "\n".join(text) == cell.source
        assert script.lines[cell.first_line - 1] == cell.lines[0]


def test_a_percent_script_keeps_the_lines_of_its_file() -> None:
    text = "import sys\n# %%\nx = 1\n\n!ls\n"
    script = to_script(parse(text, "a.py"))
    assert [(place.cell, place.line) for place in script.lines if place] == [(None, 1), (None, 3), (None, 4), (None, 5)]
    assert "# line 3" in script.text


def test_a_plain_script_comes_over_unchanged() -> None:
    text = "#!/usr/bin/env python\n# -*- coding: latin-1 -*-\nx = 'é\u2028'\f\n\n\n"
    script = to_script(parse(text, "a.py"))
    assert script.text.partition("# line 1\n")[2] == text + "\n"
    assert script.cells[0].source == text


def test_a_coding_line_does_not_change_how_the_script_is_read(tmp_path: Path) -> None:
    script = script_of("# coding: latin-1\nprint('é', ascii('é'))")
    path = tmp_path / "main.py"
    path.write_text(script.text, encoding="utf-8")
    done = subprocess.run([sys.executable, "-X", "utf8", path], capture_output=True, check=True)
    assert done.stdout.decode() == "é '\\xe9'\n"


def test_skipped_cells_are_left_out() -> None:
    script = with_tags(("x = 1", ""), ("!pip install a\nx = input()\nno python", "skip"), ("y = 2", ""))
    assert [cell.location.cell for cell in script.cells] == [1, 3]
    assert not script.declared
    assert not script.findings


@pytest.mark.parametrize("cells", [(), ("",), ("  \n",), ("# a comment",)])
def test_a_notebook_without_code(cells: tuple[str, ...]) -> None:
    script = script_of(*cells)
    assert [item.code for item in script.findings] == (["KNB139"] if cells != ("# a comment",) else [])


# --- broken cells ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "place"),
    [
        ("x = 1\nprint 'x'\ny = 2", "cell 2:2"),
        ("x = (1,", "cell 2:1"),
        ("return 5", "cell 2:1"),
        ("def f():\n    x = await g()", "cell 2:2"),
        ("'''", "cell 2:1"),
        ("if x:", "cell 2:1"),
        ("x = 'a\ud800'", "cell 2:1"),
        ("x = 1\0", "cell 2:1"),
        ("@decorator", "cell 2:1"),
        ("x = 1 + \\", "cell 2:1"),
        ("  x = 1\n y = 2", "cell 2:1"),
        ("from __future__ import barry_as_FLUFL\nx = 1", "cell 2:1"),
        ("from __future__ import nothing", "cell 2:1"),
        ("import os\nfrom __future__ import annotations", "cell 2:2"),
        ("# comment\n%%time\nx = 1", "cell 2:2"),
        ("%time x y", "cell 2:1"),
        ("-" * 100000 + "1", "cell 2:1"),
    ],
)
def test_a_broken_cell_becomes_comments_and_costs_only_itself(cell: str, place: str) -> None:
    script = script_of("a = 1", cell, "b = 2")
    broken = [item for item in script.findings if item.severity == "error"]
    assert [(item.code, str(item.location).startswith(place)) for item in broken] in (
        [("KNB102", True)],
        [("KNB103", True)],
    )
    if broken[0].code == "KNB102":
        assert [one.broken for one in script.cells] == [False, True, False]
        assert broken[0].message.startswith("The cell is no Python: ")
        start = script.cells[1].first_line - 1
        assert all(line.startswith("#") for line in script.text.split("\n")[start : start + cell.count("\n") + 1])
    assert "\na = 1\n" in script.text
    assert "\nb = 2\n" in script.text


def test_cells_are_not_mended_by_their_neighbours() -> None:
    assert [cell.broken for cell in script_of("x = (1,", "2)").cells] == [True, True]
    assert [cell.broken for cell in script_of("x = '''", "'''").cells] == [True, True]
    assert [cell.broken for cell in script_of("if True:", "    x = 1").cells] == [True, False]


def test_a_global_statement_that_only_clashes_in_the_whole_script() -> None:
    script = script_of("x = 1", "y = 2\nglobal x\nx = 2", "z = 3")
    assert found(script) == [("KNB102", "error", "cell 2:2:1")]
    assert [cell.broken for cell in script.cells] == [False, True, False]


def test_findings_of_a_broken_cell_stay() -> None:
    script = script_of("%pip install a\nprint 'x'")
    assert [str(item.requirement) for item in script.declared] == ["a"]
    assert "%pip" in script.text


# --- __future__ -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "left"),
    [
        ("from __future__ import annotations\nx = 1", "# from __future__ import annotations\nx = 1"),
        ("from __future__ import annotations  # why", "# from __future__ import annotations  # why"),
        ("from __future__ import annotations; x = 1", "pass; x = 1"),
        ("'doc'; from __future__ import annotations", "'doc'; pass"),
        ("from __future__ import (\n    annotations,\n)", "# from __future__ import (\n#     annotations,\n# )"),
        ("'''doc'''\nfrom __future__ import annotations", "'''doc'''\n# from __future__ import annotations"),
    ],
)
def test_future_imports_move_to_the_top(cell: str, left: str) -> None:
    script = script_of("a = 1", cell)
    assert script.text.split("\n")[2] == "from __future__ import annotations"
    place = script.lines[2]
    assert place is not None
    assert place.cell == 2
    assert place.line == cell[: cell.index("from __future__")].count("\n") + 1
    assert script.cells[1].source == left
    assert not script.findings


# --- names of the kernel --------------------------------------------------------------------------------------------


def test_display_is_given_only_where_it_is_missing() -> None:
    assert "def display(*" in script_of("display(1)").text
    assert "def display(*" not in script_of("from IPython.display import display\ndisplay(1)").text
    assert "def display(*" not in script_of("def display(x): ...", "display(1)").text
    assert "def display(*" not in script_of("print(1)").text
    assert "def get_ipython(" in script_of("print(get_ipython())").text
    assert "def get_ipython(" not in script_of("from IPython import get_ipython", "print(get_ipython())").text
    assert "def get_ipython(" not in script_of("get_ipython().system('ls')").text


def test_helpers_stand_once_on_top_and_only_when_used() -> None:
    assert "_nb_" not in script_of("x = 1").text
    text = script_of("!ls", "!ls", "y = !ls").text
    assert text.count("def _nb_sh(") == text.count("def _nb_lines(") == 1
    assert text.index("def _nb_sh(") < text.index("# cell 1")
    assert "_nb_fill" not in text
    assert '_nb_sh(_nb_fill("ls {x}"))' in script_of("!ls {x}").text
    for mark in ("{{", "{%", "{#"):
        assert mark not in text


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("x = get_ipython().getoutput('ls')", 'x = _nb_lines("ls")'),
        ("if x:\n    get_ipython().run_line_magic('cd', '/')  # there", 'if x:\n    _nb_cd("/")'),
        ("get_ipython().magic('cd /')", '_nb_cd("/")'),
        ("get_ipython().magic('%cd /')", '_nb_cd("/")'),
        ("get_ipython().run_line_magic('pwd')", "__import__('os').getcwd()"),
        ("get_ipython().run_cell_magic('time', '', 'x = 1\\n')", "_nb_start = _nb_clock()\nx = 1\n_nb_took(_nb_start)"),
        ("get_ipython().system(\n    'ls'\n)", '_nb_sh("ls")'),
        ("get_ipython().system('ls'); x = 1", "get_ipython().system('ls'); x = 1"),
        ("f(get_ipython().getoutput('ls'))", "f(get_ipython().getoutput('ls'))"),
        ("get_ipython().system(command)", "get_ipython().system(command)"),
        ("get_ipython().kernel.do()", "get_ipython().kernel.do()"),
        ("if x:\n    get_ipython().run_cell_magic('time', '', 'x')", None),
        ("get_ipython().run_cell_magic('time')", None),
    ],
)
def test_calls_of_ipython_with_a_literal_are_translated(cell: str, kept: str | None) -> None:
    assert script_of(cell).cells[0].source == (kept if kept is not None else cell)


# --- parameters -----------------------------------------------------------------------------------------------------

DEFAULTS = [
    ("x = True", "BOOL", True, None, True),
    ("x = 5", "INT", 5, None, True),
    ("x = -2147483648", "INT", -2147483648, None, True),
    ("x = 2147483648", "STRING", "2147483648", None, True),
    ("x = 0.5", "FLOAT", 0.5, None, True),
    ("x = 0.1", "FLOAT", 0.1, None, True),
    ("x = 0.1234567891", "STRING", "0.1234567891", None, True),
    ("x = 1e300", "STRING", "1e+300", None, True),
    ("x = 'a'", "STRING", "a", None, True),
    ("x = None", "STRING", None, None, False),
    ("x = {'a': [1, None]}", "JSON", {"a": [1, None]}, None, True),
    ("x = [1, 2]", "ARRAY", [1, 2], "INT", True),
    ("x = [1, 2.5]", "ARRAY", [1, 2.5], "FLOAT", True),
    ("x = ['a']", "ARRAY", ["a"], "STRING", True),
    ("x = [True]", "ARRAY", [True], "BOOL", True),
    ("x = []", "ARRAY", [], "STRING", True),
    ("x = (1, 2)", "ARRAY", [1, 2], "INT", True),
    ("x = [1, 'a']", "JSON", [1, "a"], None, True),
    ("x = [{'a': 1}]", "JSON", [{"a": 1}], None, True),
    ("x = datetime.date(2024, 1, 31)", "DATE", "2024-01-31", None, True),
    ("x = dt.datetime(2024, 1, 31, 6)", "DATETIME", "2024-01-31T06:00:00Z", None, True),
    ("x = time(6, 30)", "TIME", "06:30:00", None, True),
    ("x = Path('a/b')", "STRING", "a/b", None, True),
    ("x: int = 5", "INT", 5, None, True),
    ("x: float = 5", "FLOAT", 5.0, None, True),
    ("x: int", "INT", None, None, True),
    ("x: Optional[int] = None", "INT", None, None, False),
    ("x: 'float | None' = None", "FLOAT", None, None, False),
    ("x: list[int] = []", "ARRAY", [], "INT", True),
    ("x: list = None", "ARRAY", None, "STRING", False),
    ("x: datetime.date", "DATE", None, None, True),
    ("x: Anything = 'a'", "STRING", "a", None, True),
]


@pytest.mark.parametrize(("line", "kind", "default", "item_type", "required"), DEFAULTS)
def test_a_default_decides_the_input(
    line: str,
    kind: str,
    default: object,
    item_type: str | None,
    required: bool,  # noqa: FBT001  a value
) -> None:
    script = with_tags((line, "parameters"))
    (parameter,) = script.parameters
    assert (parameter.name, parameter.type, parameter.item_type, parameter.required) == ("x", kind, item_type, required)
    assert parameter.default == default
    assert type(parameter.default) is type(default)
    assert str(parameter.location) == "cell 1:1:1"
    compile(script.text, "main.py", "exec")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("x = compute()", "KNB120"),
        ("x = y", "KNB120"),
        ("x = f'{y}'", "KNB120"),
        ("x = {1, 2}", "KNB120"),
        ("x = {1: 2}", "KNB120"),
        ("x = b'a'", "KNB120"),
        ("x = [b'a']", "KNB120"),
        ("x = 1e999", "KNB120"),
        ("x = date(2024, 13, 1)", "KNB120"),
        ("x = 1j", "KNB120"),
        ("_x = 1", "KNB121"),
        ("größe = 1", "KNB121"),
        ("password = 'hunter2'", "KNB125"),
        ("x = 99999999999", "KNB122"),
        ("x = 3.141592653589793", "KNB123"),
    ],
)
def test_what_cannot_be_an_input_stays_a_constant_and_says_why(line: str, code: str) -> None:
    script = with_tags((line, "parameters"))
    assert [item.code for item in script.findings] == [code]
    assert bool(script.parameters) is (code in {"KNB122", "KNB123"})
    assert "hunter2" not in "".join(item.message + item.hint for item in script.findings)


def test_several_names_and_the_last_value_counts() -> None:
    script = with_tags(("a = b = 1\nc, d = 'x', 2\na = 5\nimport os\nprint(a)\ne.f = 1", "parameters"))
    defaults = {item.name: item.default for item in script.parameters}
    assert defaults == {"a": 5, "b": 1, "c": "x", "d": 2}


def test_a_broken_parameters_cell_has_no_parameters() -> None:
    script = with_tags(("x = 1\nprint 'x'", "parameters"))
    assert not script.parameters
    assert "params.json" not in script.text


PARAMETERS = """\
import datetime
from pathlib import Path
flag = True
count = 5
big = 99999999999
ratio = 0.5
exact = 3.141592653589793
name = 'a'
nothing = None
table = {'a': 1}
items = [1]
pair = (1, 2)
day = datetime.date(2024, 1, 31)
moment = datetime.datetime(2024, 1, 31, 6)
hour = datetime.time(6)
place = Path('a')
constant = len('abc')
"""
SHOWN = """\
print([flag, count, big, ratio, exact, name, nothing, table, items, pair, constant])
print(day, moment, hour, place, type(place).__name__)
"""


@pytest.mark.parametrize(
    ("given", "first", "second"),
    [
        (
            None,
            [True, 5, 99999999999, 0.5, 3.141592653589793, "a", None, {"a": 1}, [1], (1, 2), 3],
            "2024-01-31 2024-01-31 06:00:00 06:00:00 a PosixPath",
        ),
        (
            {"count": 7, "nothing": "x"},
            [True, 7, 99999999999, 0.5, 3.141592653589793, "a", "x", {"a": 1}, [1], (1, 2), 3],
            "2024-01-31 2024-01-31 06:00:00 06:00:00 a PosixPath",
        ),
        (
            {
                "flag": False, "count": 1, "big": "12345678901", "ratio": 2, "exact": "0.1", "name": "ü",
                "nothing": None, "table": {"b": 2}, "items": [3], "pair": [4, 5], "day": "2025-02-03",
                "moment": "2025-02-03T04:05:06Z",
                "hour": "07:30:00", "place": "b", "constant": 99, "other": 1,
            },
            [False, 1, 12345678901, 2.0, 0.1, "ü", None, {"b": 2}, [3], (4, 5), 3],
            "2025-02-03 2025-02-03 04:05:06 07:30:00 b PosixPath",
        ),
    ],
)  # fmt: skip
def test_the_script_takes_the_inputs_kestra_gives(
    given: dict[str, object] | None, first: list[object], second: str, tmp_path: Path
) -> None:
    script = with_tags((PARAMETERS, "parameters"), (SHOWN, ""))
    (tmp_path / "main.py").write_text(script.text, encoding="utf-8")
    if given is not None:
        (tmp_path / "params.json").write_text(json.dumps(given), encoding="utf-8")
    command = [sys.executable, "-X", "utf8", "main.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, encoding="utf-8")
    assert done.stdout.splitlines() == [str(first), second]
    before, _, after = script.text.partition("# the inputs")
    block = after.partition("# cell 2")[0]
    first_line = before.count("\n")
    assert not any(script.lines[first_line : first_line + block.count("\n")])
    assert "{" not in block


def test_a_parameter_without_a_value_must_be_given(tmp_path: Path) -> None:
    script = with_tags(("rows: int", "parameters"), ("print(rows + 1)", ""))
    (tmp_path / "main.py").write_text(script.text, encoding="utf-8")
    (tmp_path / "params.json").write_text('{"rows": 4}', encoding="utf-8")
    done = subprocess.run([sys.executable, "main.py"], cwd=tmp_path, capture_output=True, check=True, text=True)
    assert done.stdout == "5\n"


# --- PEP 723 --------------------------------------------------------------------------------------------------------


def test_the_block_of_pep_723() -> None:
    text = (
        "# /// script\n# requires-python = '>=3.10'\n# dependencies = [\n#   'pandas>=2',\n#   'no such thing',\n# ]\n"
        "# ///\nimport pandas\n"
    )
    script = to_script(parse(text, "a.py"))
    assert [(item.text, str(item.requirement), item.origin, item.location.line) for item in script.declared] == [
        ("pandas>=2", "pandas>=2", "PEP 723", 4),
        ("no such thing", "None", "PEP 723", 5),
    ]
    assert found(script) == [("KNB106", "warning", "a.py:5")]
    assert text in script.text


@pytest.mark.parametrize("content", ["# dependencies = [", "# dependencies = 'pandas'", "# dependencies = [1]"])
def test_a_block_of_pep_723_that_is_none(content: str) -> None:
    finding = the_finding(f"x = 1\n# /// script\n{content}\n# ///\n")
    assert finding.code == "KNB141"
    assert str(finding.location) == "cell 1:2"


def test_a_block_without_dependencies() -> None:
    assert not script_of("# /// script\n# requires-python = '>=3.10'\n# ///\n# /// script").findings


# --- what needs a person or this machine ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "code", "severity", "place"),
    [
        ("x = input('name?')", "KNB130", "error", "cell 1:1:5"),
        ("def f():\n    return input()", "KNB130", "warning", "cell 1:2:12"),
        ("import getpass\ngetpass.getpass()", "KNB130", "error", "cell 1:2:1"),
        ("f = open('/home/me/x.csv')", "KNB131", "warning", "cell 1:1:5"),
        ("pd.read_csv('~/x.csv')", "KNB131", "warning", "cell 1:1:1"),
        ("pd.read_csv(r'C:\\data\\x.csv')", "KNB131", "warning", "cell 1:1:1"),
        ("Path('/data/x.txt').read_text()", "KNB131", "warning", "cell 1:1:1"),
        ("url = 'http://localhost:8080/x'", "KNB132", "warning", "cell 1:1:7"),
        ("connect('postgresql://127.0.0.1/db')", "KNB132", "warning", "cell 1:1:9"),
        ("pd.read_csv('data/x.csv')", "KNB133", "warning", "cell 1:1:1"),
        ("np.load(Path('x.npy'))", "KNB133", "warning", "cell 1:1:1"),
        ("open('x.csv', 'rb')", "KNB133", "warning", "cell 1:1:1"),
        ("open('../x.csv', mode='r')", "KNB133", "warning", "cell 1:1:1"),
        ("import matplotlib.pyplot as plt\nplt.show()", "KNB114", "info", "cell 1:2:1"),
        ("from ipywidgets import IntSlider", "KNB134", "info", "cell 1:1:1"),
        ("interact(f, x=1)", "KNB134", "info", "cell 1:1:1"),
        ("from google.colab import drive", "KNB135", "warning", "cell 1:1:1"),
        ("from google import colab", "KNB135", "warning", "cell 1:1:1"),
        ("import google.colab", "KNB135", "warning", "cell 1:1:1"),
        ("exit()", "KNB136", "warning", "cell 1:1:1"),
        ("import sys\nsys.exit(1)", "KNB136", "warning", "cell 1:2:1"),
        ("x = Out[3]", "KNB117", "warning", "cell 1:1:5"),
        ("x = _ + 1", "KNB117", "warning", "cell 1:1:5"),
        ("x = _12", "KNB117", "warning", "cell 1:1:5"),
        ("get_ipython().kernel", "KNB117", "warning", "cell 1:1:1"),
        ("é = 'ü'; x = input()", "KNB130", "error", "cell 1:1:14"),
        ("!ls\nx = input()", "KNB130", "error", "cell 1:2:5"),
    ],
)
def test_what_does_not_work_where_nobody_sits(cell: str, code: str, severity: str, place: str) -> None:
    assert found(script_of(cell)) == [(code, severity, place)]
    assert the_finding(cell).hint


@pytest.mark.parametrize(
    "cells",
    [
        ("def input(x): ...", "input('a')"),
        ("from my import exit\nexit()",),
        ("df.to_csv('x.csv')", "pd.read_csv('x.csv')"),
        ("open('x.csv', 'w')\nopen('x.csv')",),
        ("%%writefile x.csv\na,b", "pd.read_csv('x.csv')"),
        ("pd.read_csv('https://h.example/x.csv')",),
        ("open(name)\nopen()\nopen('/tmp/x.csv')\nopen('a' * 2)",),
        ("load('no file name')\nload('x')\nread('a b?.c!')",),
        ("for _ in range(3):\n    print(_)",),
        ("_, x = 1, 2\nprint(_)",),
        ("Out = 1\nprint(Out)",),
        ("self.show()\nfig.show()\nx._12\n_private = 1",),
        ("'localhosts'\n'the localhosting'",),
        ("plt.showing()\nloader.exit()",),
        ("from google.cloud import storage\nimport google",),
    ],
)
def test_what_looks_like_it_and_is_not(cells: tuple[str, ...]) -> None:
    assert not script_of(*cells).findings


# --- secrets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cell",
    [
        "password = 'SECRET99x'",
        "db_password = 'SECRET99x'",
        "API_KEY = 'SECRET99x7q2'",
        "apiKey = 'SECRET99x7q2'",
        "os.environ['AWS_SECRET_ACCESS_KEY'] = 'SECRET99x7q2'",
        "self.token: str = 'SECRET99x7q2'",
        "connect(password='SECRET99x')",
        "config = {'client_secret': 'SECRET99x'}",
        "%env OPENAI_API_KEY=SECRET99x7q2",
        "url = 'postgresql://user:SECRET99x@db.example/x'",
        "x = 'AKIA' 'SECRET99SECRET99'",
        "x = 'ghp_SECRET99SECRET99SECRET99SECRET99SECRET99'",
        "x = '''-----BEGIN RSA PRIVATE KEY-----\nSECRET99x\n'''",
    ],
)
def test_secrets_are_defaultsand_never_repeated(cell: str) -> None:
    finding = the_finding(cell)
    assert (finding.code, finding.severity) == ("KNB125", "warning")
    assert "SECRET99" not in finding.message + finding.hint
    assert "os.environ" in finding.hint


@pytest.mark.parametrize(
    "cell",
    [
        "password = ''",
        "password = 'your password here'",
        "password = '<password>'",
        "api_key = 'xxxxxxxxxxxx'",
        "token = 'word'",
        "tokenizer = 'bert-base-uncased'",
        "max_tokens = 'SECRET99x7q2'",
        "key = 'SECRET99x7q2'",
        "primary_key = 'customer_id'",
        "password = os.environ['PASSWORD']",
        "password = getenv('X')",
        "url = 'postgresql://user:password@db.example/x'",
        "url = f'postgresql://user:{password}@db.example/x'",
        "d = {**password, 1: 'secret'}",
        "api_key: str",
        "a[0].b = 'x'\na[0] = 'y'",
        "access_token = 'aaaaaaaaaaaa'",
    ],
)
def test_placeholders_are_no_secrets(cell: str) -> None:
    assert not script_of(cell).findings


# --- runs -----------------------------------------------------------------------------------------------------------


def test_what_magics_refer_to() -> None:
    script = script_of(
        "%matplotlib inline\n%load_ext sql\n%run a.py --x\n%run b\n%run c.ipynb\n%run {x}.py\n%run -m mod",
        "%%writefile -a d/e.py\nx = 1",
        "%%writefile {x}.py\nx = 1",
        "%pylab --no-import-all\n%matplotlib --list",
    )
    assert [(kind, text, place.cell, place.line) for kind, text, place in script.runs] == [
        ("matplotlib", "inline", 1, 1),
        ("extension", "sql", 1, 2),
        ("run", "a.py", 1, 3),
        ("run", "b.py", 1, 4),
        ("run", "c.ipynb", 1, 5),
        ("writefile", "d/e.py", 2, 1),
        ("matplotlib", "--no-import-all", 4, 1),
        ("matplotlib", "--list", 4, 2),
    ]
    assert found(script) == [
        ("KNB105", "info", "cell 1:2"),
        ("KNB143", "warning", "cell 1:6"),
        ("KNB105", "info", "cell 4:2"),
    ]


def test_figures_are_drawn_without_a_screen() -> None:
    assert script_of("%matplotlib widget").cells[0].source == (
        'import matplotlib; matplotlib.use("Agg")  # %matplotlib widget'
    )
    pylab = script_of("%pylab inline").cells[0].source
    assert "from pylab import *; from numpy import *" in pylab
    assert "import *" not in script_of("%pylab inline --no-import-all").cells[0].source


@pytest.mark.parametrize(
    ("cell", "code", "severity"),
    [
        ("%sql select 1", "KNB103", "error"),
        ("x = %nobody_knows", "KNB103", "error"),
        ("%store -r x", "KNB103", "error"),
        ("%%sql\nselect 1", "KNB104", "error"),
        ("%%R\nx <- 1", "KNB104", "error"),
        ("%%", "KNB104", "error"),
        ("%%script", "KNB104", "error"),
        ("%%writefile", "KNB104", "error"),
        ("%store x", "KNB105", "info"),
        ("%run", "KNB105", "info"),
        ("%%html\n<b>", "KNB105", "info"),
        ("x?", "KNB105", "info"),
        ("%timeit 1", "KNB112", "info"),
        ("%%memit\n1", "KNB112", "info"),
        ("%%ruby\nputs 1", "KNB111", "info"),
        ("%%bash --bg\nls", "KNB144", "warning"),
    ],
)
def test_magics_with_a_finding(cell: str, code: str, severity: str) -> None:
    assert found(script_of(cell)) == [(code, severity, "cell 1:1")]


def test_lines_that_are_left_out_stay_as_comments() -> None:
    assert script_of("x = %nobody_knows a").cells[0].source == "x = None  # %nobody_knows a"
    assert script_of("if 1:\n    %who").cells[0].source == "if 1:\n    pass  # %who"
    assert script_of("%%sql\nselect {{ x }}\n").cells[0].source == "# %%sql\n# select {{ x }}\n#"
    assert script_of("!pip install -q 'a'").cells[0].source == "# !pip install -q 'a'"
    assert script_of("%pip install a").cells[0].source == "# %pip install a"
    long = the_finding("%config " + "x" * 100)
    assert "..." in long.message


def test_words_with_an_unclosed_quote() -> None:
    assert script_of("%run a.py 'b c").cells[0].source == '_nb_run("a.py", "b", "c")'
    assert script_of("%%bash 'x\nls").cells[0].source.startswith('_nb_script("bash x", ')


def test_annotations_of_a_cell_that_awaits() -> None:
    cell = "if x:\n    a: int = await f()\nb: str\ndef g(c: int) -> str:\n    d: int = 1\n    return d\n"
    assert script_of(cell).cells[0].source == (
        "async def _nb_cell():\n    global a, b, g\n    if x:\n        a = await f()\n    pass\n"
        "    def g(c: int) -> str:\n        d: int = 1\n        return d\n\n_nb_await(_nb_cell())"
    )
    assert script_of("x: (\n    int\n) = await f()").cells[0].broken


def test_dotenv_is_its_own_library() -> None:
    assert (
        script_of("%load_ext dotenv\n%dotenv -o my.env")
        .cells[0]
        .source.endswith('import dotenv; dotenv.load_dotenv("my.env", override=True)')
    )
    assert script_of("%dotenv").cells[0].source == 'import dotenv; dotenv.load_dotenv(".env")'
