"""The magics on a real kernel: every option, whole notebooks, and bad input as one sentence."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

import pytest
import yaml

from kestra_nb import config
from tests.faces import flows
from tests.faces.live import Answer, Live, live_kernel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("magics")


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Live]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("JPY_", "KESTRA_NB_"))}
    yield from live_kernel(folder, variables)


@pytest.fixture
def kernel(running: Live) -> Live:
    running.fresh()
    return running


def flow_of(answer: Answer) -> dict[str, object]:
    assert not answer.error, answer.traceback
    loaded: dict[str, object] = yaml.safe_load(answer.data["text/plain"])
    return loaded


def flow(kernel: Live, options: str, cell: str = "print(1)") -> dict[str, object]:
    return flow_of(kernel.run(f"%%kestra_flow --no-preview {options}\n{cell}"))


def sentence(answer: Answer) -> str:
    """Give the one line that a person sees: no traceback, no second line."""
    assert len(answer.error) == 1, answer.traceback
    assert "\n" not in answer.error[0]
    assert not answer.stderr
    return answer.error[0]


# --- one option after the other -------------------------------------------------------------------------------------


def test_id_namespace_description_labels(kernel: Live) -> None:
    made = flow(
        kernel, """--id a.b -n other.team --description "it's {{ 'x' }}" --label team=data --label 'note=a b'"""
    )
    assert (made["id"], made["namespace"]) == ("a.b", "other.team")
    assert "it's" in str(made["description"])
    assert "{{ 'x' }}" in str(made["description"])
    assert made["labels"] == {"team": "data", "note": "a b"}


def test_schedule_and_timezone(kernel: Live) -> None:
    made = flow(kernel, "--schedule '0 7 * * 1-5' --timezone Europe/Paris")
    trigger = made["triggers"][0]  # type: ignore[index]
    assert (trigger["cron"], trigger["timezone"]) == ("0 7 * * 1-5", "Europe/Paris")


def test_timeout_retry_outputs_secret(kernel: Live) -> None:
    task = flows.python_task(flow(kernel, "--timeout PT1H --retry 3 --output '*.csv' --secret API_KEY"))
    assert (task["timeout"], task["retry"]["maxAttempts"], task["outputFiles"]) == ("PT1H", 3, ["*.csv"])
    assert "secret('API_KEY')" in task["env"]["API_KEY"]


def test_a_value_of_an_earlier_cell_becomes_an_input(kernel: Live) -> None:
    kernel.run("rows = 10\ncity = 'Paris'")
    made = flow(kernel, "--input rows=20 --input city=Lyon", "print(rows, city)")
    inputs = {item["id"]: (item["type"], item["defaults"]) for item in made["inputs"]}  # type: ignore[attr-defined]
    assert inputs == {"rows": ("INT", 20), "city": ("STRING", "Lyon")}


def test_strategy_and_facts(kernel: Live) -> None:
    made = flow(kernel, "--strategy before_commands --fact docker=no", "import pandas\nprint(pandas)")
    assert "Process" in flows.python_task(made)["taskRunner"]["type"]
    assert "pip" in str(flows.python_task(made)["beforeCommands"])


def test_accept_lets_a_guess_through(kernel: Live) -> None:
    cell = "%%kestra_flow --id x --no-preview {}\nimport nosuchmodule_for_kestra"
    assert "--accept" in sentence(kernel.run(cell.format("")))
    accepted = kernel.run(cell.format("--accept nosuchmodule_for_kestra"))
    assert flow_of(accepted)["id"] == "x"
    assert "KNB258" in accepted.data["text/html"]


def test_a_further_requirement(kernel: Live) -> None:
    made = flow(kernel, "--require packaging --strategy fresh_venv")
    assert re.search(r"^packaging==", flows.python_task(made)["inputFiles"]["requirements.txt"], re.MULTILINE)


def test_a_module_beside_the_notebook_goes_with_it(kernel: Live, folder: Path) -> None:
    (folder / "helpers_here.py").write_text("VALUE = 3\n")
    kernel.run("import helpers_here as h")
    answer = kernel.run("%%kestra_flow --id with_module --save --out saved\nprint(h.VALUE)")
    assert not answer.error, answer.traceback
    assert (folder / "saved" / "_files" / "with_module" / "helpers_here.py").read_text() == "VALUE = 3\n"


def test_the_cell_runs_only_when_asked(kernel: Live) -> None:
    kernel.run("%%kestra_flow --no-preview\nran = 1\nprint('here')")
    assert "NameError" in kernel.run("ran").traceback
    answer = kernel.run("%%kestra_flow --no-preview --execute\nran = 1\nprint('here')")
    assert answer.stdout == "here\n"
    assert kernel.run("ran").data["text/plain"] == "1"


def test_a_cell_that_fails_is_not_exported(kernel: Live, tmp_path: Path) -> None:
    answer = kernel.run(f"%%kestra_flow --execute --save --out {tmp_path}\n1 / 0")
    assert "ZeroDivisionError" in answer.traceback
    assert not list(tmp_path.iterdir())


def test_saved_says_where_and_what_next(kernel: Live, tmp_path: Path) -> None:
    answer = kernel.run(f"%%kestra_flow --id x --save --out '{tmp_path}'\nprint(1)")
    text = answer.data["text/plain"]
    assert f"wrote {tmp_path}/_flows/x.yaml" in text
    assert "kestractl flows deploy" in text
    assert "kestractl flows deploy" in answer.data["text/html"]
    again = kernel.run(f"%%kestra_flow --id x --save --out '{tmp_path}'\nprint(1)")
    assert f"unchanged {tmp_path}/_flows/x.yaml" in again.data["text/plain"]


def test_an_edited_flow_is_kept_unless_forced(kernel: Live, tmp_path: Path) -> None:
    cell = "%%kestra_flow --id x --save --out '{}' {}\nprint({})"
    kernel.run(cell.format(tmp_path, "", 1))
    path = tmp_path / "_flows" / "x.yaml"
    path.write_text(path.read_text() + "# mine\n")
    assert "--force" in sentence(kernel.run(cell.format(tmp_path, "", 2)))
    assert path.read_text().endswith("# mine\n")
    assert not kernel.run(cell.format(tmp_path, "--force", 2)).error
    assert "# mine" not in path.read_text()


def test_the_preview_is_a_widget_with_text_and_html_beside_it(kernel: Live) -> None:
    answer = kernel.run("%%kestra_flow --id sales\nimport pandas\nprint(pandas)")
    assert "application/vnd.jupyter.widget-view+json" in answer.data
    assert "id: sales" in answer.data["text/plain"]
    assert "%%kestra_flow --id sales --strategy " in answer.data["text/plain"]
    assert "recommended" in answer.data["text/html"]


def test_every_option_is_an_option_of_the_magics(kernel: Live) -> None:
    for magic, left_out in (("%kestra_flow", {"python"}), ("%kestra plan", set()), ("%kestra export", set())):
        shown = kernel.run(f"{magic} --help").stdout
        for name, option in config.OPTIONS.items():
            assert (option.flags[-1] in shown) == (name not in left_out), (magic, name)


# --- the whole notebook ---------------------------------------------------------------------------------------------


@pytest.fixture
def notebook(kernel: Live, folder: Path) -> Path:
    cells = ["import pandas as pd", "print(pd.DataFrame({'a': [1]}).shape)"]
    path = folder / "report.ipynb"
    made: list[dict[str, object]] = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": text, "outputs": [], "execution_count": None}
        for n, text in enumerate(cells)
    ]
    kernelspec = {"kernelspec": {"name": "another", "display_name": "Another", "language": "python"}}
    path.write_text(json.dumps({"cells": made, "metadata": kernelspec, "nbformat": 4, "nbformat_minor": 5}))
    for cell in cells:
        assert not kernel.run(cell).error
    kernel.run(f"__vsc_ipynb_file__ = {str(path)!r}")
    return path


def test_scan(kernel: Live, notebook: Path) -> None:
    answer = kernel.run("%kestra scan")
    assert re.search(rf"{notebook.name} needs 1 distribution \(read from this kernel", answer.data["text/plain"])
    assert "pandas==" in answer.data["text/html"]


def test_plan_shows_the_chooser_or_the_plans_alone(kernel: Live, notebook: Path) -> None:
    assert notebook.is_file()
    chooser = kernel.run("%kestra plan --schedule '@daily'")
    assert "application/vnd.jupyter.widget-view+json" in chooser.data
    assert "%kestra export --strategy" in chooser.data["text/plain"]
    assert "--schedule @daily" in chooser.data["text/plain"]
    alone = kernel.run("%kestra plan --no-preview")
    assert "widget-view" not in str(list(alone.data))
    assert "before_commands" in alone.data["text/plain"]


def test_export_writes_beside_the_notebook(kernel: Live, notebook: Path) -> None:
    answer = kernel.run("%kestra export --id report_all --strategy fresh_venv --out exported")
    assert not answer.error, answer.traceback
    made = flows.read(notebook.parent / "exported", "report_all")
    assert "print(pd.DataFrame" in flows.script(made)


def test_why(kernel: Live, notebook: Path) -> None:
    assert notebook.is_file()
    assert "import pandas" in kernel.run("%kestra why pandas").data["text/plain"]
    assert "numpy" in kernel.run("%kestra why numpy").data["text/html"]
    assert "not asked for" in kernel.run("%kestra why flask").data["text/plain"]


def test_a_file_that_was_not_saved_is_told(kernel: Live, notebook: Path) -> None:
    content = json.loads(notebook.read_text())
    content["cells"][1]["source"] = "print('as it was')"
    notebook.write_text(json.dumps(content))
    assert "KNB157" in kernel.run("%kestra scan").data["text/html"]


def test_the_notebook_can_be_named(kernel: Live, notebook: Path) -> None:
    other = notebook.with_name("other name.ipynb")
    other.write_text(notebook.read_text())
    answer = kernel.run("%kestra scan --notebook 'other name.ipynb'")
    assert "other name.ipynb needs" in answer.data["text/plain"]


# --- bad input ------------------------------------------------------------------------------------------------------

BAD = {
    "%%kestra_flow --idd x\n1": "'--idd' is no option of %%kestra_flow. Did you mean '--id'?",
    "%%kestra_flow --id\n1": "expected one argument",
    "%%kestra_flow --id 'x\n1": "A quote is not closed",
    "%%kestra_flow extra\n1": "'extra' is no option of %%kestra_flow",
    "%%kestra_flow --id '{{ inputs.x }}'\n1": "'{{ inputs.x }}' is no flow id",
    "%%kestra_flow --schedule '0 7 * *'\n1": "'0 7 * *' is no cron expression",
    "%%kestra_flow --timezone Europe/Pari --schedule @daily\n1": "'Europe/Pari' is no IANA time zone",
    "%%kestra_flow --strategy fresh_env\n1": "fresh_venv",
    "%%kestra_flow --retry many\n1": "invalid int value",
    "%%kestra_flow --timeout '1 hour'\n1": "'1 hour' is no ISO 8601 duration",
    "%%kestra_flow --fact dokker=no\n1": "Did you mean 'docker'",
    "%%kestra_flow --input rows\n1": "rows",
    "%%kestra_flow\n   \n": "The cell is empty",
    "%%kestra_flow\nx = = 1": "The cell is not Python",
    "%kestra": "VERB",
    "%kestra pln": "'pln' is no verb of %kestra; it knows scan, plan, export, why. Did you mean 'plan'?",
    "%kestra why": "NAME",
    "%kestra scan": "does not know which notebook file",
    "%kestra scan --notebook nowhere.ipynb": "There is no notebook 'nowhere.ipynb'",
    "%kestra scan --notebok x": "Did you mean '--notebook'?",
    "%kestra_flow --id x": "Write %%kestra_flow as the first line",
}


@pytest.mark.parametrize(("cell", "expected"), BAD.items(), ids=[repr(cell) for cell in BAD])
def test_bad_input_is_answered_with_one_sentence(kernel: Live, cell: str, expected: str) -> None:
    said = sentence(kernel.run(cell))
    assert expected in said
    assert re.match(r"KNB\d{3} ", said)


def test_a_notebook_in_another_language(kernel: Live, folder: Path) -> None:
    path = folder / "julia.ipynb"
    metadata = {"kernelspec": {"name": "julia-1.10", "display_name": "Julia", "language": "julia"}}
    path.write_text(json.dumps({"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))
    assert "julia" in sentence(kernel.run("%kestra scan --notebook julia.ipynb"))


def test_the_extension_can_be_loaded_twice_and_reloaded(kernel: Live) -> None:
    assert not kernel.run("%load_ext kestra_nb").error
    assert not kernel.run("%reload_ext kestra_nb").error
    assert flow(kernel, "--id x")["id"] == "x"
