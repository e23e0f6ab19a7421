"""What a strategy may look at, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kestra_nb.model.dependency import Environment, Image, Lock, Resolution
    from kestra_nb.model.finding import Finding
    from kestra_nb.model.flow import Cache, Flow, Runner, Text
    from kestra_nb.model.notebook import Script

FactName = Literal[
    "docker",  # the workers can start containers
    "index",  # the workers reach a package index
    "lasting_disk",  # the worker's disk outlives an execution
    "uv",  # the workers have uv
    "pip",  # the workers' Python has pip and venv
    "externally_managed",  # the workers' Python refuses pip outside a venv (PEP 668)
    "several_workers",  # more than one worker takes tasks
    "own_registry",  # there is a registry to push images to
    "own_server",  # the person may change how the Kestra server is started
    "kubernetes",  # tasks run as pods (Kestra Enterprise)
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Yes, no or unknown (None), and how that is known."""

    value: bool | None = None
    source: Literal["probed", "configured", "assumed"] = "assumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The Kestra installation that the flow is for.

    Attributes:
        kestra: Lines the YAML must suit, ``("1.3", "2.0")``.
        python: ``3.12``, the Python of the workers and of plain images.
        platform: uv's name, ``x86_64-unknown-linux-gnu``.
        facts: One for every name of ``FactName``.
        registry: Where own images are pushed and pulled, ``registry.example.com/team``; empty when unknown.
        images: The catalogue, and what the person measured.
        python_source: How ``python`` is known.
    """

    kestra: tuple[str, ...] = ("1.3", "2.0")
    python: str = "3.12"
    platform: str = "x86_64-unknown-linux-gnu"
    facts: Mapping[FactName, Fact] = field(default_factory=dict)
    registry: str = ""
    images: tuple[Image, ...] = ()
    python_source: Literal["probed", "configured", "assumed"] = "assumed"

    def fact(self, name: FactName) -> Fact:
        """Give the fact, an unknown one when nobody stated it."""
        return self.facts.get(name, Fact())


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A cron expression (5 fields, or a nickname) with its IANA time zone."""

    cron: str
    timezone: str
    runs_per_month: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that a strategy may look at.

    Attributes:
        name: The flow's id: a strategy may name files and cache folders after it.
        namespace: The flow's namespace.
    """

    name: str
    namespace: str
    script: Script
    resolution: Resolution
    environment: Environment
    target: Target
    lock: Lock
    schedule: Schedule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a run costs beside the person's own code.

    Attributes:
        first: Seconds of the first run on empty caches; ``later``: of each run after it.
        later_cpu: CPU seconds of each later run.
        fetch_first: Bytes fetched on the first run; ``fetch_later``: on each later one.
        basis: How these numbers are known.
    """

    first: float
    later: float
    later_cpu: float
    fetch_first: int
    fetch_later: int
    basis: Literal["measured here", "measured elsewhere", "estimated"] = "estimated"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSettings:
    """The properties of the Python task that a strategy decides.

    Attributes:
        runner: Task runner; None leaves Kestra's default away (never used by ours: always stated).
        interpreter: The shell word that starts Python, ``python`` or ``"$VENV/bin/python"``.
        before_commands: Shell lines before the script's own command; one shell with it, ``/bin/sh`` (dash).
        input_files: Further files for the task by name (``requirements.txt``).
    """

    runner: Runner
    interpreter: str = "python"
    container_image: str = ""
    python_version: str = ""
    dependencies: tuple[str, ...] = ()
    package_manager: Literal["", "UV", "PIP"] = ""
    before_commands: tuple[Text, ...] = ()
    env: Mapping[str, Text] = field(default_factory=dict)
    input_files: Mapping[str, Text] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraFile:
    """A file the person needs beside the flow.

    Attributes:
        path: Relative to the export's root, with ``/``.
        text: Its content.
        purpose: What it is and what to do with it, one sentence.
        upload: True when it must be a namespace file before the flow can run.
        executable: True for scripts.
    """

    path: str
    text: str
    purpose: str
    upload: bool = False
    executable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing a person must do once, in words, with the command when there is one."""

    text: str
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One strategy's answer for one case.

    Attributes:
        strategy: Its name; ``title``: for people.
        fits: Whether the flow can be made and would run.
        summary: Where the packages come from at each run, one sentence.
        conditions: What of the target that rests on and nobody confirmed, in words; empty when all is known.
        reasons: Why it fits or does not, each one sentence.
        possible_if: For a refused plan: what would make it possible.
        assumed: Names of facts this plan rests on that nobody confirmed.
        unknown: Names of facts this plan rests on of which not even an assumption is made.
        settings: None only when it does not fit.
        preamble: Python put before the script (a check of what is installed); empty mostly.
        cache: When set the task is wrapped in a WorkingDirectory with this cache.
        further_flows: Such as a flow that verifies what the server has.
        steps: What a person must do once before the first run.
        drifts: True when two runs may get different versions.
        hand_work: Number of things to do by hand, once, before it runs (build, push, restart).
        moving_parts: Things that can go wrong later (caches, images, shared disks), fewer is better.
        cost: None when nothing can be said.
        why_here: Filled by the ranking: why it stands before the next one, one sentence.
    """

    strategy: str
    title: str
    fits: bool
    summary: str
    conditions: str = ""
    reasons: tuple[str, ...] = ()
    possible_if: tuple[str, ...] = ()
    assumed: tuple[FactName, ...] = ()
    unknown: tuple[FactName, ...] = ()
    settings: TaskSettings | None = None
    preamble: str = ""
    cache: Cache | None = None
    further_flows: tuple[Flow, ...] = ()
    files: tuple[ExtraFile, ...] = ()
    steps: tuple[Step, ...] = ()
    drifts: bool = False
    hand_work: int = 0
    moving_parts: int = 0
    cost: Cost | None = None
    findings: tuple[Finding, ...] = ()
    why_here: str = ""
