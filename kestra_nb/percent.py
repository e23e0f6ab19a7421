"""Percent scripts: Python files whose cells are marked by comments.

Understood are the marks of jupytext's ``py:percent`` and of Spyder and VS Code (``# %%``, with a title, a kind in
brackets and ``key=value`` metadata), of nbconvert (``# In[3]:``) and of old IPython (``# <codecell>``), and jupytext's
header, which names the kernel. A script without any mark is one cell.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from kestra_nb.ipython.text import string_lines
from kestra_nb.model.finding import Location
from kestra_nb.model.notebook import Cell

if TYPE_CHECKING:
    from kestra_nb.model.notebook import CellKind

_MARK = re.compile(
    r"#[ \t]*(?:%%(?P<more>%*)(?:[ \t]+(?P<rest>.*))?|In[ \t]?\[[ \d]*\]:?|<(?P<old>code|markdown)cell>)[ \t]*"
)
_KIND = re.compile(r"\[(?P<kind>markdown|md|raw)\]", re.IGNORECASE)
_TAGS = re.compile(r"\btags\s*=\s*(?P<list>\[[^\]]*\])")
_JSON_TAGS = re.compile(r"(?P<json>\{.*\})\s*$")
_HEADER_END = re.compile(r"#\s*---\s*")
_HEADER_FIELD = re.compile(r"#\s+(?P<name>name|language):\s*(?P<value>[^\s#]+)\s*")
_COMMENTED_MAGIC = re.compile(r"^#[ ]?(?=%{1,2}[A-Za-z]|!|[A-Za-z_.]+\?{1,2}$)")


def script_cells(text: str, path: str) -> tuple[tuple[Cell, ...], str | None, str | None]:
    """Split a script, whose lines end in LF, into cells.

    Returns:
        The cells, and the kernel's name and language when jupytext's header states them. A place in a script is its
        path and its line in the file.
    """
    lines = text.split("\n")
    header, kernel, language = _header(lines)
    marks = _marks(lines, text, header)
    if not marks and not header:
        return (_cell(text, "code", path, 1, ()),), kernel, language
    bounds = [*marks, len(lines)]
    cells = []
    if before := _strip("\n".join(lines[header : bounds[0]])):
        cells.append(_cell(before, "code", path, *_shift(lines, header), ()))
    for start, end in zip(marks, bounds[1:], strict=False):
        kind, tags = _mark(lines[start])
        body = lines[start + 1 : end]
        if kind != "code":
            body = _uncomment(body)
        elif header:
            body = [_COMMENTED_MAGIC.sub("", line) for line in body]
        first = start + 1
        while any(body) and not body[0].strip():
            body, first = body[1:], first + 1
        cells.append(_cell(_strip("\n".join(body)), kind, path, first + 1, tags))
    return tuple(cells), kernel, language


def _shift(lines: list[str], start: int) -> tuple[int]:
    while start < len(lines) and not lines[start].strip():
        start += 1
    return (start + 1,)


def _cell(source: str, kind: CellKind, path: str, line: int, tags: tuple[str, ...]) -> Cell:
    return Cell(source=source, kind=kind, location=Location(path=path, line=line), tags=tags)


def _strip(text: str) -> str:
    """Leave out empty lines around a cell: they stand there to set the marks apart."""
    lines = text.split("\n")
    while lines and not lines[0].strip():
        lines = lines[1:]
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return "\n".join(lines)


def _header(lines: list[str]) -> tuple[int, str | None, str | None]:
    """Read jupytext's header: how many lines it has, the kernel's name, its language."""
    if not _HEADER_END.fullmatch(lines[0]):
        return 0, None, None
    fields: dict[str, str] = {}
    for number, line in enumerate(lines[1:], start=2):
        if _HEADER_END.fullmatch(line):
            return number, fields.get("name"), fields.get("language")
        if not line.startswith("#"):
            break
        if match := _HEADER_FIELD.fullmatch(line):
            fields[match["name"]] = match["value"]
    return 0, None, None


def _marks(lines: list[str], text: str, header: int) -> list[int]:
    """Give the numbers (from 0) of the lines that begin a cell."""
    found = [number for number, line in enumerate(lines) if number >= header and _is_mark(line)]
    if not found:
        return []
    inside = string_lines(text)
    return [number for number in found if number not in inside]


def _is_mark(line: str) -> bool:
    return line.startswith("#") and _MARK.fullmatch(line) is not None


def _mark(line: str) -> tuple[CellKind, tuple[str, ...]]:
    match = _MARK.fullmatch(line)
    rest = (match["rest"] if match else None) or ""
    old = match["old"] if match else None
    kind: CellKind = "markdown" if old == "markdown" else "code"
    if named := _KIND.search(rest):
        kind = "raw" if named["kind"].lower() == "raw" else "markdown"
    return kind, _tags(rest)


def _tags(rest: str) -> tuple[str, ...]:
    """Read ``tags=["a", "b"]``, or the older ``{"tags": ["a", "b"]}``."""
    text = match["list"] if (match := _TAGS.search(rest)) else ""
    try:
        if text:
            values = json.loads(text.replace("'", '"'))
        elif match := _JSON_TAGS.search(rest):
            values = json.loads(match["json"]).get("tags", [])
        else:
            return ()
    except json.JSONDecodeError:
        return ()
    return tuple(str(value) for value in values) if isinstance(values, list) else ()


def _uncomment(lines: list[str]) -> list[str]:
    """Give the text of a Markdown or raw cell, which stands in comments or in one string."""
    text = "\n".join(lines).strip("\n")
    for quotes in ('"""', "'''"):
        if text.startswith(quotes) and text.endswith(quotes) and len(text) >= 2 * len(quotes):
            return text[len(quotes) : -len(quotes)].strip("\n").split("\n")
    return [re.sub(r"^#[ ]?", "", line) for line in lines]
