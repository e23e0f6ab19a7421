"""From imports and declarations to distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from kestra_nb import tables
from kestra_nb.imports import find_imports
from kestra_nb.model.dependency import Import, LocalFile
from kestra_nb.model.finding import Location
from kestra_nb.model.notebook import Declared
from kestra_nb.resolve import resolve
from tests.installed import distribution, environment, script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kestra_nb.model.dependency import Environment, Resolution

NUMPY = distribution("numpy", "2.3.5")
PANDAS = distribution("pandas", "2.3.1")


def settled(  # noqa: PLR0913  everything that decides
    text: str,
    installed: Environment | None = None,
    declared: Sequence[Declared] = (),
    *,
    accept: Sequence[str] = (),
    local: Sequence[LocalFile] = (),
    python: str = "3.12",
    broken: bool = False,
) -> Resolution:
    found = find_imports(script(text, broken={1} if broken else ()))
    return resolve(found, declared, local, installed or environment(), accepted=frozenset(accept), target_python=python)


def lines(resolution: Resolution) -> list[str]:
    return [str(need.requirement) for need in resolution.needs]


def codes(resolution: Resolution) -> list[str]:
    return [item.code for item in resolution.findings]


def reasons(resolution: Resolution) -> dict[str, str]:
    return {item.name: item.reason for item in resolution.excluded}


def declare(*texts: str, origin: str = "pip line", removed: bool = False) -> list[Declared]:
    made = []
    for line, text in enumerate(texts, start=1):
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            requirement = None
        place = Location(cell=1, line=line)
        made.append(Declared(text=text, requirement=requirement, origin=origin, location=place, removed=removed))
    return made


def test_what_is_installed_is_pinned_at_the_installed_version() -> None:
    found = settled("import numpy as np\nfrom pandas import DataFrame", environment(NUMPY, PANDAS))
    assert lines(found) == ["numpy==2.3.5", "pandas==2.3.1"]
    assert [need.evidence for need in found.needs] == ["installed", "installed"]
    assert found.needs[0].distribution == NUMPY
    assert found.needs[0].imports[0].location.line == 1


def test_the_from_list_decides_in_a_namespace() -> None:
    storage, bigquery = distribution("google-cloud-storage"), distribution("google-cloud-bigquery")
    owners = {"google.cloud.storage": [storage.name], "google.cloud.bigquery": [bigquery.name]}
    installed = environment(storage, bigquery, owners=owners)
    assert lines(settled("from google.cloud import storage", installed)) == ["google-cloud-storage==1.0"]
    assert lines(settled("from google.cloud.bigquery import Client", installed)) == ["google-cloud-bigquery==1.0"]


def test_a_part_of_a_namespace_that_is_not_installed_comes_from_the_table() -> None:
    installed = environment(
        distribution("google-cloud-storage"), owners={"google.cloud.storage": ["google-cloud-storage"]}
    )
    found = settled("from google.cloud import storage, bigquery", installed)
    assert lines(found) == ["google-cloud-bigquery", "google-cloud-storage==1.0"]
    assert [need.evidence for need in found.needs] == ["table", "installed"]
    assert codes(found) == ["KNB203"]


@pytest.mark.parametrize("module", ["google", "azure", "google.cloud"])
def test_a_roof_that_is_not_installed_is_no_guess(module: str) -> None:
    found = settled(f"import {module}")
    assert not found.needs
    assert reasons(found) == {module: "is only the common roof of several distributions"}


def test_a_roof_alone_is_no_need() -> None:
    installed = environment(distribution("google-auth"), owners={"google.auth": ["google-auth"]})
    assert reasons(settled("import google", installed)) == {"google": "is only the common roof of google.auth"}


def test_a_guess_is_an_error_until_it_is_accepted() -> None:
    found = settled("import frobnicate.core")
    assert [(str(need.requirement), need.evidence) for need in found.unresolved] == [("frobnicate", "guess")]
    assert [(item.code, item.severity) for item in found.findings] == [("KNB202", "error")]
    assert "--accept frobnicate" in found.findings[0].hint
    accepted = settled("import frobnicate.core", accept=["Frobnicate"])
    assert lines(accepted) == ["frobnicate"]
    assert not accepted.unresolved
    assert not accepted.findings


def test_the_right_name_can_be_stated_in_place_of_the_guess() -> None:
    found = settled("import frobnicate", accept=["frobnicate=py-frobnicate"])
    assert lines(found) == ["py-frobnicate"]
    assert not found.unresolved


def test_a_well_known_module_comes_from_the_table_with_its_date() -> None:
    found = settled("import sklearn, cv2, yaml")
    assert lines(found) == ["opencv-python", "pyyaml", "scikit-learn"]
    assert tables.modules().made in found.findings[0].message


def test_what_the_author_declared_outdoes_the_table() -> None:
    found = settled("import cv2", declared=declare("opencv-python-headless>=4"))
    assert lines(found) == ["opencv-python-headless>=4"]
    assert [need.evidence for need in found.needs] == ["declared"]


def test_two_owners_one_is_taken_and_the_author_may_choose() -> None:
    both = environment(
        distribution("opencv-python"),
        distribution("opencv-python-headless"),
        owners={"cv2": ["opencv-python", "opencv-python-headless"]},
    )
    assert lines(settled("import cv2", both)) == ["opencv-python==1.0"]
    assert codes(settled("import cv2", both)) == ["KNB204"]
    chosen = settled("import cv2", both, declare("opencv-python-headless"))
    assert lines(chosen) == ["opencv-python-headless==1.0"]


def test_a_module_of_no_distribution_is_refused() -> None:
    found = settled("import stray", environment(owners={"stray": []}))
    assert codes(found) == ["KNB216", "KNB202"]


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        ("import os.path", "os.path", "is part of Python 3.12's standard library"),
        ("import __main__", "__main__", "is part of Python 3.12's standard library"),
        ("from google.colab import drive", "google.colab", "exists on Google Colab only"),
        ("from google import colab", "google", "exists on Google Colab only"),
        ("import kestra_nb", "kestra_nb", "is this kit, which the flow does not need"),
        ("from .x import y", ".x", "is relative, which a script cannot import"),
        ("if TYPE_CHECKING:\n    import numpy", "numpy", "is for type checkers only"),
        ("if False:\n    import numpy", "numpy", "stands under a condition that is never true"),
        ("if IN_COLAB:\n    import numpy", "numpy", "is for Google Colab only"),
        ("if sys.platform == 'win32':\n    import winshell", "winshell", "is only for sys_platform == 'win32'"),
        ("if sys.version_info < (3, 9):\n    import importlib_x", "importlib_x", "is only for python_version < '3.9'"),
        ("try:\n    import cupy\nexcept ImportError:\n    cupy = None", "cupy", "may be absent and is not installed"),
        (
            "try:\n    import tomllib\nexcept ImportError:\n    import tomli as tomllib",
            "tomli",
            "is only a fallback for tomllib",
        ),
    ],
)
def test_what_is_no_need_says_why(text: str, name: str, reason: str) -> None:
    found = settled(text, environment(NUMPY, distribution("tomli")))
    assert reasons(found)[name] == reason
    assert not found.needs


def test_the_standard_library_is_the_targets() -> None:
    assert "tomllib" in reasons(settled("import tomllib", python="3.11"))
    assert lines(settled("import tomllib", environment(owners={"tomllib": []}), python="3.10")) == ["tomllib"]
    gone = settled("import telnetlib", python="3.13")
    assert lines(gone) == ["standard-telnetlib"]
    assert "telnetlib" in reasons(settled("import telnetlib", python="3.12"))


def test_a_removed_module_is_not_looked_up_in_the_environments_own_library() -> None:
    installed = environment(python=Version("3.11.2"), stdlib=frozenset({"asyncore", "os"}))
    assert lines(settled("import asyncore", installed, python="3.12")) == ["pyasyncore"]
    assert "asyncore" in reasons(settled("import asyncore", installed, python="3.11"))


def test_the_fallback_is_taken_when_it_is_what_is_installed() -> None:
    text = "try:\n    import a1\nexcept ImportError:\n    import a2"
    assert lines(settled(text, environment(distribution("a2")))) == ["a2==1.0"]
    both = settled(text, environment(distribution("a1"), distribution("a2")))
    assert lines(both) == ["a1==1.0"]
    assert reasons(both) == {"a2": "is only a fallback for a1"}


def test_a_guarded_import_that_is_installed_is_a_need() -> None:
    text = "try:\n    import numpy\nexcept ImportError:\n    pass"
    assert lines(settled(text, environment(NUMPY))) == ["numpy==2.3.5"]


def test_a_local_file_goes_before_everything_and_says_when_it_hides_something() -> None:
    own = LocalFile(path="numpy.py", text="", location=Location(), module="numpy")
    found = settled("import numpy.linalg", environment(NUMPY), local=[own])
    assert not found.needs
    assert reasons(found) == {"numpy.linalg": "is the local file numpy.py"}
    assert codes(found) == ["KNB217"]
    assert found.local_files == (own,)


def test_a_local_file_of_the_standard_librarys_name_is_the_file() -> None:
    own = LocalFile(path="random.py", text="", location=Location(), module="random")
    found = settled("import random", local=[own])
    assert reasons(found) == {"random": "is the local file random.py"}
    assert codes(found) == ["KNB217"]


def test_a_module_that_a_cell_writes_is_no_need() -> None:
    written = Import(module="helper", location=Location(cell=1), guarded="written")
    found = resolve([*find_imports(script("import helper")), written], (), (), environment())
    assert reasons(found) == {"helper": "is written by a cell of the notebook"}


def test_an_import_of_a_broken_cell_counts_when_it_is_installed() -> None:
    text = "print 'x'\nimport numpy\nimport nowhere"
    found = settled(text, environment(NUMPY), broken=True)
    assert lines(found) == ["numpy==2.3.5"]
    assert codes(found) == ["KNB219"]


def test_a_hidden_need_takes_the_alternative_that_is_installed() -> None:
    text = "import pandas as pd\ndf.to_excel('x.xlsx')"
    assert lines(settled(text, environment(PANDAS, distribution("xlsxwriter")))) == ["pandas==2.3.1", "xlsxwriter==1.0"]
    assert lines(settled(text, environment(PANDAS))) == ["openpyxl", "pandas==2.3.1"]


def test_extras_that_are_used_are_asked_for() -> None:
    installed = environment(distribution("dask", "2026.1.0"), distribution("sqlalchemy", "2.0"))
    text = "import dask.dataframe as dd\nimport dask.array as da\nfrom sqlalchemy.ext import asyncio"
    assert lines(settled(text, installed)) == ["dask[array,dataframe]==2026.1.0", "sqlalchemy[asyncio]==2.0"]


def test_declared_extras_and_imports_come_together() -> None:
    found = settled("import dask.array", environment(distribution("dask", "1.0")), declare("dask[distributed]"))
    assert lines(found) == ["dask[array,distributed]==1.0"]


def test_what_is_declared_but_not_imported_is_a_need() -> None:
    found = settled("x = 1", environment(distribution("openpyxl", "3.1")), declare("openpyxl", "elsewhere>=2,<3"))
    assert lines(found) == ["elsewhere<3,>=2", "openpyxl==3.1"]
    assert [need.evidence for need in found.needs] == ["declared", "installed"]
    assert codes(found) == ["KNB224"]


def test_the_installed_version_wins_over_a_declared_range_and_says_so() -> None:
    found = settled("import numpy", environment(NUMPY), declare("numpy<2"))
    assert lines(found) == ["numpy==2.3.5"]
    assert codes(found) == ["KNB214"]
    assert found.findings[0].location == Location(cell=1, line=1)


def test_an_uninstall_takes_an_earlier_install_back_and_a_later_one_stands() -> None:
    gone = [*declare("a1"), *declare("a1", removed=True)]
    assert lines(settled("x = 1", declared=gone)) == []
    assert lines(settled("x = 1", declared=[*gone, *declare("a1==3")])) == ["a1==3"]


def test_the_notebook_outdoes_a_file_beside_it() -> None:
    beside = declare("a1==1", origin="requirements.txt")
    assert lines(settled("x = 1", declared=[*declare("a1==2"), *beside])) == ["a1==2"]


def test_tools_for_notebooks_are_left_out_unless_they_are_asked_for() -> None:
    found = settled("x = 1", declared=declare("jupyterlab", "black"))
    assert set(reasons(found)) == {"jupyterlab", "black"}
    assert lines(settled("x = 1", declared=declare("black", origin="option"))) == ["black"]


def test_a_requirement_of_another_target_is_left_out() -> None:
    found = settled("x = 1", declared=declare("pywin32; sys_platform == 'win32'", "a1; python_version >= '3.12'"))
    assert [need.requirement.name for need in found.needs] == ["a1"]
    assert set(reasons(found)) == {"pywin32"}


def test_conda_names_are_turned_into_those_of_pypi_and_programs_are_left_out() -> None:
    found = settled("x = 1", declared=declare("pytorch==2.1.*", "graphviz", "python-graphviz", origin="conda line"))
    assert lines(found) == ["graphviz", "torch==2.1.*"]
    assert codes(found) == ["KNB220", "KNB224", "KNB224"]


@pytest.mark.parametrize(
    ("fields", "line", "code", "severity"),
    [
        ({"editable": True, "direct_url": "file:///home/me/x"}, "x==1.0", "KNB205", "error"),
        ({"direct_url": "file:///home/me/x.whl"}, "x==1.0", "KNB206", "error"),
        ({"direct_url": "git+https://h/x.git@abc"}, "x@ git+https://h/x.git@abc", "KNB207", "info"),
        ({"direct_url": "https://h/x-1.0-py3-none-any.whl"}, "x@ https://h/x-1.0-py3-none-any.whl", "KNB207", "info"),
        ({"direct_url": "file:///croot/x", "installer": "conda"}, "x==1.0", "KNB208", "info"),
        ({"installer": "conda"}, "x==1.0", "KNB208", "info"),
        ({"problem": "It is torn."}, "x==1.0", "KNB210", "warning"),
    ],
)
def test_where_a_distribution_came_from(fields: dict[str, object], line: str, code: str, severity: str) -> None:
    found = settled("import x", environment(distribution("x", **fields)))  # type: ignore[arg-type]
    assert [str(need.requirement).replace(" @", "@") for need in found.needs] == [line]
    assert [(item.code, item.severity) for item in found.findings] == [(code, severity)]
    assert "/home/me" not in "".join(map(str, found.findings))


def test_a_development_install_may_be_accepted() -> None:
    found = settled("import x", environment(distribution("x", editable=True)), accept=["x"])
    assert [(item.code, item.severity) for item in found.findings] == [("KNB205", "warning")]


def test_a_local_build_is_pinned_at_its_public_version() -> None:
    found = settled("import torch", environment(distribution("torch", "2.9.1+cu126")))
    assert lines(found) == ["torch==2.9.1"]
    assert codes(found) == ["KNB209"]


def test_equal_input_gives_equal_output_and_order() -> None:
    text = "import b, a, c\nfrom google.cloud import x"
    assert settled(text) == settled(text)
    assert lines(settled(text)) == sorted(lines(settled(text)))


def test_the_table_names_distributions_once_and_in_order() -> None:
    table = tables.modules()
    for module, names in table.owners.items():
        assert all(part.isidentifier() for part in module.split(".")), module
        assert names
        assert len(set(names)) == len(names)
    assert len(table.owners) > 500


@pytest.mark.parametrize("python", ["3.8", "3.10", "3.12", "3.14"])
def test_the_standard_library_is_known_for_every_target(python: str) -> None:
    known = tables.standard_library(python)
    assert {"os", "sys", "json", "asyncio"} <= known
    assert ("tomllib" in known) == (Version(python) >= Version("3.11"))
    assert ("distutils" in known) == (Version(python) < Version("3.12"))
    assert ("cgi" in known) == (Version(python) < Version("3.13"))
