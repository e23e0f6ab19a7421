"""Kestra's model, as far as the kit writes it.

Property names are snake_case here and Kestra's own camelCase in the YAML. Every property that Kestra renders with its
template engine (Pebble) takes a ``Text``; plain ``str`` is for what Kestra never renders or the kit controls.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Text that must arrive as it is, whatever Kestra's template engine thinks of it.

    ``python`` says that it is Python source, so that it may be protected as a Python literal.
    """

    text: str
    python: bool = False


@dataclass(frozen=True, slots=True)
class Expression:
    """Text meant for Kestra's template engine, ``{{ inputs.rows }}``."""

    text: str


Text = Verbatim | Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """A task runner: its type, and the pull policy for the Docker runner."""

    type: str
    pull_policy: Literal["", "IF_NOT_PRESENT", "ALWAYS", "NEVER"] = ""


PROCESS = Runner(type="io.kestra.plugin.core.runner.Process")
DOCKER = Runner(type="io.kestra.plugin.scripts.runner.docker.Docker", pull_policy="IF_NOT_PRESENT")
DOCKER_ALWAYS = Runner(type="io.kestra.plugin.scripts.runner.docker.Docker", pull_policy="ALWAYS")
PYTHON_COMMANDS = "io.kestra.plugin.scripts.python.Commands"
WORKING_DIRECTORY = "io.kestra.plugin.core.flow.WorkingDirectory"
SCRIPT_NAME = "main.py"
"""What the script is called in the task's folder, and so in tracebacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """WorkingDirectory's ``cache``: glob patterns, and an ISO 8601 duration after which it is dropped."""

    patterns: tuple[str, ...]
    ttl: str = "P30D"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Kestra's ``retry`` of type ``constant``: ISO 8601 interval and the number of attempts."""

    max_attempts: int
    interval: str = "PT1M"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task. ``tasks`` and ``cache`` are for a WorkingDirectory only.

    ``comment`` goes above ``before_commands`` as YAML comment lines, to explain them.
    """

    id: str
    type: str
    description: str = ""
    runner: Runner | None = None
    container_image: str = ""
    python_version: str = ""
    package_manager: str = ""
    dependencies: tuple[str, ...] = ()
    namespace_files: tuple[str, ...] = ()
    input_files: Mapping[str, Text] = field(default_factory=dict)
    env: Mapping[str, Text] = field(default_factory=dict)
    before_commands: tuple[Text, ...] = ()
    commands: tuple[Text, ...] = ()
    output_files: tuple[str, ...] = ()
    timeout: str = ""
    retry: Retry | None = None
    cache: Cache | None = None
    tasks: tuple[Task, ...] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A flow input. ``default`` is JSON-ready; None means that there is none."""

    id: str
    type: str
    default: object = None
    item_type: str = ""
    values: tuple[str, ...] = ()
    required: bool = True
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A flow output."""

    id: str
    type: str
    value: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A Schedule trigger; ``inputs`` gives each required input without a default its value."""

    id: str
    cron: str
    timezone: str
    inputs: Mapping[str, object] = field(default_factory=dict)
    type: str = "io.kestra.plugin.core.trigger.Schedule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A flow. ``header`` becomes comment lines under ``id`` and ``namespace``, which stand on the first two lines."""

    id: str
    namespace: str
    tasks: tuple[Task, ...]
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    header: tuple[str, ...] = ()
