"""The wheel as users get it: both extensions on without a further step, and nothing of theirs changed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = "share/jupyter/labextensions/kestra-nb"
COLOUR = re.compile(r"\x1b\[[\d;]*m")
NODE = ("node", "npm")


def run(*words: str | Path, env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False, env=env, cwd=cwd, timeout=600
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return COLOUR.sub("", done.stdout + done.stderr)


def without_node() -> dict[str, str]:
    """A PATH on which there is no Node, as on most people's machines."""
    folders = os.environ["PATH"].split(os.pathsep)
    kept = [folder for folder in folders if not any((Path(folder) / name).exists() for name in NODE)]
    return {**os.environ, "PATH": os.pathsep.join(kept)}


def uv(*words: str | Path, env: dict[str, str] | None = None) -> str:
    return run(sys.executable, "-m", "uv", *words, env=env)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git would hand out, with the installed node_modules and without a built front end."""
    folder = tmp_path_factory.mktemp("source") / "kestra-nb"
    names = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    for name in filter(None, names):
        if name.startswith(("tests/", "notebooks/")) or not (ROOT / name).is_file():
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    modules = "extension/node_modules"
    shutil.copytree(ROOT / modules, source / modules, symlinks=True, copy_function=os.link)
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", out, source)
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def venv(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a person installed ``kestra-nb[lab]``, on a machine without Node."""
    folder = tmp_path_factory.mktemp("user") / "venv"
    uv("venv", "--quiet", "--python", sys.executable, folder)
    uv("pip", "install", "--quiet", "--python", folder / "bin" / "python", f"kestra-nb[lab] @ {wheel.as_uri()}",
       env=without_node())  # fmt: skip
    return folder


def version() -> str:
    found: str = json.loads((ROOT / "extension" / "package.json").read_text())["version"]
    return found


def test_the_lock_holds_no_registry_address() -> None:
    text = (ROOT / "extension" / "package-lock.json").read_text()
    assert '"resolved"' not in text
    assert json.loads(text)["version"] == version()


def test_the_front_end_is_there_once_and_of_the_wheels_version(wheel: Path) -> None:
    assert wheel.name.startswith(f"kestra_nb-{version()}-")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        bundles = [name for name in names if name.endswith("labextensions/kestra-nb/package.json")]
        entries = [name for name in names if "remoteEntry." in name]
        package = json.loads(archive.read(bundles[0]))
    assert (len(bundles), len(entries)) == (1, 1)
    assert package["version"] == version()
    assert entries[0].endswith(package["jupyterlab"]["_build"]["load"])
    assert [name for name in names if name.endswith("kestra-nb/install.json")] != []
    assert not [name for name in names if name.startswith(("extension/", "tests/")) or "node_modules" in name]


def test_both_extensions_are_on_without_a_further_step(venv: Path) -> None:
    env = {**without_node(), "JUPYTER_CONFIG_DIR": str(venv / "c"), "JUPYTER_DATA_DIR": str(venv / "d")}
    lab = run(venv / "bin" / "jupyter", "labextension", "list", env=env)
    assert any("kestra-nb" in line and "enabled" in line and "OK" in line for line in lab.splitlines()), lab
    server = run(venv / "bin" / "jupyter", "server", "extension", "list", env=env)
    assert "kestra_nb enabled" in server
    assert any("kestra_nb" in line and "OK" in line for line in server.splitlines()), server
    assert version() in server


@pytest.mark.parametrize("lab", ["4.4", "4.5", "4.6"])
def test_installing_it_beside_jupyterlab_changes_none_of_its_versions(wheel: Path, tmp_path: Path, lab: str) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    uv("venv", "--quiet", "--python", sys.executable, tmp_path / "venv")
    uv("pip", "install", "--quiet", "--python", python, f"jupyterlab=={lab}.*")
    before = set(uv("pip", "freeze", "--python", python).splitlines())
    uv("pip", "install", "--quiet", "--python", python, f"kestra-nb[lab] @ {wheel.as_uri()}")
    after = set(uv("pip", "freeze", "--python", python).splitlines())
    assert before <= after
    assert any(line.startswith(f"jupyterlab=={lab}.") for line in after)
    listed = run(tmp_path / "venv" / "bin" / "jupyter", "labextension", "list")
    assert any("kestra-nb" in line and "OK" in line for line in listed.splitlines()), listed


def test_a_wheel_without_node_is_refused_loudly(source: Path, tmp_path: Path) -> None:
    shutil.rmtree(source / "kestra_nb" / "labextension", ignore_errors=True)
    words = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(tmp_path), str(source)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=without_node(), timeout=300)
    assert done.returncode != 0
    assert "npm" in done.stdout + done.stderr
    assert not list(tmp_path.glob("*.whl"))


def test_an_editable_install_works_without_node(source: Path, tmp_path: Path) -> None:
    shutil.rmtree(source / "kestra_nb" / "labextension", ignore_errors=True)
    uv("venv", "--quiet", "--python", sys.executable, tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    uv("pip", "install", "--quiet", "--python", python, "--editable", source, env=without_node())
    assert version() in run(python, "-c", "import kestra_nb; print(kestra_nb.__version__)", cwd=tmp_path)
