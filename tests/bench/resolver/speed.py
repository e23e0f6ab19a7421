"""CPU time and peak memory, as ratios: many notebooks in one process, and one from a cold command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from tests import foreign_notebooks as foreign
from tests.bench.resolver import environments, measure

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
TIMES = 3
ONE = ("statsmodels", "examples/notebooks/linear_regression_diagnostics_plots.ipynb")


def python_notebooks() -> list[Path]:
    """Every notebook of the pinned source distributions that is readable JSON in Python."""
    return [path for path in foreign.all_notebooks() if _is_python(path)]


def _is_python(path: Path) -> bool:
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
        kernel, told = data["metadata"].get("kernelspec", {}), data["metadata"].get("language_info", {})
        language = str(kernel.get("language") or told.get("name") or kernel.get("name") or "python").lower()
        code = [cell for cell in data["cells"] if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    return bool(code) and language.startswith("python")


def many(notebooks: list[Path]) -> Iterator[str]:
    """All notebooks in one process: ours beside the floor, the baseline and deptry."""
    usages = {how: _worker(how, notebooks) for how in ("floor", "baseline", "ours")}
    usages["deptry"] = _deptry(notebooks)
    loops = {how: float(json.loads(usage.output)["cpu"]) for how, usage in usages.items()}
    yield f"{len(notebooks)} notebooks in one process (CPU of the work alone; peak of the process)"
    for how, usage in usages.items():
        yield f"  {how:10}{loops[how]:>8.3f} s {loops[how] / loops['floor']:>7.2f} x floor{usage.peak:>8.0f} MiB"


def index() -> Iterator[str]:
    """The module index beside `packages_distributions()`, over the same installed distributions."""
    usages = {how: _worker(how, []) for how in ("packages", "index")}
    loops = {how: float(json.loads(usage.output)["cpu"]) for how, usage in usages.items()}
    yield "module index (CPU of the call alone; peak of the process)"
    for how, usage in usages.items():
        ratio = loops[how] / loops["packages"]
        yield f"  {how:10}{loops[how]:>8.4f} s {ratio:>7.3f} x packages_distributions(){usage.peak:>8.0f} MiB"


def one(folder: Path) -> Iterator[str]:
    """One notebook from a cold command line, every tool with the same distributions in reach."""
    sdist = next(sdist for sdist in foreign.sdists() if sdist.project == ONE[0])
    notebook = folder / "one" / "notebook.ipynb"
    notebook.parent.mkdir()
    notebook.write_bytes((foreign.tree(sdist) / ONE[1]).read_bytes())
    usages = {
        name: measure.best(command, times=TIMES, environment={"PYTHONPATH": path})
        for name, (command, path) in _commands(notebook).items()
    }
    yield "one notebook from a cold command line (CPU and peak of the whole process)"
    for name, usage in usages.items():
        ratios = "".join(f"{usage.cpu / usages[other].cpu:>8.3f}" for other in ("baseline", "pipreqs", "pigar"))
        yield f"  {name:10}{usage.cpu:>8.3f} s{usage.peak:>8.0f} MiB   x baseline, pipreqs, pigar:{ratios}"


def _commands(notebook: Path) -> dict[str, tuple[list[str], str]]:
    """A command for each tool, and what its module path is lengthened by."""
    labelled, ours = environments.labelled(), environments.with_kestra_nb()
    site, folder = str(environments.site_packages(labelled)), str(notebook.parent)
    pipreqs, pigar = (str(environments.peer(name) / "bin" / name) for name in ("pipreqs", "pigar"))
    scan = [str(environments.python(ours)), "-m", "kestra_nb", "scan", str(notebook), "--format", "requirements"]
    generate = [pigar, "generate", "--dry-run", "--auto-select", "--question-answer", "no", folder]
    return {
        "kestra-nb": (scan, str(environments.ROOT)),
        "baseline": ([str(environments.python(labelled)), str(HERE / "baseline.py"), str(notebook)], ""),
        "pipreqs": ([pipreqs, "--scan-notebooks", "--use-local", "--print", folder], site),
        "pigar": ([*generate, "-f", str(notebook.parent / "requirements.txt")], site),
    }


def _worker(how: str, notebooks: list[Path]) -> measure.Usage:
    python = str(environments.python(environments.with_kestra_nb()))
    command = [python, "-m", "tests.bench.resolver.work", how, python]
    given = json.dumps([str(path) for path in notebooks])
    return measure.best(command, times=TIMES, given=given, environment={"PYTHONPATH": str(environments.ROOT)})


def _deptry(notebooks: list[Path]) -> measure.Usage:
    script = str(HERE / "peers" / "deptry_names.py")
    site = str(environments.site_packages(environments.labelled()))
    command = [str(environments.python(environments.peer("deptry"))), script, site]
    return measure.best(command, times=TIMES, given=json.dumps({"notebooks": [str(path) for path in notebooks]}))
