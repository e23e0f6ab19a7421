"""The core install is light, works by itself, and needs neither JupyterLab nor Node."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MOST_DISTRIBUTIONS = 50


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("core") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", "--editable", ROOT], check=True)
    return folder


def test_the_core_brings_at_most_fifty_distributions(venv: Path) -> None:
    done = subprocess.run(
        [venv / "bin" / "pip", "list", "--format", "json"], check=True, capture_output=True, text=True
    )
    names = {item["name"].lower() for item in json.loads(done.stdout)} - {"pip", "setuptools"}
    print(f"core install: {len(names)} distributions")  # noqa: T201  the figure belongs in the log
    assert len(names) <= MOST_DISTRIBUTIONS
    assert not names & {"jupyterlab", "jupyter-server", "uv", "pandas"}


def test_the_core_does_the_main_job_by_itself(venv: Path, tmp_path: Path) -> None:
    notebook = tmp_path / "watch.py"
    notebook.write_text("# %%\nimport yaml\n\nprint(yaml.safe_load('a: 1'))\n")
    command = [str(venv / "bin" / "kestra-nb"), "export", str(notebook), "--out", str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "pyyaml==" in (tmp_path / "_flows" / "watch.yaml").read_text().lower()


def test_the_pip_part_of_environment_yml_can_be_installed(venv: Path) -> None:
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (part,) = [item["pip"] for item in conda["dependencies"] if isinstance(item, dict)]
    words = [word for line in part for word in line.split()]
    command = [str(venv / "bin" / "pip"), "install", "--quiet", "--dry-run", *words]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
