"""The dependencies that a script states about itself (PEP 723)."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from kestra_nb.model.finding import Finding
from kestra_nb.model.notebook import Declared

if TYPE_CHECKING:
    from kestra_nb.model.finding import Location
    from kestra_nb.source.work import Work

_BLOCK = re.compile(r"^# /// script[ \t]*\n(?P<content>(?:#(?:| .*)\n)+?)# ///[ \t]*$", re.MULTILINE)


def find_declared(work: Work) -> tuple[list[Declared], list[Finding]]:
    """Read the block of a cell, when it has one."""
    source = work.cell.source
    match = _BLOCK.search(source)
    if match is None:
        return [], []
    first = source.count("\n", 0, match.start()) + 1
    lines = match["content"].splitlines()
    try:
        table = _loads("\n".join(line[2:] for line in lines))
    except ValueError as error:
        message = f"The block of PEP 723 is no valid TOML: {error}."
        return [], [Finding(code="KNB141", severity="warning", message=message, location=work.made.at(first))]
    texts = table.get("dependencies", [])
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        message = "'dependencies' in the block of PEP 723 is no list of texts."
        return [], [Finding(code="KNB141", severity="warning", message=message, location=work.made.at(first))]
    return _declared(texts, lines, first, work)


def _loads(text: str) -> dict[str, object]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return dict(tomllib.loads(text))


def _declared(texts: list[str], lines: list[str], first: int, work: Work) -> tuple[list[Declared], list[Finding]]:
    from packaging.requirements import InvalidRequirement, Requirement

    declared, findings = [], []
    for text in texts:
        place = work.made.at(first + 1 + next((n for n, line in enumerate(lines) if text in line), 0))
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            requirement = None
            findings.append(_unreadable(text, place))
        declared.append(Declared(text=text, requirement=requirement, origin="PEP 723", location=place))
    return declared, findings


def _unreadable(text: str, place: Location) -> Finding:
    message = f"{text!r} does not say which distribution it installs (PEP 508)."
    hint = "Write 'name==version' or 'name @ URL'."
    return Finding(code="KNB106", severity="warning", message=message, hint=hint, location=place)
