"""What the author wrote down: which of it stands, and which of it a task does not need."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kestra_nb import tables
from kestra_nb.model.dependency import Exclusion
from kestra_nb.model.finding import Finding
from kestra_nb.pins import normalise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.requirements import Requirement
    from packaging.utils import NormalizedName

    from kestra_nb.exclusions import Ground
    from kestra_nb.model.notebook import Declared

WORKBENCH = frozenset(
    (
        "jupyter", "jupyterlab", "notebook", "ipykernel", "nbconvert", "nbstripout", "jupytext", "pytest", "black",
        "flake8", "ruff", "isort", "mypy", "pre-commit", "pip", "setuptools", "wheel", "kestra-nb", "twine", "build",
        "nbdime", "jupyter-client", "jupyter-core", "jupyter-contrib-nbextensions", "tox", "nox",
    )
)  # fmt: skip
CONDA = "conda line"
IN_THE_NOTEBOOK = ("pip line", CONDA, "PEP 723", "option")


class Standing:
    """The declarations that count, by name, and what is to be said of the others."""

    def __init__(self) -> None:
        self.needs: dict[NormalizedName, tuple[Declared, Requirement]] = {}
        self.excluded: list[Exclusion] = []
        self.findings: list[Finding] = []

    def leave_out(self, item: Declared, name: str, reason: str) -> None:
        """Note a declaration that does not count."""
        self.excluded.append(Exclusion(name=name, reason=reason, location=item.location))


def settle(declared: Iterable[Declared], ground: Ground, accepted: frozenset[str]) -> Standing:
    """Decide which declarations stand.

    A later line outdoes an earlier one, ``pip uninstall`` takes back, and what is written in the notebook outdoes a
    file beside it. Left out are requirements of other targets, tools for working on notebooks, and what conda installs
    that is no Python distribution.
    """
    gathered = Standing()
    for item in sorted(declared, key=lambda entry: entry.origin in IN_THE_NOTEBOOK):
        if item.requirement is None:
            continue
        requirement = _on_pypi(item, ground)
        name = normalise(requirement.name)
        if item.removed:
            gathered.needs.pop(name, None)
        elif _is_program(item, ground):
            _note_program(gathered, item, name)
        elif requirement.marker and not ground.applies(str(requirement.marker)):
            gathered.leave_out(item, name, f"is declared for other targets only ({item.text})")
        elif name in WORKBENCH and item.origin != "option" and name not in accepted:
            gathered.leave_out(item, name, f"is a tool for working on notebooks ({item.origin}: {item.text})")
        else:
            gathered.needs[name] = (item, requirement)
    for name, (item, requirement) in gathered.needs.items():
        gathered.findings.extend(_compare(ground, name, item, requirement))
    return gathered


@functools.cache
def _conda() -> dict[str, Any]:
    return tables.load("conda.toml")


def _is_program(item: Declared, ground: Ground) -> bool:
    if item.origin != CONDA or item.requirement is None:
        return False
    name = normalise(item.requirement.name)
    return name in _conda()["system"]["names"] and name not in ground.environment.distributions


def _on_pypi(item: Declared, ground: Ground) -> Requirement:
    """Give the requirement under its name on PyPI, as a copy."""
    from packaging.requirements import Requirement  # only when something is declared

    requirement = Requirement(str(item.requirement))
    if item.origin == CONDA and normalise(requirement.name) not in ground.environment.distributions:
        names = _conda()["pypi"]
        requirement.name = names.get(requirement.name.lower(), requirement.name)
    return requirement


def _note_program(gathered: Standing, item: Declared, name: str) -> None:
    gathered.leave_out(item, name, "is a program or library that conda installs, no Python distribution")
    message = f"{item.text!r} installs a program or library with conda; pip has no counterpart."
    hint = "Choose a container image that has it."
    finding = Finding(code="KNB220", severity="warning", message=message, hint=hint, location=item.location)
    gathered.findings.append(finding)


def _compare(ground: Ground, name: NormalizedName, item: Declared, requirement: Requirement) -> Iterable[Finding]:
    """Say where the declaration and the environment differ."""
    installed = ground.environment.distributions.get(name)
    said = f"{item.text!r} is declared ({item.origin}) but "
    base = Finding(code="KNB224", severity="info", message=said, location=item.location)
    if installed is None:
        hint = "It is asked for as declared."
        yield replace(base, message=said + "not installed in the environment.", hint=hint)
    elif not requirement.specifier.contains(installed.version, prereleases=True):
        hint = "The installed one is pinned: it is what the notebook ran with."
        message = f"{said}{installed.version} is installed."
        yield replace(base, code="KNB214", severity="warning", message=message, hint=hint)
