"""What kestra-nb finds in a notebook: the one place where the benchmark calls the product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from kestra_nb.model.dependency import Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The distributions of one notebook, and the pins of those that come from an index."""

    names: tuple[str, ...]
    pins: dict[str, str]


def environment(python: Path) -> Environment:
    """What is installed for an interpreter, read once for many notebooks."""
    from kestra_nb import environment as environments

    return environments.read_environment(python)


def answer(notebook: Path, installed: Environment) -> Answer:
    """Scan one notebook as every face does: settings, reading, resolving.

    Raises:
        KestraNbError: The notebook is refused.
    """
    from kestra_nb import pipeline

    read = pipeline.read(notebook)
    settings = pipeline.settings_for(read, {})
    needs = pipeline.scan(read, settings, environment=installed).resolution.needs
    known = [need.requirement for need in needs if need.distribution and not need.requirement.url]
    pins = {requirement.name: str(requirement.specifier) for requirement in known}
    return Answer(names=tuple(need.requirement.name for need in needs), pins=pins)
