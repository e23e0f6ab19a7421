"""Every strategy's flow: accepted by both lines, run, run again, after a new version, two at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.kestra.harness.exports import Author
from tests.kestra.harness.wheels import Index, Wheel

if TYPE_CHECKING:
    from tests.kestra.harness.engine import Engine
    from tests.kestra.harness.values import Execution

KNOWN = {"index": "yes", "pip": "yes", "uv": "yes", "lasting_disk": "yes", "docker": "no", "own_server": "yes"}
CELL = """
import json
import {name}
print("::" + json.dumps({{"outputs": {{"version": {name}.__version__}}}}) + "::")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A strategy under one set of facts; ``offline`` when later runs ask nothing of the index."""

    strategy: str
    facts: Mapping[str, str]
    offline: bool

    @property
    def name(self) -> str:
        return "_".join([self.strategy, *(f"{fact}_{answer}" for fact, answer in self.facts.items())])


VARIANTS = (
    Variant(strategy="before_commands", facts={}, offline=False),
    Variant(strategy="cached_venv", facts={}, offline=True),
    Variant(strategy="cached_venv", facts={"uv": "no"}, offline=True),
    Variant(strategy="fresh_venv", facts={}, offline=True),
    Variant(strategy="task_dependencies", facts={}, offline=True),
    Variant(strategy="worker_venv", facts={}, offline=True),
    Variant(strategy="worker_venv", facts={"uv": "no"}, offline=True),
)
every_variant = pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
Authors = Callable[..., Author]


def versions(index: Index, name: str) -> None:
    index.add(*(Wheel(name=name, version=number, requires=("tinydep",)) for number in ("1.0", "2.0")))


def export(authors: Authors, variant: Variant, distribution: str, version: str) -> str:
    author = authors(f"{distribution}=={version}")
    cell = CELL.format(name=distribution.replace("-", "_"))
    return author.export([cell], variant.strategy, name=distribution, facts={**KNOWN, **variant.facts}).yaml


def imported(ended: Execution) -> str:
    assert ended.state == "SUCCESS", ended.told()
    return str(ended.task("run").vars["version"])


@every_variant
def test_first_second_and_third_run_then_a_new_version(
    engine: Engine, authors: Authors, index: Index, variant: Variant
) -> None:
    name = f"again-{variant.name}".replace("_", "-")
    versions(index, name)
    flow = export(authors, variant, name, "1.0")
    verdict = engine.validate(flow)
    assert verdict.clean, verdict
    assert imported(engine.run(flow)) == "1.0"
    asked, kept = len(index.asked), []
    for later in (engine.run(flow), engine.run(flow)):
        assert imported(later) == "1.0"
        assert not later.uploaded_cache, "nothing changed, so nothing is to be stored anew"
        kept.append(sum(1 for path in (engine.work / "kestra-nb").rglob("*") if path.is_file()))
    assert kept[0] == kept[1], "what lies on the worker's disk does not grow from run to run"
    if variant.offline:
        assert index.asked[asked:] == [], "a later run needs no index"
    assert imported(engine.run(export(authors, variant, name, "2.0"))) == "2.0"
    assert imported(engine.run(flow)) == "1.0", "the older flow still gets what it names"


@every_variant
def test_two_executions_at_once_on_first_use(engine: Engine, authors: Authors, index: Index, variant: Variant) -> None:
    name = f"twice-{variant.name}".replace("_", "-")
    versions(index, name)
    flow = export(authors, variant, name, "1.0")
    start = threading.Barrier(2)

    def run(_: int) -> Execution:
        start.wait()
        return engine.run(flow)

    with ThreadPoolExecutor() as pool:
        both = list(pool.map(run, range(2)))
    assert [imported(ended) for ended in both] == ["1.0", "1.0"]
    assert imported(engine.run(flow)) == "1.0"


def test_server_packages_runs_on_what_the_server_has(engine: Engine, authors: Authors) -> None:
    variant = Variant(strategy="server_packages", facts={}, offline=True)
    flow = export(authors, variant, "served", "1.0")
    assert engine.validate(flow).clean
    for _ in range(3):
        assert imported(engine.run(flow)) == "1.0"


def test_server_packages_stops_when_the_server_has_another_version(
    engine: Engine, authors: Authors, index: Index
) -> None:
    index.add(Wheel(name="served", version="2.0", requires=("tinydep",)))
    variant = Variant(strategy="server_packages", facts={}, offline=True)
    ended = engine.run(export(authors, variant, "served", "2.0"))
    assert ended.state == "FAILED"
    assert "kestra-nb: main.py was not started: served is 1.0, expected 2.0" in ended.messages("ERROR"), ended.told()


def test_the_verification_flow_of_server_packages_says_what_differs(
    engine: Engine, authors: Authors, index: Index
) -> None:
    index.add(Wheel(name="served", version="2.0", requires=("tinydep",)))
    for version, state in (("1.0", "SUCCESS"), ("2.0", "FAILED")):
        bundle = authors(f"served=={version}").export(
            [CELL.format(name="served")], "server_packages", name="verified", facts=KNOWN
        )
        further = next(file.text for file in bundle.files if file.path == "_flows/verified_list_dependencies.yaml")
        assert engine.validate(further).clean
        assert engine.run(further).state == state
