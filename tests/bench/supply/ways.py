"""The ways to supply packages that are measured side by side: the kit's, Kestra's own, and that of Kestra's page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.bench.supply.sets import Requirements
    from tests.kestra.harness.exports import Author

KNOWN: Final = {"index": "yes", "pip": "yes", "uv": "yes", "lasting_disk": "yes", "docker": "no", "own_server": "yes"}
PUBLISHED: Final = """\
id: {name}
namespace: company.team
tasks:
  - id: workdir
    type: io.kestra.plugin.core.flow.WorkingDirectory
    cache:
      patterns: ["venv/**"]
    tasks:
      - id: run
        type: io.kestra.plugin.scripts.python.Commands
        taskRunner:
          type: io.kestra.plugin.core.runner.Process
        packageManager: PIP
        beforeCommands:
          - python -m venv venv
          - . venv/bin/activate
          - pip install {asked}
        commands:
          - python main.py
        inputFiles:
          main.py: |
            {cell}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way: its name in the cost model, what people call it, and the strategy of the kit behind it.

    ``strategy`` is empty for the recipe of Kestra's page.
    """

    name: str
    title: str
    strategy: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    uv_dependencies: bool = False

    def flow(self, author: Author, wanted: Requirements) -> str:
        """The flow for a set of requirements."""
        name = f"{self.name.replace('_', '-')}-{wanted.name}"
        if not self.strategy:
            return PUBLISHED.format(
                name=name, asked=" ".join(wanted.asked), cell=wanted.cell.replace("\n", "\n            ")
            )
        text = author.export([wanted.cell], self.strategy, name=name, facts={**KNOWN, **self.facts}).yaml
        return text.replace("packageManager: PIP", "packageManager: UV") if self.uv_dependencies else text


WAYS: Final = (
    Way(name="pip_each_run", title="pip at each run", strategy="before_commands"),
    Way(name="published", title="Kestra's page: cached venv, as published"),
    Way(name="native_pip", title="native dependencies, PIP (stand-in)", strategy="task_dependencies"),
    Way(
        name="native_uv",
        title="native dependencies, UV (stand-in)",
        strategy="task_dependencies",
        uv_dependencies=True,
    ),
    Way(name="cached_folder", title="cached_venv, pip alone", strategy="cached_venv", facts={"uv": "no"}),
    Way(name="cached_wheels", title="cached_venv, uv", strategy="cached_venv"),
    Way(name="uv_each_run", title="fresh_venv", strategy="fresh_venv"),
    Way(name="environment_on_disk_pip", title="worker_venv, pip alone", strategy="worker_venv", facts={"uv": "no"}),
    Way(name="environment_on_disk", title="worker_venv, uv", strategy="worker_venv"),
    Way(name="preinstalled", title="server_packages (preinstalled worker)", strategy="server_packages"),
    Way(
        name="image",
        title="an image that holds them",
        strategy="custom_image",
        facts={"docker": "yes", "own_registry": "yes"},
    ),
)
