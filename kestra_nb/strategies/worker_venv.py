"""The strategy ``worker_venv``."""

from __future__ import annotations

from kestra_nb.model.finding import Finding
from kestra_nb.model.flow import PROCESS, Verbatim
from kestra_nb.model.plan import Case, Plan, TaskSettings
from kestra_nb.strategies import shell
from kestra_nb.strategies.base import (
    judge,
    lock_key,
    needs_a_shell,
    nothing_to_install,
    package_manager,
    requirements_file,
)
from kestra_nb.strategies.costs import cost

DAYS_KEPT = 30
ENVIRONMENT = '"$env"'


class WorkerVenv:
    """One virtual environment on the worker's own disk, made once for each lock.

    **What the flow does.** The environment is named after the lock's hash and lies beside the folders of the
    executions (Kestra's `tasks.tmpDir`). The first run builds it while holding a file lock, so that a second execution
    waits instead of building as well; its last file, `complete`, is written when all is in place, and without that
    file it is never used and built anew, as it is when its Python is gone. It shares no file with uv's cache. Each run
    then only sets `VIRTUAL_ENV` and `PATH`. An environment no run has used for 30 days is removed when another one is
    built, never while a run still uses it.

    **When it fits.** The worker's disk outlives an execution: a server, or Kestra's published docker compose, which
    mounts that folder from the host. Each worker builds its own. The index is needed when it is built.

    **What it costs.** 1.1 s for pandas at a later run, nearly all of it Python's own import; 8.2 s at the first.

    **When it is refused.** The worker's disk does not last, as in a pod or a bare container without a volume.

    **Where it differs from Kestra's page.** The page has no such flow. It does what the page's cached environment is
    for, without Kestra's cache, which drops symbolic links and execute bits.
    """

    name = "worker_venv"
    title = "One environment on the worker's disk"

    def plan(self, case: Case) -> Plan:
        """Fit where the worker's disk lasts."""
        tool = shell.tool_of(case)
        plan = Plan(
            strategy=self.name,
            title=self.title,
            fits=True,
            summary="The pinned packages are installed once on each worker's disk, and every run starts from there.",
            reasons=("Later runs prepare nothing, and need no index.",),
            settings=_settings(case, tool),
            moving_parts=2,
            cost=cost("environment_on_disk" if tool == "uv" else "environment_on_disk_pip", case),
            findings=(_shared(case),),
        )
        objections = (*nothing_to_install(case), *needs_a_shell(case.target))
        return judge(plan, case, rests_on=("lasting_disk", tool, "index"), objections=objections)


def _shared(case: Case) -> Finding:
    message = f"Other flows on the same worker could change the environment env-{lock_key(case)}; nothing prevents it."
    hint = "Take fresh_venv where flows of people you do not know run on the same worker."
    return Finding(code="KNB304", severity="info", message=message, hint=hint)


def _settings(case: Case, tool: shell.Tool) -> TaskSettings:
    options = ("--compile-bytecode", "--link-mode copy") if tool == "uv" else ()  # shares no file with uv's cache
    build = shell.attempt(
        f"rm -rf {ENVIRONMENT}",
        shell.make(case, tool, ENVIRONMENT),
        shell.fill(tool, ENVIRONMENT, *options),
    )
    steps = (build, shell.runs_files(case, ENVIRONMENT), f"touch {ENVIRONMENT}/complete", REMOVE_OLD)
    return TaskSettings(
        runner=PROCESS,
        package_manager=package_manager(case),
        before_commands=(
            *shell.prepare(case, tool),
            *(() if tool == "uv" else (Verbatim(shell.DISK),)),
            Verbatim(OPEN.format(key=lock_key(case))),
            Verbatim(BUILD_ONCE.format(steps="\n".join(step for step in steps if step).replace("\n", "\n    "))),
            shell.activate(ENVIRONMENT, lasting=True),
        ),
        input_files=requirements_file(case),
    )


OPEN = """\
env="$disk/env-{key}"; mkdir -p "$disk"
exec 9>"$env.lock"; flock -s 9  # shared, and held while this run lasts: what is used is not removed"""

BUILD_ONCE = """\
ready() {{ [ -f "$env/complete" ] && [ -x "$env/bin/python" ]; }}
if ! ready; then
  flock 9  # alone: one execution builds, the others wait
  if ! ready; then
    {steps}
  fi
  flock -s 9
fi"""

REMOVE_OLD = f"""\
# what no run has used for {DAYS_KEPT} days, nor uses now
find "$disk" -maxdepth 1 -name 'env-*.lock' -mtime +{DAYS_KEPT} \\
  -exec sh -c 'flock -n "$1" rm -rf "${{1%.lock}}"' - {{}} \\; 2>/dev/null || true"""
