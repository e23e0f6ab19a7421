"""Locks: every distribution of the closure, pinned for the target."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from kestra_nb import targets
from kestra_nb.model.dependency import Lock, Pin
from kestra_nb.model.finding import Finding
from kestra_nb.pylock import dump, finished, load, to_requirements, with_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kestra_nb.model.dependency import Distribution, Environment, Resolution
    from kestra_nb.model.finding import Severity
    from kestra_nb.model.plan import Target
    from kestra_nb.uv import Package

__all__ = ["dump", "from_environment", "load", "make", "requirements_of", "to_requirements"]


def requirements_of(resolution: Resolution) -> tuple[str, ...]:
    """Give what a lock is made for: the direct requirements, sorted, without guesses that nobody accepted."""
    guessed = {need.requirement.name for need in resolution.unresolved}
    return tuple(sorted(str(need.requirement) for need in resolution.needs if need.requirement.name not in guessed))


# --- of an index ----------------------------------------------------------------------------------------------------


def make(
    resolution: Resolution, target: Target, *, hashes: bool = False, exclude_newer: str = "", offline: bool = False
) -> Lock:
    """Resolve the closure for the target by uv.

    Args:
        resolution: What is needed.
        target: Its Python, platform and libc decide.
        hashes: Carry the sha256 of every file that may be installed.
        exclude_newer: ISO date; files an index got later do not count. Today's index when empty.
        offline: Only what uv has in its cache.

    Raises:
        ResolveError: uv is missing, the index cannot be reached, or there is no solution.
    """
    from kestra_nb import uv  # only when an index is asked

    wanted = requirements_of(resolution)
    packages = uv.compile_requirements(wanted, target, exclude_newer=exclude_newer, offline=offline) if wanted else []
    pins, findings = pins_of(packages, resolution, target, hashes=hashes)
    return finished(
        Lock(
            pins=tuple(pins),
            source="index",
            python=target.python,
            platform=target.platform,
            made_on=exclude_newer[:10] or dt.datetime.now(dt.timezone.utc).date().isoformat(),
            requirements=wanted,
            findings=tuple(findings),
        )
    )


def pins_of(
    packages: Iterable[Package], resolution: Resolution, target: Target, *, hashes: bool
) -> tuple[list[Pin], list[Finding]]:
    """Turn what uv found into pins; each distribution without a wheel for the target is a finding."""
    direct = {canonicalize_name(need.requirement.name) for need in resolution.needs}
    facts = targets.facts(target.python, target.platform)
    pins, findings = [], []
    for package in packages:
        if package.marker and not targets.applies(package.marker, facts):
            continue
        pin = Pin(
            name=package.name,
            version=package.version,
            url=package.url,
            via=("notebook",) if package.name in direct else package.via,
            has_wheel=None if package.url else any(item.name.endswith(".whl") for item in package.files),
        )
        pins.append(with_files(pin, package.files, hashes=hashes))
        if package.yanked is not None:
            reason = f" ({package.yanked})" if package.yanked else ""
            message = f"{pin.name} {pin.version} was taken back by the index it comes from{reason}."
            hint = "It can still be installed as pinned; take another version when you can."
            findings.append(Finding(code="KNB259", severity="warning", message=message, hint=hint))
        if pin.has_wheel is False:
            message = f"{pin.name} {pin.version} has no wheel for Python {target.python} on {target.platform}."
            hint = "Installing it there means building it with compilers; take another version or an image that has it."
            findings.append(Finding(code="KNB252", severity="warning", message=message, hint=hint))
    return pins, findings


# --- of the environment ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Walk:
    """The closure being gathered, with who asks for each distribution."""

    environment: Environment
    facts: Mapping[str, str]
    via: dict[NormalizedName, set[str]] = field(default_factory=dict)
    seen: set[tuple[NormalizedName, frozenset[str]]] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)

    def note(self, code: str, severity: Severity, message: str, hint: str = "") -> None:
        self.findings.append(Finding(code=code, severity=severity, message=message, hint=hint))

    def add(self, name: NormalizedName, extras: frozenset[str], asker: str) -> None:
        """Take a distribution with all that it needs on the target."""
        if name not in self.environment.distributions:
            hint = "A lock made by uv (--lock) has it."
            if asker == "notebook":
                message = f"The notebook needs {name}, but it is not installed here, so no version of it is known."
                self.note("KNB258", "error", message, f"{hint} Or install it where the notebook runs.")
            else:
                message = f"{asker} needs {name} on the target, but it is not installed here: it is not in the lock."
                self.note("KNB254", "warning", message, hint)
            return
        self.via.setdefault(name, set()).add(asker)
        if (name, extras) in self.seen:
            return
        self.seen.add((name, extras))
        for requirement in self._requires(self.environment.distributions[name], extras):
            self.add(canonicalize_name(requirement.name), frozenset(requirement.extras), name)

    def _requires(self, distribution: Distribution, extras: frozenset[str]) -> list[Requirement]:
        found = []
        for line in distribution.requires:
            try:
                requirement = Requirement(line)
            except InvalidRequirement:
                message = f"{distribution.name} asks for {line!r}, which is no requirement (PEP 508)."
                self.note("KNB215", "warning", message)
                continue
            marker = str(requirement.marker or "")
            if not marker or any(targets.applies(marker, {**self.facts, "extra": extra}) for extra in ("", *extras)):
                found.append(requirement)
        return found


def from_environment(resolution: Resolution, environment: Environment, target: Target) -> Lock:
    """Pin the closure of the needs at the versions the environment has; no index is asked.

    pipdeptree's closure (``with_closure``) decides when the target has the environment's Python and system; else the
    requirements are followed with their markers evaluated for the target. The findings say what such a lock cannot
    know.
    """
    walk = _Walk(environment=environment, facts=targets.facts(target.python, target.platform))
    for requirement in map(Requirement, requirements_of(resolution)):
        walk.add(canonicalize_name(requirement.name), frozenset(requirement.extras), "notebook")
    names = set(walk.via)
    if environment.closure and _is_like(environment, target):
        roots = [name for name, askers in walk.via.items() if "notebook" in askers]
        known = {need for root in roots for need in environment.closure.get(root, ())}
        names |= known & set(environment.distributions)
    urls = {canonicalize_name(need.requirement.name): need.requirement.url or "" for need in resolution.needs}
    pins = tuple(
        Pin(
            name=name,
            version=_public(environment.distributions[name]),
            url=urls.get(name, "") or _remote(environment.distributions[name]),
            via=tuple(sorted(walk.via.get(name, ()))),
        )
        for name in sorted(names)
    )
    return finished(
        Lock(
            pins=pins,
            source="environment",
            python=target.python,
            platform=target.platform,
            requirements=requirements_of(resolution),
            findings=(*_notes(environment, target), *dict.fromkeys(walk.findings)),
        )
    )


def _is_like(environment: Environment, target: Target) -> bool:
    own = f"{environment.python.major}.{environment.python.minor}"
    return own == target.python and targets.system(environment.platform) == targets.system(target.platform)


def _public(distribution: Distribution) -> Version:
    return Version(distribution.version.public) if distribution.version.local else distribution.version


def _remote(distribution: Distribution) -> str:
    url = distribution.direct_url
    return "" if distribution.editable or url.startswith("file:") else url


def _notes(environment: Environment, target: Target) -> list[Finding]:
    """Say what a lock of an environment does not know."""
    message = (
        "The pins are the installed versions; whether an index has wheels of them for Python "
        f"{target.python} on {target.platform} was not looked up."
    )
    notes = [Finding(code="KNB253", severity="info", message=message, hint="--lock asks the index, by uv.")]
    if not _is_like(environment, target):
        own = f"Python {environment.python.major}.{environment.python.minor} on {environment.platform}"
        message = f"The environment is {own}, the target Python {target.python} on {target.platform}."
        hint = "Some pins may not install there; --lock resolves for the target."
        notes.append(Finding(code="KNB256", severity="warning", message=message, hint=hint))
    return notes
