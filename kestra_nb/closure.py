"""Closure, conflicts and sizes of an environment, by pipdeptree."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import NormalizedName, canonicalize_name

from kestra_nb import targets
from kestra_nb.model.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kestra_nb.model.dependency import Environment

Edges = dict[NormalizedName, tuple[NormalizedName, ...]]
CONFLICT = re.compile(r"^\s*-\s*(\S+)\s*\[required: (.*), installed: (.*)\]$")


def complete(environment: Environment) -> Environment:
    """Add closure, conflicts and sizes.

    pipdeptree reads the interpreter on this machine; when it is not here, or is another one than was described, the
    requirements of the description are followed instead, and a finding says so.
    """
    if environment.executable and Path(environment.executable).exists():
        rows, warnings = _render(environment.executable)
        if _is_same(rows, environment):
            return _from_pipdeptree(environment, rows, warnings)
    return _from_description(environment)


def _render(executable: str) -> tuple[list[dict[str, Any]], str]:
    import pipdeptree  # only for a plan

    other = None if Path(executable).absolute() == Path(sys.executable).absolute() else executable
    rows = json.loads(pipdeptree.render(output_format="json", python=other))
    try:
        pipdeptree.render(depth=0, warn="fail", python=other)
    except ValueError as problems:
        return rows, str(problems)
    return rows, ""


def _is_same(rows: Iterable[Mapping[str, Any]], environment: Environment) -> bool:
    seen = {canonicalize_name(row["package"]["package_name"]) for row in rows}
    return seen >= set(environment.distributions) - {canonicalize_name("pip")} or not environment.distributions


def _from_pipdeptree(environment: Environment, rows: Iterable[Mapping[str, Any]], warnings: str) -> Environment:
    edges: Edges = {}
    for row in rows:
        name = canonicalize_name(row["package"]["package_name"])
        edges[name] = tuple(canonicalize_name(need["package_name"]) for need in row["dependencies"])
    sizes = _sizes(environment.executable)
    distributions = {
        name: replace(distribution, size=sizes.get(name, distribution.size))
        for name, distribution in environment.distributions.items()
    }
    return replace(
        environment, distributions=distributions, closure=_close(edges), conflicts=tuple(_conflicts(warnings))
    )


def _sizes(executable: str) -> dict[NormalizedName, int]:
    """Ask pipdeptree's command line for sizes in bytes; its Python function has no such option."""
    import subprocess  # only for a plan

    command = [sys.executable, "-m", "pipdeptree", "--warn", "silence", "-o", "json", "-c", "size-raw"]
    answer = subprocess.run([*command, "--python", executable], capture_output=True, text=True, timeout=60, check=True)
    return {
        canonicalize_name(row["package"]["package_name"]): int(row["package"]["computed"]["size_raw"])
        for row in json.loads(answer.stdout)
    }


def _conflicts(warnings: str) -> Iterable[str]:
    """Turn pipdeptree's list of problems into sentences."""
    asking = ""
    for line in warnings.splitlines():
        if line.startswith("* "):
            asking = line[2:].replace("==", " ")
            continue
        match = CONFLICT.match(line)
        if match:
            name, required, installed = match.groups()
            have = "it is not installed" if installed == "?" else f"{installed} is installed"
            need = name if required == "Any" else f"{name}{required}"
            yield f"{asking} needs {need}, but {have}."


def _close(edges: Mapping[NormalizedName, tuple[NormalizedName, ...]]) -> Edges:
    closed: Edges = {}
    for name in sorted(edges):
        seen: set[NormalizedName] = set()
        todo = list(edges[name])
        while todo:
            need = todo.pop()
            if need not in seen and need in edges:
                seen.add(need)
                todo.extend(edges[need])
        closed[name] = tuple(sorted(seen - {name}))
    return closed


def _from_description(environment: Environment) -> Environment:
    """Follow Requires-Dist lines; the markers are evaluated for the environment's own Python."""
    from packaging.requirements import InvalidRequirement, Requirement  # rarely

    facts = targets.facts(str(environment.python), environment.platform)
    edges: Edges = {}
    conflicts = []
    for name, distribution in environment.distributions.items():
        needs = []
        for line in distribution.requires:
            try:
                requirement = Requirement(line)
            except InvalidRequirement:
                continue
            if not targets.applies(str(requirement.marker or "python_version >= '0'"), facts):
                continue
            need = canonicalize_name(requirement.name)
            needs.append(need)
            have = environment.distributions.get(need)
            asks = f"{name} {distribution.version} needs {need}{requirement.specifier}, but "
            if have is None:
                conflicts.append(asks + "it is not installed.")
            elif not requirement.specifier.contains(have.version, prereleases=True):
                conflicts.append(f"{asks}{have.version} is installed.")
        edges[name] = tuple(needs)
    note = Finding(
        code="KNB221",
        severity="info",
        message=f"pipdeptree cannot see the environment ({environment.origin}); its own metadata was followed instead.",
    )
    return replace(
        environment, closure=_close(edges), conflicts=tuple(conflicts), findings=(*environment.findings, note)
    )
