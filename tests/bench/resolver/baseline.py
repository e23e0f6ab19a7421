"""The baseline of the resolver's benchmark: what a careful person writes in an afternoon with the standard library.

Cell by cell, without magic and shell lines; a cell that does not parse is left out. Modules that are neither in the
standard library nor beside the notebook go through `importlib.metadata.packages_distributions()`; one that nothing
installed provides is taken for the distribution's name.

    python baseline.py NOTEBOOK
"""

from __future__ import annotations

import ast
import json
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def code_cells(notebook: Path) -> Iterator[str]:
    """The source of each code cell, of nbformat 3 and 4."""
    data = json.loads(notebook.read_text(encoding="utf-8-sig"))
    sheets = data.get("worksheets", [])
    cells = data["cells"] if "cells" in data else [cell for sheet in sheets for cell in sheet.get("cells", [])]
    for cell in cells:
        if cell.get("cell_type") == "code":
            source = cell.get("source", cell.get("input", ""))
            yield source if isinstance(source, str) else "".join(source)


def modules(cell: str) -> Iterator[str]:
    """The top-level modules that a cell imports; none if it does not parse."""
    python = "\n".join(line for line in cell.splitlines() if not line.lstrip().startswith(("%", "!", "?")))
    try:
        tree = ast.parse(python)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def distributions(notebook: Path, owners: Mapping[str, list[str]]) -> set[str]:
    """The distributions behind the imports of a notebook, normalised; `owners` of packages_distributions()."""
    imported = {module for cell in code_cells(notebook) for module in modules(cell)}
    local = {path.stem for path in notebook.parent.iterdir() if path.is_dir() or path.suffix == ".py"}
    wanted = imported - local - set(sys.stdlib_module_names)
    return {name.lower().replace("_", "-") for module in wanted for name in owners.get(module, [module])}


if __name__ == "__main__":
    print("\n".join(sorted(distributions(Path(sys.argv[1]), packages_distributions()))))
