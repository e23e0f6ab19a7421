"""The tutorials run from top to bottom, show what their text promises, and can be read without running."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import nbformat  # noqa: TID253  the tutorials are what this is about
import pytest
import yaml
from nbclient import NotebookClient

from tests.faces import flows

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
TUTORIALS = sorted(path.name for path in FOLDER.glob("0*.ipynb"))


def read_notebook(path: Path) -> Any:  # noqa: ANN401  nbformat has no types
    return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("tutorials") / "notebooks"
    shutil.copytree(FOLDER, copy)
    return copy


@pytest.fixture(scope="module")
def run(folder: Path) -> dict[str, Any]:
    """Run every tutorial, in order; a cell that fails without the tag that says so fails all of this."""
    done = {}
    for name in TUTORIALS:
        notebook = read_notebook(folder / name)
        NotebookClient(
            notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        ).execute()
        done[name] = notebook
    return done


def output(notebook: Any, begins: str) -> tuple[str, str]:  # noqa: ANN401  nbformat has no types
    """Give what the cell that begins so has shown, as text and as HTML."""
    cell = next(item for item in notebook.cells if item.cell_type == "code" and begins in item.source)
    texts, markups = [], []
    for item in cell.outputs:
        data = item.get("data", {})
        texts += [item.get("text", ""), data.get("text/plain", ""), *item.get("traceback", [])]
        markups.append(data.get("text/html", ""))
    return "\n".join(texts), "\n".join(markups)


def test_there_are_three() -> None:
    assert TUTORIALS == ["01_quickstart.ipynb", "02_choosing_a_strategy.ipynb", "03_exporting_a_notebook.ipynb"]


def test_quickstart(run: dict[str, Any], folder: Path) -> None:
    made = run["01_quickstart.ipynb"]
    preview, markup = output(made, "%%kestra_flow --id daily_report")
    assert "%%kestra_flow --id daily_report --strategy " in preview
    assert "recommended" in markup
    assert made.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    flow = flows.read(folder / "exported", "daily_report")
    script = flows.script(flow)
    assert flow["triggers"][0]["cron"] == "0 7 * * 1-5"
    assert flows.python_task(flow)["outputFiles"] == ["report.csv"]
    for part in ("import pandas as pd", "tax_rate = 0.19", "def with_tax(net):"):
        assert part in script
    refused, _ = output(made, "--id broken")
    assert "'orders' is a pandas.DataFrame made in In [" in refused
    assert not (folder / "exported" / "_flows" / "broken.yaml").exists()


SITUATIONS = {
    "custom_image": ("containerImage: registry.example.com/team/report:lock-", "Dockerfile"),
    "server_packages": ("list_dependencies", "Dockerfile"),
    "cached_venv": ("type: io.kestra.plugin.core.flow.WorkingDirectory", "wheels-"),
    "worker_venv": ("main.py", "requirements.txt"),
    "before_commands": ("pip install", "requirements.txt"),
    "task_dependencies": ("dependencies:", "pandas=="),
}


@pytest.mark.parametrize("strategy", SITUATIONS)
def test_every_situation_has_its_flow(run: dict[str, Any], strategy: str) -> None:
    shown, markup = output(run["02_choosing_a_strategy.ipynb"], f"--strategy {strategy}")
    assert yaml.safe_load(shown)["id"] == "report"
    plain = re.sub(r"<[^>]*>", "", markup)
    for part in SITUATIONS[strategy]:
        assert part in plain, part


def test_what_is_known_decides_and_what_does_not_fit_is_refused(run: dict[str, Any]) -> None:
    made = run["02_choosing_a_strategy.ipynb"]
    assert "once on each worker's disk" in output(made, "--fact docker=no --fact lasting_disk=yes")[0]
    assert "(--fact own_server=yes)" in output(made, "own_server=no")[0]


def test_exporting(run: dict[str, Any], folder: Path) -> None:
    made = run["03_exporting_a_notebook.ipynb"]
    assert re.search(r"pandas==[\d.]+ +installed +cell 2: import pandas", output(made, "%kestra scan")[0])
    assert "1. " in output(made, "%kestra plan")[0]
    assert "import numpy" in output(made, "%kestra why numpy")[0]
    assert "because of pandas" in output(made, "%kestra why python-dateutil")[0]
    inputs = {item["id"]: item["defaults"] for item in flows.read(folder / "exported", "sales_report")["inputs"]}
    assert inputs["region"] == "south"
    assert "kestra-nb export" in output(made, "print(Path(")[0]


@pytest.mark.parametrize("name", TUTORIALS)
def test_readable_without_running(name: str) -> None:
    notebook = read_notebook(FOLDER / name)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        assert cell.execution_count, cell.source
        for item in cell.outputs:
            shown = item.get("data", {})
            assert item.output_type in ("stream", "error") or "text/plain" in shown
            assert "widget-view" not in str(list(shown))
    told = " ".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for link in re.findall(r"\]\(([^)#]+)\)", told):
        assert link.startswith("https://") or (FOLDER / link).exists(), link
    assert not re.search(r"/(?:root|home|Users|work)/", (FOLDER / name).read_text(encoding="utf-8"))
