from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from kestra_nb.check import check
from kestra_nb.config import Settings
from kestra_nb.model.finding import Location
from kestra_nb.model.flow import DOCKER, Cache, Expression, Flow, Input, Output, Task, Verbatim
from kestra_nb.model.plan import ExtraFile
from tests.samples import MORNINGS, case, local_file, parameter, plan, sample_bundle

if TYPE_CHECKING:
    from kestra_nb.model.finding import Finding
    from kestra_nb.model.outcome import Bundle


def with_yaml(bundle: Bundle, old: str, new: str) -> Bundle:
    assert old in bundle.yaml
    return dataclasses.replace(bundle, yaml=bundle.yaml.replace(old, new))


def only(findings: tuple[Finding, ...], code: str) -> Finding:
    assert [finding.code for finding in findings] == [code]
    return findings[0]


RICH = sample_bundle(
    case(
        "print('{{ a }}', 'é')\n",
        parameters=(parameter("rows", "INT", 3), parameter("note", "STRING")),
        local_files=(local_file("helpers.py"),),
        schedule=MORNINGS,
    ),
    plan(
        before_commands=(Verbatim("echo {{ 1 }}"),),
        env={"A": Verbatim("{% b %}")},
        cache=Cache(patterns=("deps/**",)),
        preamble="print('{# c #}')\n",
    ),
    Settings(outputs=("a.csv", "*.png"), labels=("team=a", "system.readOnly=true"), secrets=("DB",)),
)


def test_a_good_bundle_has_no_findings() -> None:
    assert check(RICH) == ()
    assert check(sample_bundle()) == ()


@pytest.mark.parametrize(
    ("old", "new", "slot"),
    [
        ("print('{{ a }}'", "print('{{ b }}'", "main.py"),
        ("{% verbatim %}print('{{ a }}'", "print('{{ a }}'", "main.py"),
        ("pandas==2.3.3", "pandas==2.3.4", "requirements.txt"),
        ("echo {{ 1 }}", "echo {{ 2 }}", "beforeCommands"),
        ("python main.py", "python main.py -x", "commands"),
        ("{% b %}", "{% c %}", "A"),
    ],
)
def test_text_that_would_not_arrive_is_found(old: str, new: str, slot: str) -> None:
    finding = only(check(with_yaml(RICH, old, new)), "KNB410")
    assert finding.message.startswith(f"{slot} of the task 'run'")
    assert finding.severity == "error"


def test_a_coding_cookie_that_python_would_heed_is_found() -> None:
    made = sample_bundle(case("# coding: latin-1\nprint('é')\n"))
    assert check(made) == ()
    flow = made.flow
    files = {**flow.tasks[0].input_files, "main.py": Verbatim("# coding: utf-8\nprint('é')\n", python=True)}
    plain = sample_bundle(case("# coding: utf-8\nprint('é')\n"))
    assert check(plain) == ()
    task = dataclasses.replace(
        flow.tasks[0], input_files={**files, "main.py": Verbatim("# coding: latin-1\nprint('é')\n", python=True)}
    )
    fooled = dataclasses.replace(with_yaml(plain, "utf-8", "latin-1"), flow=dataclasses.replace(flow, tasks=(task,)))
    only(check(fooled), "KNB410")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("id: sales", "id: -sales", "no flow id '-sales'"),
        ("id: sales", "id: executions", "'executions' is reserved"),
        ("namespace: company.team", "namespace: Company", "no namespace 'Company'"),
        ("id: schedule", "id: a b", "no trigger id 'a b'"),
        ("id: workdir", "id: work.dir", "no task id 'work.dir'"),
        ("id: note", "id: _note", "no input id '_note'"),
        ("id: a_csv", "id: _a", "no output id '_a'"),
        ("  team: a", "  Team: a", "no label 'Team'"),
        ("  team: a", '  team: ""', "label 'team' is empty"),
        ("system.readOnly", "system.other", "'system.other' is reserved"),
    ],
)
def test_names_that_kestra_refuses(old: str, new: str, message: str) -> None:
    assert message in only(check(with_yaml(RICH, old, new)), "KNB411").message


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [("id: run", "id: workdir", "tasks"), ("id: note", "id: rows", "inputs")],
)
def test_two_things_with_one_id(old: str, new: str, what: str) -> None:
    made = RICH if what == "inputs" else with_yaml(RICH, "outputs.run.", "outputs.workdir.")
    codes = [(finding.code, finding.message) for finding in check(with_yaml(made, old, new))]
    assert codes[0] == ("KNB412", f"Two {what} have the id {new[4:]!r}.")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("description: Notes", "pluginDefaults: []", "'pluginDefaults'"),
        ("taskRunner:", "docker:", "'docker'"),
        ("type: io.kestra.plugin.core.flow.WorkingDirectory", "type: io.kestra.plugin.core.flow.ForEach", "ForEach'"),
        ("type: INT", "type: ENUM", "input type 'ENUM'"),
        ('cron: "0 7 * * 1-5"', 'cron: "0 7 L * *"', "'0 7 L * *'"),
    ],
)
def test_what_one_line_of_kestra_does_not_know(old: str, new: str, message: str) -> None:
    made = sample_bundle(
        case(parameters=(parameter("rows", "INT", 3),), schedule=MORNINGS),
        plan(cache=Cache(patterns=("deps/**",))),
        Settings(description="Notes"),
    )
    findings = [finding for finding in check(with_yaml(made, old, new)) if finding.code == "KNB413"]
    assert message in findings[0].message


