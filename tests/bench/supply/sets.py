"""The sets of requirements the benchmark installs: two that the cost model is fitted to, one that it must predict."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.kestra.harness.build import cache_folder

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """A set by its name, what is asked for, and the modules a script imports."""

    name: str
    asked: tuple[str, ...]
    modules: tuple[str, ...]

    @property
    def cell(self) -> str:
        """A script that imports everything and says so."""
        return "".join(f"import {module}\n" for module in self.modules) + "print('the script ran')"


LIGHT = Requirements(name="light", asked=("pandas==2.3.3",), modules=("pandas",))
HEAVY = Requirements(
    name="heavy",
    asked=("pandas==2.3.3", "scikit-learn==1.7.2", "matplotlib==3.10.7"),
    modules=("pandas", "sklearn.linear_model", "matplotlib.pyplot"),
)
OTHER = Requirements(name="other", asked=("scikit-learn==1.7.2",), modules=("sklearn.linear_model",))
SETS = (LIGHT, HEAVY, OTHER)


def wheels(folder: Path) -> Path:
    """The wheels of all sets for this Python, downloaded once and kept outside the tree."""
    kept = cache_folder() / "bench-wheels" / f"{sys.version_info.major}.{sys.version_info.minor}"
    if not (kept / "complete").exists():
        for asked in SETS:
            command: list[str | Path] = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--only-binary=:all:",
                "--dest",
                kept,
                *asked.asked,
            ]
            subprocess.run(command, check=True)
        (kept / "complete").touch()
    folder.mkdir(parents=True, exist_ok=True)
    for wheel in kept.glob("*.whl"):
        (folder / wheel.name).hardlink_to(wheel)
    return folder
