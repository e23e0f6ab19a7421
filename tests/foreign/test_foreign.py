"""Notebooks that nobody here wrote go through the whole pipe: read, scanned, planned, made into a flow."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
import yaml

from kestra_nb import environment, explain, pipeline
from kestra_nb.errors import NotebookError
from tests import foreign_notebooks as foreign

if TYPE_CHECKING:
    from pathlib import Path

    from kestra_nb.model.dependency import Environment
    from kestra_nb.model.outcome import Bundle, Planning

pytestmark = pytest.mark.network

IN_OTHER_LANGUAGES = {
    "jupytext: tests/notebooks/ipynb_R/ir_notebook.ipynb": "R",
    "jupytext: tests/notebooks/ipynb_bash/sample_bash_notebook.ipynb": "bash",
    "jupytext: tests/notebooks/ipynb_coconut/coconut_homepage_demo.ipynb": "coconut",
    "jupytext: tests/notebooks/ipynb_julia/julia_functional_geometry.ipynb": "julia",
    "jupytext: tests/notebooks/ipynb_sos/jupytext_replication.ipynb": "sos",
    "nbconvert: tests/files/notebook_jl.ipynb": "julia",
    "papermill: papermill/tests/notebooks/notimplemented_translator.ipynb": "R",
}
PINNED = {
    f"{sdist.project}: {path}": (sdist.project, path, sha256)
    for sdist in foreign.sdists()
    for path, sha256 in sdist.notebooks.items()
}


@pytest.fixture(scope="module")
def installed() -> Environment:
    return environment.read_environment()


def test_there_are_enough_and_none_dominates() -> None:
    assert len(PINNED) - len(IN_OTHER_LANGUAGES) >= 60
    assert max(Counter(project for project, _, _ in PINNED.values()).values()) <= 12


@pytest.mark.parametrize("name", [name for name in PINNED if name not in IN_OTHER_LANGUAGES])
def test_a_python_notebook_becomes_a_flow(
    name: str, installed: Environment, seen: Counter[str], tmp_path: Path
) -> None:
    planning, bundles = made(foreign.notebook(*PINNED[name]).local, installed, tmp_path)
    assert bundles
    for bundle in bundles:
        flow = yaml.safe_load(bundle.yaml)
        assert {"id", "namespace", "tasks"} <= flow.keys()
        check_files(bundle)
    compile(planning.scan.script.text, name, "exec")
    check_explanations(planning)
    seen.update(finding.code for finding in planning.scan.findings)
    seen.update(finding.code for finding in bundles[0].findings)


@pytest.mark.parametrize("name", IN_OTHER_LANGUAGES)
def test_a_notebook_in_another_language_is_refused(name: str) -> None:
    with pytest.raises(NotebookError) as refusal:
        pipeline.read(foreign.notebook(*PINNED[name]).local)
    assert repr(IN_OTHER_LANGUAGES[name]).lower() in refusal.value.message.lower()


def made(notebook: Path, installed: Environment, out: Path) -> tuple[Planning, list[Bundle]]:
    """Plan a notebook with every guessed name accepted, and make the flow of each strategy that fits, best first."""
    read = pipeline.read(notebook)
    settings = pipeline.settings_for(read, {"out": str(out)})
    unresolved = pipeline.scan(read, settings, environment=installed).resolution.unresolved
    settings = pipeline.settings_for(
        read, {"out": str(out), "accept": tuple(need.requirement.name for need in unresolved)}
    )
    planning = pipeline.plan(pipeline.scan(read, settings, environment=installed), settings)
    fitting = [plan.strategy for plan in planning.plans if plan.fits]
    return planning, [pipeline.preview(planning, settings, strategy) for strategy in fitting]


def check_files(bundle: Bundle) -> None:
    """Every further flow parses and every Python file compiles."""
    for file in bundle.files:
        if file.path.endswith((".yaml", ".yml")):
            assert yaml.safe_load(file.text)
        elif file.path.endswith(".py"):
            compile(file.text, file.path, "exec")


def check_explanations(planning: Planning) -> None:
    """Every requirement says where it comes from: a place in the notebook, or the line that declared it."""
    for need in planning.scan.resolution.needs:
        told = explain.why(planning, need.requirement.name)
        assert need.why
        assert told.included
        assert told.lines
