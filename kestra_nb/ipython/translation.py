"""What is made of a cell, while it is being made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from kestra_nb.model.finding import Finding, Location

if TYPE_CHECKING:
    from kestra_nb.ipython.helpers import HelperName
    from kestra_nb.model.finding import Severity
    from kestra_nb.model.notebook import Declared

RunKind = Literal["run", "writefile", "extension", "matplotlib"]


@dataclass(slots=True)
class Translation:
    """Python made of one cell.

    Attributes:
        place: Place of the cell's first line.
        lines: The text, line by line, each with the number (from 1) of the line in the cell it comes from.
        helpers: Functions of the kit that the text calls.
    """

    place: Location
    lines: list[tuple[str, int]] = field(default_factory=list)
    helpers: set[HelperName] = field(default_factory=set)
    declared: list[Declared] = field(default_factory=list)
    runs: list[tuple[RunKind, str, Location]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The Python, without a newline at its end."""
        return "\n".join(text for text, _ in self.lines)

    def at(self, line: int, column: int = 0) -> Location:
        """Give the place of a line of the cell."""
        place = self.place
        return Location(
            path=place.path, cell=place.cell, cell_id=place.cell_id, line=place.line + line - 1, column=column
        )

    def add(self, text: str, line: int) -> None:
        """Append text, all of it made of one line of the cell."""
        self.lines += ((part, line) for part in text.split("\n"))

    def add_block(self, text: str, first: int) -> None:
        """Append text that has as many lines as the cell has there."""
        self.lines += ((part, first + number) for number, part in enumerate(text.split("\n")))

    def find(self, code: str, severity: Severity, message: str, *, line: int, hint: str = "") -> None:
        """Note something worth knowing."""
        self.findings.append(Finding(code=code, severity=severity, message=message, hint=hint, location=self.at(line)))

    def take(self, other: Translation) -> None:
        """Take over all but the lines."""
        self.helpers |= other.helpers
        self.declared += other.declared
        self.runs += other.runs
        self.findings += other.findings
