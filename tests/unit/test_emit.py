from __future__ import annotations

import dataclasses
import shlex
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from kestra_nb.config import Settings, settings_sha256
from kestra_nb.emit import content_sha256, emit, header_lines, header_of
from kestra_nb.errors import FlowError
from kestra_nb.model.finding import Location
from kestra_nb.model.flow import (
    DOCKER,
    PYTHON_COMMANDS,
    SCRIPT_NAME,
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
from kestra_nb.pebble import protect
from tests.samples import case, plan, sample_bundle

if TYPE_CHECKING:
    from kestra_nb.model.flow import Text

FULL = Flow(
    id="sales",
    namespace="company.team",
    description="What it does.\nAnd why.\n",
    labels={"team": "sales", "tier": "1"},
    inputs=(
        Input(id="rows", type="INT", default=3, description="How many"),
        Input(id="names", type="ARRAY", default=["a", "{{ b }}"], item_type="STRING"),
        Input(id="kind", type="SELECT", default="no", values=("yes", "no")),
        Input(id="options", type="JSON", default={"a": "{{ b }}"}),
        Input(id="note", type="STRING", required=False),
        Input(id="day", type="DATE"),
    ),
    tasks=(
        Task(
            id="run",
            type=PYTHON_COMMANDS,
            description="The notebook.",
            runner=DOCKER,
            container_image="python:3.12-slim",
            python_version="3.10",
            package_manager="PIP",
            dependencies=("pandas==2.3.3",),
            namespace_files=("sales/**",),
            input_files={
                "params.json": Expression("{{ inputs | toJson }}"),
                SCRIPT_NAME: Verbatim("import pandas\n\nprint(1)\n", python=True),
            },
            env={"TOKEN": Expression("{{ secret('TOKEN') }}"), "TEXT": Verbatim("{{ x }}")},
            before_commands=(Verbatim("echo {{ 1 }}"),),
            commands=(Verbatim("python main.py"),),
            output_files=("*.csv",),
            timeout="PT1H",
            retry=Retry(max_attempts=3),
            comment="Why this comes first.",
        ),
    ),
    outputs=(Output(id="report", type="FILE", value=Expression("{{ outputs.run.outputFiles['a.csv'] }}")),),
    triggers=(Trigger(id="schedule", cron="0 7 * * *", timezone="UTC", inputs={"day": "2026-01-02"}),),
)

EXPECTED = """\
id: sales
namespace: company.team

description: |
  What it does.
  And why.

labels:
  team: sales
  tier: "1"

inputs:
  - id: rows
    type: INT
    description: How many
    defaults: 3
  - id: names
    type: ARRAY
    itemType: STRING
    defaults:
      - a
      - "{% verbatim %}{{ b }}{% endverbatim %}"
  - id: kind
    type: SELECT
    values:
      - "yes"
      - "no"
    defaults: "no"
  - id: options
    type: JSON
    defaults:
      a: "{% verbatim %}{{ b }}{% endverbatim %}"
  - id: note
    type: STRING
    required: false
  - id: day
    type: DATE

tasks:
  - id: run
    type: io.kestra.plugin.scripts.python.Commands
    description: The notebook.
    taskRunner:
      type: io.kestra.plugin.scripts.runner.docker.Docker
      pullPolicy: IF_NOT_PRESENT
    containerImage: python:3.12-slim
    pythonVersion: "3.10"
    packageManager: PIP
    dependencies:
      - pandas==2.3.3
    env:
      TOKEN: "{{ secret('TOKEN') }}"
      TEXT: "{{ '{% verbatim %}' }}{% verbatim %}{{ x }}{% endverbatim %}{{ '{% endverbatim %}' }}"
    namespaceFiles:
      enabled: true
      include:
        - sales/**
    # Why this comes first.
    beforeCommands:
      - "{% verbatim %}echo {{ 1 }}{% endverbatim %}"
    commands:
      - python main.py
    outputFiles:
      - "*.csv"
    timeout: PT1H
    retry:
      type: constant
      interval: PT1M
      maxAttempts: 3
    inputFiles:
      params.json: "{{ inputs | toJson }}"
      main.py: |
        import pandas

        print(1)

outputs:
  - id: report
    type: FILE
    value: "{{ outputs.run.outputFiles['a.csv'] }}"

triggers:
  - id: schedule
    type: io.kestra.plugin.core.trigger.Schedule
    cron: "0 7 * * *"
    timezone: UTC
    inputs:
      day: "2026-01-02"
"""


def test_a_whole_flow() -> None:
    emitted = emit(FULL)
    assert emitted.yaml == EXPECTED
    assert emitted.yaml.split("\n")[emitted.script_first_line - 1] == "        import pandas"


def test_a_long_comment_is_wrapped() -> None:
    flow = one_task(before_commands=(Verbatim("true"),), comment="word " * 30)
    rows = [row for row in emit(flow).yaml.split("\n") if row.startswith("    # word")]
    assert len(rows) == 2
    assert all(len(row) <= 120 for row in rows)


def test_a_working_directory_holds_its_cache_and_its_tasks() -> None:
    inner = Task(id="run", type=PYTHON_COMMANDS, commands=(Verbatim("true"),))
    outer = Task(id="workdir", type="w", cache=Cache(patterns=("deps-1/**",)), tasks=(inner,))
    flow = yaml.safe_load(emit(Flow(id="a", namespace="b", tasks=(outer,))).yaml)
    assert flow["tasks"] == [
        {
            "id": "workdir",
            "type": "w",
            "cache": {"patterns": ["deps-1/**"], "ttl": "P30D"},
            "tasks": [{"id": "run", "type": PYTHON_COMMANDS, "commands": ["true"]}],
        }
    ]


def test_a_script_that_is_not_there_line_by_line_has_no_first_line() -> None:
    files: dict[str, Text] = {SCRIPT_NAME: Verbatim("\n\n", python=True)}
    task = Task(id="run", type=PYTHON_COMMANDS, input_files=files)
    assert emit(Flow(id="a", namespace="b", tasks=(task,))).script_first_line == 0


def one_task(**parts: Any) -> Flow:  # noqa: ANN401  any part of a task
    return Flow(id="a", namespace="b", tasks=(Task(id="run", type=PYTHON_COMMANDS, **parts),))


@pytest.mark.parametrize(
    ("parts", "slot"),
    [
        ({"input_files": {"a.txt": "text"}}, "inputFiles.a.txt"),
        ({"env": {"A": "text"}}, "env.A"),
        ({"commands": ("text",)}, "commands"),
        ({"before_commands": ("text",)}, "commands"),
    ],
)
def test_a_bare_string_is_refused(parts: dict[str, Any], slot: str) -> None:
    with pytest.raises(FlowError, match=f"^{slot} holds a bare string") as caught:
        emit(one_task(**parts))
    assert caught.value.code == "KNB403"


@pytest.mark.parametrize(
    "parts",
    [
        {"container_image": "a{{ b }}"},
        {"python_version": "{{ b }}"},
        {"dependencies": ("a{# b #}",)},
        {"namespace_files": ("a{% b %}",)},
        {"output_files": ("{{ b }}",)},
        {"input_files": {"{{ b }}": Verbatim("")}},
    ],
)
def test_marks_in_a_plain_property_are_refused(parts: dict[str, Any]) -> None:
    with pytest.raises(FlowError, match="template marks") as caught:
        emit(one_task(**parts))
    assert caught.value.code == "KNB402"


@pytest.mark.parametrize("start", ["kestra://", "nsfile://", "file://"])
def test_a_file_that_begins_like_an_address_is_refused(start: str) -> None:
    with pytest.raises(FlowError, match="begins like the address") as caught:
        emit(one_task(input_files={"a.txt": Verbatim(f"{start}/x\n")}))
    assert caught.value.code == "KNB404"


def test_an_expression_may_be_an_address() -> None:
    emitted = emit(one_task(input_files={"a.txt": Expression("nsfile:///a.txt")}))
    assert "a.txt: nsfile:///a.txt" in emitted.yaml


def test_a_command_with_a_storage_address_is_refused() -> None:
    with pytest.raises(FlowError, match="would fetch and replace") as caught:
        emit(one_task(commands=(Verbatim("cat kestra:///a"),)))
    assert caught.value.code == "KNB404"


def test_the_header_says_what_made_the_flow_and_how_to_make_it_again() -> None:
    settings = Settings(id="sales", labels=("team=it's",), chosen=frozenset({"id", "labels"}))
    text = sample_bundle(settings=settings).yaml
    assert text.split("\n")[:9] == [
        "id: sales",
        "namespace: company.team",
        "# Made by kestra-nb from sales.ipynb. To make it again:",
        "#   kestra-nb export sales.ipynb --id sales --label 'team=it'\"'\"'s'",
        "# source sha256:aaaaaaaaaaaaaaaa",
        f"# settings sha256:{settings_sha256(settings)[:16]}",
        "# lock sha256:cccccccccccccccc",
        f"# content sha256:{content_sha256(text)[:16]}",
        "",
    ]
    assert header_of(text) == {
        "notebook": "sales.ipynb",
        "command": "kestra-nb export sales.ipynb --id sales --label 'team=it'\"'\"'s'",
        "source": "a" * 16,
        "settings": settings_sha256(settings)[:16],
        "lock": "c" * 16,
        "content": content_sha256(text)[:16],
    }


def test_an_edit_shows_in_the_hash_of_the_content_and_line_ends_do_not() -> None:
    text = sample_bundle().yaml
    assert content_sha256(text.replace("python main.py", "python  main.py")) != content_sha256(text)
    assert content_sha256(text.replace("\n", "\r\n")) == content_sha256(text)
    assert header_of(text.replace("\n", "\r\n")) == header_of(text)


def test_a_flow_of_another_author_has_no_header() -> None:
    text = "id: a\nnamespace: b\n# Mine.\ntasks: []\n"
    assert header_of(text) == {}
    assert len(content_sha256(text)) == 64
    assert header_of("id: a") == {}


def test_a_command_line_of_several_lines_is_read_back_exactly() -> None:
    description = "What it does. \n\n  It's daily.\x85"
    settings = Settings(description=description, chosen=frozenset({"description"}))
    lines = header_lines(case(), settings, notebook="a b\n.ipynb", source_sha256="")
    assert lines[:3] == (
        "Made by kestra-nb from a b\\n.ipynb. To make it again:",
        "  kestra-nb export 'a b",
        "  .ipynb' --description 'What it does. ",
    )
    command = header_of(emit(dataclasses.replace(FULL, header=lines)).yaml)["command"]
    assert shlex.split(command)[3:] == ["--description", description.replace("\x85", "\\x85")]


def test_a_live_notebook_has_no_command_line() -> None:
    lines = header_lines(case(), Settings(), notebook="", source_sha256="a" * 64)
    assert lines[0] == "Made by kestra-nb from a live notebook."
    assert lines[1] == "source sha256:aaaaaaaaaaaaaaaa"


def test_further_flows_come_with_the_bundle() -> None:
    other = Flow(id="verify", namespace="company.team", description="Lists them.\nMore.", tasks=())
    nameless = dataclasses.replace(other, id="again", description="")
    made = sample_bundle(case(), plan(further_flows=(other, nameless)))
    first, second = made.files
    assert (first.path, first.purpose) == ("_flows/verify.yaml", "Lists them.")
    assert second.purpose == "The flow 'again', which belongs to 'sales'."
    assert first.text.startswith("id: verify\nnamespace: company.team\n# Made by kestra-nb for the flow 'sales'.\n")
    assert header_of(first.text) == {"content": content_sha256(first.text)[:16]}


def test_the_hash_of_a_bundle_follows_what_it_was_made_of() -> None:
    assert sample_bundle().sha256 == sample_bundle(case(name="other")).sha256
    assert sample_bundle().sha256 != sample_bundle(settings=Settings(timeout="PT1H")).sha256


@pytest.mark.parametrize("text", ["print(1)\n", "print('{{ x }}')\n", "print('{{ x }}{% endverbatim %}')\n"])
def test_the_line_map_leads_back_to_the_notebook(text: str) -> None:
    text = "import os\n\n" + text
    made = sample_bundle(case(text))
    delivered = protect(text, passes=1, python=True).split("\n")
    yaml_rows = made.yaml.split("\n")
    for number, place in enumerate(made.line_map.script, 1):
        assert place == Location(path="sales.ipynb", cell=1, line=number)
        row = yaml_rows[made.line_map.yaml_first_line + number - 2]
        assert row.strip() == delivered[number - 1].strip()


def test_written_twice_it_is_the_same() -> None:
    assert sample_bundle().yaml == sample_bundle().yaml
