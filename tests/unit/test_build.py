from __future__ import annotations

import dataclasses

import pytest

from kestra_nb.build import build
from kestra_nb.config import Settings
from kestra_nb.errors import ConfigError, FlowError, StrategyError
from kestra_nb.model.flow import (
    PROCESS,
    PYTHON_COMMANDS,
    WORKING_DIRECTORY,
    Cache,
    Expression,
    Flow,
    Input,
    Output,
    Retry,
    Task,
    Trigger,
    Verbatim,
)
from kestra_nb.model.plan import Case, ExtraFile, Plan
from tests.samples import MORNINGS, SCRIPT, case, local_file, parameter, plan


def built(a_case: Case | None = None, a_plan: Plan | None = None, settings: Settings | None = None) -> Flow:
    return build(a_case or case(), a_plan or plan(), settings or Settings())[0]


def task(a_case: Case | None = None, a_plan: Plan | None = None, settings: Settings | None = None) -> Task:
    return built(a_case, a_plan, settings).tasks[0]


def test_the_least_flow() -> None:
    made, files = build(case(), plan(), Settings())
    assert made == Flow(
        id="sales",
        namespace="company.team",
        tasks=(
            Task(
                id="run",
                type=PYTHON_COMMANDS,
                runner=PROCESS,
                input_files={
                    "requirements.txt": Verbatim("pandas==2.3.3\n"),
                    "main.py": Verbatim(SCRIPT, python=True),
                },
                commands=(Verbatim("python main.py"),),
            ),
        ),
    )
    assert files == ()


def test_what_the_person_chose_reaches_the_flow() -> None:
    settings = Settings(
        description="Numbers.",
        labels=("team=sales", "note=a=b"),
        outputs=("out/report.csv", "it's.txt", "*.png"),
        secrets=("DB_PASSWORD",),
        timeout="PT1H",
        retry=3,
    )
    made = built(case(schedule=MORNINGS), plan(), settings)
    assert made.description == "Numbers."
    assert made.labels == {"team": "sales", "note": "a=b"}
    assert made.outputs == (
        Output(id="out_report_csv", type="FILE", value=Expression("{{ outputs.run.outputFiles['out/report.csv'] }}")),
        Output(id="it_s_txt", type="FILE", value=Expression("{{ outputs.run.outputFiles['it\\'s.txt'] }}")),
    )
    assert made.triggers == (Trigger(id="schedule", cron="0 7 * * 1-5", timezone="Europe/Paris"),)
    run = made.tasks[0]
    assert run.output_files == ("out/report.csv", "it's.txt", "*.png")
    assert run.env == {"DB_PASSWORD": Expression("{{ secret('DB_PASSWORD') }}")}
    assert run.timeout == "PT1H"
    assert run.retry == Retry(max_attempts=3)


def test_files_with_like_names_become_outputs_with_different_ids() -> None:
    made = built(settings=Settings(outputs=("./a.csv", "a.csv", "A-csv", ".//a/csv", "_", "É")))
    assert made.tasks[0].output_files == ("a.csv", "A-csv", "a/csv", "_", "É")
    assert [output.id for output in made.outputs] == ["a_csv", "a_csv_2", "a_csv_3", "file", "file_2"]
    assert made.outputs[2].value == Expression("{{ outputs.run.outputFiles['a/csv'] }}")


def test_one_attempt_is_no_retry() -> None:
    assert task(settings=Settings(retry=1)).retry is None


def test_before_commands_are_explained_by_the_plan() -> None:
    run = task(a_plan=plan(before_commands=(Verbatim("pip install x"),), env={"A": Verbatim("b")}))
    assert run.before_commands == (Verbatim("pip install x"),)
    assert run.comment == "From an index, at every run."
    assert run.env == {"A": Verbatim("b")}


def test_a_cache_puts_a_working_directory_around_the_task() -> None:
    cache = Cache(patterns=("deps/**",))
    outer = task(a_plan=plan(cache=cache))
    assert (outer.id, outer.type, outer.cache) == ("workdir", WORKING_DIRECTORY, cache)
    assert [inner.id for inner in outer.tasks] == ["run"]


def test_what_a_strategy_wants_to_check_runs_before_the_script_and_leaves_it_alone() -> None:
    run = task(a_plan=plan(interpreter='"$VENV/bin/python"', preamble="print('checked')\n"))
    assert run.commands == (
        Verbatim('"$VENV/bin/python" check_packages.py'),
        Verbatim('"$VENV/bin/python" main.py'),
    )
    assert run.input_files["check_packages.py"] == Verbatim("print('checked')\n", python=True)
    assert run.input_files["main.py"] == Verbatim(SCRIPT, python=True)
    assert list(run.input_files)[-1] == "main.py"


