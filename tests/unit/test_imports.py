"""What modules a script needs, cell by cell."""

from __future__ import annotations

import ast
import warnings

import pytest

from kestra_nb import imports
from kestra_nb.imports import find_imports
from tests.installed import modules, script


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import numpy", ["numpy"]),
        ("import numpy as np, pandas as pd", ["numpy", "pandas"]),
        ("import google.cloud.storage", ["google.cloud.storage"]),
        ("from google.cloud import storage", ["google.cloud"]),
        ("from . import helper", ["."]),
        ("def late():\n    import torch", ["torch"]),
        ("class A:\n    def late(self):\n        with x:\n            import torch", ["torch"]),
        ("async def f():\n    async with x:\n        import a1\n    for b in c:\n        import a2", ["a1", "a2"]),
        ("match x:\n    case 1:\n        import torch", ["torch"]),
        ("while x:\n    import a1\nelse:\n    import a2", ["a1", "a2"]),
        ("import importlib\nimportlib.import_module('yaml.reader')", ["importlib", "yaml.reader"]),
        ("m = __import__('yaml')", ["yaml"]),
        ("import importlib\nimportlib.import_module(name)", ["importlib"]),
        ("await session.run()\nimport aiohttp", ["aiohttp"]),
        ("text = 'import nothing'", []),
        ("# import nothing", []),
        ("important = 1", []),
    ],
)
def test_every_form_of_import_is_found(text: str, expected: list[str]) -> None:
    assert modules(find_imports(script(text))) == expected


def test_from_carries_the_names_and_the_star_none() -> None:
    found = find_imports(script("from google.cloud import storage, bigquery as bq\nfrom math import *"))
    assert [(item.module, item.names, item.how) for item in found] == [
        ("google.cloud", ("storage", "bigquery"), "from"),
        ("math", (), "from"),
    ]


def test_a_place_is_cell_line_and_column() -> None:
    (found,) = find_imports(script("x = 1", "if x:\n    import numpy"))
    assert (found.location.cell, found.location.line, found.location.column) == (2, 2, 5)


def test_one_broken_cell_costs_only_itself_and_its_import_lines_are_kept() -> None:
    text = "print 'hello'\nimport numpy\nfrom pandas import (\n    DataFrame,  # frame\n    Series)\nx = # TODO"
    found = find_imports(script("import yaml", text, "import requests", broken={2}))
    assert [(item.module, item.names, item.guarded) for item in found] == [
        ("yaml", (), ""),
        ("numpy", (), "broken"),
        ("pandas", ("DataFrame", "Series"), "broken"),
        ("requests", (), ""),
    ]
    assert [item.location.line for item in found] == [1, 2, 3, 1]


def test_a_bracket_that_is_never_closed_costs_the_names_only() -> None:
    text = "from sklearn.linear_model import (\n    Ridge,\n\nimport networkx as nx\nmodel = Ridge("
    assert modules(find_imports(script(text, broken={1}))) == ["sklearn.linear_model", "networkx"]


@pytest.mark.parametrize(
    "text",
    [
        "import java.util.List;\nimport org.apache.spark.sql.functions;\nclass A { int x; }",
        "import React from 'react'\nconst a = 1;",
        'import "fmt"\nfunc main() {}',
        "library(ggplot2)\nimport(x)",
    ],
)
def test_imports_of_other_languages_are_none(text: str) -> None:
    assert find_imports(script(text, broken={1})) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("try:\n    import a1\nexcept ImportError:\n    a1 = None", {"a1": "try"}),
        ("try:\n    import a1\nexcept ImportError:\n    import a2", {"a1": "try", "a2": "except"}),
        ("try:\n    import a1\nexcept:\n    raise", {"a1": ""}),
        ("try:\n    import a1\nexcept ImportError:\n    raise SystemExit('no a1')", {"a1": ""}),
        ("try:\n    import a1\nexcept ImportError:\n    _nb_sh('pip install a1')\n    import a1", {"a1": ""}),
        ("try:\n    import a1\nexcept ValueError:\n    pass", {"a1": ""}),
        ("try:\n    import a1\nexcept (OSError, ModuleNotFoundError):\n    pass", {"a1": "try"}),
        ("try:\n    x = 1\nexcept Exception:\n    import a1", {"a1": ""}),
        ("try:\n    pass\nfinally:\n    import a1", {"a1": ""}),
        ("from contextlib import suppress\nwith suppress(ImportError):\n    import a1", {"a1": "try"}),
        ("with suppress(OSError):\n    import a1", {"a1": ""}),
        ("if TYPE_CHECKING:\n    import a1\nelse:\n    import a2", {"a1": "TYPE_CHECKING", "a2": ""}),
        ("if typing.TYPE_CHECKING:\n    import a1", {"a1": "TYPE_CHECKING"}),
        ("if not TYPE_CHECKING:\n    import a1", {"a1": ""}),
        ("if False:\n    import a1\nelse:\n    import a2", {"a1": "never", "a2": ""}),
        ("if 'google.colab' in sys.modules:\n    import a1\nelse:\n    import a2", {"a1": "colab", "a2": ""}),
        ("if not IN_COLAB:\n    import a1\nelse:\n    import a2", {"a1": "", "a2": "colab"}),
    ],
)
def test_guards_say_why_an_import_may_be_absent(text: str, expected: dict[str, str]) -> None:
    found = find_imports(script(text))
    assert {item.module: item.guarded for item in found if item.module.startswith("a")} == expected


