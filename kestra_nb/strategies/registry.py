"""Finds the strategies: the entry points of every installed distribution, read once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from kestra_nb.config import near_miss
from kestra_nb.errors import StrategyError
from kestra_nb.model.finding import Finding
from kestra_nb.model.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kestra_nb.model.plan import Case
    from kestra_nb.strategies.base import Strategy

GROUP = "kestra_nb.strategies"


@dataclass(frozen=True, slots=True)
class Unloadable:
    """Stands for a strategy of another distribution that could not be loaded, so that the others still answer."""

    name: str
    cause: str
    title: str = "A strategy that could not be loaded"

    def plan(self, case: Case) -> Plan:  # noqa: ARG002  the answer is the same for every case
        """Refuse, with the cause."""
        message = f"The strategy {self.name!r} could not be loaded: {self.cause}."
        finding = Finding(code="KNB302", severity="warning", message=message, hint="Update or remove what brings it.")
        return Plan(
            strategy=self.name, title=self.title, fits=False, summary=message, reasons=(message,), findings=(finding,)
        )


@cache
def registered() -> Mapping[str, Strategy]:
    """Load every strategy once; the names are sorted."""
    return {point.name: _load(point) for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


def get(name: str) -> Strategy:
    """Give one strategy, or raise a StrategyError that names the nearest one."""
    known = registered()
    if name not in known:
        message = f"{name!r} is no strategy; known are {', '.join(known)}."
        raise StrategyError(message, hint=near_miss(name, known))
    return known[name]


def _load(point: EntryPoint) -> Strategy:
    try:
        strategy: Strategy = point.load()()
    except Exception as error:  # noqa: BLE001  code of another distribution may fail in any way
        return Unloadable(point.name, f"{type(error).__name__}: {error}")
    return strategy
