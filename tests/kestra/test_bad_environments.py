"""Workers, indexes and disks as they should not be: a run stops before the person's code, the next one starts clean.

What prepares the environment is shell text that does not differ between Kestra's lines, so these tests use one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.kestra.harness.exports import Author
from tests.kestra.harness.wheels import Index, Wheel
from tests.kestra.harness.worker import Worker, make_worker

if TYPE_CHECKING:
    from tests.kestra.harness.engine import Engine
    from tests.kestra.harness.engines import Engines
    from tests.kestra.harness.values import Execution

Authors = Callable[..., Author]
Mount = Callable[[str], Path]
LINE = "2.0"
FACTS = {"index": "yes", "pip": "yes", "uv": "yes", "lasting_disk": "yes", "docker": "no", "own_server": "yes"}
NO_UV = {"uv": "no"}
VARIANTS: tuple[tuple[str, dict[str, str]], ...] = (
    ("before_commands", {}),
    ("cached_venv", {}),
    ("cached_venv", NO_UV),
    ("fresh_venv", {}),
    ("task_dependencies", {}),
    ("worker_venv", {}),
    ("worker_venv", NO_UV),
)
REASON = "kestra-nb: main.py was not started: "
every_variant = pytest.mark.parametrize(
    ("strategy", "facts"), VARIANTS, ids=lambda value: value if isinstance(value, str) else ("pip" if value else "")
)


def export(authors: Authors, wheel: Wheel, strategy: str, facts: dict[str, str], **settings: object) -> str:
    module = wheel.name.replace("-", "_")
    cell = f"import {module}\nprint('the script ran with', {module}.__version__)"
    author = authors(f"{wheel.name}=={wheel.version}")
    return author.export([cell], strategy, name=f"{wheel.name}-{strategy}", facts={**FACTS, **facts}, **settings).yaml


def ran(ended: Execution) -> bool:
    return any(line.startswith("the script ran with") for line in ended.messages())


def together(engine: Engine, flows: Mapping[int, str]) -> dict[int, Execution]:
    """Run all at once: most of their time they wait."""
    with ThreadPoolExecutor(len(flows)) as pool:
        return dict(zip(flows, pool.map(engine.run, flows.values()), strict=True))


def reason(ended: Execution) -> str:
    """The one line of our own that says why the script was not started."""
    assert ended.state == "FAILED", ended.told()
    assert not ran(ended), ended.told()
    (said,) = [line for line in ended.messages("ERROR") if line.startswith(REASON)]
    return said.removeprefix(REASON)


def named(strategy: str, facts: dict[str, str], what: str) -> str:
    return "-".join((what, strategy.replace("_", "-"), *facts))


@pytest.fixture
def usual(engines: Engines) -> Engine:
    return engines.get(LINE)


@every_variant
def test_a_version_that_the_index_lost(
    usual: Engine, authors: Authors, index: Index, strategy: str, facts: dict[str, str]
) -> None:
    wheel = Wheel(name=named(strategy, facts, "lost"), version="1.0")
    index.add(wheel)
    flow = export(authors, wheel, strategy, facts)
    index.remove(wheel)
    assert wheel.name in reason(usual.run(flow))
    index.add(wheel)
    assert ran(usual.run(flow)), "the next run starts clean"


@every_variant
def test_a_wheel_that_is_missing_for_the_platform(
    usual: Engine, authors: Authors, index: Index, strategy: str, facts: dict[str, str]
) -> None:
    wheel = Wheel(name=named(strategy, facts, "elsewhere"), version="1.0")
    other = Wheel(name=wheel.name, version="1.0", tag="cp311-cp311-win_amd64")
    index.add(wheel)
    flow = export(authors, wheel, strategy, facts)
    index.remove(wheel)
    index.add(other)
    assert wheel.name in reason(usual.run(flow))


def test_no_network(usual: Engine, authors: Authors, index: Index) -> None:
    wheels = {
        variant: Wheel(name=named(*VARIANTS[variant], "unreachable"), version="1.0") for variant in range(len(VARIANTS))
    }
    index.add(*wheels.values())
    flows = {variant: export(authors, wheel, *VARIANTS[variant]) for variant, wheel in wheels.items()}
    index.faults.down = True
    try:
        ended = together(usual, flows)
    finally:
        index.faults.down = False
    for variant, wheel in wheels.items():
        said = reason(ended[variant])
        assert wheel.name in said or "/simple/pip/" in said, "uv fetches pip first, to download wheels with it"
    for again in together(usual, flows).values():
        assert ran(again), "the next run starts clean"


@pytest.mark.parametrize(("strategy", "facts"), [("cached_venv", {}), ("fresh_venv", {}), ("worker_venv", {})])
def test_later_runs_need_no_network(
    usual: Engine, authors: Authors, index: Index, strategy: str, facts: dict[str, str]
) -> None:
    wheel = Wheel(name=named(strategy, facts, "kept"), version="1.0")
    index.add(wheel)
    flow = export(authors, wheel, strategy, facts)
    assert ran(usual.run(flow))
    index.faults.down = True
    try:
        assert ran(usual.run(flow))
    finally:
        index.faults.down = False


def test_an_environment_that_was_cut_off_half_built_is_never_used(
    usual: Engine, authors: Authors, index: Index
) -> None:
    variants = [variant for variant in VARIANTS if variant[0] in {"cached_venv", "worker_venv"}]
    wheels = [Wheel(name=named(*variant, "cut-off"), version="1.0") for variant in variants]
    index.add(*wheels)
    pairs = list(enumerate(zip(wheels, variants, strict=True)))
    hasty = {number: export(authors, wheel, *variant, timeout="PT6S") for number, (wheel, variant) in pairs}
    index.faults.slow = 30
    try:
        assert {ended.state for ended in together(usual, hasty).values()} == {"FAILED"}
    finally:
        index.faults.slow = 0
    for ended in together(
        usual, {number: export(authors, wheel, *variant) for number, (wheel, variant) in pairs}
    ).values():
        assert ran(ended), ended.told()


@pytest.mark.parametrize("strategy", ["cached_venv", "fresh_venv", "worker_venv"])
def test_a_worker_whose_disk_does_not_last(usual: Engine, authors: Authors, index: Index, strategy: str) -> None:
    wheel = Wheel(name=named(strategy, {}, "washed"), version="1.0")
    index.add(wheel)
    flow = export(authors, wheel, strategy, {})
    assert ran(usual.run(flow))
    shutil.rmtree(usual.work)
    usual.work.mkdir()
    asked = len(index.asked)
    assert ran(usual.run(flow))
    if strategy == "cached_venv":
        assert not [path for path in index.asked[asked:] if wheel.name in path], "Kestra's cache has the wheels"


def test_old_environments_are_removed_by_the_stated_rule(usual: Engine, authors: Authors, index: Index) -> None:
    old, used, new = (Wheel(name=name, version="1.0") for name in ("aged", "aged-but-used", "newer"))
    index.add(old, used, new)
    flows = {wheel.name: export(authors, wheel, "worker_venv", {}) for wheel in (old, used, new)}
    disk = usual.work / "kestra-nb"
    made = {}
    for wheel in (old, used):
        before = set(disk.glob("env-*.lock"))
        assert ran(usual.run(flows[wheel.name]))
        (made[wheel.name],) = set(disk.glob("env-*.lock")) - before
    month_ago = time.time() - 31 * 86400
    for lock in made.values():
        os.utime(lock, (month_ago, month_ago))
    assert ran(usual.run(flows[used.name])), "using it makes it young again"
    assert ran(usual.run(flows[new.name])), "building another one removes the old"
    assert not made[old.name].with_suffix("").exists()
    assert made[used.name].with_suffix("").exists()
    assert ran(usual.run(flows[old.name])), "and it is built anew when it is wanted again"


def test_an_environment_in_use_is_not_removed_however_old(usual: Engine, authors: Authors, index: Index) -> None:
    wheel, other = Wheel(name="in-use", version="1.0"), Wheel(name="built-meanwhile", version="1.0")
    index.add(wheel, other)
    first, second = (export(authors, one, "worker_venv", {}) for one in (wheel, other))
    disk = usual.work / "kestra-nb"
    before = set(disk.glob("env-*.lock"))
    assert ran(usual.run(first))
    (lock,) = set(disk.glob("env-*.lock")) - before
    with lock.open("rb") as held:
        subprocess.run(["flock", "-s", str(held.fileno())], pass_fds=[held.fileno()], check=True)
        os.utime(lock, (0, 0))
        assert ran(usual.run(second))
        assert lock.with_suffix("").exists()


@pytest.fixture(scope="session")
def bare(ground: Path) -> Worker:
    """A worker without uv whose Python is externally managed (PEP 668)."""
    return make_worker(ground / "bare", uv=False, managed=True)


@pytest.mark.parametrize(
    ("strategy", "facts"),
    [("before_commands", {}), ("cached_venv", NO_UV), ("task_dependencies", {}), ("worker_venv", NO_UV)],
)
def test_a_worker_with_an_externally_managed_python_and_no_uv(  # noqa: PLR0913, PLR0917 - fixtures and what is tried
    engines: Engines, bare: Worker, authors: Authors, index: Index, strategy: str, facts: dict[str, str]
) -> None:
    wheel = Wheel(name=named(strategy, facts, "bare"), version="1.0")
    index.add(wheel)
    ended = engines.get(LINE, kind="bare", worker=bare).run(export(authors, wheel, strategy, facts))
    assert ran(ended), ended.told()
    assert bare.changes() == []


def test_a_flow_for_uv_on_a_worker_without_it(engines: Engines, bare: Worker, authors: Authors, index: Index) -> None:
    wheel = Wheel(name="wants-uv", version="1.0")
    index.add(wheel)
    for strategy in ("cached_venv", "fresh_venv", "worker_venv"):
        ended = engines.get(LINE, kind="bare", worker=bare).run(export(authors, wheel, strategy, {}))
        assert "uv: not found" in reason(ended)


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Mount]:
    """Mounts a file system in memory with these options; only root can."""
    if os.geteuid():
        pytest.skip("only root can mount a file system")
    points: list[Path] = []

    def mount(options: str) -> Path:
        point = tmp_path / f"mounted-{len(points)}"
        point.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", point], check=True)
        points.append(point)
        return point

    yield mount
    for point in points:
        subprocess.run(["umount", "--lazy", point], check=True)


@pytest.mark.parametrize("facts", [{}, NO_UV], ids=["uv", "pip"])
def test_a_disk_mounted_noexec(
    engines: Engines, mounted: Mount, authors: Authors, index: Index, facts: dict[str, str]
) -> None:
    wheel = Wheel(name=named("worker_venv", facts, "noexec"), version="1.0")
    index.add(wheel)
    flow = export(authors, wheel, "worker_venv", facts)
    engine = engines.get(LINE, kind="noexec", folder=mounted("noexec,size=300m"))
    try:
        assert "noexec" in reason(engine.run(flow))
    finally:
        engines.stop("noexec")


@pytest.mark.parametrize(("strategy", "facts"), [("fresh_venv", {}), ("worker_venv", {}), ("before_commands", {})])
def test_a_full_disk(  # noqa: PLR0913, PLR0917 - fixtures and what is tried
    engines: Engines, mounted: Mount, authors: Authors, index: Index, strategy: str, facts: dict[str, str]
) -> None:
    name = named(strategy, facts, "fat")
    module = name.replace("-", "_")
    wheel = Wheel(name=name, version="1.0", files={f"{module}/data.txt": "x" * 80_000_000})
    index.add(wheel)
    flow = export(authors, wheel, strategy, facts)
    disk = mounted("size=60m")
    engine = engines.get(LINE, kind="full", folder=disk)
    try:
        assert "o space left" in reason(engine.run(flow))
        subprocess.run(["mount", "-o", "remount,size=600m", disk], check=True)
        assert ran(engine.run(flow)), "the next run starts clean"
    finally:
        engines.stop("full")
