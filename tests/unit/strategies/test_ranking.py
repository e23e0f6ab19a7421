"""Which plan stands first and why: written before the ranking, read as a list of what a person would expect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kestra_nb.strategies import plan_all, registered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kestra_nb.model.plan import Case, Plan

REGISTRY = "registry.example.com/team"


Situation = tuple[dict[str, Any], list[str], str]


# changes of the case, the plans that fit (best first, "…" for the rest), why the first stands before the second
SITUATIONS: dict[str, Situation] = {
    "nobody described the target": (
        {},
        ["fresh_venv", "cached_venv", "before_commands", "task_dependencies", "catalogue_image", "…"],
        "A later run takes 3.2 s, with cached_venv 3.7 s.",
    ),
    "the disk lasts: uv's cache keeps no state that could be wrong": (
        {"facts": {"lasting_disk": True}},
        ["fresh_venv", "worker_venv", "cached_venv", "before_commands", "task_dependencies", "…"],
        "1 thing that can go wrong later, with worker_venv 2.",
    ),
    "the disk lasts and the flow runs every minute: seconds count": (
        {"facts": {"lasting_disk": True}, "every": "minute"},
        ["worker_venv", "fresh_venv", "cached_venv", "task_dependencies", "before_commands", "…"],
        "43830 runs a month take 1023 minutes less than with fresh_venv.",
    ),
    "the disk lasts and the flow runs once a month: seconds do not count": (
        {"facts": {"lasting_disk": True}, "every": "month"},
        ["fresh_venv", "worker_venv", "…"],
        "1 thing that can go wrong later, with worker_venv 2.",
    ),
    "the disk does not last": (
        {"facts": {"lasting_disk": False}},
        ["fresh_venv", "cached_venv", "before_commands", "task_dependencies", "catalogue_image", "custom_image", "…"],
        "A later run takes 3.2 s, with cached_venv 3.7 s.",
    ),
    "heavy, every minute, no lasting disk: restoring wheels is as slow as fetching them from a near index": (
        {"pins": "heavy", "needs": ("pandas", "matplotlib"), "facts": {"lasting_disk": False}, "every": "minute"},
        ["fresh_venv", "cached_venv", "task_dependencies", "before_commands", "…"],
        "43830 runs a month take 146 minutes less than with cached_venv.",
    ),
    "no uv on the workers": (
        {"facts": {"uv": False}},
        ["cached_venv", "before_commands", "task_dependencies", "catalogue_image", "…"],
        "A later run takes 5 s, with before_commands 12.4 s.",
    ),
    "no uv, but a disk that lasts": (
        {"facts": {"uv": False, "lasting_disk": True}},
        ["worker_venv", "cached_venv", "before_commands", "task_dependencies", "…"],
        "A later run takes 1.1 s, with cached_venv 5 s.",
    ),
    "no containers": (
        {"facts": {"docker": False}},
        ["fresh_venv", "cached_venv", "before_commands", "task_dependencies", "worker_venv", "server_packages"],
        "A later run takes 3.2 s, with cached_venv 3.7 s.",
    ),
    "no index: only what is there already": (
        {"facts": {"index": False}},
        ["catalogue_image", "custom_image", "server_packages"],
        "Of custom_image it is not known whether more than one worker takes tasks.",
    ),
    "no index, a registry: a copy that does not move": (
        {"facts": {"index": False}, "registry": REGISTRY},
        ["catalogue_image", "custom_image", "server_packages"],
        "custom_image takes 1 thing more to do by hand.",
    ),
    "no index, a registry, and the catalogue lacks one": (
        {"facts": {"index": False}, "registry": REGISTRY, "needs": ("pandas", "matplotlib"), "pins": "heavy"},
        ["custom_image", "server_packages"],
        "Of server_packages it is not known whether you may change how the Kestra server is started.",
    ),
    "no index and one worker: what moves stands behind what is built once": (
        {"facts": {"index": False, "several_workers": False}},
        ["custom_image", "catalogue_image", "server_packages"],
        "Two runs get the same versions, whatever is published; catalogue_image may not.",
    ),
    "hand work on the server, repaid by a run every minute": (
        {"facts": {"uv": False, "lasting_disk": False, "own_server": True}, "every": "minute"},
        ["server_packages", "task_dependencies", "cached_venv", "before_commands", "…"],
        "43830 runs a month take 2265 minutes less than with task_dependencies.",
    ),
    "the same hand work, not repaid by a run a day": (
        {"facts": {"uv": False, "lasting_disk": False, "own_server": True}},
        ["cached_venv", "before_commands", "task_dependencies", "server_packages", "…"],
        "A later run takes 5 s, with before_commands 12.4 s.",
    ),
    "whether there is an index is not known: what is known stands before it": (
        {"facts": {"index": None}},
        ["catalogue_image", "fresh_venv", "cached_venv", "before_commands", "task_dependencies", "…"],
        "Of fresh_venv it is not known whether the workers reach a package index.",
    ),
    "so large that Kestra's cache is refused and seconds count even once a day": (
        {"pins": "torch", "needs": ("torch",), "facts": {"lasting_disk": True}},
        ["worker_venv", "fresh_venv", "before_commands", "…"],
        "30 runs a month take 25 minutes less than with fresh_venv.",
    ),
    "nothing to install": (
        {"pins": ()},
        ["before_commands"],
        "It fits, the next one does not.",
    ),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_situation(make_case: Callable[..., Case], name: str) -> None:
    changes, order, why = SITUATIONS[name]
    plans = plan_all(make_case(**changes))
    fitting = [plan.strategy for plan in plans if plan.fits]
    if order[-1] == "…":
        assert fitting[: len(order) - 1] == order[:-1]
    else:
        assert fitting == order
    assert plans[0].why_here == why


def test_every_strategy_answers_once_and_all_but_the_last_say_why(make_case: Callable[..., Case]) -> None:
    plans = plan_all(make_case())
    assert {plan.strategy for plan in plans} == set(registered())
    assert len(plans) == len(registered())
    assert all(plan.why_here for plan in plans[:-1])
    assert plans[-1].why_here == ""


@pytest.mark.parametrize("unknown", ["docker", "index", "lasting_disk", "uv", "pip", "own_server", "several_workers"])
def test_an_unknown_fact_never_lifts_a_plan(make_case: Callable[..., Case], unknown: str) -> None:
    """A plan that rests on the fact stands no higher when it is unknown than when it is known to be so."""
    every = {"docker": True, "index": True, "lasting_disk": True, "uv": True, "pip": True, "own_server": True}
    known = plan_all(make_case(facts={**every, "several_workers": False}))
    doubted = plan_all(make_case(facts={**every, "several_workers": False, unknown: None}))
    for plan in doubted:
        if plan.unknown:
            assert place(doubted, plan.strategy) >= place(known, plan.strategy)
    sure = [plan.unknown == () for plan in doubted if plan.fits]
    assert sure == sorted(sure, reverse=True)


def place(plans: Sequence[Plan], strategy: str) -> int:
    return [plan.strategy for plan in plans].index(strategy)
