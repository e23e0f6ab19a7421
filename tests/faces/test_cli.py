"""The command line as a person meets it: forms, exit codes, bad input. Every run is the real command."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOTEBOOK = """# %% [markdown]
# # Watch

# %% tags=["parameters"]
limit = 3

# %%
import yaml
from packaging.version import Version

print(yaml.safe_load("a: 1"), Version("1.0"), limit)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "watch.py").write_text(NOTEBOOK)
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "kestra_nb", *words],
            cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **environment},
        )  # fmt: skip

    return command


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_scan_in_every_form(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    assert "pyyaml==" in run("scan", "watch.py").stdout.lower()
    data = json.loads(run("scan", "watch.py", "--format", "json").stdout)
    assert [item["name"].lower() for item in data["requirements"]] == ["packaging", "pyyaml"]
    assert data["requirements"][0]["imports"][0]["location"]["line"] == 9
    assert yaml.safe_load(run("scan", "watch.py", "--format", "yaml").stdout) == data
    lines = run("scan", "watch.py", "--format", "requirements").stdout.split()
    assert all("==" in line for line in lines)
    assert len(lines) == 2


def test_a_requirement_that_is_not_installed_is_unpinned_under_a_comment(
    run: Callable[..., subprocess.CompletedProcess[str]], folder: Path
) -> None:
    (folder / "far.py").write_text("import polars\n")
    done = run("scan", "far.py", "--format", "requirements")
    comment, line = done.stdout.splitlines()
    assert comment.startswith("# not installed here, table")
    assert line == "polars"


def test_a_guess_is_an_error_until_it_is_accepted(
    run: Callable[..., subprocess.CompletedProcess[str]], folder: Path
) -> None:
    (folder / "odd.py").write_text("import zz_no_such_thing\n")
    before = snapshot(folder)
    done = run("export", "odd.py")
    assert done.returncode == 1
    assert "--accept zz" in done.stderr
    assert snapshot(folder) == before
    accepted = run("scan", "odd.py", "--accept", "zz-no-such-thing")
    assert accepted.returncode == 0, accepted.stderr


def test_plan_tells_every_strategy_and_what_is_assumed(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = run("plan", "watch.py")
    assert done.returncode == 0, done.stderr
    names = ["catalogue_image", "custom_image", "server_packages", "cached_venv", "worker_venv", "fresh_venv"]
    assert all(name in done.stdout for name in [*names, "task_dependencies", "before_commands"])
    assert "assumed: Python" in done.stdout
    data = json.loads(run("plan", "watch.py", "--format", "json").stdout)
    assert data["recommended"] == data["plans"][0]["strategy"]
    assert data["target"]["facts"]["docker"] == {"value": True, "source": "assumed"}


def test_export_writes_a_flow_that_is_up_to_date(
    run: Callable[..., subprocess.CompletedProcess[str]], folder: Path
) -> None:
    done = run("export", "watch.py", "--schedule", "0 7 * * 1-5", "--timezone", "Europe/Paris")
    assert done.returncode == 0, done.stderr
    flow = yaml.safe_load((folder / "_flows" / "watch.yaml").read_text())
    assert (flow["id"], flow["namespace"]) == ("watch", "company.team")
    assert flow["triggers"][0]["cron"] == "0 7 * * 1-5"
    assert flow["triggers"][0]["timezone"] == "Europe/Paris"
    assert flow["inputs"][0]["id"] == "limit"
    assert (folder / "_flows" / "pylock.watch.toml").is_file()
    assert "next:" in done.stdout
    check = run("export", "--check", "watch.py")
    assert (check.returncode, check.stdout.strip()) == (0, "watch.py: up to date")


def test_a_second_export_gives_the_same_bytes_and_keeps_the_choices(
    run: Callable[..., subprocess.CompletedProcess[str]], folder: Path
) -> None:
    run("export", "watch.py", "--schedule", "@daily", "--id", "morning")
    before = snapshot(folder)
    done = run("export", "watch.py")
    assert done.returncode == 0, done.stderr
    assert snapshot(folder) == before
    assert "unchanged" in done.stdout


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda folder: (folder / "watch.py").write_text(NOTEBOOK + "print(2)\n"), "KNB451"),
        (lambda folder: (folder / "pyproject.toml").write_text("[tool.kestra-nb]\nnamespace = 'team.b'\n"), "KNB452"),
        (lambda folder: (folder / "_flows" / "pylock.watch.toml").unlink(), "KNB453"),
    ],
)
def test_check_tells_what_is_behind(
    run: Callable[..., subprocess.CompletedProcess[str]], folder: Path, change: Callable[[Path], object], code: str
) -> None:
    run("export", "watch.py")
    change(folder)
    done = run("export", "--check", "watch.py")
    assert done.returncode == 1
    assert code in done.stderr


def test_check_needs_neither_environment_nor_index(
    run: Callable[..., subprocess.CompletedProcess[str]], folder: Path
) -> None:
    run("export", "watch.py")
    bare = subprocess.run(
        [sys.executable, "-m", "kestra_nb", "export", "--check", "watch.py", "--python", "/no/such/python"],
        cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "PIP_INDEX_URL": "http://127.0.0.1:9/"},
    )  # fmt: skip
    assert bare.returncode == 0, bare.stderr


