"""The results of the verbs as HTML: readable in light and dark, without scripts, every foreign text escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from kestra_nb.config import FACTS
from kestra_nb.display import colours
from kestra_nb.display.text import next_steps, seconds, size

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kestra_nb.model.dependency import Import, Need
    from kestra_nb.model.finding import Finding, Location
    from kestra_nb.model.notebook import Notebook
    from kestra_nb.model.outcome import Bundle, Planning, Scan, Why, Written
    from kestra_nb.model.plan import ExtraFile, Plan, Step

_LINE = "1px solid var(--jp-border-color1, #8888)"
_STYLE = f"""
.knb {{ font-family: var(--jp-ui-font-family, system-ui, sans-serif); font-size: 13px; line-height: 1.45;
  color: inherit; }}
.knb h3 {{ font-size: 14px; margin: 10px 0 4px; font-weight: 600; }}
.knb p {{ margin: 4px 0; }}
.knb .quiet {{ opacity: .75; }}
.knb pre, .knb code {{ font-family: var(--jp-code-font-family, ui-monospace, monospace); font-size: 12px;
  user-select: text; }}
.knb pre {{ margin: 4px 0; padding: 8px 10px; border: {_LINE}; border-radius: 4px; overflow: auto; max-height: 420px;
  white-space: pre; background: var(--jp-layout-color1, transparent); color: inherit; }}
.knb table {{ border-collapse: collapse; margin: 4px 0; font-size: 12px; }}
.knb th, .knb td {{ text-align: left; vertical-align: top; padding: 3px 14px 3px 0;
  border-bottom: {_LINE}; white-space: normal; }}
