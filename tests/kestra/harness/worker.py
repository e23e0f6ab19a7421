"""A worker's Python that may be spoilt: a copy of this machine's, and a way to see whether anything touched it."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEFT_OUT: Final = shutil.ignore_patterns(
    "test", "tests", "idlelib", "lib2to3", "turtledemo", "site-packages", "dist-packages", "config-*", "__pycache__"
)
SYSTEM_PATH: Final = "/usr/bin:/bin"
MANAGED: Final = "[externally-managed]\nError=This Python belongs to the system (a test says so).\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """What a worker of the Process runner finds: a PATH with ``python``, ``python3``, ``pip`` and ``uv``."""

    folder: Path
    before: Mapping[str, str]

    @property
    def python(self) -> Path:
        """The interpreter."""
        return self.folder / "bin" / "python3"

    @property
    def home(self) -> Path:
        """The home folder, where uv and pip keep their caches."""
        return self.folder.parent / f"{self.folder.name}-home"

    @property
    def path(self) -> str:
        """The worker's PATH."""
        return f"{self.folder / 'bin'}:{SYSTEM_PATH}"

    def changes(self) -> list[str]:
        """The files that are not as they were made, compiled bytecode aside."""
        now = fingerprint(self.folder)
        return sorted(name for name in {*now, *self.before} if now.get(name) != self.before.get(name))


def make_worker(folder: Path, *, uv: bool = True, managed: bool = False, served: Sequence[Path] = ()) -> Worker:
    """Copy this Python's standard library and interpreter, give it pip, and uv if asked.

    Args:
        folder: Where it goes; must not exist.
        uv: Whether the worker has uv.
        managed: Whether the Python is marked as externally managed (PEP 668).
        served: Wheels to install in it, as if at the start of the server.
    """
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library, programs = folder / "lib" / version, folder / "bin"
    shutil.copytree(sysconfig.get_path("stdlib"), library, ignore=LEFT_OUT, symlinks=True)
    (library / "site-packages").mkdir()
    programs.mkdir()
    _copy_dynamic(library)
    below = sys._base_executable  # type: ignore[attr-defined] # noqa: SLF001 - the Python below any venv
    shutil.copy2(Path(below).resolve(), programs / version)
    for name in ("python3", "python"):
        (programs / name).symlink_to(version)
    _call(programs / "python3", "-m", "ensurepip", "--default-pip")
    _call(programs / "python3", "-m", "compileall", "-q", str(library))
    if served:
        _call(programs / "python3", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", *served)
    if uv:
        shutil.copy2(find_uv(), programs / "uv")
    if managed:
        (library / "EXTERNALLY-MANAGED").write_text(MANAGED, encoding="utf-8")
    made = Worker(folder=folder, before=fingerprint(folder))
    made.home.mkdir()
    return made


def manage(worker: Worker, work: Path) -> None:
    """Let uv take the worker's Python for one that it manages: all that ``dependencies`` accept from it."""
    version = ".".join(map(str, sys.version_info[:3]))
    place = work / "python" / f"cpython-{version}-linux-{platform.machine()}-gnu"
    place.mkdir(parents=True)
    for name in ("bin", "lib"):
        (place / name).symlink_to(worker.folder / name)


def _copy_dynamic(library: Path) -> None:
    """Bring the compiled modules of the standard library when they lie elsewhere than the library itself."""
    dynamic = Path(sysconfig.get_config_var("DESTSHARED") or "")
    if not (library / "lib-dynload").exists() and dynamic.exists():
        shutil.copytree(dynamic, library / "lib-dynload")


def find_uv() -> str:
    """The uv that belongs to the tests' environment or is on PATH.

    Raises:
        FileNotFoundError: there is none.
    """
    found = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        message = "uv is neither in this environment nor on PATH"
        raise FileNotFoundError(message)
    return found


def fingerprint(folder: Path) -> dict[str, str]:
    """The sha256 and mode of every file, by its path in the folder."""
    found = {}
    for file in folder.rglob("*"):
        if "__pycache__" in file.parts or not file.is_file() or file.is_symlink():
            continue
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        found[str(file.relative_to(folder))] = f"{digest} {file.stat().st_mode:o}"
    return found


def _call(*command: Path | str) -> None:
    hidden = ("PYTHON", "PIP_", "VIRTUAL_ENV")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    subprocess.run(command, env=variables, check=True, capture_output=True)