def test_only_a_working_directory_has_a_cache() -> None:
    task = Task(id="run", type="x", cache=Cache(patterns=("a/**",)))
    assert "'x'" in only(check(flow_bundle(Flow(id="a", namespace="b", tasks=(task,)))), "KNB413").message


def flow_bundle(flow: Flow) -> Bundle:
    """A bundle whose further flow is the given one."""
    return sample_bundle(case(), plan(further_flows=(flow,)))


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("{{ inputs.row }}", "an input 'row'"),
        ("{{ inputs['row'] | upper }}", "an input 'row'"),
        ("{{ outputs.other.vars.x }}", "a task 'other'"),
        ("{{ outputs.run.outputFiles['b.csv'] }}", "the file 'b.csv'"),
    ],
)
def test_references_that_point_nowhere(expression: str, message: str) -> None:
    task = Task(id="run", type="x", commands=(Expression(expression),), output_files=("a.csv", "it's.csv"))
    flow = Flow(id="verify", namespace="b", inputs=(Input(id="rows", type="INT", default=1),), tasks=(task,))
    finding = only(check(flow_bundle(flow)), "KNB414")
    assert f"asks for {message}" in finding.message
    assert finding.location == Location(path="_flows/verify.yaml")


@pytest.mark.parametrize(
    "expression",
    [
        "{{ inputs.rows }} {{ inputs['rows'] }}",
        "{{ outputs.run.vars.x }}",
        "{{ outputs.run.outputFiles['it\\'s.csv'] }}",
        "{% verbatim %}{{ inputs.other }}{% endverbatim %}",
        "inputs.other",
        "{{ secret('X') }}",
    ],
)
def test_references_that_lead_somewhere(expression: str) -> None:
    task = Task(id="run", type="x", commands=(Expression(expression),), output_files=("a.csv", "it's.csv"))
    output = Output(id="a", type="FILE", value=Expression("{{ outputs.run.outputFiles['a.csv'] }}"))
    flow = Flow(
        id="verify",
        namespace="b",
        inputs=(Input(id="rows", type="INT", default=1),),
        tasks=(task,),
        outputs=(output,),
        description="{{ inputs.other }}",
    )
    assert check(flow_bundle(flow)) == ()


def test_a_default_that_is_no_32_bit_number() -> None:
    made = sample_bundle(case(parameters=(parameter("rows", "INT", 2**31),)))
    assert "2147483648" in only(check(made), "KNB415").message
    assert check(sample_bundle(case(parameters=(parameter("rows", "INT", -(2**31)),)))) == ()


def test_a_schedule_that_gives_a_required_input_no_value() -> None:
    made = with_yaml(RICH, "    required: false\n", "")
    assert "'note' no value" in only(check(made), "KNB415").message
    given = with_yaml(made, "    timezone: Europe/Paris", "    timezone: Europe/Paris\n    inputs:\n      note: x")
    assert check(given) == ()


