"""A notebook as it is read, and the plain Python it becomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packaging.requirements import Requirement

    from kestra_nb.model.finding import Finding, Location

CellKind = Literal["code", "markdown", "raw"]
InputType = Literal["STRING", "INT", "FLOAT", "BOOL", "DATE", "DATETIME", "TIME", "DURATION", "FILE", "JSON", "ARRAY"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell: its source as written, its kind and tags, and the place of its first line."""

    source: str
    kind: CellKind
    location: Location
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notebook:
    """A notebook, a percent script, or one cell of a live kernel.

    Attributes:
        path: As the person named it; empty for text that has no file.
        folder: What ``path`` and a relative ``out`` are relative to; empty for the process's working directory.
        cells: All cells in order.
        language: Lower case, ``python`` for all that can be exported.
        kernel: The kernelspec's name, when there is one.
        metadata: The ``kestra_nb`` part of the notebook's metadata (never the rest).
        sha256: Of the code cells' sources and tags, so that outputs do not count.
    """

    path: str
    cells: tuple[Cell, ...]
    language: str = "python"
    kernel: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    sha256: str = ""
    folder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A name that a cell tagged ``parameters`` sets, and the Kestra input it becomes.

    Attributes:
        name: The Python name, as the script uses it.
        type: Kestra's input type.
        default: A JSON-ready value; None when there is none.
        item_type: Kestra's ``itemType``, for ARRAY only.
        required: False when the default is None (Kestra: ``defaults`` demands ``required: true``).
    """

    name: str
    type: InputType
    default: object
    location: Location
    item_type: InputType | None = None
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A requirement the author wrote down.

    Attributes:
        text: As written.
        requirement: Parsed (PEP 508); None when it does not parse (then a finding says so).
        origin: ``pip line``, ``PEP 723``, ``requirements.txt``, ``pyproject.toml``, ``option``.
        removed: True for ``pip uninstall``.
    """

    text: str
    requirement: Requirement | None
    origin: str
    location: Location
    removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptCell:
    """One code cell after translation.

    Attributes:
        location: Place of the cell's first line in the notebook.
        source: Python that parses, or the best text there is when ``broken``.
        lines: For each line of ``source`` its place in the notebook.
        first_line: Line of ``Script.text`` (from 1) on which ``source`` begins.
        broken: True when the cell is not Python even after translation; the script then holds it as comments.
    """

    location: Location
    source: str
    lines: tuple[Location, ...]
    first_line: int
    broken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """Plain Python made of a notebook; every line knows its cell.

    Attributes:
        text: The whole script; ends with a newline; compiles always.
        lines: For each line of ``text`` the place it comes from, None for lines the kit added.
        cells: The code cells behind it, in order, without those tagged ``skip``.
        parameters: Kestra inputs, in order.
        declared: Requirements the author wrote (pip lines, PEP 723).
        runs: What magics refer to, as (kind, argument, place): the path of ``%run`` and ``%%writefile``, the module of
            ``%load_ext``, the backend of ``%matplotlib``.
        findings: KNB1xx.
    """

    text: str
    lines: tuple[Location | None, ...]
    cells: tuple[ScriptCell, ...]
    parameters: tuple[Parameter, ...] = ()
    declared: tuple[Declared, ...] = ()
    runs: tuple[tuple[Literal["run", "writefile", "extension", "matplotlib"], str, Location], ...] = ()
    findings: tuple[Finding, ...] = ()
