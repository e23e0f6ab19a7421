"""The disk: what is read, found and written, and that a refusal leaves everything as it was."""

from __future__ import annotations

import dataclasses
import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kestra_nb import files
from kestra_nb.errors import ConfigError, FlowError, NotebookError
from kestra_nb.model.plan import ExtraFile
from tests.samples import MORNINGS, case, sample_bundle

if TYPE_CHECKING:
    from kestra_nb.model.outcome import Bundle

NOTEBOOK = json.dumps({"cells": [{"cell_type": "code", "source": "x = 1"}], "metadata": {}, "nbformat": 4})


def extra(path: str, text: str = "text\n", *, executable: bool = False) -> ExtraFile:
    return ExtraFile(path=path, text=text, purpose="A test.", executable=executable)


def with_files(*more: ExtraFile) -> Bundle:
    return dataclasses.replace(sample_bundle(), files=more)


def held(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# --- reading --------------------------------------------------------------------------------------------------------


def test_a_notebook_is_read_under_the_name_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.ipynb").write_text(NOTEBOOK, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert files.read_notebook("a.ipynb").path == "a.ipynb"
    assert files.read_notebook(Path("a.ipynb")).cells[0].source == "x = 1"


def test_a_missing_notebook_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "sales.ipynb").write_text(NOTEBOOK, encoding="utf-8")
    with pytest.raises(NotebookError) as caught:
        files.read_notebook(tmp_path / "sale.ipynb")
    expected = f"There is no file '{tmp_path / 'sale.ipynb'}'. Did you mean '{tmp_path / 'sales.ipynb'}'?"
    assert str(caught.value) == expected
    with pytest.raises(NotebookError, match="Look for it in"):
        files.read_notebook(tmp_path / "nothing" / "like.ipynb")
    with pytest.raises(NotebookError, match="Look for it in"):
        files.read_notebook(tmp_path / "quite_different.ipynb")


def test_a_folder_is_no_notebook(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match=r"is a folder, expected a notebook\. It holds no notebook\."):
        files.read_notebook(tmp_path)
    (tmp_path / "a.ipynb").write_text(NOTEBOOK, encoding="utf-8")
    with pytest.raises(NotebookError, match=r"Name a notebook in it, such as '.*a\.ipynb'\."):
        files.read_notebook(tmp_path)


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(NotebookError, match=r"cannot be read: Not a directory\. Check its permissions\."):
        files.read_notebook(tmp_path / "file" / "a.ipynb")
    with pytest.raises(ConfigError, match=r"cannot be read: No such file or directory\."):
        files.read_text(tmp_path / "nothing")
    (tmp_path / "latin").write_bytes(b"\xe9")
    with pytest.raises(ConfigError, match=r"is not text in UTF-8\. Save it as UTF-8\."):
        files.read_text(tmp_path / "latin")


