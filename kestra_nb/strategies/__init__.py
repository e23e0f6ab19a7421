"""Where the packages come from at each run: one file a strategy, other distributions add theirs.

A strategy is found by the entry-point group ``kestra_nb.strategies``, the package's own ones too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kestra_nb.model.plan import Case, Plan
    from kestra_nb.strategies.base import Strategy

__all__ = ["get", "plan_all", "registered"]


def registered() -> Mapping[str, Strategy]:
    """Every strategy by its name, sorted; one that cannot be loaded takes part and says so in its plan."""
    from kestra_nb.strategies import registry

    return registry.registered()


def get(name: str) -> Strategy:
    """Give one strategy.

    Raises:
        StrategyError: No strategy has this name; the message names the nearest one.
    """
    from kestra_nb.strategies import registry

    return registry.get(name)


def plan_all(case: Case) -> tuple[Plan, ...]:
    """Ask every strategy and rank the answers, best first, each saying why it stands before the next."""
    from kestra_nb.strategies import ranking

    return ranking.rank([strategy.plan(case) for strategy in registered().values()], case)
