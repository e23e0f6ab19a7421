"""The strategy ``task_dependencies``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kestra_nb.model.finding import Finding
from kestra_nb.model.flow import DOCKER, PROCESS
from kestra_nb.model.plan import Case, FactName, Plan, TaskSettings
from kestra_nb.strategies.base import (
    Objection,
    judge,
    minor,
    nothing_to_install,
    pin_lines,
    pth_pins,
    quoted,
)
from kestra_nb.strategies.costs import cost, weigh
from kestra_nb.strategies.installed import check_lock

if TYPE_CHECKING:
    from collections.abc import Iterable

LARGE = 150
"""Megabytes of wheels above which every run's restoring of Kestra's archive hurts."""


class TaskDependencies:
    """Kestra's own property `dependencies`: Kestra installs the pinned requirements and keeps them.

    **What the flow does.** The task lists every pin of the lock, sorted, beside a quoted `pythonVersion`. Kestra
    installs them on the worker, keeps the folder in its storage under a key made of that list, and puts it on
    `PYTHONPATH`. Kestra looks at no exit code of its installer, so a generated `check_packages.py` compares what is
    there with the lock before the script starts, and stops with one sentence.

    **When it fits.** Few packages that all have wheels for the worker. The task runs on the worker with pip, because
    uv would fetch a Python of its own there; in a container with uv where the worker's Python has no pip.

    **What it costs.** 4.2 s for pandas at a later run with pip, 20.6 s at the first, of which half is the upload.

    **When it is refused.** A distribution with a `.pth` file, or one without a wheel.

    **Where it differs from Kestra's page.** The property is newer than the page. The order of the list is part of
    Kestra's key, therefore it is sorted; a version taken from an image's name can be wrong, therefore it is stated.
    """

    name = "task_dependencies"
    title = "Kestra's own dependencies"

    def plan(self, case: Case) -> Plan:
        """Fit for wheels that an index has for the worker."""
        with_pip = case.target.fact("pip").value is not False
        rests_on: tuple[FactName, ...] = ("pip", "index") if with_pip else ("docker", "uv", "index")
        plan = Plan(
            strategy=self.name,
            title=self.title,
            fits=True,
            summary="Kestra installs the pinned requirements on the worker once and restores them at every run.",
            reasons=("The flow holds nothing but the list of pins; Kestra does the rest.",),
            settings=_settings(case, with_pip=with_pip),
            preamble=check_lock(case.lock),
            moving_parts=3,
            cost=cost("native_pip" if with_pip else "native_uv", case),
            findings=(UNCHECKED,),
        )
        return judge(plan, case, rests_on=rests_on, objections=_objections(case))


UNCHECKED = Finding(
    code="KNB309",
    severity="info",
    message="Kestra ignores the exit code of its own installer; check_packages.py stops the run when one is missing.",
)


def _objections(case: Case) -> Iterable[Objection]:
    yield from nothing_to_install(case)
    with_pth = pth_pins(case)
    if with_pth:
        yield Objection(
            reason=f"{quoted(with_pth)} needs a .pth file, which Python does not read on PYTHONPATH.",
            cure="the script does without it",
        )
    built = [pin.name for pin in case.lock.pins if pin.has_wheel is False]
    if built:
        yield Objection(
            reason=f"{quoted(built)} has no wheel for {case.target.platform}, and Kestra would not say that building "
            "it failed.",
            cure="a version with a wheel is chosen",
        )
    megabytes = weigh(case).megabytes
    if megabytes > LARGE:
        yield Objection(
            reason=f"About {megabytes:.0f} MB of wheels would be restored at every run; {LARGE} MB is the most the kit "
            "gives it.",
            cure="the script does with fewer or smaller packages",
        )


def _settings(case: Case, *, with_pip: bool) -> TaskSettings:
    python = minor(case.lock.python)
    return TaskSettings(
        runner=PROCESS if with_pip else DOCKER,
        interpreter="python3" if with_pip else "python",
        container_image="" if with_pip else f"python:{python}-slim",
        python_version=python,
        dependencies=pin_lines(case),
        package_manager="PIP" if with_pip else "UV",
    )
