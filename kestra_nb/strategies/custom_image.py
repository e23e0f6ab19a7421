"""The strategy ``custom_image``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kestra_nb.model.plan import Case, ExtraFile, Plan, Step, TaskSettings
from kestra_nb.strategies.base import (
    REQUIREMENTS,
    Objection,
    container_platform,
    container_runner,
    judge,
    lock_key,
    nothing_to_install,
    package_manager,
    python_image,
    requirements_text,
)
from kestra_nb.strategies.costs import image_cost

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kestra_nb.model.plan import FactName


class CustomImage:
    """An image of your own with exactly the packages of the lock.

    **What the flow does.** A Dockerfile and the lock as `requirements.txt` are written beside the flow. You build the
    image once and push it; the flow names it by a tag that carries the start of the lock's hash. Another lock gets
    another tag, and no tag is ever used twice. Nothing is installed at run time.

    **When it fits.** The workers can start containers and pull from a registry of your own; with one worker it is
    enough to build the image on its host. It is the way for workers without an index, for system libraries, and for
    packages that take long to install.

    **What it costs.** Building and pushing by hand for every new lock, and about 3 s a run for pandas.

    **When it is refused.** No containers, or several workers without a registry.

    **Where it differs from Kestra's page.** The versions are pinned, the base image is a versioned `slim` one, and the
    tag never moves; `latest` would leave different images on different workers.
    """

    name = "custom_image"
    title = "An image of your own"

    def plan(self, case: Case) -> Plan:
        """Fit where containers run and the image can reach the workers."""
        runner, fact = container_runner(case.target)
        reference = image_reference(case)
        rests_on: tuple[FactName, ...] = (fact,)
        if not case.target.registry and case.target.fact("several_workers").value is None:
            rests_on = (fact, "several_workers")
        plan = Plan(
            strategy=self.name,
            title=self.title,
            fits=True,
            summary=f"The packages are in your own image {reference}; nothing is installed at run time.",
            reasons=("Every run starts from the same image, and needs no index.",),
            settings=TaskSettings(runner=runner, container_image=reference, package_manager=package_manager(case)),
            files=_files(case),
            steps=_steps(case, reference),
            hand_work=2 if case.target.registry else 1,
            moving_parts=1,
            cost=image_cost(case, None),
        )
        return judge(plan, case, rests_on=rests_on, objections=_objections(case))


def image_reference(case: Case) -> str:
    """Name the image: in the registry when there is one, under a tag that belongs to this lock alone."""
    repository = re.sub(r"[^a-z0-9]+", "-", case.name.lower()).strip("-")
    return f"{case.target.registry or 'kestra-nb'}/{repository}:lock-{lock_key(case)}"


def _objections(case: Case) -> Iterable[Objection]:
    yield from nothing_to_install(case)
    target = case.target
    if not container_platform(target):
        reason = f"There are no container images of Python for {target.platform}."
        yield Objection(reason=reason, cure="the workers run Linux on x86_64 or aarch64")
    if target.registry:
        return
    cure = "there is a registry the workers pull from (--registry)"
    if target.fact("kubernetes").value:
        yield Objection(reason="Pods pull their image from a registry, and none is named.", cure=cure)
    elif target.fact("several_workers").value:
        yield Objection(reason="Several workers pull the image from a registry, and none is named.", cure=cure)


def _steps(case: Case, reference: str) -> tuple[Step, ...]:
    build = f"docker build --platform {container_platform(case.target)} --tag {reference} _setup/{case.name}"
    if not case.target.registry:
        return (Step(text="Build the image on the worker's host.", command=build),)
    return (
        Step(text="Build the image.", command=build),
        Step(text="Push it to your registry.", command=f"docker push {reference}"),
    )


def _files(case: Case) -> tuple[ExtraFile, ...]:
    folder = f"_setup/{case.name}"
    return (
        ExtraFile(path=f"{folder}/Dockerfile", text=_dockerfile(case), purpose="Builds the image of this flow's task."),
        ExtraFile(
            path=f"{folder}/{REQUIREMENTS}",
            text=requirements_text(case),
            purpose="The lock, as the Dockerfile installs it.",
        ),
    )


def _dockerfile(case: Case) -> str:
    return f"""\
FROM {python_image(case)}
COPY {REQUIREMENTS} /tmp/{REQUIREMENTS}
RUN python -m pip install --no-cache-dir --no-deps --root-user-action=ignore -r /tmp/{REQUIREMENTS}
"""
