"""What deptry finds, one folder after the other. Runs inside deptry's environment.

deptry reports modules against declared dependencies; for names of distributions every installed one is declared, and
a module that none of them owns keeps its name.

    python deptry_names.py SITE_PACKAGES < folders.json > names.json
"""

from __future__ import annotations

import json
import logging
import sys
import time
from importlib.metadata import distributions
from pathlib import Path

sys.path.append(sys.argv[1])
logging.disable(logging.CRITICAL)

from deptry.dependency import Dependency
from deptry.imports.extract import get_imported_modules_from_list_of_files
from deptry.module import ModuleBuilder


def declared() -> list[Dependency]:
    """Every distribution of the labelled environment, as if the project declared it."""
    return [Dependency(d.metadata["Name"], Path("pyproject.toml")) for d in distributions(path=[sys.argv[1]])]


def names(files: list[Path], local: set[str], dependencies: list[Dependency]) -> set[str]:
    """The distributions behind the modules that some files import."""
    found: set[str] = set()
    for module in get_imported_modules_from_list_of_files(files):
        built = ModuleBuilder(module, local, frozenset(sys.stdlib_module_names), dependencies).build()
        if not (built.standard_library or built.local_module):
            found.update(built.top_levels or [built.package or module])
    return found


def local_modules(folder: Path) -> set[str]:
    """What deptry takes for local: Python files and folders with Python files in the root."""
    return {
        path.stem for path in folder.iterdir() if path.suffix == ".py" or (path.is_dir() and any(path.glob("*.py")))
    }


def main() -> None:
    """Answer for each folder of standard input; a list of notebooks is timed as one project."""
    asked = json.load(sys.stdin)
    dependencies = declared()
    if isinstance(asked, dict):
        files = [Path(path) for path in asked["notebooks"]]
        before = time.process_time()
        names(files, set(), dependencies)
        json.dump({"cpu": time.process_time() - before}, sys.stdout)
        return
    answers: list[dict[str, object]] = []
    for folder in map(Path, asked):
        files = [path for path in sorted(folder.rglob("*")) if path.suffix in {".py", ".ipynb"}]
        try:
            answers.append({"names": sorted(names(files, local_modules(folder), dependencies))})
        except Exception as error:  # a peer that gives up is counted, not excused
            answers.append({"error": type(error).__name__})
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
