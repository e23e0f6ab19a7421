"""The strategy ``cached_venv``."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from kestra_nb.model.finding import Finding
from kestra_nb.model.flow import PROCESS, Cache, Verbatim
from kestra_nb.model.plan import Case, FactName, Plan, TaskSettings
from kestra_nb.strategies import shell
from kestra_nb.strategies.base import (
    REQUIREMENTS,
    Objection,
    judge,
    lock_key,
    minor,
    needs_a_shell,
    nothing_to_install,
    package_manager,
    pth_pins,
    quoted,
    requirements_file,
)
from kestra_nb.strategies.costs import cost, weigh

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kestra_nb.model.flow import Text

ENVIRONMENT = '"$PWD/.venv"'
UNPACKED = '"$PWD/.uv"'
"""uv unpacks a wheel once for each path: in the task's own folder that goes with it, elsewhere it would pile up."""
SAME_INDEX = 'export PIP_INDEX_URL="${PIP_INDEX_URL:-${UV_DEFAULT_INDEX:-$UV_INDEX_URL}}"'
"""pip downloads the wheels and uv installs them: an index that the worker states for uv alone counts for both."""
LARGE, TOO_LARGE = 150, 500
"""Megabytes of wheels: Kestra builds the cache's zip in the worker's memory."""
DAYS_A_MONTH = 30.4


class CachedVenv:
    """The wheels lie in Kestra's own cache; every run makes its environment from them.

    **What the flow does.** A `WorkingDirectory` with a `cache` keeps the wheels of the lock in Kestra's internal
    storage, in a folder named after the lock's hash. The first run downloads them; each run installs them into a new
    environment with uv, without an index. Where the workers have only pip, the cache keeps an installed folder
    (`pip --target`) that `PYTHONPATH` points to.

    **When it fits.** Workers whose disk does not last, such as containers that are replaced, and several workers that
    share nothing but Kestra's storage. The index is needed for the first run, and again after the cache expired.

    **What it costs.** 3.7 s for pandas at a later run with uv, 5.0 s with pip alone. Nothing is stored anew at later
    runs, since nothing in the cached folder changes.

    **When it is refused.** More than 500 MB of wheels (Kestra zips the cache in memory); with pip alone, a
    distribution with a `.pth` file, which does not work from such a folder.

    **Where it differs from Kestra's page.** The page caches a virtual environment as files. Kestra's cache drops
    symbolic links and execute bits, so that it breaks on its second run, and it is stored anew after each run. Here
    only plain files are cached, and a changed requirement gets a cache of its own.
    """

    name = "cached_venv"
    title = "Wheels in Kestra's cache"

    def plan(self, case: Case) -> Plan:
        """Fit where an index can be reached once and the wheels are not too large for Kestra's cache."""
        tool = shell.tool_of(case)
        rests_on: tuple[FactName, ...] = (tool, "index")
        folder = f"{'wheels' if tool == 'uv' else 'packages'}-{lock_key(case)}"
        plan = Plan(
            strategy=self.name,
            title=self.title,
            fits=True,
            summary=_SUMMARIES[tool],
            reasons=("Kestra's storage outlives the workers, so that the index is needed for the first run only.",),
            settings=_with_uv(case, folder) if tool == "uv" else _with_pip(case, folder),
            cache=Cache(patterns=(f"{folder}/**",), ttl=_lifetime(case)),
            moving_parts=2,
            cost=cost("cached_wheels" if tool == "uv" else "cached_folder", case),
            findings=_large(case),
        )
        return judge(plan, case, rests_on=rests_on, objections=_objections(case, tool))


_SUMMARIES: dict[shell.Tool, str] = {
    "uv": "Kestra restores the wheels from its cache at every run, and uv makes an environment of them.",
    "pip": "Kestra restores a folder with the installed packages from its cache at every run.",
}


def _objections(case: Case, tool: shell.Tool) -> Iterable[Objection]:
    yield from nothing_to_install(case)
    yield from needs_a_shell(case.target)
    megabytes = weigh(case).megabytes
    if megabytes > TOO_LARGE:
        yield Objection(
            reason=f"About {megabytes:.0f} MB of wheels: Kestra builds the cache in memory, and {TOO_LARGE} MB is the "
            "most the kit gives it.",
            cure="the script does with fewer or smaller packages",
        )
    with_pth = pth_pins(case)
    if tool == "pip" and with_pth:
        yield Objection(
            reason=f"{quoted(with_pth)} needs a .pth file, which Python does not read in the folder pip fills.",
            cure="the workers have uv (--fact uv=yes)",
        )


def _large(case: Case) -> tuple[Finding, ...]:
    megabytes = weigh(case).megabytes
    if not LARGE < megabytes <= TOO_LARGE:
        return ()
    message = f"About {megabytes:.0f} MB go through the memory of the worker when Kestra builds the cache."
    return (Finding(code="KNB310", severity="warning", message=message, hint="See that its heap is large enough."),)


def _lifetime(case: Case) -> str:
    """Three times the gap between two runs, and at least 30 days; the content itself never goes stale."""
    runs = case.schedule.runs_per_month if case.schedule else DAYS_A_MONTH
    days = max(30, round(3 * DAYS_A_MONTH / runs)) if runs else 30
    return f"P{days}D"


def _with_uv(case: Case, folder: str) -> TaskSettings:
    pip = f"uv tool run --quiet --python {minor(case.lock.python)} pip"
    install = f"uv pip install --python {ENVIRONMENT} --cache-dir {UNPACKED} --quiet --no-deps --offline {folder}/*.whl"
    return _settings(
        case,
        *shell.prepare(case, "uv"),
        Verbatim(SAME_INDEX),
        Verbatim(_once(folder, f"{pip} wheel --quiet --no-deps --wheel-dir {folder} -r {REQUIREMENTS}")),
        Verbatim(shell.attempt(shell.make(case, "uv", ENVIRONMENT), install)),
        shell.activate(ENVIRONMENT),
    )


def _with_pip(case: Case, folder: str) -> TaskSettings:
    install = f'"$python" -m pip install --quiet --no-deps --no-compile --target {folder} -r {REQUIREMENTS}'
    compiled = f'"$python" -m compileall -q --invalidation-mode unchecked-hash {folder} || true'
    settings = _settings(
        case,
        *shell.prepare(case, "pip"),
        Verbatim(_once(folder, install, compiled)),
        Verbatim(f'export PYTHONPATH="$PWD/{folder}${{PYTHONPATH:+:$PYTHONPATH}}" PYTHONDONTWRITEBYTECODE=1'),
    )
    return dataclasses.replace(settings, interpreter='"$python"')


def _once(folder: str, *commands: str) -> str:
    """Fill a folder of the cache; without its last file, ``complete``, it is not used and filled anew."""
    lines = shell.attempt(*commands, f"echo yes > {folder}/complete").replace("\n", "\n  ")
    return f"if [ ! -f {folder}/complete ]; then\n  rm -rf {folder}\n  {lines}\nfi"


def _settings(case: Case, *before_commands: Text) -> TaskSettings:
    return TaskSettings(
        runner=PROCESS,
        package_manager=package_manager(case),
        before_commands=before_commands,
        input_files=requirements_file(case),
    )
