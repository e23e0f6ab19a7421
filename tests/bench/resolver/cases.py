"""The labelled notebooks, each laid out alone in a folder, so that every tool sees the same files."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests import foreign_notebooks as foreign

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).parent
LOOKED_AT = frozenset({"first", "second"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One labelled notebook; a label like `a|b` is met by either name."""

    name: str
    kind: str
    part: str
    notebook: Path
    imports: tuple[str, ...]
    hidden: tuple[str, ...]
    optional: frozenset[str]
    why: str

    @property
    def looked_at(self) -> bool:
        """Whether its mistakes may be read; of the part set aside only totals are."""
        return self.part in LOOKED_AT


def lay_out(folder: Path) -> list[Case]:
    """Write every labelled notebook, and what lies beside it, into a folder of its own under `folder`."""
    return [*_real(folder), *_hard(folder)]


def _real(folder: Path) -> Iterator[Case]:
    for number, label in enumerate(_labels("real.toml")):
        original = foreign.notebook(label["project"], label["path"], label["sha256"]).local
        home = folder / f"real-{number:03}"
        home.mkdir(parents=True)
        shutil.copy(original, home / original.name)
        _copy_local_modules(original, home)
        yield _case(label, f"{label['project']}: {label['path']}", "real", home / original.name)


def _hard(folder: Path) -> Iterator[Case]:
    for label in _labels("hard.toml"):
        home = folder / f"hard-{label['name']}"
        for name, text in {"notebook.ipynb": _notebook(label["cells"]), **label.get("files", {})}.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(text, encoding="utf-8")
        yield _case(label, label["name"], "hard", home / "notebook.ipynb")


def _labels(file: str) -> list[dict[str, Any]]:
    tables = tomllib.loads((HERE / file).read_text(encoding="utf-8"))["notebook"]
    assert isinstance(tables, list)
    return tables


def _case(label: dict[str, Any], name: str, kind: str, notebook: Path) -> Case:
    return Case(
        name=name,
        kind=kind,
        part=str(label["part"]),
        notebook=notebook,
        imports=tuple(label["imports"]),
        hidden=tuple(label.get("hidden", ())),
        optional=frozenset(label.get("optional", ())),
        why=str(label.get("why", "")),
    )


def _notebook(cells: list[str]) -> str:
    python = {"display_name": "Python 3", "language": "python", "name": "python3"}
    code: list[dict[str, object]] = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"cell-{number}",
            "metadata": {},
            "outputs": [],
            "source": cell.splitlines(keepends=True),  # as Jupyter writes it; deptry reads no other form
        }
        for number, cell in enumerate(cells)
    ]
    return json.dumps({"cells": code, "metadata": {"kernelspec": python}, "nbformat": 4, "nbformat_minor": 5})


def _copy_local_modules(original: Path, home: Path) -> None:
    """Copy the modules beside a notebook that its text, or that of a module copied before, imports."""
    waiting = [original]
    while waiting:
        text = waiting.pop().read_text(encoding="utf-8")
        for name in set(re.findall(r"\b(?:import|from)\s+(\w+)", text)):
            module, package = original.parent / f"{name}.py", original.parent / name
            if module.is_file() and not (home / module.name).exists():
                shutil.copy(module, home / module.name)
                waiting.append(module)
            elif (package / "__init__.py").is_file() and not (home / name).exists():
                shutil.copytree(package, home / name, ignore=shutil.ignore_patterns("*.ipynb"))
                waiting.extend(package.rglob("*.py"))
