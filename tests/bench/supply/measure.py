"""First and later runs of one way for one set of requirements: wall, CPU, what goes on afterwards, bytes kept."""

from __future__ import annotations

import shutil
import statistics
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kestra.harness.engine import Engine

LATER = 5


class BenchError(RuntimeError):
    """A run that should have succeeded did not; the message holds its logs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution: seconds of wall until it says SUCCESS, seconds the worker goes on, CPU seconds of it all."""

    wall: float
    afterwards: float
    cpu: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a way costs for a set: the first run, the median of the later ones, megabytes kept."""

    first: Run
    later: Run
    disk: float
    storage: float


def measure(engine: Engine, flow: str, *, keep: tuple[str, ...] = ()) -> Figures:
    """Run a flow on empty caches, then five times more.

    Args:
        engine: Where.
        flow: What.
        keep: Names in the folder of the workers' task folders that are not emptied first.
    """
    empty(engine, keep)
    before = megabytes(engine.storage)
    first = run(engine, flow)
    later = [run(engine, flow) for _ in range(LATER)]
    return Figures(
        first=first,
        later=Run(
            **{part: statistics.median(getattr(one, part) for one in later) for part in ("wall", "afterwards", "cpu")}
        ),
        disk=sum(megabytes(path) for path in engine.work.iterdir() if path.name not in keep),
        storage=megabytes(engine.storage) - before,
    )


def run(engine: Engine, flow: str) -> Run:
    """One execution, measured.

    Raises:
        BenchError: it did not run the script to its end.
    """
    before = engine.cpu()
    ended = engine.run(flow, timeout=600)
    if ended.state != "SUCCESS" or "the script ran" not in ended.messages():
        raise BenchError(ended.told())
    return Run(wall=ended.seconds, afterwards=ended.afterwards, cpu=engine.cpu() - before)


def empty(engine: Engine, keep: tuple[str, ...]) -> None:
    """Remove what earlier runs left on the worker's disk and in its home."""
    for path in (*engine.work.iterdir(), *(engine.work.parent / "home").glob("*")):
        if path.name not in keep:
            shutil.rmtree(path, ignore_errors=True)


def megabytes(folder: Path) -> float:
    """What a folder takes on the disk, hard links counted once."""
    done = subprocess.run(["du", "--summarize", "--block-size=1", folder], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[0]) / 1_000_000
