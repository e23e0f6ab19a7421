"""What the ways to supply packages cost on Kestra's own engine, side by side in one run.

    python tests/bench/strategies.py [--line 2.0] [--set light]… [--way NAME]… [--dry]

A whole benchmark puts table and plot into the reference and its points into the cost model's data, unless ``--dry``; a
part of it only prints. Ways marked *stand-in* rest on the stand-in of Kestra's Python tasks
(tests/kestra/engine/STANDIN.md); the CPU of containers is not in the figures of the image.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from typing import TYPE_CHECKING

from tests.bench.supply import report
from tests.bench.supply.measure import Figures, measure
from tests.bench.supply.sets import SETS, Requirements, wheels
from tests.bench.supply.ways import WAYS, Way
from tests.kestra.harness.build import build
from tests.kestra.harness.docker import BASE, base_image, daemon, docker, gateway
from tests.kestra.harness.docker import build as build_image
from tests.kestra.harness.engine import Engine
from tests.kestra.harness.exports import Author, make_author
from tests.kestra.harness.wheels import Index, serve
from tests.kestra.harness.worker import Worker, make_worker, manage

if TYPE_CHECKING:
    from collections.abc import Iterator

WARM_UP = """id: warm
namespace: company.team
tasks:
  - id: run
    type: io.kestra.plugin.scripts.python.Commands
    taskRunner: {type: io.kestra.plugin.core.runner.Process}
    packageManager: PIP
    commands: [python --version]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where everything of one benchmark lies."""

    folder: Path
    line: str
    index: Index

    @contextlib.contextmanager
    def engine(self, name: str, worker: Worker) -> Iterator[Engine]:
        """A warm engine on a worker of its own."""
        folder = self.folder / f"engine-{name}"
        (folder / "home").mkdir(parents=True)
        variables = {"HOME": str(folder / "home"), **self.index.variables()}
        engine = Engine(build(self.line), folder, path=worker.path, variables=variables)
        try:
            for _ in range(5):
                engine.run(WARM_UP)
            yield engine
        finally:
            engine.stop()

    def author(self, wanted: Requirements) -> Author:
        """The environment in which the notebook of this set was written."""
        return make_author(self.folder / f"author-{wanted.name}", wanted.asked, self.index)


def figures(ground: Ground, way: Way, wanted: Requirements, author: Author) -> Figures:
    """Measure one way for one set, on a worker that nothing else used."""
    name = f"{way.name}-{wanted.name}"
    served = sorted(ground.index.folder.glob("*.whl")) if way.name == "preinstalled" else []
    worker = make_worker(ground.folder / f"worker-{name}", served=served)
    flow = way.flow(author, wanted)
    with ground.engine(name, worker) as engine:
        keep: tuple[str, ...] = ()
        if way.uv_dependencies:
            manage(worker, engine.work)
            keep = ("python",)
        if way.name == "image":
            make_image(flow, wanted)
        return measure(engine, flow, keep=keep)


def make_image(flow: str, wanted: Requirements) -> None:
    """Build the image that the flow names, on this host, as it is told to."""
    (reference,) = {line.split()[-1] for line in flow.splitlines() if "containerImage:" in line}
    build_image(reference, f"FROM {BASE}\nRUN python -m pip install --quiet {' '.join(wanted.asked)}\n")


def main() -> None:
    """Measure what was chosen, print the table, write it if asked."""
    parser = argparse.ArgumentParser(prog="strategies")
    parser.add_argument("--line", choices=("1.3", "2.0"), default="2.0")
    parser.add_argument(
        "--set", action="append", choices=[wanted.name for wanted in SETS], help="all when none is named"
    )
    parser.add_argument("--way", action="append", choices=[way.name for way in WAYS], help="all when none is named")
    parser.add_argument("--dry", action="store_true", help="print, and write nothing")
    chosen = parser.parse_args()
    sets = [wanted for wanted in SETS if not chosen.set or wanted.name in chosen.set]
    ways = [way for way in WAYS if not chosen.way or way.name in chosen.way]
    with contextlib.ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="kestra-nb-bench-", ignore_cleanup_errors=True))
        )
        index = stack.enter_context(serve(wheels(folder / "wheels")))
        index.add_pip()
        ground = Ground(folder=folder, line=chosen.line, index=index)
        if any(way.name == "image" for way in ways):
            stack.enter_context(daemon(folder / "docker"))
            inside = stack.enter_context(serve(folder / "wheels", gateway()))
            docker("rmi", "--force", BASE) if docker("images", "--quiet", BASE) else None
            base_image(inside)
        results = report.Results(line=build_version(ground), found={})
        for wanted in sets:
            author = ground.author(wanted)
            for way in ways:
                results.add(way, wanted, figures(ground, way, wanted, author))
        whole = not (chosen.set or chosen.way or chosen.dry)
        report.show(results, folder / "wheels", write=whole)


def build_version(ground: Ground) -> str:
    """The version of Kestra that runs, in full."""
    with ground.engine("version", make_worker(ground.folder / "worker-version")) as engine:
        return engine.version


if __name__ == "__main__":
    main()
