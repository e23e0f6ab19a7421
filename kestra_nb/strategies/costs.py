"""What a run costs, out of the measured points in ``data/costs.toml``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from kestra_nb.model.plan import Cost

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kestra_nb.model.dependency import Pin
    from kestra_nb.model.plan import Case

MEGABYTE = 1_000_000
NEAR = 0.15
"""How far a lock's size may be from a measured set's for the measured numbers to stand as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What a lock weighs: the megabytes of its wheels, and the number of distributions."""

    megabytes: float
    distributions: int


@cache
def data() -> Mapping[str, Any]:
    """Read the measured points."""
    return tomllib.loads((files("kestra_nb") / "data" / "costs.toml").read_text(encoding="utf-8"))


def weigh(case: Case) -> Weight:
    """Weigh a lock: stated sizes of wheels, else a share of the installed size, else a guess for each pin."""
    megabytes = sum(_megabytes(pin, case) for pin in case.lock.pins)
    return Weight(megabytes=megabytes, distributions=len(case.lock.pins))


def cost(way: str, case: Case, *, keeps: bool = True) -> Cost:
    """Give the cost of one way of supplying the packages of a lock.

    Args:
        way: A name under ``ways`` in the data.
        case: Its lock is weighed.
        keeps: False when nothing outlives a run, so that every run is a first one.
    """
    weight = weigh(case)
    numbers, measured = _numbers(way, weight)
    fetched = round(weight.megabytes * MEGABYTE)
    fetches = way not in {"preinstalled", "image"}
    return Cost(
        first=round(numbers["first"], 1),
        later=round(numbers["later" if keeps else "first"], 1),
        later_cpu=round(numbers["cpu"], 1),
        fetch_first=fetched if fetches else 0,
        fetch_later=fetched if fetches and (way == "pip_each_run" or not keeps) else 0,
        basis="measured elsewhere" if measured and keeps else "estimated",
    )


def image_cost(case: Case, size: int | None) -> Cost:
    """Give the cost of running in an image; ``size`` is what a pull fetches in bytes, None when unknown."""
    weight = weigh(case)
    settled = cost("image", case)
    image = data()["image"]
    fetched = size if size is not None else round((image["base_megabytes"] + weight.megabytes) * MEGABYTE)
    first = round(settled.later + fetched / image["bytes_per_second"], 1)
    return Cost(
        first=first,
        later=settled.later,
        later_cpu=settled.later_cpu,
        fetch_first=fetched,
        fetch_later=0,
        basis=settled.basis,
    )


def _megabytes(pin: Pin, case: Case) -> float:
    if pin.size is not None:
        return pin.size / MEGABYTE
    installed = case.environment.distributions.get(pin.name)
    guess = data()["guess"]
    if installed is not None and installed.size is not None:
        return float(installed.size / MEGABYTE * guess["compressed_share"])
    return float(guess["megabytes"])


def _numbers(way: str, weight: Weight) -> tuple[dict[str, float], bool]:
    """Give first, later and cpu for a weight, and whether they are a measured point as it stands."""
    points = data()["ways"][way]
    for name, point in points.items():
        measured = data()["sets"][name]
        if abs(weight.megabytes - measured["megabytes"]) <= NEAR * measured["megabytes"]:
            return point, True
    return {key: _line(points, key, weight.megabytes) for key in ("first", "later", "cpu")}, False


def _line(points: Mapping[str, Mapping[str, float]], key: str, megabytes: float) -> float:
    """Follow the straight line through the two points, or through the bare run and the one point."""
    sets, bare = data()["sets"], data()["bare"][key]
    low = (sets["light"]["megabytes"], points["light"][key])
    high = (sets["heavy"]["megabytes"], points["heavy"][key]) if "heavy" in points else low
    start = (0.0, bare) if high is low else low
    slope = max(0.0, (high[1] - start[1]) / (high[0] - start[0]))
    return float(max(bare, high[1] + slope * (megabytes - high[0])))
