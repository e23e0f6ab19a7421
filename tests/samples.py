"""Small values of the model for tests of single stages; each argument replaces one part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from kestra_nb.build import build
from kestra_nb.config import Settings
from kestra_nb.emit import bundle
from kestra_nb.model.dependency import Environment, LocalFile, Lock, Resolution
from kestra_nb.model.finding import Location
from kestra_nb.model.flow import PROCESS, Cache, Flow, Verbatim
from kestra_nb.model.notebook import InputType, Parameter, Script
from kestra_nb.model.plan import Case, ExtraFile, Plan, Schedule, Target, TaskSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kestra_nb.model.flow import Text
    from kestra_nb.model.outcome import Bundle

PLACE = Location(path="sales.ipynb", cell=2)
MORNINGS = Schedule(cron="0 7 * * 1-5", timezone="Europe/Paris", runs_per_month=22.0)
SCRIPT = 'import os\n\nprint(os.environ.get("HOME"))\n'


def parameter(name: str, type_: InputType, default: object = None, item_type: InputType | None = None) -> Parameter:
    return Parameter(
        name=name, type=type_, default=default, location=PLACE, item_type=item_type, required=default is not None
    )


def local_file(path: str, text: str = "VALUE = 1\n") -> LocalFile:
    return LocalFile(path=path, text=text, location=PLACE, module=path.removesuffix(".py"))


def case(
    text: str = SCRIPT,
    *,
    parameters: tuple[Parameter, ...] = (),
    local_files: tuple[LocalFile, ...] = (),
    schedule: Schedule | None = None,
    name: str = "sales",
) -> Case:
    rows = text.count("\n")
    lines = tuple(Location(path="sales.ipynb", cell=1, line=row) for row in range(1, rows + 1))
    return Case(
        name=name,
        namespace="company.team",
        script=Script(text=text, lines=lines, cells=(), parameters=parameters),
        resolution=Resolution(needs=(), local_files=local_files),
        environment=Environment(python=Version("3.11.7"), platform="linux-x86_64"),
        target=Target(),
        lock=Lock(pins=(), source="environment", python="3.11", platform="x86_64-unknown-linux-gnu", sha256="c" * 64),
        schedule=schedule,
    )


def plan(  # noqa: PLR0913  each is one part of a plan
    *,
    interpreter: str = "python",
    before_commands: tuple[Text, ...] = (),
    env: Mapping[str, Text] | None = None,
    input_files: Mapping[str, Text] | None = None,
    container_image: str = "",
    preamble: str = "",
    cache: Cache | None = None,
    further_flows: tuple[Flow, ...] = (),
    files: tuple[ExtraFile, ...] = (),
) -> Plan:
    settings = TaskSettings(
        runner=PROCESS,
        interpreter=interpreter,
        container_image=container_image,
        before_commands=before_commands,
        env=env or {},
        input_files=input_files or {"requirements.txt": Verbatim("pandas==2.3.3\n")},
    )
    return Plan(
        strategy="sample",
        title="A sample",
        fits=True,
        summary="From an index, at every run.",
        settings=settings,
        preamble=preamble,
        cache=cache,
        further_flows=further_flows,
        files=files,
    )


def sample_bundle(a_case: Case | None = None, a_plan: Plan | None = None, settings: Settings | None = None) -> Bundle:
    a_case, a_plan, settings = a_case or case(), a_plan or plan(), settings or Settings()
    flow, files = build(a_case, a_plan, settings)
    return bundle(flow, files, a_case, a_plan, settings, notebook="sales.ipynb", source_sha256="a" * 64)