def test_text_is_read_with_its_line_ends_and_without_its_mark(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfa\r\nb")
    assert files.read_text(tmp_path / "a") == "a\r\nb"


def test_shipped_files_lie_beside_the_notebook(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("a\n", encoding="utf-8")
    assert files.read_shipped(tmp_path, "data/a.csv") == "a\n"
    for name in ("../x", "/etc/hostname", "data/../../x"):
        with pytest.raises(ConfigError, match="expected a path below the notebook's folder"):
            files.read_shipped(tmp_path, name)
    for name in ("b.csv", "data"):
        with pytest.raises(ConfigError, match=f"There is no file '{name}' beside the notebook to ship"):
            files.read_shipped(tmp_path, name)


def test_notebooks_of_a_folder(tmp_path: Path) -> None:
    kept = ["a.ipynb", "b/c.ipynb", "b/percent.py", "percent.py"]
    others = [
        ".ipynb_checkpoints/a.ipynb", ".hidden/a.ipynb", ".hidden.ipynb", "_flows/a.ipynb", "_files/x/percent.py",
        "_setup/a.ipynb", "node_modules/a.ipynb", "venv/lib/a.ipynb", "b/plain.py", "text.md",
    ]  # fmt: skip
    for name in kept + others:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# %%\nx = 1\n" if "percent" in name else "x = 1\n# no %% here\n", encoding="utf-8")
    (tmp_path / "venv" / "pyvenv.cfg").write_text("", encoding="utf-8")
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    assert files.find_notebooks(tmp_path) == [tmp_path / name for name in kept]
    (tmp_path / "dangling.py").symlink_to(tmp_path / "nowhere.py")
    assert files.find_notebooks(str(tmp_path)) == [tmp_path / name for name in kept]


# --- settings and flows ---------------------------------------------------------------------------------------------


def test_settings_come_from_the_nearest_project(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    project = tmp_path / "pyproject.toml"
    project.write_text("[tool.kestra-nb]\nnamespace = 'company.team'\n", encoding="utf-8")
    assert files.project_settings(inner) == ({"namespace": "company.team"}, str(project))
    nearer = tmp_path / "a" / "pyproject.toml"
    nearer.write_text("[project]\nname = 'x'\n", encoding="utf-8")
    assert files.project_settings(inner) == ({}, str(nearer))
    nearer.write_text("[tool.kestra-nb\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"is no valid TOML: .*\."):
        files.project_settings(inner)
    nearer.write_text("[tool]\nkestra-nb = 3\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"\[tool\.kestra-nb\] in .* is no table\."):
        files.project_settings(inner)


def test_no_project_no_settings() -> None:
    assert files.project_settings("/") == ({}, "")


def test_the_flow_of_a_notebook_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert files.find_flow(".", "sales.ipynb") is None
    files.write_bundle(".", with_files(), force=False)
    Path("_flows/a.yaml").write_text("id: a\nnamespace: b\n", encoding="utf-8")
    for root, notebook, flow_id in ((".", "sales.ipynb", ""), (tmp_path, tmp_path / "sales.ipynb", "sales")):
        found = files.find_flow(root, str(notebook), flow_id)
        assert found is not None
        assert found[0] == Path(root) / "_flows" / "sales.yaml"
        assert found[1]["notebook"] == "sales.ipynb"
    assert files.find_flow(".", "other.ipynb") is None
    assert files.find_flow(".", "sales.ipynb", "a") is None
    assert files.find_flow(".", "sales.ipynb", "nothing") is None
    assert files.find_flow(".", "") is None


# --- writing --------------------------------------------------------------------------------------------------------


def test_everything_is_written_and_the_second_time_nothing(tmp_path: Path) -> None:
    bundle = with_files(extra("_files/sales/a/b.py", "x\r\n"), extra("_setup/sales/run.sh", executable=True))
    written = files.write_bundle(tmp_path / "new" / "out", bundle, force=False)
    names = ("_flows/sales.yaml", "_files/sales/a/b.py", "_setup/sales/run.sh")
    assert (written.written, written.unchanged, written.root) == (names, (), str(tmp_path / "new" / "out"))
    out = tmp_path / "new" / "out"
    assert held(out) == {
        "_files/sales/a/b.py": b"x\r\n",
        "_flows/sales.yaml": bundle.yaml.encode(),
        "_setup/sales/run.sh": b"text\n",
    }
    assert (out / names[2]).stat().st_mode & stat.S_IXUSR
    assert not (out / names[0]).stat().st_mode & stat.S_IXUSR
    before = {name: (out / name).stat().st_mtime_ns for name in names}
    again = files.write_bundle(out, bundle, force=False)
    assert (again.written, again.unchanged) == ((), names)
    assert {name: (out / name).stat().st_mtime_ns for name in names} == before


def test_what_changed_is_written_over_while_the_flow_is_ours(tmp_path: Path) -> None:
    files.write_bundle(tmp_path, with_files(extra("_files/a", "1"), extra("_files/b", "1")), force=False)
    (tmp_path / "_files" / "a").chmod(0o640)
    written = files.write_bundle(tmp_path, with_files(extra("_files/a", "2"), extra("_files/b", "1")), force=False)
    assert written.written == ("_files/a",)
    assert (tmp_path / "_files" / "a").read_text(encoding="utf-8") == "2"
    assert stat.S_IMODE((tmp_path / "_files" / "a").stat().st_mode) == 0o640
    files.write_bundle(tmp_path, with_files(extra("_files/a", "2", executable=True)), force=False)
    assert stat.S_IMODE((tmp_path / "_files" / "a").stat().st_mode) == 0o750
    other = dataclasses.replace(sample_bundle(case(schedule=MORNINGS)), files=())
    assert other.yaml != sample_bundle().yaml
    assert files.write_bundle(tmp_path, other, force=False).written == ("_flows/sales.yaml",)


def test_an_edited_flow_is_kept_until_forced(tmp_path: Path) -> None:
    bundle = with_files(extra("_files/a", "new"))
    files.write_bundle(tmp_path, with_files(), force=False)
    flow = tmp_path / "_flows" / "sales.yaml"
    flow.write_text(flow.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    before = held(tmp_path)
    with pytest.raises(FlowError) as caught:
        files.write_bundle(tmp_path, bundle, force=False)
    assert str(caught.value) == f"'{flow}' was edited after kestra-nb wrote it; it was kept. --force writes over it."
    assert caught.value.code == "KNB441"
    assert held(tmp_path) == before
    files.write_bundle(tmp_path, bundle, force=True)
    assert flow.read_text(encoding="utf-8") == bundle.yaml


@pytest.mark.parametrize("name", ["_flows/sales.yaml", "_files/a", "_flows/pylock.sales.toml", "_files/b.yaml"])
def test_a_file_of_somebody_else_is_kept_until_forced(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir()
    path.write_text("mine\n", encoding="utf-8")
    bundle = with_files(extra("_files/a"), extra("_flows/pylock.sales.toml"), extra("_files/b.yaml"))
    with pytest.raises(FlowError) as caught:
        files.write_bundle(tmp_path, bundle, force=False)
    assert caught.value.code == "KNB442"
    assert held(tmp_path) == {name: b"mine\n"}
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [name.split("/", maxsplit=1)[0]]
    assert len(files.write_bundle(tmp_path, bundle, force=True).written) == 4


@pytest.mark.parametrize("name", ["../a", "/opt/a", "a/../../b", ""])
def test_nothing_is_written_outside_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(FlowError, match="leads out of the export's folder"):
        files.write_bundle(tmp_path / "out", with_files(extra(name)), force=True)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(FlowError) as caught:
        files.write_bundle(tmp_path / "file", with_files(), force=False)
    assert "cannot be written: Not a directory. Nothing was changed." in str(caught.value)
    assert caught.value.code == "KNB443"
    assert "\n" not in str(caught.value)


def test_a_folder_in_the_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "_flows" / "sales.yaml").mkdir(parents=True)
    with pytest.raises(FlowError, match=r"sales\.yaml' cannot be written: Is a directory\."):
        files.write_bundle(tmp_path, with_files(), force=True)


def test_a_file_that_cannot_be_staged_leaves_nothing(tmp_path: Path) -> None:
    name = "_files/" + "x" * 250
    with pytest.raises(FlowError) as caught:
        files.write_bundle(tmp_path, with_files(extra("_files/deep/a"), extra(name)), force=False)
    assert f"{'x' * 250}' cannot be written: File name too long." in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("before", [None, "old"])
def test_a_file_that_cannot_be_put_in_place_brings_the_others_back(tmp_path: Path, before: str | None) -> None:
    if before is not None:
        (tmp_path / "_files").mkdir()
        (tmp_path / "_files" / "z").write_text(before, encoding="utf-8")
    state = held(tmp_path)
    clash = with_files(extra("_files/z", "new"), extra("_files/a"), extra("_files/a/b"))
    with pytest.raises(FlowError, match=r"_files/a' cannot be written: Is a directory\. Nothing was changed\."):
        files.write_bundle(tmp_path, clash, force=True)
    assert held(tmp_path) == state
    assert not (tmp_path / "_flows").exists()


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "_flows").mkdir()
    (tmp_path / "elsewhere.yaml").write_text("mine", encoding="utf-8")
    (tmp_path / "_flows" / "sales.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    files.write_bundle(tmp_path, with_files(), force=True)
    assert (tmp_path / "_flows" / "sales.yaml").is_symlink()
    assert (tmp_path / "elsewhere.yaml").read_text(encoding="utf-8") == sample_bundle().yaml
