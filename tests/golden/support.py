"""Golden cases: a notebook, an environment and a target, all committed; the machine's own packages play no part."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from kestra_nb import lock, pipeline, rules, strategies
from kestra_nb.environment import environment_from_plain
from kestra_nb.model.dependency import Image
from kestra_nb.model.outcome import Planning
from kestra_nb.model.plan import Case, Fact, Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kestra_nb.config import Settings
    from kestra_nb.model.dependency import Environment
    from kestra_nb.model.outcome import Bundle
    from kestra_nb.model.plan import FactName

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).parent
CASES = HERE / "cases"
EXPECTED = HERE / "expected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """One case: its folder, and what its ``case.toml`` says."""

    name: str
    notebook: str
    environment: str
    target: str
    settings: Mapping[str, object]
    every_strategy: bool
    prints: str

    @property
    def folder(self) -> Path:
        return CASES / self.name


def golden_cases() -> list[Golden]:
    return [_golden(path) for path in sorted(CASES.glob("*/case.toml"))]


def _golden(path: Path) -> Golden:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    return Golden(
        name=path.parent.name,
        notebook=data["notebook"],
        environment=data["environment"],
        target=data["target"],
        settings=data.get("settings", {}),
        every_strategy=data.get("strategies") == "all",
        prints=data.get("prints", ""),
    )


def environment_of(golden: Golden) -> Environment:
    return environment_from_plain(_json("environments", golden.environment))


def target_of(golden: Golden) -> Target:
    data = _json("targets", golden.target)
    facts: dict[FactName, Fact] = {cast("FactName", name): Fact(**row) for name, row in data["facts"].items()}
    images = tuple(_image(row) for row in data["images"])
    return Target(**{**data, "kestra": tuple(data["kestra"]), "facts": facts, "images": images})


def _image(row: Mapping[str, Any]) -> Image:
    contents = {canonicalize_name(name): Version(version) for name, version in row["distributions"].items()}
    return Image(**{**row, "platforms": tuple(row["platforms"]), "distributions": contents})


def _json(folder: str, name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((HERE / folder / f"{name}.json").read_text(encoding="utf-8"))
    return data


def planned(golden: Golden, out: Path) -> tuple[Planning, Settings]:
    """Scan and plan a case. The working directory must be the case's folder, so that no path of a machine is seen."""
    notebook = pipeline.read(golden.notebook)
    settings = pipeline.settings_for(notebook, {**golden.settings, "out": str(out)})
    scanned = pipeline.scan(notebook, settings, environment=environment_of(golden))
    target = target_of(golden)
    pins = lock.from_environment(scanned.resolution, scanned.environment, target)
    case = Case(
        name=pipeline.flow_id(notebook, settings),
        namespace=settings.namespace,
        script=scanned.script,
        resolution=scanned.resolution,
        environment=scanned.environment,
        target=target,
        lock=pins,
        schedule=rules.schedule(settings.schedule, settings.timezone),
    )
    findings = (*scanned.findings, *pins.findings)
    plans = strategies.plan_all(case)
    return Planning(scan=scanned, case=case, plans=plans, lock=pins, findings=findings), settings


def bundles(golden: Golden, out: Path) -> dict[str, Bundle | None]:
    """Give the bundle of each strategy the case asks for; None for one that does not fit."""
    planning, settings = planned(golden, out)
    assert planning.recommended is not None, [plan.reasons for plan in planning.plans]
    if not golden.every_strategy:
        return {planning.recommended.strategy: pipeline.preview(planning, settings)}
    return {
        plan.strategy: pipeline.preview(planning, settings, plan.strategy) if plan.fits else None
        for plan in planning.plans
    }


def as_files(bundle: Bundle) -> dict[str, str]:
    """Every file of a bundle, and its findings, by path."""
    files = {bundle.path: bundle.yaml} | {file.path: file.text for file in bundle.files}
    rows = [f"{found.severity} {found.code} {found.location or '-'} {found.message}\n" for found in bundle.findings]
    return files | {"findings.txt": "".join(rows)}


def asked_to_update(*, wanted: bool, ci: str) -> bool:
    """Refuse to write under CI, where a golden file must only ever be compared.

    Raises:
        pytest.UsageError: Both at once.
    """
    if wanted and ci:
        message = "--update-golden writes no golden files under CI (the variable CI is set)"
        raise pytest.UsageError(message)
    return wanted
