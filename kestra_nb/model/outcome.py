"""What the verbs of the pipeline give back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kestra_nb.model.dependency import Environment, Lock, Resolution
    from kestra_nb.model.finding import Finding, Location
    from kestra_nb.model.flow import Flow
    from kestra_nb.model.notebook import Notebook, Script
    from kestra_nb.model.plan import Case, ExtraFile, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a notebook needs. ``findings`` are all so far, of reading and resolving, in order of place."""

    notebook: Notebook
    script: Script
    environment: Environment
    resolution: Resolution
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """Every strategy's plan for one notebook, best first. ``lock_path``: where a lock was read from, or empty."""

    scan: Scan
    case: Case
    plans: tuple[Plan, ...]
    lock: Lock
    findings: tuple[Finding, ...]
    lock_path: str = ""

    @property
    def recommended(self) -> Plan | None:
        """The first plan that fits, or None."""
        return next((plan for plan in self.plans if plan.fits), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMap:
    """Leads from a line of ``main.py`` (as the task runs it) and from a line of the YAML back to the notebook.

    Attributes:
        script: For each line of the delivered script, from 1: its place, or None for lines of the kit.
        yaml_first_line: Line of the YAML on which the script's text begins, 0 when it is not in the YAML line by line.
    """

    script: tuple[Location | None, ...]
    yaml_first_line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A flow ready to be written, with all that belongs to it.

    Attributes:
        flow: The main flow; ``yaml``: its text.
        path: Where the flow goes, relative to the export's root (``_flows/sales.yaml``).
        files: Everything else, further flows included, by path.
        sha256: Of notebook, settings and lock: what ``export --check`` compares with the header of the file.
    """

    flow: Flow
    yaml: str
    path: str
    plan: Plan
    line_map: LineMap
    files: tuple[ExtraFile, ...] = ()
    findings: tuple[Finding, ...] = ()
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What ``export`` did on disk: paths written, paths that already held the same bytes, both below ``root``."""

    bundle: Bundle
    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    root: str = "."


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """A chain from a place in the notebook to a distribution in the flow, or the reason why a name was left out."""

    name: str
    lines: tuple[str, ...]
    included: bool
