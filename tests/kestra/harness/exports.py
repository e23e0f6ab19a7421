"""Flows as kestra-nb exports them, from the cells of a notebook and a real environment of its author."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kestra_nb import environment as environments
from kestra_nb import pipeline, read, strategies
from kestra_nb.config import Settings
from tests.kestra.harness.wheels import Index
from tests.kestra.harness.worker import find_uv

if TYPE_CHECKING:
    from kestra_nb.model.dependency import Image
    from kestra_nb.model.outcome import Bundle, Planning

NAMESPACE = "company.team"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """The environment in which a notebook was written: what it holds is what the flow must have."""

    python: Path

    def planning(  # noqa: PLR0913 - what an export depends on
        self,
        cells: Iterable[str],
        *,
        name: str,
        facts: Mapping[str, str],
        images: tuple[Image, ...] = (),
        path: str = "",
        **settings: object,
    ) -> tuple[Planning, Settings]:
        """Scan and plan; ``images`` take the place of the catalogue when given."""
        stated = tuple(f"{fact}={answer}" for fact, answer in facts.items())
        chosen = Settings(id=name, namespace=NAMESPACE, facts=stated, **settings)  # type: ignore[arg-type]
        environment = environments.read_environment(self.python)
        planned = pipeline.plan(pipeline.scan(read.from_cells(cells, path), chosen, environment=environment), chosen)
        if images:
            case = dataclasses.replace(planned.case, target=dataclasses.replace(planned.case.target, images=images))
            planned = dataclasses.replace(planned, case=case, plans=strategies.plan_all(case))
        return planned, chosen

    def export(self, cells: Iterable[str], strategy: str, *, name: str, facts: Mapping[str, str], **rest: object) -> Bundle:
        """The flow of one strategy, with its files."""
        planned, chosen = self.planning(cells, name=name, facts=facts, **rest)  # type: ignore[arg-type]
        return pipeline.preview(planned, chosen, strategy)


def make_author(folder: Path, requirements: Iterable[str], index: Index) -> Author:
    """Make an environment that holds these requirements, from the index."""
    uv = find_uv()
    subprocess.run([uv, "venv", "--quiet", "--no-project", folder], check=True, capture_output=True)
    python = folder / "bin" / "python"
    command = [uv, "pip", "install", "--quiet", "--no-config", "--no-cache", "--index-url", index.url(), "--python", python, *requirements]
    subprocess.run(command, check=True, capture_output=True)
    return Author(python=python)
