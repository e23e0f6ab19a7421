"""Strategies are found by entry points; a broken one of another distribution takes nothing down."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from kestra_nb import strategies
from kestra_nb.errors import StrategyError
from kestra_nb.strategies import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kestra_nb.model.plan import Case

OURS = {
    "before_commands", "cached_venv", "catalogue_image", "custom_image", "fresh_venv", "server_packages",
    "task_dependencies", "worker_venv",
}  # fmt: skip


BORROWED = """
from kestra_nb.model.plan import Plan
class Borrowed:
    name, title = "borrowed", "From elsewhere"
    def plan(self, case):
        return Plan(strategy=self.name, title=self.title, fits=True, summary="for " + case.name)
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Install a distribution with one entry point, for the length of a test."""

    def install(name: str, value: str) -> None:
        info = tmp_path / "elsewhere-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{name} = {value}\n")
        (tmp_path / "elsewhere.py").write_text(BORROWED)
        monkeypatch.syspath_prepend(tmp_path)
        registry.registered.cache_clear()

    yield install
    monkeypatch.undo()
    registry.registered.cache_clear()


def test_our_own_are_found_by_their_entry_points() -> None:
    assert set(strategies.registered()) == OURS


def test_another_distribution_adds_its_own(
    installed: Callable[[str, str], None], make_case: Callable[..., Case]
) -> None:
    installed("borrowed", "elsewhere:Borrowed")
    assert "borrowed" in {plan.strategy for plan in strategies.plan_all(make_case()) if plan.fits}


def test_one_that_cannot_be_loaded_says_so_and_the_others_answer(
    installed: Callable[[str, str], None], make_case: Callable[..., Case]
) -> None:
    installed("broken", "no_such_module:Nothing")
    plans = {plan.strategy: plan for plan in strategies.plan_all(make_case())}
    assert set(plans) == {*OURS, "broken"}
    assert not plans["broken"].fits
    assert plans["broken"].reasons == (
        "The strategy 'broken' could not be loaded: ModuleNotFoundError: No module named 'no_such_module'.",
    )
    assert [finding.code for finding in plans["broken"].findings] == ["KNB302"]


def test_an_unknown_name_is_refused_with_the_near_miss() -> None:
    with pytest.raises(StrategyError, match="'worker_env' is no strategy") as refused:
        strategies.get("worker_env")
    assert (refused.value.code, refused.value.hint) == ("KNB301", "Did you mean 'worker_venv'?")


def test_importing_the_package_loads_no_strategy() -> None:
    code = "import sys, kestra_nb.strategies; print([name for name in sys.modules if 'strategies.' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
