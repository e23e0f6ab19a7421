"""The results of the verbs as JSON-ready data: the answer of ``--format json`` and of the routes.

What a person or a program asks for, and no more: an environment of two hundred distributions stays behind its count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kestra_nb.model.plain import to_plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kestra_nb.model.dependency import Lock, Need
    from kestra_nb.model.finding import Finding, Location
    from kestra_nb.model.outcome import Bundle, Planning, Scan, Why, Written
    from kestra_nb.model.plan import Plan, Target

Plain = dict[str, object]


def location(place: Location | None) -> Plain | None:
    """Give path, cell, cell_id, line and column, with ``text`` as a person reads it."""
    if place is None:
        return None
    data = to_plain(place)
    return {**data, "text": str(place)} if isinstance(data, dict) else None


def findings(items: Iterable[Finding]) -> list[Plain]:
    """Give code, severity, message, hint and location of each."""
    return [
        {
            "code": item.code,
            "severity": item.severity,
            "message": item.message,
            "hint": item.hint,
            "location": location(item.location),
        }
        for item in items
    ]


def need(item: Need) -> Plain:
    """Give one requirement with its evidence and the places that ask for it."""
    return {
        "name": item.requirement.name,
        "requirement": str(item.requirement),
        "version": None if item.distribution is None else str(item.distribution.version),
        "evidence": item.evidence,
        "why": item.why,
        "imports": [
            {"module": one.module, "how": one.how, "why": one.why, "location": location(one.location)}
            for one in item.imports
        ],
    }


def scan(value: Scan) -> Plain:
    """Give what the notebook needs."""
    environment = value.environment
    return {
        "notebook": value.notebook.path,
        "environment": {
            "python": str(environment.python),
            "platform": environment.platform,
            "origin": environment.origin,
            "distributions": len(environment.distributions),
        },
        "requirements": [need(item) for item in value.resolution.needs],
        "unresolved": [need(item) for item in value.resolution.unresolved],
        "excluded": [
            {"name": item.name, "reason": item.reason, "location": location(item.location)}
            for item in value.resolution.excluded
        ],
        "local_files": [
            {"path": item.path, "location": location(item.location)} for item in value.resolution.local_files
        ],
        "inputs": to_plain(value.script.parameters),
        "findings": findings(value.findings),
    }


def target(value: Target) -> Plain:
    """Give what is known and what is assumed of the Kestra installation."""
    return {
        "kestra": list(value.kestra),
        "python": {"value": value.python, "source": value.python_source},
        "platform": value.platform,
        "registry": value.registry,
        "facts": {name: to_plain(fact) for name, fact in value.facts.items()},
    }


def lock(value: Lock, path: str) -> Plain:
    """Give where the pins come from and how many there are."""
    return {
        "source": value.source,
        "python": value.python,
        "platform": value.platform,
        "made_on": value.made_on,
        "pins": len(value.pins),
        "sha256": value.sha256,
        "path": path,
    }


def plan(value: Plan) -> Plain:
    """Give one strategy's answer, without the flow it leads to."""
    return {
        "strategy": value.strategy,
        "title": value.title,
        "fits": value.fits,
        "summary": value.summary,
        "conditions": value.conditions,
        "why_here": value.why_here,
        "reasons": list(value.reasons),
        "possible_if": list(value.possible_if),
        "assumed": list(value.assumed),
        "drifts": value.drifts,
        "steps": to_plain(value.steps),
        "cost": to_plain(value.cost),
        "files": [{"path": item.path, "purpose": item.purpose, "upload": item.upload} for item in value.files],
        "findings": findings(value.findings),
    }


def planning(value: Planning) -> Plain:
    """Give every plan, best first, with what it was made from."""
    best = value.recommended
    return {
        **scan(value.scan),
        "flow_id": value.case.name,
        "namespace": value.case.namespace,
        "schedule": to_plain(value.case.schedule),
        "target": target(value.case.target),
        "lock": lock(value.lock, value.lock_path),
        "recommended": None if best is None else best.strategy,
        "plans": [plan(item) for item in value.plans],
        "findings": findings(value.findings),
    }


def bundle(value: Bundle) -> Plain:
    """Give the flow's text and every file that belongs to it."""
    return {
        "path": value.path,
        "yaml": value.yaml,
        "strategy": value.plan.strategy,
        "files": to_plain(value.files),
        "steps": to_plain(value.plan.steps),
        "line_map": {
            "yaml_first_line": value.line_map.yaml_first_line,
            "script": [location(place) for place in value.line_map.script],
        },
        "findings": findings(value.findings),
    }


def written(value: Written) -> Plain:
    """Give the paths that were written and those that held the same bytes already."""
    return {
        "flow": value.bundle.path,
        "strategy": value.bundle.plan.strategy,
        "written": list(value.written),
        "unchanged": list(value.unchanged),
        "upload": [item.path for item in value.bundle.files if item.upload],
        "steps": to_plain(value.bundle.plan.steps),
        "findings": findings(value.bundle.findings),
    }


def why(value: Why) -> Plain:
    """Give the chains behind one name."""
    return {"name": value.name, "included": value.included, "lines": list(value.lines)}
