"""Kestra's own engine as a child process: booted once, asked many times, from several threads at once."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.kestra.harness.values import Execution, Log, TaskRun, Verdict, sequence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.kestra.harness.build import Built

TICKS: Final = os.sysconf("SC_CLK_TCK")
GRACE: Final = 30
"""Seconds an answer may come later than the time the engine was given."""


class EngineError(RuntimeError):
    """The engine did not do what was asked; the message is its own."""


class Engine:
    """One line of Kestra in a process of its own.

    Args:
        built: What starts it.
        folder: Where internal storage (``storage``) and the workers' task folders (``work``) go.
        path: The PATH of the worker: what the tasks of the Process runner find.
        variables: Further variables of the worker's environment.
        threads: How many tasks run at once.
    """

    def __init__(
        self, built: Built, folder: Path, *, path: str, variables: Mapping[str, str] | None = None, threads: int = 4
    ) -> None:
        self.line = built.line
        self.storage, self.work, self.errors = folder / "storage", folder / "work", folder / "engine.log"
        for made in (self.storage, self.work):
            made.mkdir(parents=True, exist_ok=True)
        places = {"ENGINE_STORAGE": str(self.storage), "ENGINE_WORK": str(self.work), "ENGINE_THREADS": str(threads)}
        options = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx1g", f"-Djava.io.tmpdir={self.work}"]
        with self.errors.open("wb") as log:
            self._process = subprocess.Popen(
                [built.java, *options, "-cp", built.classpath, "kestranb.engine.Main"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                env={**_environment(), **(variables or {}), **places, "PATH": path},
                start_new_session=True,
            )
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Future[Any]] = {}
        self._lock = threading.Lock()
        self.version = str(self._first()["ready"])
        threading.Thread(target=self._listen, daemon=True).start()

    def _first(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise EngineError(self.errors.read_text(encoding="utf-8")[-4000:])
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            answer = json.loads(line)
            future = self._waiting.pop(answer["id"])
            if "error" in answer:
                future.set_exception(EngineError(answer["error"]))
            else:
                future.set_result(answer["ok"])
        for future in self._waiting.values():
            future.set_exception(EngineError("the engine ended: " + self.errors.read_text(encoding="utf-8")[-4000:]))

    def _ask(self, op: str, timeout: float, **parts: object) -> Any:  # noqa: ANN401 - whatever it answers
        number, future = next(self._numbers), Future[Any]()
        self._waiting[number] = future
        with self._lock:
            assert self._process.stdin
            self._process.stdin.write(json.dumps({"id": number, "op": op, **parts}) + "\n")
            self._process.stdin.flush()
        return future.result(timeout + GRACE)

    def validate(self, yaml: str) -> Verdict:
        """Ask ``FlowService.validate``, as saving a flow does."""
        found = self._ask("validate", 60, yaml=yaml)[0]
        return Verdict(
            constraints=found.get("constraints") or "",
            warnings=sequence(found["warnings"]),
            infos=sequence(found["infos"]),
            deprecations=sequence(found["deprecations"]),
        )

    def render(self, texts: list[str], passes: int, inputs: Mapping[str, object] | None = None) -> list[str]:
        """Each text after so many passes of Kestra's template engine: ``=`` and the result, or ``!`` and the error."""
        answer = self._ask("render", 60, texts=texts, passes=passes, inputs=inputs)
        return list(answer["results"])

    def run(
        self,
        yaml: str,
        *,
        inputs: Mapping[str, object] | None = None,
        files: Mapping[str, Path] | None = None,
        labels: Mapping[str, str] | None = None,
        timeout: float = 120,
    ) -> Execution:
        """Save the flow, run it, wait until the worker is done with it too.

        Raises:
            EngineError: the flow or the inputs were refused, or it did not end in time.
        """
        local = {name: str(path) for name, path in (files or {}).items()}
        answer = self._ask(
            "run", timeout, yaml=yaml, inputs=inputs, inputFiles=local, labels=labels, timeoutSeconds=int(timeout)
        )
        return execution(answer)

    def upload(self, namespace: str, files: Mapping[str, Path]) -> None:
        """Put files into a namespace; keys are paths there."""
        self._ask("upload", 60, namespace=namespace, files={name: str(path) for name, path in files.items()})

    def read(self, uri: str) -> bytes:
        """The content of a ``kestra://`` address, from the folder of internal storage."""
        return (self.storage / "main" / uri.removeprefix("kestra:///")).read_bytes()

    def cpu(self) -> float:
        """Seconds of CPU that the engine and the children it waited for have used so far (Linux)."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
        return sum(map(int, fields[11:15])) / TICKS

    def stop(self) -> None:
        """End the engine and whatever its tasks left running."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream
            stream.close()


def _environment() -> dict[str, str]:
    """The machine's environment without what would lead a worker back into the tests' own Python."""
    hidden = ("VIRTUAL_ENV", "PYTHON", "PYENV", "PYTEST", "UV_PYTHON", "CONDA")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)}


def execution(answer: Mapping[str, Any]) -> Execution:
    """The engine's answer as a value."""
    return Execution(
        id=answer["execution"],
        state=answer["state"],
        tasks=tuple(TaskRun(**{**run, "outputs": run.get("outputs") or {}}) for run in answer["tasks"]),
        outputs=answer.get("outputs") or {},
        logs=tuple(
            Log(task=log.get("task"), level=log["level"], message=log.get("message") or "") for log in answer["logs"]
        ),
        seconds=answer["seconds"],
        afterwards=answer["afterwards"],
        inputs=answer.get("inputs") or {},
    )
