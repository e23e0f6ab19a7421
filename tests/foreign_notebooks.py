"""Notebooks that nobody here wrote, read out of source distributions.

`data/foreign.toml` pins each source distribution and each chosen notebook in it by sha256. The archives come through
the index that pip is configured with, are kept outside the tree, and are unpacked but never built: only text that a
notebook may lie beside (`.ipynb`, `.py`, requirement files) leaves the archive.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DATA = Path(__file__).parent / "data" / "foreign.toml"
KEPT_SUFFIXES = frozenset({".ipynb", ".py", ".txt", ".toml", ".cfg"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdist:
    """One pinned source distribution; `notebooks` maps a path inside it to the sha256 of its bytes."""

    project: str
    version: str
    file: str
    sha256: str
    notebooks: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignNotebook:
    """One pinned notebook; `path` is relative to the root of the source distribution, `local` where it now lies."""

    project: str
    path: str
    local: Path
    sha256: str


class ForeignError(RuntimeError):
    """A pinned file is not on the index, or is not the file that was pinned."""


@cache
def sdists() -> tuple[Sdist, ...]:
    """Every pinned source distribution, in the order of the file."""
    tables = tomllib.loads(DATA.read_text(encoding="utf-8"))["sdist"]
    return tuple(Sdist(**{"notebooks": {}} | table) for table in tables)


def notebooks() -> list[ForeignNotebook]:
    """The chosen notebooks, fetched, unpacked and compared with their sha256."""
    return [_notebook(sdist, path, sha256) for sdist in sdists() for path, sha256 in sdist.notebooks.items()]


def notebook(project: str, path: str, sha256: str) -> ForeignNotebook:
    """A notebook by its path inside the pinned source distribution of `project`."""
    return _notebook(_sdist(project), path, sha256)


def all_notebooks() -> list[Path]:
    """Every `.ipynb` file of every pinned source distribution."""
    return [path for sdist in sdists() for path in sorted(tree(sdist).rglob("*.ipynb"))]


def tree(sdist: Sdist) -> Path:
    """The folder with the unpacked text of a source distribution, fetched if it is not there yet."""
    target = cache_home() / "trees" / f"{sdist.project}-{sdist.sha256[:12]}"
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            _unpack(_archive(sdist), Path(scratch) / "tree")
            _move_into_place(Path(scratch) / "tree", target)
    return target


def cache_home() -> Path:
    """Where fetched archives and built environments are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "kestra-nb-tests"


def index_urls() -> list[str]:
    """The index that pip is configured with; empty for the default one."""
    if url := os.environ.get("PIP_INDEX_URL"):
        return [url]
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return [answer.stdout.strip()] if answer.returncode == 0 else []


def _sdist(project: str) -> Sdist:
    for sdist in sdists():
        if sdist.project == project:
            return sdist
    message = f"no source distribution of {project!r} is pinned in {DATA.name}"
    raise ForeignError(message)


def _notebook(sdist: Sdist, path: str, sha256: str) -> ForeignNotebook:
    local = tree(sdist) / path
    if not local.is_file():
        message = f"{sdist.file} holds no {path!r}"
        raise ForeignError(message)
    _expect(local, sha256)
    return ForeignNotebook(project=sdist.project, path=path, local=local, sha256=sha256)


def _archive(sdist: Sdist) -> Path:
    archive = cache_home() / "sdists" / sdist.file
    if not archive.is_file():
        archive.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=archive.parent) as scratch:
            fetched = _fetch(sdist, Path(scratch))
            _expect(fetched, sdist.sha256)
            fetched.replace(archive)
    _expect(archive, sdist.sha256)
    return archive


def _fetch(sdist: Sdist, folder: Path) -> Path:
    """Download one archive by an ordinary index client; `pip download` would run the archive's build backend."""
    from unearth import PackageFinder, TargetPython

    finder = PackageFinder(
        index_urls=index_urls(),
        target_python=TargetPython(py_ver=(3, 12)),
        no_binary=[sdist.project],
    )
    match = finder.find_best_match(f"{sdist.project}=={sdist.version}").best
    if match is None:
        message = f"the index has no source distribution of {sdist.project} {sdist.version}"
        raise ForeignError(message)
    return finder.download(match.link, folder, hashes={"sha256": [sdist.sha256]})


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack the kept text files, without the archive's single root folder."""
    folder.mkdir()
    with tarfile.open(archive) as tar:
        for member in tar:
            path = PurePosixPath(*PurePosixPath(member.name).parts[1:])
            if member.isreg() and path.suffix in KEPT_SUFFIXES:
                tar.extract(member.replace(name=str(path)), folder, filter="data")


def _move_into_place(made: Path, target: Path) -> None:
    try:
        made.rename(target)
    except OSError:
        if not target.is_dir():  # otherwise another process was faster, with the same bytes
            raise
        shutil.rmtree(made)


def _expect(path: Path, sha256: str) -> None:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        message = f"{path.name} has sha256 {found}, pinned is {sha256}"
        raise ForeignError(message)
