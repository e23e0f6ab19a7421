"""Notebook → plain Python in which every line knows its cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kestra_nb.ipython import comment_out
from kestra_nb.model.finding import Finding
from kestra_nb.model.notebook import Script, ScriptCell
from kestra_nb.source import hints
from kestra_nb.source.names import is_bound
from kestra_nb.source.work import Work, compile_error, headings, hoist_futures, run_in_loop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kestra_nb.ipython.helpers import HelperName
    from kestra_nb.model.finding import Location
    from kestra_nb.model.notebook import Declared, Notebook
    from kestra_nb.source.parameters import Found

__all__ = ["to_script"]

#: Two lines of the kit's own keep a coding line of a cell (PEP 263) away from where Python would heed it.
_HEAD = ("# Made by kestra-nb: change the notebook, not this script.", "")
_PARAMETERS = frozenset({"parameters", "injected-parameters"})
_Line = tuple[str, "Location | None"]


def to_script(notebook: Notebook) -> Script:
    """Make a script of a notebook's code cells.

    Code that is Python comes over unchanged. IPython's syntax becomes Python that does the same; what cannot is a
    finding and a comment. Cells tagged ``skip`` are left out; one tagged ``parameters`` is followed by lines that
    read Kestra's inputs.

    Returns:
        A script that compiles, always, on the Python that makes it. Never raises.
    """
    works = [Work(cell) for cell in notebook.cells if cell.kind == "code" and "skip" not in cell.tags]
    for work in works:
        if "get_ipython" in work.text:
            from kestra_nb.source.calls import unwrap_calls

            unwrap_calls(work)
    futures = [line for work in works for line in hoist_futures(work)]
    findings, declared, found = _look(works)
    helpers = _missing_names(works)
    for work in works:
        run_in_loop(work)
    script = _assemble(works, futures, found, helpers)
    while _may_clash(works) and (problem := compile_error(script.text)) is not None:
        _blame(works, script, problem)
        script = _assemble(works, futures, found, helpers)
    return Script(
        text=script.text,
        lines=script.lines,
        cells=script.cells,
        parameters=script.parameters,
        declared=tuple(declared),
        runs=tuple(run for work in works for run in work.made.runs),
        findings=tuple(sorted([*findings, *_about(notebook, works)], key=_order)),
    )


def _may_clash(works: Sequence[Work]) -> bool:
    """Tell whether cells that compile alone may fail together: only ``global`` and ``__future__`` look at others."""
    return any(word in work.text for work in works if not work.broken for word in ("global", "__future__"))


def _look(works: Sequence[Work]) -> tuple[list[Finding], list[Declared], dict[int, Found]]:
    """Look for all that is worth knowing before the cells are wrapped."""
    findings = _risks(works)
    declared: list[Declared] = []
    found = {}
    for number, work in enumerate(works):
        stated, problems = _requirements(work)
        declared += [*stated, *work.made.declared]
        findings += [*work.made.findings, *problems]
        if _PARAMETERS.intersection(work.cell.tags) and not work.broken:
            from kestra_nb.source.parameters import find_parameters

            found[number] = find_parameters(work)
            findings += found[number].findings
    return findings, declared, found


def _risks(works: Sequence[Work]) -> list[Finding]:
    """Look for what needs a person or this machine, and for secrets."""
    findings: list[Finding] = []
    if any(hints.may_need_a_person(work.text) for work in works):
        from kestra_nb.source.headless import find_headless

        findings += find_headless(works)
    if any(hints.may_hold_secrets(work.text) for work in works):
        from kestra_nb.source.secrets import find_secrets

        findings += find_secrets(works)
    return findings


def _requirements(work: Work) -> tuple[list[Declared], list[Finding]]:
    """Look for requirements that no magic states."""
    if "install" in work.text:
        from kestra_nb.source.installs import notice_installs

        notice_installs(work)
    if "# /// script" not in work.cell.source:
        return [], []
    from kestra_nb.source.pep723 import find_declared

    return find_declared(work)


def _missing_names(works: Sequence[Work]) -> set[HelperName]:
    """Give the names that a kernel has and a script must be given."""
    helpers: set[HelperName] = set()
    names: tuple[HelperName, ...] = ("display", "get_ipython")
    for name in names:
        if any(f"{name}(" in work.text and not work.broken for work in works) and not is_bound(name, works):
            helpers.add(name)
    return helpers


def _assemble(
    works: Sequence[Work], futures: Sequence[tuple[str, Location]], found: dict[int, Found], names: set[HelperName]
) -> Script:
    lines: list[_Line] = [(text, None) for text in _HEAD]
    lines += futures
    helpers = names.union(*(work.made.helpers for work in works if not work.broken))
    if helpers:
        from kestra_nb.ipython.helpers import text_of

        lines += [(text, None) for text in text_of(helpers).rstrip("\n").split("\n")]
    cells = []
    for number, (work, heading) in enumerate(zip(works, headings(works), strict=True)):
        lines += [("", None)] if lines[-1][0] else []
        lines.append((heading, None))
        first = len(lines) + 1
        places = work.places()
        if work.broken:
            comments = comment_out(work.cell.source).split("\n")
            lines += [(text, work.made.at(number)) for number, text in enumerate(comments, start=1)]
        else:
            lines += zip((text for text, _ in work.made.lines), places, strict=True)
        cells.append(
            ScriptCell(
                location=work.cell.location, source=work.text, lines=places, first_line=first, broken=work.broken
            )
        )
        if number in found and not work.broken:
            lines += [(text, None) for text in found[number].block]
    parameters = {
        item.name: item for number, one in found.items() if not works[number].broken for item in one.parameters
    }
    return Script(
        text="\n".join(text for text, _ in lines) + "\n",
        lines=tuple(place for _, place in lines),
        cells=tuple(cells),
        parameters=tuple(parameters.values()),
    )


def _blame(works: Sequence[Work], script: Script, problem: SyntaxError) -> None:
    """Find the cell that keeps the script from compiling, and make comments of it."""
    line = problem.lineno or 0
    sound = [(work, cell) for work, cell in zip(works, script.cells, strict=True) if not work.broken]
    guilty = [work for work, cell in sound if cell.first_line <= line < cell.first_line + len(cell.lines)]
    alone = [work for work, _ in sound if compile_error(work.text) is not None]
    for work in guilty or alone or [work for work, _ in sound]:
        at = line - next(cell.first_line for other, cell in sound if other is work) + 1 if guilty else 1
        work.problem = SyntaxError(problem.msg, ("", at, problem.offset, ""))


def _about(notebook: Notebook, works: Sequence[Work]) -> list[Finding]:
    """Say what cells are no Python, and whether there is any code."""
    findings = [work.finding() for work in works if work.broken]
    if not any(work.cell.source.strip() for work in works):
        message = f"{notebook.path or 'The notebook'} has no code to run."
        findings.append(Finding(code="KNB139", severity="warning", message=message))
    return findings


def _order(finding: Finding) -> tuple[int, int, int, str]:
    place = finding.location
    return (0, 0, 0, finding.code) if place is None else (place.cell or 0, place.line, place.column, finding.code)