def test_local_files_are_uploaded_and_laid_beside_the_script() -> None:
    local = case(local_files=(local_file("helpers.py"), local_file("etl/load.py")))
    own = ExtraFile(path="_setup/Dockerfile", text="FROM x\n", purpose="The image.")
    made, files = build(local, plan(files=(own,), before_commands=(Verbatim("prepare"),)), Settings())
    run = made.tasks[0]
    assert run.namespace_files == ("sales/**",)
    assert run.before_commands == (Verbatim("cp -R sales/. ."), Verbatim("prepare"))
    assert files[0] == own
    assert [(file.path, file.upload) for file in files[1:]] == [
        ("_files/sales/helpers.py", True),
        ("_files/sales/etl/load.py", True),
    ]
    assert files[1].text == "VALUE = 1\n"
    assert "'sales/helpers.py' of 'company.team'" in files[1].purpose


@pytest.mark.parametrize("name", ["main.py", "requirements.txt", "params.json"])
def test_a_local_file_in_the_way_of_one_of_the_flow_is_refused(name: str) -> None:
    local = case(local_files=(local_file(name),), parameters=(parameter("rows", "INT", 1),))
    with pytest.raises(FlowError, match=f"'{name}'") as caught:
        build(local, plan(), Settings())
    assert caught.value.code == "KNB405"
    assert str(caught.value).startswith("sales.ipynb:cell 2:1: ")


PARAMETERS = (
    parameter("rows", "INT", 3),
    parameter("share", "FLOAT", 0.5),
    parameter("dry", "BOOL", default=False),
    parameter("names", "ARRAY", ["a"], "STRING"),
    parameter("options", "JSON", {"a": 1}),
    parameter("day", "DATE", "2026-01-02"),
    parameter("note", "STRING"),
)


def test_parameters_become_inputs_and_reach_the_script_as_a_file() -> None:
    made = built(case(parameters=PARAMETERS))
    assert made.inputs == (
        Input(id="rows", type="INT", default=3),
        Input(id="share", type="FLOAT", default=0.5),
        Input(id="dry", type="BOOL", default=False),
        Input(id="names", type="ARRAY", default=["a"], item_type="STRING"),
        Input(id="options", type="JSON", default={"a": 1}),
        Input(id="day", type="DATE", default="2026-01-02"),
        Input(id="note", type="STRING", required=False),
    )
    assert made.tasks[0].input_files["params.json"] == Expression("{{ inputs | toJson }}")


def test_defaults_given_by_the_person_win_in_the_type_of_the_input() -> None:
    given = ("rows=-4", "share=1", "dry=TRUE", 'names=["b"]', 'options={"b": null}', "day=2026-02-03", "note=a = b")
    made = built(case(parameters=PARAMETERS), settings=Settings(inputs=given))
    assert [item.default for item in made.inputs] == [-4, 1.0, True, ["b"], {"b": None}, "2026-02-03", "a = b"]
    assert all(item.required for item in made.inputs)


@pytest.mark.parametrize("given", ["rows=many", "share=", "dry=perhaps", "names=[", "options={'a': 1}"])
def test_a_default_of_another_type_is_refused(given: str) -> None:
    with pytest.raises(ConfigError, match="is of type"):
        build(case(parameters=PARAMETERS), plan(), Settings(inputs=(given,)))


def test_an_unknown_input_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(ConfigError, match="no parameter 'row'; its parameters are: rows"):
        build(case(parameters=PARAMETERS[:1]), plan(), Settings(inputs=("row=1",)))
    with pytest.raises(ConfigError, match="parameters are: none"):
        build(case(), plan(), Settings(inputs=("row=1",)))


@pytest.mark.parametrize("label", ["team", "=x"])
def test_a_label_without_name_or_value_is_refused(label: str) -> None:
    with pytest.raises(ConfigError, match="NAME=VALUE"):
        build(case(), plan(), Settings(labels=(label,)))


def test_a_plan_that_does_not_fit_is_refused_with_its_reasons() -> None:
    refused = dataclasses.replace(plan(), fits=False, settings=None, reasons=("No index.", "No Docker."))
    with pytest.raises(StrategyError, match=r"'sample' does not fit: No index\. No Docker\."):
        build(case(), refused, Settings())
