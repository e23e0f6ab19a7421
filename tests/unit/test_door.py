"""The small door: what it shows, and that opening it costs nothing."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import kestra_nb

if TYPE_CHECKING:
    from pathlib import Path


def test_every_public_name_can_be_had() -> None:
    assert dir(kestra_nb) == sorted(kestra_nb.__all__)
    for name in kestra_nb.__all__:
        assert getattr(kestra_nb, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(kestra_nb, "no_such_name")


def test_importing_loads_nothing_heavy() -> None:
    code = "import kestra_nb, sys; print([m for m in sys.modules if m.partition('.')[0] in set(sys.argv[1:])])"
    heavy = ["IPython", "ipywidgets", "nbformat", "pipdeptree", "packaging", "urllib3", "yaml", "pygments", "tqdm"]
    done = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_command_line_scans_without_jupyter(tmp_path: Path) -> None:
    notebook = tmp_path / "a.py"
    notebook.write_text("import json\n")
    code = """
import sys
from kestra_nb.cli import main
main(["scan", sys.argv[1]])
print([name for name in sys.argv[2:] if name in sys.modules])
"""
    heavy = ["IPython", "ipywidgets", "nbformat", "urllib3", "yaml", "pygments"]
    done = subprocess.run([sys.executable, "-c", code, notebook, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
