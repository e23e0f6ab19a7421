"""Flows as kestra-nb exports them, from the cells of a notebook and a real environment of its author."""

from __future__ import annotations

import dataclasses
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kestra_nb import environment as environments
from kestra_nb import pipeline, strategies
from kestra_nb.config import Settings
from kestra_nb.read import from_cells
from tests.kestra.harness.worker import find_uv

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kestra_nb.model.dependency import Image
    from kestra_nb.model.outcome import Bundle, Planning
    from tests.kestra.harness.wheels import Index

NAMESPACE = "company.team"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """The environment in which a notebook was written: what it holds is what the flow must have."""

    python: Path

    def planning(
        self,
        cells: Iterable[str] | Path,
        *,
        name: str,
        facts: Mapping[str, str],
        images: tuple[Image, ...] = (),
        **settings: object,
    ) -> tuple[Planning, Settings]:
        """Scan and plan a notebook's file or cells; ``images`` take the place of the catalogue when given."""
        stated = tuple(f"{fact}={answer}" for fact, answer in facts.items())
        chosen = Settings(id=name, namespace=NAMESPACE, facts=stated, **settings)  # type: ignore[arg-type]
        environment = environments.read_environment(self.python)
        notebook = pipeline.read(cells) if isinstance(cells, Path) else from_cells(cells)
        planned = pipeline.plan(pipeline.scan(notebook, chosen, environment=environment), chosen)
        if images:
            case = dataclasses.replace(planned.case, target=dataclasses.replace(planned.case.target, images=images))
            planned = dataclasses.replace(planned, case=case, plans=strategies.plan_all(case))
        return planned, chosen

    def export(
        self, cells: Iterable[str] | Path, strategy: str, *, name: str, facts: Mapping[str, str], **rest: object
    ) -> Bundle:
        """The flow of one strategy, with its files."""
        planned, chosen = self.planning(cells, name=name, facts=facts, **rest)  # type: ignore[arg-type]
        return pipeline.preview(planned, chosen, strategy)


def uploads(bundle: Bundle, folder: Path) -> dict[str, Path]:
    """The namespace files of a bundle, written below a folder, by their path in the namespace."""
    found = {}
    for file in (file for file in bundle.files if file.upload):
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, encoding="utf-8")
        found[file.path.removeprefix("_files/")] = path
    return found


def make_author(folder: Path, requirements: Iterable[str], index: Index) -> Author:
    """Make an environment that holds these requirements, from the index."""
    uv = find_uv()
    subprocess.run([uv, "venv", "--quiet", "--no-project", folder], check=True, capture_output=True)
    python = folder / "bin" / "python"
    if wanted := list(requirements):
        options = ("--quiet", "--no-config", "--no-cache", "--index-url", index.url(), "--python", python)
        subprocess.run([uv, "pip", "install", *options, *wanted], check=True, capture_output=True)
    return Author(python=python)
