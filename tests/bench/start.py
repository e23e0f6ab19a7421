"""What starting costs: ``import kestra_nb``, and a cold scan beside a bare AST script. CPU time beside wall time."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 9
NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "examples" / "sales_report.ipynb"
BARE_SCRIPT = """
import ast, json, sys
from importlib.metadata import packages_distributions, version
cells = json.load(open(sys.argv[1], encoding="utf-8"))["cells"]
text = "\\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
names = set()
for node in ast.walk(ast.parse(text)):
    if isinstance(node, ast.Import):
        names |= {alias.name.partition(".")[0] for alias in node.names}
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        names.add(node.module.partition(".")[0])
owners = packages_distributions()
for name in sorted(names - sys.stdlib_module_names):
    for owner in owners.get(name, []):
        print(f"{owner}=={version(owner)}")
"""


def measure(*words: str) -> tuple[float, float]:
    """Give (wall, CPU) in seconds of one run of a command and its children."""
    before = os.times()
    begin = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = time.perf_counter() - begin
    after = os.times()
    return wall, after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    """Print medians of runs that take turns, and the ratio of the two scans."""
    python = sys.executable
    commands = {
        "python, nothing imported": (python, "-c", "pass"),
        "import kestra_nb": (python, "-c", "import kestra_nb"),
        "bare AST script": (python, "-c", BARE_SCRIPT, str(NOTEBOOK)),
        "kestra-nb scan": (python, "-m", "kestra_nb", "scan", str(NOTEBOOK)),
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, words in commands.items():
            taken[name].append(measure(*words))
    wall = {name: statistics.median(run[0] for run in runs) for name, runs in taken.items()}
    cpu = {name: statistics.median(run[1] for run in runs) for name, runs in taken.items()}
    for name in commands:
        print(f"{name:<26} wall {wall[name] * 1000:6.0f} ms   CPU {cpu[name] * 1000:6.0f} ms")
    bare = "python, nothing imported"
    print(f"import kestra_nb alone: CPU {(cpu['import kestra_nb'] - cpu[bare]) * 1000:.1f} ms (aim: under 50)")
    print(f"scan / bare AST script: CPU {cpu['kestra-nb scan'] / cpu['bare AST script']:.2f}")


if __name__ == "__main__":
    main()
