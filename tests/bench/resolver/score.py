"""How an answer compares with a label: hits, misses and false names, summed up to F1."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.bench.resolver.cases import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Counts of distributions; they add up over notebooks."""

    hits: int = 0
    missed: int = 0
    false: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(hits=self.hits + other.hits, missed=self.missed + other.missed, false=self.false + other.false)

    @property
    def errors(self) -> int:
        """Names that are missing and names that should not be there."""
        return self.missed + self.false

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; 1.0 where nothing was wanted and nothing given."""
        whole = 2 * self.hits + self.errors
        return 2 * self.hits / whole if whole else 1.0


def normalised(name: str) -> str:
    """A distribution's name as the index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def missed(case: Case, names: Iterable[str], *, hidden: bool) -> list[str]:
    """The labels that no name meets."""
    given = {normalised(name) for name in names}
    wanted = (*case.imports, *case.hidden) if hidden else case.imports
    return [label for label in wanted if given.isdisjoint(label.split("|"))]


def false(case: Case, names: Iterable[str]) -> list[str]:
    """The names that no label asks for; what is optional is never false."""
    fine = {name for label in (*case.imports, *case.hidden) for name in label.split("|")} | case.optional
    return sorted({normalised(name) for name in names} - fine)


def score(case: Case, names: Iterable[str], *, hidden: bool) -> Score:
    """Compare the names a tool gives for one notebook with its label, with or without the hidden needs."""
    given = list(names)
    wanted = len(case.imports) + (len(case.hidden) if hidden else 0)
    gone = len(missed(case, given, hidden=hidden))
    return Score(hits=wanted - gone, missed=gone, false=len(false(case, given)))
