"""Imports and declarations + environment → the distributions that the task must have.

What is installed decides; then what the author declared; then the table of well-known modules; the module's own name
comes last and is only a guess, which nothing sends anywhere until the person accepts it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from kestra_nb import declarations, exclusions, origins, tables
from kestra_nb.exclusions import Ground
from kestra_nb.model.dependency import Exclusion, Import, Need, Resolution
from kestra_nb.model.finding import Finding
from kestra_nb.pins import normalise, pinned

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from packaging.requirements import Requirement
    from packaging.utils import NormalizedName

    from kestra_nb.model.dependency import Environment, Evidence, LocalFile
    from kestra_nb.model.notebook import Declared

STRENGTH: tuple[Evidence, ...] = ("installed", "declared", "table", "guess")
VARIANTS = r"-(?:headless|gpu|cpu|cu\d+|nightly|dev)\b"


class _Draft:
    """A need while it is being gathered."""

    def __init__(self, name: NormalizedName, evidence: Evidence, why: str, declared: Requirement | None = None) -> None:
        self.name = name
        self.evidence = evidence
        self.why = why
        self.declared = declared
        self.imports: list[Import] = []
        self.extras: set[str] = set()


class _Work:
    """What is known, and what has been found so far."""

    def __init__(self, ground: Ground, accepted: dict[str, NormalizedName], standing: declarations.Standing) -> None:
        self.ground = ground
        self.accepted = accepted
        self.standing = standing
        self.drafts: dict[NormalizedName, _Draft] = {}
        self.excluded: dict[str, Exclusion] = {}
        self.findings: list[Finding] = []

    def leave_out(self, name: str, reason: str, item: Import) -> None:
        self.excluded.setdefault(name, Exclusion(name=name, reason=reason, location=item.location))

    def note(
        self, code: str, severity: Literal["error", "warning", "info"], message: str, hint: str = "",
        item: Import | Declared | None = None,
    ) -> None:  # fmt: skip
        place = item.location if item is not None else None
        finding = Finding(code=code, severity=severity, message=message, hint=hint, location=place)
        if not any(known.code == code and known.message == message for known in self.findings):
            self.findings.append(finding)


def resolve(  # noqa: PLR0913  each is a value of its own
    imports: Sequence[Import],
    declared: Sequence[Declared],
    local_files: Sequence[LocalFile],
    environment: Environment,
    *,
    accepted: frozenset[str] = frozenset(),
    target_python: str = "3.12",
) -> Resolution:
    """Decide which distributions a script needs, at which version, and how that is known.

    Args:
        imports: From ``find_imports`` and ``neighbours.follow``.
        declared: What the author wrote down, in order; a later ``pip uninstall`` takes back an earlier install.
        local_files: Files shipped with the flow; their modules are no distributions.
        environment: What is installed; versions come from it.
        accepted: Names of distributions that may be fetched though nothing but their name speaks for them, or
            ``module=distribution``.
        target_python: ``3.12``: its standard library counts, not that of the environment.
    """
    ground = Ground(
        environment,
        target_python,
        local={file.module.partition(".")[0]: file for file in local_files if file.module},
        written=frozenset(item.module.partition(".")[0] for item in imports if item.guarded == "written"),
        stdlib=_standard_library(environment, target_python),
    )
    names = _accepted(accepted)
    standing = declarations.settle(declared, ground, frozenset(names.values()))
    work = _Work(ground, names, standing)
    _declare(work)
    for item in imports:
        _place(work, item)
    needs = tuple(_need(work, work.drafts[name]) for name in sorted(work.drafts))
    unresolved = tuple(
        need for need in needs
        if need.evidence == "guess" and normalise(need.requirement.name) not in work.accepted.values()
    )  # fmt: skip
    for need in unresolved:
        _refuse_guess(work, need)
    return Resolution(
        needs=needs,
        excluded=tuple(work.excluded[name] for name in sorted(work.excluded) if not _is_need(work, name)),
        local_files=tuple(local_files),
        unresolved=unresolved,
        findings=tuple(work.findings),
    )


def _is_need(work: _Work, name: str) -> bool:
    return any(item.module == name for draft in work.drafts.values() for item in draft.imports)


def _accepted(names: Iterable[str]) -> dict[str, NormalizedName]:
    """Give module → distribution; a bare name stands for itself."""
    pairs = (name.rpartition("=") for name in sorted(names))
    return {module.strip() or name.strip(): normalise(name.strip()) for module, _, name in pairs}


def _standard_library(environment: Environment, target: str) -> frozenset[str]:
    own = f"{environment.python.major}.{environment.python.minor}"
    if own == target and environment.stdlib:
        return environment.stdlib | {"__main__"}
    return tables.standard_library(target)


def _declare(work: _Work) -> None:
    for name, (item, requirement) in work.standing.needs.items():
        evidence: Evidence = "installed" if name in work.ground.environment.distributions else "declared"
        draft = _Draft(name, evidence, f"{item.origin}: {item.text}", requirement)
        draft.extras |= requirement.extras
        work.drafts[name] = draft
    work.excluded.update({item.name: item for item in work.standing.excluded})
    work.findings.extend(work.standing.findings)


def _place(work: _Work, item: Import) -> None:
    """Decide about one import: a reason to leave it out, or the needs it leads to."""
    top = item.module.partition(".")[0]
    reason = exclusions.reason(work.ground, item)
    if not reason:
        for path in exclusions.paths_of(item):
            _place_path(work, item, path)
        return
    work.leave_out(item.module, reason, item)
    if top in work.ground.local:
        _note_shadow(work, item, top)
    elif reason == exclusions.ABSENT:
        work.note("KNB219", "info", f"{item.module!r} may be absent and is not installed; it was left out.", item=item)


def _note_shadow(work: _Work, item: Import, top: str) -> None:
    if top in work.ground.environment.owners or top in work.ground.stdlib:
        other = "a module of the standard library" if top in work.ground.stdlib else "an installed distribution"
        message = f"The local file {work.ground.local[top].path!r} hides {other} of the name {top!r}."
        work.note("KNB217", "warning", message, "Rename the file unless that is meant.", item)


def _place_path(work: _Work, item: Import, path: str) -> None:
    names = work.ground.owned(path)
    if not names:
        path, names = next(
            ((other, work.ground.owned(other)) for other in item.alternatives if work.ground.owned(other)), (path, ())
        )
    if names:
        _add(work, _one_of(work, path, names, item), "installed", path, item)
        return
    top = path.partition(".")[0]
    roof = "" if item.names else _roof_of(work, path)
    if roof:
        work.leave_out(path, f"is only the common roof of {roof}", item)
        return
    if top in work.ground.environment.owners:
        message = f"{top!r} lies among the installed distributions but belongs to none of them."
        work.note("KNB216", "error", message, f"Install it as a distribution, or accept a name: --accept {top}.", item)
    _from_table(work, item, path)


def _roof_of(work: _Work, path: str) -> str:
    """Say whose common roof a module is; empty when it is none."""
    owned = sorted(name for name in work.ground.environment.owners if name.startswith(path + "."))
    if owned:
        return ", ".join(owned[:3])
    return "several distributions" if tables.modules().is_shared(path) else ""


def _from_table(work: _Work, item: Import, path: str) -> None:
    """Take what the author declared, then the table, then the name itself."""
    if path in work.accepted or path.partition(".")[0] in work.accepted:
        name = work.accepted.get(path) or work.accepted[path.partition(".")[0]]
        _add(work, normalise(name), "guess", path, item)
        return
    known, candidates = tables.modules().look_up(path)
    for candidate in (*candidates, path.partition(".")[0]):
        name = normalise(candidate)
        if name in work.drafts and work.drafts[name].declared is not None:
            _add(work, name, work.drafts[name].evidence, path, item)
            return
    if candidates:
        name = normalise(candidates[0])
        _add(work, name, "table", path, item)
        made = tables.modules().made
        message = f"{known!r} is not installed; the table of {made} says it belongs to {candidates[0]!r}."
        work.note("KNB203", "warning", message, "Install it beside the notebook, so that its version is known.", item)
        return
    parts = path.split(".")
    top = parts[0]
    guess = "-".join(parts[:2]) if len(parts) > 1 and tables.modules().is_shared(top) else top
    _add(work, normalise(guess), "guess", path, item)


def _one_of(work: _Work, module: str, names: tuple[NormalizedName, ...], item: Import) -> NormalizedName:
    if len(names) == 1:
        return names[0]
    ranked = sorted(
        names, key=lambda name: (name not in work.standing.needs, bool(re.search(VARIANTS, name)), len(name), name)
    )
    others = ", ".join(ranked[1:])
    message = f"{module!r} is owned by {ranked[0]} and by {others}; {ranked[0]} was taken."
    work.note("KNB204", "warning", message, f"Write '%pip install {ranked[1]}' in a cell to have that one.", item)
    return ranked[0]


def _add(work: _Work, name: NormalizedName, evidence: Evidence, path: str, item: Import) -> None:
    draft = work.drafts.get(name)
    if draft is None:
        draft = work.drafts[name] = _Draft(name, evidence, _why(item, path))
    if STRENGTH.index(evidence) < STRENGTH.index(draft.evidence):
        draft.evidence = evidence
    draft.extras |= set(item.extras)
    if item not in draft.imports:
        draft.imports.append(item)


def _why(item: Import, path: str) -> str:
    return f"{item.why} needs {path}" if item.how == "use" else f"imported as {item.module}"


def _need(work: _Work, draft: _Draft) -> Need:
    distribution = work.ground.environment.distributions.get(draft.name)
    if distribution is None:
        requirement = draft.declared or pinned(draft.name)
        requirement.extras |= draft.extras
        return Need(requirement=requirement, evidence=draft.evidence, imports=tuple(draft.imports), why=draft.why)
    item = draft.imports[0] if draft.imports else work.standing.needs[draft.name][0]
    requirement, findings = origins.pin(distribution, frozenset(draft.extras), draft.declared)
    place = item.location if item is not None else None
    accepted = draft.name in work.accepted.values()
    for finding in findings:
        severity = "warning" if accepted and finding.severity == "error" else finding.severity
        work.findings.append(replace(finding, location=place, severity=severity))
    return Need(
        requirement=requirement, evidence="installed", distribution=distribution, imports=tuple(draft.imports),
        why=draft.why,
    )  # fmt: skip


def _refuse_guess(work: _Work, need: Need) -> None:
    name = need.requirement.name
    module = need.imports[0].module if need.imports else name
    work.note(
        "KNB202",
        "error",
        f"{module!r} is not installed, and that it comes from a distribution named {name!r} is only a guess.",
        f"Accept it (--accept {name}), name the right one (--accept {module}=NAME), or install it beside the notebook.",
        need.imports[0] if need.imports else None,
    )
