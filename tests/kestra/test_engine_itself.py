"""The harness and the stand-in of the Python tasks do what Kestra was measured to do."""

from __future__ import annotations

import textwrap
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.kestra.harness.engine import Engine, EngineError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kestra.harness.values import Kestra
    from tests.kestra.harness.worker import Worker

PROCESS = "taskRunner: {type: io.kestra.plugin.core.runner.Process}"


def flow(name: str, task: str, *, kind: str = "Commands", more: str = "") -> str:
    body = textwrap.indent(textwrap.dedent(task).strip(), "    ")
    return (
        f"id: {name}\nnamespace: harness\n{more}tasks:\n  - id: main\n"
        f"    type: io.kestra.plugin.scripts.python.{kind}\n    {PROCESS}\n{body}\n"
    )


def test_an_accepted_flow_has_nothing_against_it(kestra: Kestra) -> None:
    assert kestra.validate(flow("accepted", "commands: [echo hello]")).clean


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("commands: [true]\nnonsense: 1", 'Unrecognized field "nonsense"'),
        ("env: {A: b}", "commands: must not be null"),
        ("commands: [true]\ndocker: {image: x}", {"2.0": 'Unrecognized field "docker"'}),
    ],
)
def test_a_refused_flow_says_why(kestra: Kestra, task: str, said: str | dict[str, str]) -> None:
    expected = said if isinstance(said, str) else said.get(kestra.line, "")
    assert expected in kestra.validate(flow("refused", task)).constraints


def test_a_run_gives_state_outputs_and_logs(kestra: Kestra) -> None:
    ended = kestra.run(
        flow(
            "hello",
            """
        commands:
          - 'echo hello; echo "::{\\"outputs\\":{\\"rows\\":3}}::"; echo oops >&2; touch made.csv'
        outputFiles: [made.csv]
    """,
        )
    )
    assert ended.state == "SUCCESS", ended.told()
    assert "hello" in ended.messages("INFO")
    assert "oops" in ended.messages("ERROR")
    assert ended.task("main").vars == {"rows": 3}
    assert kestra.read(ended.task("main").outputs["outputFiles"]["made.csv"]) == b""


