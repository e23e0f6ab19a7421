"""The generated check, run by a real Python over real metadata."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from kestra_nb.strategies.installed import check_installed

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {canonicalize_name("one-thing"): Version("1.0rc1"), canonicalize_name("other"): Version("2024.7.4")}


def install(folder: Path, name: str, version: str) -> None:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def run(folder: Path) -> tuple[int, str]:
    variables = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", check_installed(EXPECTED)], env=variables, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("spelling", ["1.0rc1", "1.0-RC1", "1.0.rc.1"])
def test_the_same_versions_pass_however_spelled(tmp_path: Path, spelling: str) -> None:
    install(tmp_path, "one_thing", spelling)
    install(tmp_path, "Other", "2024.07.04")
    assert run(tmp_path) == (0, "")


def test_what_differs_is_one_sentence(tmp_path: Path) -> None:
    install(tmp_path, "one_thing", "1.0")
    assert run(tmp_path) == (
        1,
        "kestra-nb: main.py was not started: one-thing is 1.0, expected 1.0rc1; other 2024.7.4 is not installed\n",
    )


def test_it_is_python_for_old_interpreters_too() -> None:
    ast.parse(check_installed(EXPECTED), feature_version=(3, 8))