.knb-line pre {{ white-space: pre-wrap; }}
.knb details {{ margin: 4px 0; }}
.knb summary {{ cursor: pointer; }}
.knb .cards {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 10px; }}
.knb .frame {{ border: {_LINE}; border-radius: 6px; padding: 10px 12px; }}
.knb .title {{ font-weight: 600; font-size: 14px; }}
.knb .badge {{ display: inline-block; border-radius: 9px; padding: 0 8px; font-size: 11px; font-weight: 600;
  background: var(--jp-brand-color1, #1565c0); color: var(--jp-ui-inverse-font-color1, #fff); }}
.knb .badge.warm {{ background: transparent; border: {_LINE}; color: inherit; }}
.knb table.numbers {{ margin: 6px 0; font-size: 13px; font-variant-numeric: tabular-nums; }}
.knb .numbers tr, .knb .numbers td {{ border: 0; padding: 0 12px 0 0; text-align: left; background: transparent; }}
.knb .error {{ color: var(--jp-error-color1, #cf222e); font-weight: 600; }}
.knb .warning {{ color: var(--jp-warn-color1, #9a6700); font-weight: 600; }}
"""
_EVIDENCE = {
    "installed": "installed here",
    "declared": "you wrote it",
    "table": "known name, not installed here",
    "guess": "only a guess",
}


def style() -> str:
    """Give the style element that everything here needs once a page."""
    return f"<style>{_STYLE}{colours.style()}</style>"


def wrapped(*parts: str) -> str:
    """Put parts into the element that the style is for."""
    return f'<div class="knb">{"".join(parts)}</div>'


def finding(item: Finding) -> str:
    """Give one finding as a table row."""
    place = escape(_place(item.location)) if item.location is not None else ""
    hint = f'<br><span class="quiet">{escape(item.hint)}</span>' if item.hint else ""
    return (
        f'<tr><td class="{item.severity}">{item.severity}</td><td>{item.code}</td>'
        f"<td>{place}</td><td>{escape(item.message)}{hint}</td></tr>"
    )


def findings(items: Iterable[Finding]) -> str:
    """Give findings as a table, the severe ones first."""
    order = {"error": 0, "warning": 1, "info": 2}
    rows = [finding(item) for item in sorted(items, key=lambda item: order[item.severity])]
    if not rows:
        return "<p>Nothing was found to be wrong or worth a warning.</p>"
    return f"<table><tr><th></th><th>Code</th><th>Where</th><th>What</th></tr>{''.join(rows)}</table>"


def requirements(needs: Iterable[Need]) -> str:
    """Give what the script needs, how that is known, and the place that asks for it."""
    rows = [
        f"<tr><td><code>{escape(str(item.requirement))}</code></td><td>{_EVIDENCE[item.evidence]}</td>"
        f"<td>{_asked(item)}</td></tr>"
        for item in needs
    ]
    if not rows:
        return "<p>Nothing but Python itself.</p>"
    return f"<table><tr><th>Requirement</th><th>How it is known</th><th>Asked for by</th></tr>{''.join(rows)}</table>"


def _asked(item: Need) -> str:
    places = [f"{escape(_place(use.location))}: <code>{escape(_import(use))}</code>" for use in item.imports]
    more = f"<br>and {len(places) - 3} more" if len(places) > 3 else ""  # noqa: PLR2004  three say enough
    return "<br>".join(places[:3]) + more if places else escape(item.why)


def _place(place: Location) -> str:
    """Give a place in words; the notebook's own name goes without saying."""
    if place.cell is None and not place.path.startswith("In ["):
        return f"{place.path}, line {place.line}" if place.path else f"line {place.line}"
    return f"{place.cell_name}, line {place.line}"


def _import(use: Import) -> str:
    return use.why or f"import {use.module}"


def card(plan: Plan, position: int, *, recommended: bool = False) -> str:
    """Give one plan as a card; what is refused says why, and what would make it possible."""
    badge = ' <span class="badge">recommended</span>' if recommended else ""
    number = f"{position}. " if plan.fits else ""
    title = f'<div class="title">{number}{escape(plan.title)}{badge}</div>'
    head = f'{title}<code class="quiet">{escape(plan.strategy)}</code>'
    if not plan.fits:
        return head + _refusal(plan)
    doing = f"<p>{escape(plan.summary)}</p>"
    why = f'<p class="quiet"><b>Before the next:</b> {escape(plan.why_here)}</p>' if plan.why_here else ""
    return head + _numbers(plan) + doing + _todo(plan) + why


def _numbers(plan: Plan) -> str:
    value = plan.cost
    if value is None:
        return '<p class="quiet">What it costs is not known.</p>'
    rows = [("First run", f"<b>{seconds(value.first)}</b>"), ("Later runs", f"<b>{seconds(value.later)}</b>")]
    rows += [("Fetched each time", f"<b>{size(value.fetch_later)}</b>")] if value.fetch_later else []
    rows += [("These are", escape(value.basis))]
    shown = "".join(f'<tr><td class="quiet">{name}</td><td>{amount}</td></tr>' for name, amount in rows)
    return f'<table class="numbers">{shown}</table>'


def _todo(plan: Plan) -> str:
    """Say what is not known and what the person has to do."""
    count = len(plan.steps)
    parts = [("Not known", f"whether {FACTS[name][1]}.") for name in plan.unknown]
    parts += [("You do once", f"{count} step{'s' * (count > 1)} before the first run.")] if count else []
    parts += [("Mind", "two runs may get different versions.")] if plan.drifts else []
    return "".join(f'<p><span class="warning">{head}:</span> {escape(text)}</p>' for head, text in parts)


def _refusal(plan: Plan) -> str:
    reasons = "".join(f"<p>{escape(item)}</p>" for item in plan.reasons)
    cures = "".join(f"<p><b>Possible if:</b> {escape(item)}</p>" for item in plan.possible_if)
    return reasons + cures


def cards(planning: Planning) -> str:
    """Give every plan: those that fit side by side, the refused ones folded below."""
    fitting = [item for item in planning.plans if item.fits]
    shown = "".join(
        f'<div class="frame">{card(item, number, recommended=item is planning.recommended)}</div>'
        for number, item in enumerate(fitting, 1)
    )
    return f'<div class="cards">{shown}</div>{refused(planning)}'


def refused(planning: Planning) -> str:
    """Give the plans that do not fit, folded."""
    plans = [item for item in planning.plans if not item.fits]
    if not plans:
        return ""
    inside = "".join(f'<div class="frame">{card(item, 0)}</div>' for item in plans)
    opened = "" if len(plans) < len(planning.plans) else " open"
    ways = "1 way is" if len(plans) == 1 else f"{len(plans)} ways are"
    return (
        f"<details{opened}><summary>{ways} not possible here: why, and what would change that</summary>"
        f'<div class="cards">{inside}</div></details>'
    )


def target(planning: Planning) -> str:
    """Say in one paragraph what is taken for granted about the Kestra installation."""
    case = planning.case
    assumed = [FACTS[name][1] for name, fact in case.target.facts.items() if fact.source == "assumed" and fact.value]
    known = [
        f"{FACTS[name][1]}: {'yes' if fact.value else 'no'}"
        for name, fact in case.target.facts.items()
        if fact.source != "assumed" and fact.value is not None
    ]
    python = f"Python {case.target.python}"
    said = f" You said: {escape('; '.join(known))}." if known else ""
    return (
        f'<p class="quiet">For Kestra {escape(" and ".join(case.target.kestra))}, {python}. '
        f"Assumed: {escape('; '.join(assumed))}.{said} Change it with <code>--fact NAME=yes|no</code>.</p>"
    )


def headline(planning: Planning) -> str:
    """Say what this is about, in a line a stranger understands."""
    count, pins = len(planning.scan.resolution.needs), len(planning.lock.pins)
    fitting = sum(item.fits for item in planning.plans)
    needs = f"needs {count} distribution{'s' * (count != 1)}, {pins} with all that goes with it"
    return (
        f"<h3>The flow <code>{escape(planning.case.name)}</code> {needs}. "
        "Where shall Kestra get them at every run?</h3>"
        f'<p class="quiet">{fitting} of {len(planning.plans)} ways fit. '
        "Times are those of a run beside your own code: packages, Python's start, imports.</p>"
    )


def pins(planning: Planning) -> str:
    """Give every pin of the lock, folded."""
    lines = "\n".join(pin.line for pin in planning.lock.pins)
    origin = "resolved from the index" if planning.lock.source == "index" else "the versions installed here"
    count = len(planning.lock.pins)
    return (
        f"<details><summary>All {count} pins of the lock ({origin})</summary><pre>{escape(lines)}</pre></details>"
        if count
        else ""
    )


def steps(items: Iterable[Step]) -> str:
    """Give what a person must do, in order, each with its command."""
    shown = "".join(
        f"<li>{escape(item.text)}{f'<pre>{escape(item.command)}</pre>' if item.command else ''}</li>" for item in items
    )
    return f"<ol>{shown}</ol>" if shown else "<p>Nothing: save it, deploy it, run it.</p>"


def flow(bundle: Bundle) -> str:
    """Give the YAML in colours."""
    lines = len(bundle.line_map.script) if bundle.line_map.yaml_first_line else 0
    return f'<pre tabindex="0">{colours.yaml(bundle.yaml, bundle.line_map.yaml_first_line, lines)}</pre>'


def file(item: ExtraFile) -> str:
    """Give one file with its purpose, folded."""
    upload = ' <span class="badge warm">upload</span>' if item.upload else ""
    return (
        f"<details><summary><code>{escape(item.path)}</code>{upload} {escape(item.purpose)}</summary>"
        f'<pre tabindex="0">{colours.language(item.text, item.path)}</pre></details>'
    )


def completed(notebook: Notebook) -> str:
    """Give what was taken from earlier cells of a live kernel, each piece under its cell."""
    *earlier, last = notebook.cells
    shown = "".join(
        f"<p>{escape(_place(cell.location))}</p><pre>{colours.language(cell.source, 'cell.py')}</pre>"
        for cell in earlier
        if cell.location.path != last.location.path
    )
    return shown or "<p>The cell needs nothing of earlier cells.</p>"


def files(bundle: Bundle) -> str:
    """Give the files that belong to the flow, one by one."""
    return "".join(file(item) for item in bundle.files) or "<p>The flow needs no file beside it.</p>"


def scan(value: Scan) -> str:
    """Give what a notebook needs."""
    env = value.environment
    read = f"Read from {escape(env.origin)}: Python {env.python}, {len(env.distributions)} distributions installed."
    return wrapped(
        style(),
        f"<h3>{escape(value.notebook.path or 'This cell')} needs</h3>",
        requirements(value.resolution.needs),
        f'<p class="quiet">{read}</p>',
        findings(value.findings) if value.findings else "",
    )


def planning(value: Planning) -> str:
    """Give every plan."""
    found = findings(value.findings) if value.findings else ""
    return wrapped(style(), headline(value), cards(value), target(value), found)


def bundle(value: Bundle) -> str:
    """Give a flow with all that belongs to it."""
    todo = f"<h3>Before the first run</h3>{steps(value.plan.steps)}" if value.plan.steps else ""
    belongs = f"<h3>Files</h3>{files(value)}" if value.files else ""
    found = f"<h3>Findings</h3>{findings(value.findings)}" if value.findings else ""
    return wrapped(style(), f"<h3>{escape(value.path)}</h3>", flow(value), todo, belongs, found)


def saved(value: Written) -> str:
    """Say what was written and what comes next."""
    new = "".join(f"<li>wrote <code>{escape(f'{value.root}/{path}')}</code></li>" for path in value.written)
    same = "".join(f"<li>unchanged <code>{escape(f'{value.root}/{path}')}</code></li>" for path in value.unchanged)
    return f"<ul>{new}{same}</ul><h3>Next</h3>{steps(next_steps(value, value.root))}"


def written(value: Written) -> str:
    """Say what was written, for a result that shows itself."""
    return wrapped(style(), saved(value))


def why(value: Why) -> str:
    """Give the chains behind a name."""
    return wrapped(style(), "<ul>", *(f"<li>{escape(line)}</li>" for line in value.lines), "</ul>")
