"""Which plan stands first: comparisons that can be read out, one after the other, the first difference decides."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kestra_nb.config import FACTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kestra_nb.model.plan import Case, Plan

INFINITE = float("inf")
RUNS_A_MONTH = 30.0
"""Of a flow without a schedule: as if it ran every morning."""
MINUTES_A_STEP = 30.0
"""What one thing done by hand is worth: it must save this much time in a month."""
MINUTES_THAT_MATTER = 10.0
"""Time is compared in steps of this many minutes a month; within one, fewer moving parts are worth more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """The plans that are compared, and how often a month the flow runs."""

    plans: tuple[Plan, ...]
    runs: float

    def minutes(self, plan: Plan) -> float:
        """Minutes a month that the plan adds to the runs; infinite when nothing can be said."""
        return plan.cost.later * self.runs / 60 if plan.cost else INFINITE

    def quickest(self, *, by_hand: bool) -> float:
        """Minutes a month of the quickest sound plan, with or without those that need hands."""
        sound = [p for p in self.plans if p.fits and not p.unknown and not p.drifts and (by_hand or not p.hand_work)]
        return min((self.minutes(plan) for plan in sound), default=INFINITE)

    def unpaid(self, plan: Plan) -> int:
        """Give the number of things to do by hand, 0 when the schedule repays them within a month."""
        saved = self.quickest(by_hand=False) - self.minutes(plan)
        repaid = INFINITE > saved >= MINUTES_A_STEP * plan.hand_work
        return 0 if repaid else plan.hand_work

    def slower(self, plan: Plan) -> float:
        """Give how much longer than the quickest one's the plan's runs take in a month, in steps that matter."""
        usable = [p for p in self.plans if p.fits and not p.unknown and not p.drifts and not self.unpaid(p)]
        quickest = min((self.minutes(item) for item in usable), default=INFINITE)
        more = max(0.0, self.minutes(plan) - quickest) if quickest < INFINITE else 0.0
        return more // MINUTES_THAT_MATTER if more < INFINITE else INFINITE


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison: the smaller key is better, and ``sentence`` says why the first of two plans is."""

    name: str
    key: Callable[[Field, Plan], float | str]
    sentence: Callable[[Field, Plan, Plan], str]


def rank(plans: Sequence[Plan], case: Case) -> tuple[Plan, ...]:
    """Order the plans, best first; each that fits says why it stands before the next one."""
    runs = case.schedule.runs_per_month if case.schedule else RUNS_A_MONTH
    field = Field(plans=tuple(plans), runs=runs)
    ordered = sorted(plans, key=lambda plan: tuple(comparison.key(field, plan) for comparison in COMPARISONS))
    nexts = (*ordered[1:], None)
    return tuple(
        dataclasses.replace(plan, why_here=why(field, plan, after) if plan.fits and after else "")
        for plan, after in zip(ordered, nexts, strict=True)
    )


def why(field: Field, better: Plan, worse: Plan) -> str:
    """Give the sentence of the first comparison that tells two plans apart."""
    for comparison in COMPARISONS:
        if comparison.key(field, better) != comparison.key(field, worse):
            return comparison.sentence(field, better, worse)
    return ""


def _fits(_field: Field, _better: Plan, _worse: Plan) -> str:
    return "It fits, the next one does not."


def _known(_field: Field, _better: Plan, worse: Plan) -> str:
    facts = ", and whether ".join(FACTS[name][1] for name in worse.unknown)
    return f"Of {worse.strategy} it is not known whether {facts}."


def _steady(_field: Field, _better: Plan, worse: Plan) -> str:
    return f"Two runs get the same versions, whatever is published; {worse.strategy} may not."


def _by_hand(field: Field, better: Plan, worse: Plan) -> str:
    things = field.unpaid(worse) - field.unpaid(better)
    noun = "thing" if things == 1 else "things"
    repaid = field.quickest(by_hand=False) < INFINITE
    schedule = f", which {_often(field)} do not repay" if repaid else ""
    return f"{worse.strategy} takes {things} {noun} more to do by hand{schedule}."


def _minutes(field: Field, better: Plan, worse: Plan) -> str:
    more = field.minutes(worse) - field.minutes(better)
    return f"{_often(field).capitalize()} take {more:.0f} minutes less than with {worse.strategy}."


def _often(field: Field) -> str:
    return f"{field.runs:.0f} runs a month" if round(field.runs) != 1 else "single runs once a month"


def _parts(_field: Field, better: Plan, worse: Plan) -> str:
    things = "thing that can" if better.moving_parts == 1 else "things that can"
    return f"{better.moving_parts} {things} go wrong later, with {worse.strategy} {worse.moving_parts}."


def _later(plan: Plan) -> float:
    return plan.cost.later if plan.cost else INFINITE


def _seconds(_field: Field, better: Plan, worse: Plan) -> str:
    if worse.cost is None or better.cost is None:
        return f"What a run of {worse.strategy} costs is not known."
    return f"A later run takes {better.cost.later:g} s, with {worse.strategy} {worse.cost.later:g} s."


def _name(_field: Field, _better: Plan, _worse: Plan) -> str:
    return "Nothing tells them apart but the name."


COMPARISONS: tuple[Comparison, ...] = (
    Comparison("fits", lambda _, plan: not plan.fits, _fits),
    Comparison("nothing unknown", lambda _, plan: len(plan.unknown), _known),
    Comparison("does not drift", lambda _, plan: plan.drifts, _steady),
    Comparison("no hand work that is not repaid", lambda field, plan: field.unpaid(plan), _by_hand),
    Comparison("not much slower", lambda field, plan: field.slower(plan), _minutes),
    Comparison("fewer moving parts", lambda _, plan: plan.moving_parts, _parts),
    Comparison("cheaper later run", lambda _, plan: _later(plan), _seconds),
    Comparison("name", lambda _, plan: plan.strategy, _name),
)
"""In this order; the first that differs decides, and is the sentence a person reads."""
