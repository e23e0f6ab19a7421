"""The engines of a test session, and what happens on a machine that cannot start one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NoReturn

import pytest

from tests.kestra.harness.build import EngineMissingError, build
from tests.kestra.harness.engine import Engine

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kestra.harness.wheels import Index
    from tests.kestra.harness.worker import Worker

UNWRITABLE: Final = "/proc/no-home"


def missing(reason: str) -> NoReturn:
    """Skip with the reason; in CI, where nothing may be missing, fail."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


class Engines:
    """The engines of this session, each started when it is first asked for.

    Their home cannot be written to, since that of a worker in a container often cannot.
    """

    def __init__(self, folder: Path, worker: Worker, index: Index) -> None:
        self._folder, self._worker, self._index = folder, worker, index
        self._started: dict[str, Engine] = {}

    def get(
        self, line: str, *, kind: str = "usual", worker: Worker | None = None, folder: Path | None = None
    ) -> Engine:
        """The engine of one line, of that kind: another worker's Python, or work in another folder.

        Skips the test, or fails it in CI, when the machine lacks what the engine needs.
        """
        name = f"{line}-{kind}"
        if name not in self._started:
            variables = {"HOME": UNWRITABLE, **self._index.variables()}
            path = (worker or self._worker).path
            try:
                self._started[name] = Engine(build(line), folder or self._folder / name, path=path, variables=variables)
            except EngineMissingError as problem:
                missing(str(problem))
        return self._started[name]

    def stop(self, kind: str = "") -> None:
        """End them all, or those of one kind."""
        for name in [name for name in self._started if name.endswith(kind)]:
            self._started.pop(name).stop()
