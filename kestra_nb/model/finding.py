"""Places in a notebook, and what was found there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Location:
    """A place a person can go to.

    Attributes:
        path: The file as the person named it; ``In [3]`` for a cell of a live kernel.
        cell: Position among all cells, counted from 1 as people count; None for a plain text file.
        cell_id: The cell's id of nbformat 4.5, when it has one.
        line: Line within the cell (or file), from 1.
        column: Column within the line, from 1; 0 when only the line is known.
    """

    path: str = ""
    cell: int | None = None
    cell_id: str | None = None
    line: int = 1
    column: int = 0

    @property
    def cell_name(self) -> str:
        """``cell 3``, ``In [3]`` in a live kernel (then it is the path), ``line 3`` of a file without cells."""
        if self.cell is not None:
            return f"cell {self.cell}"
        return self.path if self.path.startswith("In [") else f"line {self.line}"

    def __str__(self) -> str:
        cell = f"cell {self.cell}:" if self.cell is not None else ""
        column = f":{self.column}" if self.column else ""
        prefix = f"{self.path}:" if self.path else ""
        return f"{prefix}{cell}{self.line}{column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something worth knowing that does not stop the pipe.

    Attributes:
        code: Stable, ``KNB1xx`` reading, ``2xx`` resolving, ``3xx`` strategies, ``4xx`` flow, ``5xx`` server;
            each code has a row in ``kestra_nb/data/findings.toml``.
        severity: ``error`` blocks writing without ``--force``; ``warning`` and ``info`` do not.
        message: What is so, in one sentence.
        hint: One thing to do; may be empty.
        location: Where, when there is a place.
    """

    code: str
    severity: Severity
    message: str
    hint: str = ""
    location: Location | None = None