def test_commands_that_are_too_long_for_one_argument() -> None:
    long = Verbatim("x" * 100_000)
    assert check(sample_bundle(case(), plan(before_commands=(long,)))) == ()
    made = sample_bundle(case(), plan(before_commands=(long, Verbatim("é" * 16_000))))
    assert "128 KiB" in only(check(made), "KNB416").message


def test_a_variable_that_is_too_long() -> None:
    assert check(sample_bundle(case(), plan(env={"A": Verbatim("x" * 131_069)}))) == ()
    assert "'A'" in only(check(sample_bundle(case(), plan(env={"A": Verbatim("x" * 131_070)}))), "KNB416").message


def test_a_flow_that_is_too_long_for_the_yaml_reader() -> None:
    made = sample_bundle()
    room = 3 * 1024 * 1024 - len(made.yaml)
    assert check(dataclasses.replace(made, yaml=made.yaml + "#" * room)) == ()
    too_long = dataclasses.replace(made, yaml=made.yaml + "#" * (room + 1))
    assert "3145729 characters" in only(check(too_long), "KNB421").message


@pytest.mark.parametrize("pattern", ["/tmp/a.csv", "../a.csv", "a/../../b.csv", "~/a.csv"])  # noqa: S108  a name only
def test_outputs_outside_the_folder(pattern: str) -> None:
    assert repr(pattern) in only(check(sample_bundle(settings=Settings(outputs=(pattern,)))), "KNB417").message


def test_an_image_by_digest_on_the_docker_runner() -> None:
    image = "ghcr.io/kestra-io/pydata@sha256:" + "0" * 64
    task = Task(id="run", type="x", runner=DOCKER, container_image=image)
    assert image in only(check(flow_bundle(Flow(id="a", namespace="b", tasks=(task,)))), "KNB418").message
    pods = dataclasses.replace(task, runner=dataclasses.replace(DOCKER, type="io.kestra.plugin.ee.kubernetes.runner.X"))
    assert check(flow_bundle(Flow(id="a", namespace="b", tasks=(pods,)))) == ()


def test_namespace_files_with_unsuitable_names() -> None:
    made = sample_bundle(case(local_files=(local_file("my data.csv"), local_file("a{{b}}.py"))))
    assert [finding.message for finding in check(made)] == [
        "Kestra stores the space in '_files/sales/my data.csv' as a plus sign, so the file would not be found.",
        "The name '_files/sales/a{{b}}.py' holds template marks.",
    ]


def test_a_file_that_is_not_uploaded_may_have_any_name() -> None:
    file = ExtraFile(path="_setup/my notes.md", text="", purpose="Notes.")
    assert check(sample_bundle(case(), plan(files=(file,)))) == ()


TOKEN = "ghp_" + "a1" * 18


def test_what_looks_like_a_secret_is_pointed_at_and_not_repeated() -> None:
    command = Verbatim(f"git clone https://anna:{TOKEN}@example.com/x")
    made = sample_bundle(case(), plan(before_commands=(command,)))
    finding = only(check(made), "KNB420")
    assert finding.severity == "warning"
    assert finding.location is not None
    assert finding.location.path == "_flows/sales.yaml"
    assert TOKEN in made.yaml.split("\n")[finding.location.line - 1]
    assert TOKEN not in finding.message + finding.hint


def test_a_default_of_an_input_with_the_name_of_a_secret() -> None:
    parameters = (parameter("db_password", "STRING", "geheim"), parameter("api_key", "STRING"))
    assert "'db_password'" in only(check(sample_bundle(case(parameters=parameters))), "KNB420").message


def test_secrets_of_the_script_are_left_to_the_reading_of_the_notebook() -> None:
    assert check(sample_bundle(case(f"import os\nTOKEN = '{TOKEN}'\n"))) == ()


def test_errors_come_before_warnings() -> None:
    made = sample_bundle(case(), plan(env={"A": Verbatim(TOKEN)}), Settings(outputs=("/a",)))
    assert [finding.severity for finding in check(made)] == ["error", "warning"]
