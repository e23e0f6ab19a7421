"""How long the magics take: ``%load_ext kestra_nb``, and a cell of 30 lines until its first preview.

Every figure is from a kernel of its own, with 200 distributions to look through; wall clock and, beside it, the CPU of
the kernel's process and its children.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.faces.live import Live

WANTED = 200
KERNELS = 5
AIMS = {"load_ext": 0.3, "first preview": 1.0, "second preview": 1.0}
CELL = "\n".join(
    [
        "import pandas as pd",
        "from pathlib import Path",
        "frame = pd.DataFrame({'item': ['tea', 'cake'], 'net': [3.2, 4.5]})",
        "for step in range(3):",
        "    frame[f'gross_{step}'] = with_tax(frame['net'], step)",
        *(f"total_{number} = frame['net'].sum() * {number} + rate" for number in range(20)),
        "report = Path('report.csv')",
        "frame.to_csv(report, index=False)",
        "if report.exists():",
        "    print(json.dumps({'rows': len(frame), 'total': total_19}))",
        "print(frame.describe())",
    ]
)
SETUP = "import json\nrate = 1.19\ndef with_tax(prices, step):\n    return prices * rate + step"
MEASURED = """
import json as _json, os as _os, time as _time
def _timed(work):
    wall, before = _time.perf_counter(), _os.times()
    work()
    return _time.perf_counter() - wall, sum(_os.times()[:4]) - sum(before[:4])
_shell = get_ipython()
_cell = {cell!r}
_figures = {{"load_ext": _timed(lambda: _shell.run_line_magic("load_ext", "kestra_nb"))}}
def _preview():
    _shell.display_formatter.format(_shell.run_cell_magic("kestra_flow", "--id bench --schedule '0 7 * * *'", _cell))
_figures["first preview"] = _timed(_preview)
_figures["second preview"] = _timed(_preview)
print(_json.dumps(_figures))
"""


def fill(folder: Path) -> int:
    """Put so many small distributions into a folder that a kernel with it on its path has at least ``WANTED``."""
    here = len(list(distributions()))
    for number in range(max(0, WANTED - here)):
        info = folder / f"filler_{number}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: filler-{number}\nVersion: 1.0\n")
        (info / "top_level.txt").write_text(f"filler_{number}\n")
        (info / "RECORD").write_text(f"filler_{number}/__init__.py,,0\n")
    return max(here, WANTED)


def measure(folder: Path, path: Path) -> dict[str, tuple[float, float]]:
    """Give (wall, CPU) in seconds for each figure, from one fresh kernel."""
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(path), os.environ.get("PYTHONPATH", "")])}
    kernel = Live(folder, variables)
    try:
        kernel.run(SETUP)
        answer = kernel.run(MEASURED.format(cell=CELL))
        if answer.error:
            raise SystemExit(answer.traceback)
        figures: dict[str, tuple[float, float]] = json.loads(answer.stdout.splitlines()[-1])
        return figures
    finally:
        kernel.stop()


def main() -> None:
    """Print the medians beside their aims; a busy machine stretches wall clock, not CPU."""
    with tempfile.TemporaryDirectory() as work, tempfile.TemporaryDirectory() as path:
        count = fill(Path(path))
        runs = [measure(Path(work), Path(path)) for _ in range(KERNELS)]
    print(f"{len(CELL.splitlines())} lines, {count} distributions, medians of {KERNELS} kernels")
    for name, aim in AIMS.items():
        wall, cpu = (statistics.median(run[name][part] for run in runs) for part in (0, 1))
        print(f"{name:15} wall {wall:6.3f} s   CPU {cpu:6.3f} s   aim: wall under {aim} s")


if __name__ == "__main__":
    main()