def test_inputs_arrive_and_flow_outputs_come_back(kestra: Kestra, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("a,b\n", encoding="utf-8")
    more = (
        "inputs: [{id: n, type: INT}, {id: table, type: FILE}]\n"
        "outputs: [{id: double, type: INT, value: '{{ inputs.n * 2 }}'}]\n"
    )
    text = flow("typed", 'inputFiles: {t.csv: "{{ inputs.table }}"}\ncommands: ["cat t.csv"]', more=more)
    ended = kestra.run(text, inputs={"n": 4}, files={"table": tmp_path / "in.csv"})
    assert ended.outputs == {"double": 8}, ended.told()
    assert "a,b" in ended.messages()


def test_namespace_files_are_never_rendered(kestra: Kestra, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("print('{{ flow.id }}')\n", encoding="utf-8")
    kestra.upload("harness", {"nb/main.py": tmp_path / "main.py"})
    ended = kestra.run(flow("from_namespace", "namespaceFiles: {include: ['nb/**']}\ncommands: ['cat nb/main.py']"))
    assert "print('{{ flow.id }}')" in ended.messages(), ended.told()


def test_a_failing_command_fails_the_execution(kestra: Kestra) -> None:
    ended = kestra.run(flow("failing", "commands: ['false', 'echo not reached']"))
    assert ended.state == "FAILED"
    assert "not reached" not in ended.messages()


def test_executions_run_at_the_same_time(engine: Engine, tmp_path: Path) -> None:
    here = f"$(ls {tmp_path} | wc -l)"
    meet = f"touch {tmp_path}/$$; for i in $(seq 100); do [ {here} -lt 3 ] && sleep 0.2 || exit 0; done; exit 1"
    texts = [flow(f"parallel_{number}", f"commands: ['{meet}']") for number in range(3)]
    with ThreadPoolExecutor() as pool:
        ended = list(pool.map(engine.run, texts))
    assert [one.state for one in ended] == ["SUCCESS"] * 3, "they waited for each other in vain"


def test_a_flow_that_cannot_be_read_is_an_error(engine: Engine) -> None:
    with pytest.raises(EngineError):
        engine.run("id: [")


def test_standin_script_puts_three_lines_before_the_code(kestra: Kestra) -> None:
    ended = kestra.run(
        flow("prelude", "script: |\n  import sys\n  print(true, false, null, sys._getframe().f_lineno)", kind="Script")
    )
    assert "True False None 5" in ended.messages(), ended.told()


def test_standin_script_is_rendered_twice_and_commands_once(kestra: Kestra) -> None:
    nested = "{{ '{{ flow.id }}' }}"
    once = kestra.run(flow("once", f'inputFiles: {{a.txt: "{nested}"}}\ncommands: ["cat a.txt"]'))
    twice = kestra.run(flow("twice", f'script: |\n  print("{nested}")', kind="Script"))
    assert "{{ flow.id }}" in once.messages(), once.told()
    assert "twice" in twice.messages(), twice.told()


def test_standin_script_obeys_an_activated_environment(kestra: Kestra) -> None:
    task = """
        beforeCommands:
          - python3 -m venv --without-pip v
          - export VIRTUAL_ENV="$PWD/v"
        script: |
          import sys
          print(sys.prefix != sys.base_prefix)
    """
    assert "True" in kestra.run(flow("activated", task, kind="Script")).messages()


def test_standin_dependencies_are_installed_once_and_restored(engine: Engine) -> None:
    text = flow(
        "native",
        """
        packageManager: PIP
        dependencies: [tinypkg==1.0]
        script: |
          import tinypkg, tinydep
          print(tinypkg.__version__, tinypkg.__file__)
    """,
        kind="Script",
    )
    first, second = engine.run(text), engine.run(text)
    for ended in (first, second):
        assert any(line.startswith("1.0 ") for line in ended.messages()), ended.told()
    assert any(line.startswith("Uploading python dependencies cache") for line in first.messages("DEBUG"))
    assert any(line.startswith("Restoring python dependencies cache") for line in second.messages("DEBUG"))


def test_standin_dependencies_that_fail_are_noticed_only_by_the_import(engine: Engine) -> None:
    task = "packageManager: PIP\ndependencies: [no-such-thing-anywhere]\nscript: |\n  print('went on')"
    ended = engine.run(flow("missing_dependency", task, kind="Script"))
    assert ended.state == "SUCCESS", ended.told()
    assert "went on" in ended.messages()


def test_the_working_directory_cache_loses_modes_and_links(engine: Engine) -> None:
    text = """
id: cache
namespace: harness
tasks:
  - id: folder
    type: io.kestra.plugin.core.flow.WorkingDirectory
    cache: {patterns: ["kept/**"]}
    tasks:
      - id: main
        type: io.kestra.plugin.scripts.python.Commands
        taskRunner: {type: io.kestra.plugin.core.runner.Process}
        commands:
          - |-
            if [ -d kept ]; then
              test -e kept/link || echo no link
              test -x kept/program || echo no mode
              cat kept/text
            else
              mkdir kept; echo text > kept/text; ln -s text kept/link
              cp kept/text kept/program; chmod +x kept/program
            fi
"""
    first, second = engine.run(text), engine.run(text)
    assert first.uploaded_cache
    assert {"no link", "no mode", "text"} <= set(second.messages()), second.told()
    assert not second.uploaded_cache, "nothing changed, so nothing is uploaded"


def test_the_worker_finds_its_own_python(engine: Engine, worker: Worker) -> None:
    ended = engine.run(flow("which", "commands: ['command -v python3', 'command -v uv']"))
    assert {str(worker.python), str(worker.folder / "bin" / "uv")} <= set(ended.messages()), ended.told()
