"""Where an installed distribution came from, and what that means for asking for it elsewhere (PEP 610, PEP 440)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from kestra_nb.model.finding import Finding
from kestra_nb.pins import pinned

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from kestra_nb.model.dependency import Distribution


def pin(
    distribution: Distribution, extras: frozenset[str], declared: Requirement | None = None
) -> tuple[Requirement, tuple[Finding, ...]]:
    """Give the requirement that asks for exactly what is installed, and what stands in its way.

    A version from version control or an archive on the web is asked for by its address. What lies only on this
    machine (development mode, a local wheel) is pinned by version, with a finding of severity error.
    """
    name = distribution.name
    suffix = f"[{','.join(sorted(extras))}]" if extras else ""
    url = distribution.direct_url
    findings = []
    if distribution.problem:
        findings.append(_finding("KNB210", "warning", f"{name}: {distribution.problem}", "Install it again."))
    if url and not url.startswith("file:") and not distribution.editable:
        message = f"{name} {distribution.version} was installed from {url}, and is asked for there."
        hint = "The task needs git for it." if url.startswith("git+") else ""
        findings.append(_finding("KNB207", "info", message, hint))
        return _addressed(f"{name}{suffix} @ {url}"), tuple(findings)
    if declared is not None and declared.url and not url:
        message = f"{name} is declared as {declared.url}, but {distribution.version} from an index is installed."
        hint = "The installed one is pinned: it is what the notebook ran with."
        findings.append(_finding("KNB214", "warning", message, hint))
    findings.extend(_local(distribution))
    version = distribution.version
    if version.local and not distribution.editable:
        message = f"{name} {version} is a local build that PyPI does not have; {version.public} was pinned."
        findings.append(_finding("KNB209", "warning", message, "Give its own index to the task to have that build."))
    return pinned(name, extras, version.public), tuple(findings)


def _addressed(text: str) -> Requirement:
    from packaging.requirements import Requirement  # few distributions come from an address

    return Requirement(text)


def _local(distribution: Distribution) -> list[Finding]:
    name, version = distribution.name, distribution.version
    if distribution.installer == "conda":
        message = f"{name} {version} was installed by conda; its name and version were taken for those on PyPI."
        return [_finding("KNB208", "info", message, "A lock made by uv shows whether PyPI has it.")]
    if distribution.editable:
        message = f"{name} {version} is installed in development mode, so no index has what runs here."
        hint = f"Publish it or install it from version control, or accept {name}=={version.public}: --accept {name}."
        return [_finding("KNB205", "error", message, hint)]
    if distribution.direct_url.startswith("file:"):
        message = f"{name} {version} was installed from a file on this machine, which a task cannot reach."
        hint = f"Publish it or install it from version control, or accept {name}=={version.public}: --accept {name}."
        return [_finding("KNB206", "error", message, hint)]
    return []


def _finding(code: str, severity: Literal["error", "warning", "info"], message: str, hint: str = "") -> Finding:
    return Finding(code=code, severity=severity, message=message, hint=hint)
