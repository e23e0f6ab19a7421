"""The virtual environments that the benchmark runs in: built once by uv, outside the tree."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import foreign_notebooks as foreign

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PYTHON = "3.11"
PEERS = {"pipreqs": "pipreqs==0.5.0", "pigar": "pigar==2.2.0", "deptry": "deptry==0.25.1"}


def labelled() -> Path:
    """The 205 distributions of environment.txt, in which every tool looks up what a module belongs to."""
    return _built("labelled", (HERE / "environment.txt").read_text(encoding="utf-8").split(), closed=True)


def with_kestra_nb() -> Path:
    """The same, with what kestra-nb itself needs: a kernel's environment in which it was installed."""
    own = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    pins = (HERE / "environment.txt").read_text(encoding="utf-8").split()
    return _built("with-kestra-nb", [*pins, *own], closed=False)


def peer(name: str) -> Path:
    """A peer alone, in its pinned version."""
    return _built(name, [PEERS[name]], closed=False)


def python(environment: Path) -> Path:
    """The interpreter of an environment."""
    return environment / "bin" / "python"


def site_packages(environment: Path) -> Path:
    """Where the distributions of an environment lie."""
    return environment / "lib" / f"python{PYTHON}" / "site-packages"


def _built(name: str, requirements: list[str], *, closed: bool) -> Path:
    key = hashlib.sha256("\n".join(requirements).encode()).hexdigest()[:12]
    target = foreign.cache_home() / "venvs" / f"{name}-{key}"
    if not (target / "complete").exists():
        shutil.rmtree(target, ignore_errors=True)
        _uv("venv", "--quiet", "--python", PYTHON, str(target))
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as listed:
            listed.write("\n".join(requirements))
            listed.flush()
            alone = ["--no-deps"] if closed else []
            _uv("pip", "install", "--quiet", "--python", str(python(target)), *alone, "-r", listed.name)
        (target / "complete").touch()
    return target


def _uv(*arguments: str) -> None:
    command = [shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv", *arguments]
    subprocess.run(command, check=True)
