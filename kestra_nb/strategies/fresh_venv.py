"""The strategy ``fresh_venv``."""

from __future__ import annotations

from kestra_nb.model.flow import PROCESS, Verbatim
from kestra_nb.model.plan import Case, Plan, TaskSettings
from kestra_nb.strategies import shell
from kestra_nb.strategies.base import judge, needs_a_shell, nothing_to_install, requirements_file
from kestra_nb.strategies.costs import cost

ENVIRONMENT = '"$PWD/.venv"'


class FreshVenv:
    """uv makes a new virtual environment at every run, out of its cache on the worker's disk.

    **What the flow does.** On the worker, `uv venv` and `uv pip install` fill a new environment in the task's own
    folder with the pinned requirements. uv's cache lies beside the folders of the executions and outlives them, so
    that a later run links files instead of fetching them, without asking the index when everything is there.

    **When it fits.** The workers have uv and reach an index. There is no state that could go wrong: the folder
    `kestra-nb/uv` beside the executions may be removed at any time and costs a download. (A script that edits installed
    files in place would edit uv's cache as well.)

    **What it costs.** 2.5 s for pandas at a later run (1.1 s with `worker_venv`, 12.4 s with pip), the first run 3.2 s.

    **When it is refused.** The workers have no uv, or reach no index.

    **Where it differs from Kestra's page.** The page has no such flow; its cached environment is slower at every run.
    """

    name = "fresh_venv"
    title = "A new environment at every run, by uv"

    def plan(self, case: Case) -> Plan:
        """Fit where the workers have uv and reach an index."""
        lasting = bool(case.target.fact("lasting_disk").value)
        plan = Plan(
            strategy=self.name,
            title=self.title,
            fits=True,
            summary="uv installs the pinned requirements into a new environment at every run, from its cache on the "
            "worker's disk.",
            reasons=(_reason(lasting=lasting),),
            settings=_settings(case),
            moving_parts=1 if lasting else 2,  # uv's cache, and without it the index at every run
            cost=cost("uv_each_run", case, keeps=lasting),
        )
        objections = (*nothing_to_install(case), *needs_a_shell(case.target))
        return judge(plan, case, rests_on=("uv", "index"), objections=objections)


def _reason(*, lasting: bool) -> str:
    if lasting:
        return "uv's cache outlives the runs, so that a later run links what is there and keeps no state of its own."
    return "It keeps no state; that uv's cache outlives a run is not known, so every run is counted as a first one."


def _settings(case: Case) -> TaskSettings:
    linked_or_fetched = f"({shell.fill('uv', ENVIRONMENT, '--offline')} ||\n   {shell.fill('uv', ENVIRONMENT)})"
    return TaskSettings(
        runner=PROCESS,
        before_commands=(
            *shell.prepare(case, "uv"),
            Verbatim(shell.attempt(shell.make(case, "uv", ENVIRONMENT), linked_or_fetched)),
            shell.activate(ENVIRONMENT),
        ),
        input_files=requirements_file(case),
    )
