"""What a Kestra answers, as values: the same from the engine and from a full server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What saving a flow would say. ``constraints`` is empty for a flow that is accepted."""

    constraints: str = ""
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()
    deprecations: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether there is nothing to say at all."""
        return not (self.constraints or self.warnings or self.infos or self.deprecations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One log line of an execution."""

    task: str | None
    level: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRun:
    """One task of an execution; ``seconds`` with, ``running`` without the time in the queue."""

    id: str
    state: str
    attempts: int
    seconds: float
    running: float
    outputs: Mapping[str, Any]

    @property
    def vars(self) -> Mapping[str, Any]:
        """What the task's code put out."""
        found: Mapping[str, Any] = self.outputs.get("vars") or {}
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """An execution that ended. ``seconds`` is its wall time, ``afterwards`` what the worker still did after it."""

    id: str
    state: str
    tasks: tuple[TaskRun, ...]
    outputs: Mapping[str, Any]
    logs: tuple[Log, ...]
    seconds: float
    afterwards: float = 0.0
    inputs: Mapping[str, Any] = field(default_factory=dict)

    def task(self, name: str) -> TaskRun:
        """The last run of the task of that id."""
        return [run for run in self.tasks if run.id == name][-1]

    def messages(self, *levels: str) -> list[str]:
        """Log messages of the levels, INFO when none is given."""
        return [log.message for log in self.logs if log.level in (levels or ("INFO",))]

    @property
    def uploaded_cache(self) -> bool:
        """Whether a WorkingDirectory wrote its cache anew (Kestra says so at DEBUG; seen on 1.3.31 and 2.0.0)."""
        return any("we update the cache" in log.message for log in self.logs)

    def told(self) -> str:
        """State and logs as text, for the message of a failed assertion."""
        return "\n".join([self.state, *(f"{log.level:5} {log.task}: {log.message}" for log in self.logs)])


class Kestra(Protocol):
    """What tests ask of a Kestra, be it the engine or a full server."""

    line: str

    def validate(self, yaml: str) -> Verdict:
        """Say what saving the flow would say."""

    def run(
        self,
        yaml: str,
        *,
        inputs: Mapping[str, object] | None = None,
        files: Mapping[str, Path] | None = None,
        labels: Mapping[str, str] | None = None,
        timeout: float = 120,
    ) -> Execution:
        """Save the flow, run it to its end. ``files`` are inputs of type FILE."""

    def upload(self, namespace: str, files: Mapping[str, Path]) -> None:
        """Put files into a namespace; keys are paths there."""

    def read(self, uri: str) -> bytes:
        """The content of a ``kestra://`` address."""


def sequence(found: Sequence[str] | None) -> tuple[str, ...]:
    """A list of an answer, absent or not, as a tuple."""
    return tuple(found or ())
