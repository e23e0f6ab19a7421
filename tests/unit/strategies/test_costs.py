"""The cost model: measured points as they stand, a straight line elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kestra_nb.model.dependency import Distribution
from kestra_nb.strategies.costs import cost, data, image_cost, weigh

if TYPE_CHECKING:
    from collections.abc import Callable

    from kestra_nb.model.dependency import Pin
    from kestra_nb.model.plan import Case

WAYS = sorted(data()["ways"])
MEGABYTE = 1_000_000


@pytest.fixture
def of_size(make_case: Callable[..., Case], pin: Callable[..., Pin]) -> Callable[[float], Case]:
    """A case whose lock has one wheel of so many megabytes."""
    return lambda megabytes: make_case((pin("pandas", size=int(megabytes * MEGABYTE)),))


@pytest.mark.parametrize("way", WAYS)
def test_a_measured_set_costs_what_was_measured(way: str, make_case: Callable[..., Case]) -> None:
    for name, point in data()["ways"][way].items():
        found = cost(way, make_case(name))
        assert (found.first, found.later, found.later_cpu) == (point["first"], point["later"], point["cpu"])
        assert found.basis == "measured elsewhere"


@pytest.mark.parametrize("way", WAYS)
def test_more_megabytes_never_cost_less(way: str, of_size: Callable[[float], Case]) -> None:
    costs = [cost(way, of_size(megabytes)) for megabytes in (0, 1, 5, 15, 30, 60, 98, 200, 900)]
    for part in ("first", "later", "later_cpu"):
        values = [getattr(item, part) for item in costs]
        assert values == sorted(values), part
    assert costs[0].basis == "estimated"
    assert min(item.later for item in costs) >= data()["bare"]["later"]


def test_what_keeps_nothing_pays_the_first_run_each_time(make_case: Callable[..., Case]) -> None:
    kept, lost = cost("uv_each_run", make_case()), cost("uv_each_run", make_case(), keeps=False)
    assert (kept.later, kept.fetch_later) == (2.5, 0)
    assert (lost.later, lost.fetch_later, lost.basis) == (3.2, 30_710_000, "estimated")


def test_an_image_is_pulled_once(make_case: Callable[..., Case]) -> None:
    known, unknown = image_cost(make_case(), 100 * MEGABYTE), image_cost(make_case(), None)
    assert (known.fetch_first, known.fetch_later, known.first) == (100 * MEGABYTE, 0, 5.3)
    assert unknown.fetch_first == 75_710_000


def test_a_size_nobody_states_is_estimated(make_case: Callable[..., Case], pin: Callable[..., Pin]) -> None:
    unsized = pin("pandas", size=None)
    installed = Distribution(name=unsized.name, display_name="pandas", version=unsized.version, size=50 * MEGABYTE)
    assert weigh(make_case((unsized,), installed=(installed,))).megabytes == 15.0
    assert weigh(make_case((unsized,))).megabytes == data()["guess"]["megabytes"]