def test_a_fallback_knows_what_it_stands_in_for() -> None:
    found = find_imports(script("try:\n    import cPickle as pickle\nexcept ImportError:\n    import pickle"))
    assert [(item.module, item.fallback_for) for item in found] == [("cPickle", ()), ("pickle", ("cPickle",))]


@pytest.mark.parametrize(
    ("test", "marker", "otherwise"),
    [
        ("sys.version_info >= (3, 11)", "python_version >= '3.11'", "python_version < '3.11'"),
        ("sys.version_info > (3, 8)", "python_version >= '3.8'", "python_version < '3.8'"),
        ("sys.version_info <= (3, 8)", "python_version < '3.8'", "python_version >= '3.8'"),
        ("sys.version_info[0] < 3", "python_version < '3'", "python_version >= '3'"),
        ("sys.version_info.major == 2", "python_version < '3'", "python_version >= '3'"),
        ("sys.version_info[0] == 3", "python_version >= '3'", "python_version < '3'"),
        ("sys.platform == 'win32'", "sys_platform == 'win32'", "sys_platform != 'win32'"),
        ("sys.platform.startswith('win')", "sys_platform == 'win32'", "sys_platform != 'win32'"),
        ("os.name != 'nt'", "os_name != 'nt'", "os_name == 'nt'"),
        ("platform.system() == 'Darwin'", "platform_system == 'Darwin'", "platform_system != 'Darwin'"),
        ("not os.name == 'nt'", "os_name != 'nt'", "os_name == 'nt'"),
        (
            "os.name == 'nt' and sys.version_info < (3,)",
            "(os_name == 'nt' and python_version < '3')",
            "(os_name != 'nt' or python_version >= '3')",
        ),
        ("os.name == 'nt' or x", "", ""),
        ("x > 3", "", ""),
    ],
)
def test_tests_on_version_and_platform_become_markers(test: str, marker: str, otherwise: str) -> None:
    found = find_imports(script(f"if {test}:\n    import a1\nelse:\n    import a2"))
    assert {item.module: item.marker for item in found} == {"a1": marker, "a2": otherwise}


def test_nested_guards_add_up() -> None:
    text = "if os.name == 'nt':\n if sys.version_info >= (3, 9):\n  try:\n   import a1\n  except ImportError:\n   pass"
    (found,) = find_imports(script(text))
    assert (found.marker, found.guarded) == ("os_name == 'nt' and python_version >= '3.9'", "try")


def test_only_cells_with_import_or_a_trigger_are_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    parse = ast.parse

    def note(source: str) -> object:
        parsed.append(source)
        return parse(source)

    monkeypatch.setattr(ast, "parse", note)
    find_imports(script("x = 1", "import pandas as pd", "y = [2] * 3", "pd.read_parquet('x')"))
    assert parsed == ["import pandas as pd", "pd.read_parquet('x')"]


def test_warnings_of_the_notebooks_own_text_stay_inside() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert modules(find_imports(script("import re\nre.compile('\\d')"))) == ["re"]


@pytest.mark.parametrize("text", ["import \0x", "import x\n" + "(" * 5000, "\ud800 import x"])
def test_text_that_no_parser_takes_is_no_failure(text: str) -> None:
    assert isinstance(find_imports(script(text)), tuple)


def test_a_module_beside_the_notebook_is_read_the_same_way() -> None:
    found = imports.imports_of("import numpy\n\ndef f():\n    import scipy", "lib/tools.py")
    assert [(item.module, item.location.path, item.location.cell, item.location.line) for item in found] == [
        ("numpy", "lib/tools.py", None, 1),
        ("scipy", "lib/tools.py", None, 4),
    ]
