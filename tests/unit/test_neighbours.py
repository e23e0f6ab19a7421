"""Files beside a notebook."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from kestra_nb.imports import find_imports
from kestra_nb.model.finding import Location
from kestra_nb.neighbours import Neighbours, follow
from tests.installed import Run, modules, script

if TYPE_CHECKING:
    from pathlib import Path

PLACE = Location(path="nb.ipynb", cell=1)


def around(folder: Path, *cells: str, runs: tuple[Run, ...] = ()) -> Neighbours:
    text = script(*cells, runs=runs)
    return follow(str(folder / "nb.ipynb"), text, find_imports(text))


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        path = folder / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def paths(found: Neighbours) -> dict[str, str]:
    return {item.path: item.module for item in found.local_files}


def codes(found: Neighbours) -> list[str]:
    return [item.code for item in found.findings]


def test_local_modules_are_followed_and_their_imports_counted(tmp_path: Path) -> None:
    write(tmp_path, helper="import numpy\nimport other", other="import pandas", unused="import torch")
    found = around(tmp_path, "import helper\nimport yaml")
    assert paths(found) == {"helper.py": "helper", "other.py": "other"}
    assert set(modules(found.imports)) == {"numpy", "other", "pandas"}
    assert found.local_files[1].location == Location(path="helper.py", line=2, column=1)


def test_packages_bring_what_stands_above_and_relative_imports(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    write(tmp_path / "lib", a="from . import b\nfrom .c import x\nimport scipy", b="", c="x = 1", d="")
    (tmp_path / "lib" / "__init__.py").write_text("import yaml")
    found = around(tmp_path, "from lib.a import x")
    assert paths(found) == {
        "lib/__init__.py": "lib",
        "lib/a.py": "lib.a",
        "lib/b.py": "lib.b",
        "lib/c.py": "lib.c",
    }
    assert set(modules(found.imports)) == {"yaml", "scipy"}


def test_a_folder_without_init_is_followed_to_the_module_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "yaml").mkdir()
    write(tmp_path / "lib", a="")
    assert paths(around(tmp_path, "from lib import a\nimport yaml")) == {"lib/a.py": "lib.a"}


def test_a_folder_put_on_the_path_is_searched(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    write(tmp_path / "src", deep="import polars")
    found = around(tmp_path, "import sys\nsys.path.insert(0, 'src')\nimport deep")
    assert paths(found) == {"deep.py": "deep"}
    assert modules(found.imports) == ["polars"]


def test_nothing_above_the_folder_is_read(tmp_path: Path) -> None:
    write(tmp_path, above="import torch")
    folder = tmp_path / "notebooks"
    folder.mkdir()
    found = around(folder, "import sys\nsys.path.append('..')\nimport above", runs=(("run", "../above.py", PLACE),))
    assert found.local_files == ()
    assert codes(found) == ["KNB227"]


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path, above="import torch")
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "inside.py").symlink_to(tmp_path / "above.py")
    found = around(folder, "import inside")
    assert (found.local_files, codes(found)) == ((), ["KNB227"])


def test_a_loop_of_links_ends_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "loop.py").symlink_to(tmp_path / "pool.py")
    (tmp_path / "pool.py").symlink_to(tmp_path / "loop.py")
    (tmp_path / "ring").symlink_to(tmp_path, target_is_directory=True)
    found = around(tmp_path, "import loop\nimport ring.ring.ring.nothing")
    assert found.local_files == ()
    assert codes(found) == ["KNB226"]
    assert found.findings[0].location == Location(path="nb.ipynb", cell=1, line=1, column=1)


def test_local_modules_that_import_each_other_are_shipped_once_and_named(tmp_path: Path) -> None:
    write(tmp_path, one="import two", two="import one\nimport two")
    found = around(tmp_path, "import one")
    assert paths(found) == {"one.py": "one", "two.py": "two"}
    assert [(item.code, item.severity, str(item.location)) for item in found.findings] == [
        ("KNB229", "info", "two.py:1:1")
    ]


def test_a_file_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    (tmp_path / "torn.py").write_bytes(b"x = '\xff\xfe'")
    found = around(tmp_path, "import torn")
    assert [(item.code, item.severity) for item in found.findings] == [("KNB226", "error")]


def test_a_file_in_another_encoding_is_read_as_it_says(tmp_path: Path) -> None:
    (tmp_path / "old.py").write_bytes("# -*- coding: latin-1 -*-\nname = 'é'\n".encode("latin-1"))
    assert "'é'" in around(tmp_path, "import old").local_files[0].text


def test_run_ships_a_script_and_follows_it(tmp_path: Path) -> None:
    write(tmp_path, setup_all="import numpy\nimport helper", helper="")
    found = around(tmp_path, "x = 1", runs=(("run", "setup_all.py", PLACE),))
    assert paths(found) == {"setup_all.py": "", "helper.py": "helper"}
    assert found.local_files[0].location == PLACE


def test_run_of_a_missing_file_is_an_error(tmp_path: Path) -> None:
    found = around(tmp_path, "x = 1", runs=(("run", "gone.py", PLACE),))
    assert [(item.code, item.severity, item.location) for item in found.findings] == [("KNB228", "error", PLACE)]


def test_run_of_a_notebook_ships_the_script_it_becomes(tmp_path: Path) -> None:
    def notebook(*sources: str) -> str:
        cells = [{"cell_type": "code", "source": text, "metadata": {}, "outputs": []} for text in sources]
        return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})

    (tmp_path / "first.ipynb").write_text(notebook("import numpy\n", "%run second.ipynb\n", "%pip install scipy\n"))
    (tmp_path / "second.ipynb").write_text(notebook("import pandas\n", "%run first.ipynb\n"))
    found = around(tmp_path, "x = 1", runs=(("run", "first.ipynb", PLACE),))
    assert paths(found) == {"first.ipynb.py": "", "second.ipynb.py": ""}
    assert {"numpy", "pandas"} <= set(modules(found.imports))
    assert [item.text for item in found.declared] == ["scipy"]


def test_a_module_that_a_cell_writes_is_followed_but_not_shipped(tmp_path: Path) -> None:
    cell = "_nb_write('helper.py', r'''\nimport numpy\n'''[1:])\n_nb_write('x')"
    found = around(tmp_path, cell, "import helper", runs=(("writefile", "helper.py", PLACE),))
    assert found.local_files == ()
    assert [(item.module, item.guarded) for item in found.imports] == [("helper", "written"), ("numpy", "")]


def test_a_written_module_is_read_as_the_script_writes_it(tmp_path: Path) -> None:
    cell = "_nb_write('helper.py', r'''\nimport numpy\n'''[1:])\n_nb_write('helper.py', made())"
    found = around(tmp_path, cell, "import helper", runs=(("writefile", "helper.py", PLACE),))
    assert [item.module for item in found.imports] == ["helper", "numpy"]


def test_text_without_a_file_has_no_neighbours() -> None:
    text = script("import helper")
    assert follow("", text, find_imports(text)) == Neighbours()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("numpy>=1.26  # numbers", "numpy>=1.26"),
        ("pandas[excel] ; python_version >= '3.9'", 'pandas[excel]; python_version >= "3.9"'),
        ("scipy==1.15.0 \\\n    --hash=sha256:abc", "scipy==1.15.0"),
        ("git+https://user:secret@host/group/tool.git@v1", "tool @ git+https://host/group/tool.git@v1"),
        ("-e git+https://host/tool.git#egg=tool", "tool @ git+https://host/tool.git"),
        ("tool @ https://user:secret@host/tool-1.0-py3-none-any.whl", "tool @ https://host/tool-1.0-py3-none-any.whl"),
    ],
)
def test_lines_of_a_requirements_file(tmp_path: Path, line: str, expected: str) -> None:
    (tmp_path / "requirements.txt").write_text(f"# comment\n\n--index-url https://u:p@host/simple\n{line}\n")
    found = around(tmp_path, "x = 1")
    assert [str(item.requirement) for item in found.declared] == [expected]
    assert found.declared[0].location == Location(path="requirements.txt", line=4)
    assert "secret" not in repr(found)


def test_a_line_that_does_not_parse_is_a_finding_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy\nnot a requirement !\n./local\npandas\n")
    found = around(tmp_path, "x = 1")
    assert [item.text for item in found.declared] == ["numpy", "pandas"]
    assert [(item.code, str(item.location)) for item in found.findings] == [
        ("KNB215", "requirements.txt:2"),
        ("KNB215", "requirements.txt:3"),
    ]


def test_nested_files_are_followed_inside_the_folder_and_loops_end(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-r base.txt\n-r ../out.txt\n-c constraints.txt\nnumpy\n")
    (tmp_path / "base.txt").write_text("-r requirements.txt\nscipy\n")
    (tmp_path.parent / "out.txt").write_text("torch\n")
    found = around(tmp_path, "x = 1")
    assert [item.text for item in found.declared] == ["scipy", "numpy"]
    assert codes(found) == ["KNB215"]


def test_a_pyproject_of_either_kind_is_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["numpy>=2"]\n[tool.poetry.dependencies]\npython = "^3.10"\npandas = "^2.1"\n'
        'zero = "^0.3.1"\nloose = "*"\nscipy = {version = "~1.2", extras = ["x"]}\nexact = "1.0"\n'
    )
    found = around(tmp_path, "x = 1")
    assert [str(item.requirement) for item in found.declared] == [
        "numpy>=2",
        "pandas<3,>=2.1",
        "zero<0.4,>=0.3.1",
        "loose",
        "scipy~=1.2",
        "exact==1.0",
    ]
    assert found.declared[1].location.line == 5


def test_a_broken_pyproject_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project\n")
    assert codes(around(tmp_path, "x = 1")) == ["KNB215"]
