"""The results of the verbs as text for a terminal."""

from __future__ import annotations

import shlex
import textwrap
from typing import TYPE_CHECKING

from kestra_nb.model.plan import Step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kestra_nb.model.dependency import Image, Lock, Need
    from kestra_nb.model.finding import Finding
    from kestra_nb.model.outcome import Bundle, Planning, Scan, Why, Written
    from kestra_nb.model.plan import Cost, Plan, Target

WIDTH = 110
_KIB = 1024


def size(count: int) -> str:
    """Give bytes as a person reads them: ``12 MB``."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < _KIB:
            return f"{value:.0f} {unit}"
        value /= _KIB
    return f"{value:.1f} GB"


def seconds(value: float) -> str:
    """Give seconds as a person reads them: ``1.1 s``, ``40 s``, ``2 min``."""
    if value < 10:  # noqa: PLR2004  below ten seconds a decimal tells something
        return f"{value:.1f} s"
    return f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min"  # noqa: PLR2004  two minutes


def cost(value: Cost | None) -> str:
    """Give the cost in one line, with its basis."""
    if value is None:
        return "cost unknown"
    fetch = f", {size(value.fetch_later)} fetched each time" if value.fetch_later else ""
    return f"first run +{seconds(value.first)}, then +{seconds(value.later)}{fetch} ({value.basis})"


def finding(item: Finding) -> str:
    """Give ``place: CODE severity message hint`` in one line."""
    place = f"{item.location}: " if item.location is not None else ""
    return f"{place}{item.code} {item.severity}: {item.message}{' ' + item.hint if item.hint else ''}"


def findings(items: Iterable[Finding]) -> str:
    """Give one line a finding."""
    return "\n".join(finding(item) for item in items)


def requirements(needs: Iterable[Need]) -> str:
    """Give lines for a requirements file.

    What is installed is pinned; what is not stands unpinned under a comment that says where the name is from.
    """
    lines: list[str] = []
    for item in needs:
        if item.distribution is None:
            lines.append(f"# not installed here, {item.evidence}: {item.why}")
        lines.append(str(item.requirement))
    return "\n".join(lines)


def scan(value: Scan) -> str:
    """Give the requirements with their evidence, and what else was found."""
    resolution = value.resolution
    environment = value.environment
    head = f"{value.notebook.path or 'this cell'} needs {_count(len(resolution.needs), 'distribution')}"
    installed = _count(len(environment.distributions), "distribution")
    lines = [f"{head} (read from {environment.origin}: Python {environment.python}, {installed} installed)", ""]
    lines += _table([(str(item.requirement), item.evidence, _places(item)) for item in resolution.needs])
    if resolution.local_files:
        lines += ["", "files of yours that go with it: " + ", ".join(item.path for item in resolution.local_files)]
    if value.script.parameters:
        shown = ", ".join(f"{item.name} ({item.type}, default {item.default!r})" for item in value.script.parameters)
        lines += ["", f"inputs: {shown}"]
    return "\n".join(lines)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _places(item: Need) -> str:
    if not item.imports:
        return item.why
    first = item.imports[0]
    cell = first.location.cell_name
    reason = first.why or f"import {first.module}"
    more = f" (+{len(item.imports) - 1})" if len(item.imports) > 1 else ""
    return f"{cell}: {reason}{more}"


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) + "  " + row[-1]
        for row in rows
    ]


def target(value: Target) -> list[str]:
    """Give one line for what is assumed and one for what is configured or probed."""
    assumed = [f"Python {value.python}"] if value.python_source == "assumed" else []
    assumed += [f"{name} {_answer(fact.value)}" for name, fact in value.facts.items() if fact.source == "assumed"]
    known = [f"Python {value.python}"] if value.python_source != "assumed" else []
    known += [f"{name} {_answer(fact.value)}" for name, fact in value.facts.items() if fact.source != "assumed"]
    lines = [f"Kestra {' and '.join(value.kestra)}, {value.platform}"]
    lines += [f"assumed: {', '.join(assumed)}"] if assumed else []
    lines += [f"known:   {', '.join(known)}"] if known else []
    return lines


def _answer(value: bool | None) -> str:  # noqa: FBT001  three answers, not a switch
    return {True: "yes", False: "no", None: "unknown"}[value]


def lock(value: Lock, path: str) -> str:
    """Say where the pins come from."""
    if value.source == "index":
        origin = f"resolved by uv from the index as of {value.made_on} for Python {value.python} on {value.platform}"
    else:
        origin = (
            f"the versions installed here with all they need, for Python {value.python}; --lock resolves for the target"
        )
    kept = f", kept in {path}" if path else ""
    return f"{_count(len(value.pins), 'pin')}: {origin}{kept}"


def plan(value: Plan, position: int, *, details: bool = True) -> list[str]:
    """Give one plan as a paragraph."""
    mark = f"{position}." if value.fits else "✗"
    lines = [f"{mark:<3}{value.strategy}: {value.title}"]
    body = [f"{value.summary} {value.conditions}".strip(), cost(value.cost)] if value.fits else list(value.reasons)
    if value.fits and details:
        body += list(value.reasons)
    if value.why_here:
        body.append(value.why_here)
    body += [f"possible if {item}" for item in value.possible_if]
    for text in body:
        lines += textwrap.wrap(text, WIDTH, initial_indent="     ", subsequent_indent="     ", break_on_hyphens=False)
    return lines


def planning(value: Planning) -> str:
    """Give every plan, best first, and what they rest on."""
    lines = [scan(value.scan), "", *target(value.case.target), "lock:    " + lock(value.lock, value.lock_path), ""]
    if value.case.schedule is not None:
        runs = value.case.schedule.runs_per_month
        lines += [
            f"schedule: {value.case.schedule.cron} {value.case.schedule.timezone}, about {runs:.0f} runs a month",
            "",
        ]
    fitting = [item for item in value.plans if item.fits]
    for position, item in enumerate(value.plans, 1):
        lines += plan(item, position, details=item is value.recommended)
    if not fitting:
        lines += ["", "No strategy fits; each says above what would make it possible."]
    return "\n".join(lines)


def written(value: Written, root: str) -> str:
    """Say what was written and what to do next."""
    plan_ = value.bundle.plan
    lines = [f"strategy: {plan_.strategy}. {plan_.summary}"]
    lines += [f"wrote {root}/{path}" for path in value.written]
    lines += [f"unchanged {root}/{path}" for path in value.unchanged]
    lines += ["", "next:"]
    for number, step in enumerate(next_steps(value, root), 1):
        lines += [f"  {number}. {step.text}", *([f"       {step.command}"] if step.command else [])]
    return "\n".join(lines)


def bundle(value: Bundle) -> str:
    """Give the flow, and below it, as comments of the YAML, what belongs to it."""
    notes = [f"{item.path}: {item.purpose}" for item in value.files]
    for number, step in enumerate(value.plan.steps, 1):
        notes += [f"{number}. {step.text}", *(f"     {line}" for line in step.command.splitlines())]
    notes += [finding(item) for item in value.findings]
    return "\n".join([value.yaml, *(f"# {note}" for note in notes)]).rstrip("\n")


def next_steps(value: Written, root: str) -> tuple[Step, ...]:
    """Give what is to be done after writing: the plan's own steps, then upload and deployment."""
    uploads = ", ".join(item.path for item in value.bundle.files if item.upload)
    namespace = value.bundle.flow.namespace
    flows, folder = shlex.quote(f"{root}/_flows"), shlex.quote(f"{root}/_files")
    upload = Step(
        text=f"Upload {uploads} as namespace files.",
        command=f"kestractl nsfiles upload {namespace} {folder} --override",
    )
    deploy = Step(text="Deploy the flow.", command=f"kestractl flows deploy {flows} --namespace {namespace} --override")
    return (*value.bundle.plan.steps, *([upload] if uploads else []), deploy)


def image(value: Image) -> str:
    """Give one line: the reference, what it holds, and how that is known."""
    digest = f"@{value.digest}" if value.digest else ""
    held = _count(len(value.distributions), "distribution")
    return f"{value.name}:{value.tag}{digest}  Python {value.python}, {held}, {value.basis} {value.date}"


def why(value: Why) -> str:
    """Give the chains behind one name."""
    return "\n".join(value.lines)