def test_stdout_prints_the_flow_and_writes_nothing(
    run: Callable[..., subprocess.CompletedProcess[str]], folder: Path
) -> None:
    before = snapshot(folder)
    done = run("export", "watch.py", "--stdout")
    assert yaml.safe_load(done.stdout)["id"] == "watch"
    assert snapshot(folder) == before


def test_an_edited_flow_is_kept(run: Callable[..., subprocess.CompletedProcess[str]], folder: Path) -> None:
    run("export", "watch.py")
    flow = folder / "_flows" / "watch.yaml"
    flow.write_text(flow.read_text() + "# mine\n")
    (folder / "watch.py").write_text(NOTEBOOK + "print(2)\n")
    before = snapshot(folder)
    done = run("export", "watch.py")
    assert done.returncode == 2
    assert "--force" in done.stderr
    assert snapshot(folder) == before
    assert run("export", "watch.py", "--force").returncode == 0
    assert "# mine" not in flow.read_text()


def test_images_are_listed_with_how_their_contents_are_known(
    run: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    lines = run("images", "list").stdout.splitlines()
    pydata = next(line for line in lines if "/pydata:" in line)
    assert "Python 3.11" in pydata
    assert "predicted" in pydata or "measured" in pydata
    names = {item["name"] for item in json.loads(run("images", "list", "--format", "json").stdout)}
    assert "ghcr.io/kestra-io/pydata" in names


def test_a_folder_is_exported_whole_though_one_notebook_is_broken(
    run: Callable[..., subprocess.CompletedProcess[str]], folder: Path
) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "two.ipynb").write_text('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}')
    (folder / "broken.ipynb").write_text("{")
    done = run("scan", ".", "--format", "json")
    assert done.returncode == 2
    assert "broken.ipynb" in done.stderr
    assert {item["notebook"] for item in json.loads(done.stdout)} >= {"more/two.ipynb"}


def test_why_tells_the_chain_and_the_reason(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    chain = run("why", "watch.py", "yaml").stdout
    assert "watch.py:8:1: import yaml" in chain
    assert "PyYAML==" in chain or "pyyaml==" in chain
    assert "not asked for" in run("why", "watch.py", "tensorflow").stdout


def test_why_tells_what_was_left_out(run: Callable[..., subprocess.CompletedProcess[str]], folder: Path) -> None:
    (folder / "std.py").write_text("import json\n")
    assert "standard library" in run("why", "std.py", "json").stdout


R_NOTEBOOK = json.dumps(
    {
        "nbformat": 4, "nbformat_minor": 5, "cells": [],
        "metadata": {"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}},
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("export", "nowhere.ipynb"), "nowhere.ipynb"),
        (("export", "text.ipynb"), "text.ipynb"),
        (("export", "r.ipynb"), "Python"),
        (("export", "watch.py", "--strategy", "cached_vnv"), "'cached_venv'"),
        (("export", "watch.py", "--id", "my flow"), "'my_flow'"),
        (("export", "watch.py", "--namespace", "My.Team"), "'my.team'"),
        (("export", "watch.py", "--schedule", "every day"), "0 7 * * 1-5"),
        (("export", "watch.py", "--timeout", "1h"), "PT1H30M"),
        (("export", "watch.py", "--stratgy", "x"), "'--strategy'"),
        (("export", "watch.py", "--fact", "dockr=no"), "'docker'"),
        (("export", "watch.py", "--python", "/no/such/python"), "/no/such/python"),
        (("export", "watch.py", "--out", "text.ipynb"), "text.ipynb"),
        (("export", "watch.py", "--ship", "../secret.txt"), "secret.txt"),
        (("export", "watch.py", "--require", "pandas >> 2"), "pandas >> 2"),
        (("exprt", "watch.py"), "exprt"),
        (("images", "measure"), "images measure"),
        (("build", "watch.py", "--fact", "docker=no"), "custom_image"),
        (("plan", "watch.py", "--retry", "often"), "often"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    run: Callable[..., subprocess.CompletedProcess[str]], folder: Path, words: tuple[str, ...], says: str
) -> None:
    (folder / "text.ipynb").write_text("just text")
    (folder / "r.ipynb").write_text(R_NOTEBOOK)
    before = snapshot(folder)
    done = run(*words)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert snapshot(folder) == before


def test_an_empty_folder_is_said(run: Callable[..., subprocess.CompletedProcess[str]], folder: Path) -> None:
    (folder / "empty").mkdir()
    done = run("scan", "empty")
    assert done.returncode == 2
    assert "empty" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder(run: Callable[..., subprocess.CompletedProcess[str]], folder: Path) -> None:
    locked = folder / "locked"
    locked.mkdir()
    locked.chmod(stat.S_IRUSR | stat.S_IXUSR)
    done = run("export", "watch.py", "--out", "locked")
    assert done.returncode == 2
    assert "locked" in done.stderr


def test_project_settings_count_and_unknown_ones_are_refused(
    run: Callable[..., subprocess.CompletedProcess[str]], folder: Path
) -> None:
    (folder / "pyproject.toml").write_text('[tool.kestra-nb]\nnamespace = "team.x"\n')
    assert "namespace: team.x\n" in run("export", "watch.py", "--stdout").stdout
    assert "namespace: team.y\n" in run("export", "watch.py", "--stdout", KESTRA_NB_NAMESPACE="team.y").stdout
    (folder / "pyproject.toml").write_text('[tool.kestra-nb]\nnamspace = "team.x"\n')
    done = run("export", "watch.py", "--stdout")
    assert done.returncode == 2
    assert "'namespace'" in done.stderr
