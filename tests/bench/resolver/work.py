"""One way of reading many notebooks, in a process of its own, so that its CPU time and memory can be told apart.

python -m tests.bench.resolver.work floor|baseline|index|packages|ours PYTHON < notebooks.json
"""

from __future__ import annotations

import ast
import json
import sys
import time
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.bench.resolver import baseline, ours


def floor(notebook: Path) -> None:
    """What no resolver can do without: read, decode, and parse the cells with an import in them."""
    for cell in baseline.code_cells(notebook):
        if "import" in cell:
            try:
                ast.parse(cell)
            except (SyntaxError, ValueError):
                continue


def read_all(how: str, notebooks: list[Path], python: Path) -> None:
    """Go through all notebooks one way; what a notebook raises is its own affair in every way alike."""
    if how == "floor":
        for notebook in notebooks:
            floor(notebook)
    elif how == "baseline":
        owners = packages_distributions()
        for notebook in notebooks:
            baseline.distributions(notebook, owners)
    elif how == "ours":
        installed = ours.environment(python)
        for notebook in notebooks:
            ours.answer(notebook, installed)
    elif how == "index":
        ours.environment(python)
    elif how == "packages":
        packages_distributions()
    else:
        message = f"{how!r} is none of floor, baseline, ours, index, packages"
        raise SystemExit(message)


if __name__ == "__main__":
    paths = [Path(path) for path in json.load(sys.stdin)]
    before = time.process_time()
    read_all(sys.argv[1], paths, Path(sys.argv[2]))
    print(json.dumps({"cpu": time.process_time() - before}))
