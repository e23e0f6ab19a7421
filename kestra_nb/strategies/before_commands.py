"""The strategy ``before_commands``."""

from __future__ import annotations

from kestra_nb.model.flow import DOCKER, PROCESS, Verbatim
from kestra_nb.model.plan import Case, FactName, Plan, TaskSettings
from kestra_nb.strategies import shell
from kestra_nb.strategies.base import (
    REQUIREMENTS,
    judge,
    needs_a_shell,
    package_manager,
    python_image,
    requirements_file,
)
from kestra_nb.strategies.costs import cost

ENVIRONMENT = '"$PWD/.venv"'


class BeforeCommands:
    """pip installs everything at every run, before the script: the baseline the others are compared with.

    **What the flow does.** With Docker the task runs in a plain `python:<version>-slim` container and pip installs the
    pinned requirements into it. Without Docker it runs on the worker, where pip installs them into a new virtual
    environment in the task's own folder, which Kestra removes afterwards.

    **When it fits.** Always, as long as a package index answers and there is either Docker or a Python with pip.
    It is the right choice for a try, and for a script that needs nothing at all.

    **What it costs.** The whole installation at every run (12 s for pandas), and a download each time with Docker.

    **When it is refused.** The workers reach no index.

    **Where it differs from Kestra's page.** The versions are pinned, so that two runs get the same; on a worker the
    packages never go into the worker's own Python; when pip fails the run ends before the script with pip's reason.
    """

    name = "before_commands"
    title = "pip at every run"

    def plan(self, case: Case) -> Plan:
        """Fit wherever an index can be reached."""
        contained = bool(case.target.fact("docker").value)
        runner_facts: tuple[FactName, ...] = ("docker",) if contained else ("pip",)
        rests_on = (*runner_facts, "index") if case.lock.pins else runner_facts
        plan = Plan(
            strategy=self.name,
            title=self.title,
            fits=True,
            summary=_summary(case),
            reasons=_reasons(case),
            settings=_in_container(case) if contained else _on_worker(case),
            moving_parts=2 if case.lock.pins else 0,  # the index at every run, and a download that is kept nowhere
            cost=cost("pip_each_run", case),
        )
        return judge(plan, case, rests_on=rests_on, objections=() if contained else needs_a_shell(case.target))


def _summary(case: Case) -> str:
    if not case.lock.pins:
        return "Nothing is installed: the script needs Python's standard library alone."
    return "pip installs the pinned requirements anew at every run, before the script starts."


def _reasons(case: Case) -> tuple[str, ...]:
    if not case.lock.pins:
        return ("There is nothing to prepare and so nothing that can fail.",)
    return (f"It takes no preparation, and installs {len(case.lock.pins)} distributions at every run for that.",)


def _in_container(case: Case) -> TaskSettings:
    image = python_image(case)
    if not case.lock.pins:
        return TaskSettings(runner=DOCKER, container_image=image, package_manager=package_manager(case))
    install = f"python -m pip install --quiet --no-cache-dir --no-compile --no-deps -r {REQUIREMENTS}"
    return TaskSettings(
        runner=DOCKER,
        container_image=image,
        package_manager=package_manager(case),
        before_commands=(shell.STOP, Verbatim(shell.attempt(install))),
        input_files=requirements_file(case),
    )


def _on_worker(case: Case) -> TaskSettings:
    if not case.lock.pins:
        return TaskSettings(runner=PROCESS, interpreter="python3", package_manager="PIP")
    return TaskSettings(
        runner=PROCESS,
        package_manager="PIP",
        before_commands=(
            *shell.prepare(case, "pip"),
            Verbatim(
                shell.attempt(shell.make(case, "pip", ENVIRONMENT), shell.fill("pip", ENVIRONMENT, "--no-compile"))
            ),
            shell.activate(ENVIRONMENT),
        ),
        input_files=requirements_file(case),
    )
