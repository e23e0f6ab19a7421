"""The Docker runner for real: images built here, pushed to a registry on loopback, pulled by Kestra."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from kestra_nb.errors import StrategyError
from kestra_nb.model.dependency import Image
from tests.kestra.harness.build import LINES
from tests.kestra.harness.docker import BASE, PYTHON, Built, build, docker
from tests.kestra.harness.exports import Author
from tests.kestra.harness.wheels import Index, Wheel

if TYPE_CHECKING:
    from pathlib import Path

    from kestra_nb.model.outcome import Bundle
    from tests.kestra.harness.engine import Engine
    from tests.kestra.harness.engines import Engines
    from tests.kestra.harness.values import Execution

Authors = Callable[..., Author]
FACTS = {"docker": "yes", "index": "yes", "uv": "no", "pip": "no", "lasting_disk": "no", "own_registry": "yes"}
CELL = 'import tinypkg\nprint("::" + \'{"outputs":{"version":"\' + tinypkg.__version__ + \'"}}\' + "::")'
RAW = """id: {name}
namespace: docker
tasks:
  - id: run
    type: io.kestra.plugin.scripts.python.Commands
    taskRunner: {{type: io.kestra.plugin.scripts.runner.docker.Docker, pullPolicy: IF_NOT_PRESENT}}
    containerImage: {image}
    packageManager: PIP
    commands: [python --version]
"""


def export(authors: Authors, strategy: str, *, name: str, **rest: object) -> Bundle:
    author = authors("tinypkg==1.0")
    return author.export([CELL], strategy, name=name, facts=FACTS, target_python=PYTHON, **rest)


def image_with(version: str, *, extra: str = "") -> Built:
    """An image that holds tinypkg of that version; ``extra`` makes it another one."""
    return build(
        "made-here:latest", f"FROM {BASE}\nRUN pip install --quiet tinypkg=={version}\nLABEL extra='{extra}'\n"
    )


def imported(ended: Execution) -> str:
    assert ended.state == "SUCCESS", ended.told()
    return str(ended.task("run").vars["version"])


def pulled(ended: Execution) -> bool:
    return any(log.message.startswith("Image pulled") for log in ended.logs)


def catalogue(
    name: str, *, tag: str = "latest", basis: str = "measured", digest: str = "", holds: str = "tinypkg"
) -> Image:
    return Image(
        name=name,
        tag=tag,
        python=PYTHON,
        libc="glibc",
        basis=basis,  # type: ignore[arg-type]
        date="2026-11-16",
        digest=digest,
        distributions={canonicalize_name(holds): Version("1.0"), canonicalize_name("tinydep"): Version("1.0")},
    )


@pytest.fixture(scope="module", autouse=True)
def _containers(container_index: Index) -> Index:
    return container_index


@pytest.fixture(scope="module")
def image_not_found(engines: Engines, docker_ground: str) -> Iterator[dict[str, Future[Execution]]]:
    """Runs with an image that nowhere is, started early: Kestra's retries take 75 s."""
    flow = RAW.format(name="nowhere", image=f"{docker_ground}/no/such:image")
    with ThreadPoolExecutor() as pool:
        yield {line: pool.submit(engines.get(line).run, flow, timeout=300) for line in LINES}


@pytest.fixture(autouse=True)
def _started_early(image_not_found: dict[str, Future[Execution]]) -> None:
    assert image_not_found


def test_before_commands_in_a_container(engine: Engine, authors: Authors) -> None:
    flow = export(authors, "before_commands", name="in_container").yaml
    assert engine.validate(flow).clean
    assert [imported(engine.run(flow)) for _ in range(2)] == ["1.0", "1.0"]


def test_before_commands_in_a_container_says_what_is_missing(
    engine: Engine, authors: Authors, index: Index, container_index: Index
) -> None:
    wheel = Wheel(name="not-for-containers", version="1.0")
    index.add(wheel)
    assert wheel.filename not in {file.name for file in container_index.folder.iterdir()}
    author = authors("not-for-containers==1.0")
    cells, rest = ["import not_for_containers\nprint('ran')"], {"target_python": PYTHON}
    ended = engine.run(author.export(cells, "before_commands", name="missing", facts=FACTS, **rest).yaml)
    (said,) = [line for line in ended.messages("ERROR") if line.startswith("kestra-nb: main.py was not started: ")]
    assert wheel.name in said
    assert "ran" not in ended.messages()


def test_an_image_of_ones_own(engine: Engine, authors: Authors, docker_ground: str, tmp_path: Path) -> None:
    bundle = export(authors, "custom_image", name=f"own-{engine.line}", registry=f"{docker_ground}/team")
    for file in bundle.files:
        (tmp_path / file.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file.path).write_text(file.text, encoding="utf-8")
    commands = [step.command for step in bundle.plan.steps]
    assert [command.split()[:2] for command in commands] == [["docker", "build"], ["docker", "push"]]
    reference = commands[1].split()[-1]
    folder = tmp_path / commands[0].split()[-1]
    image = build(reference, (folder / "Dockerfile").read_text(encoding="utf-8"), folder)
    image.push(reference)
    assert engine.validate(bundle.yaml).clean
    first, second = engine.run(bundle.yaml), engine.run(bundle.yaml)
    assert [imported(first), imported(second)] == ["1.0", "1.0"]
    assert [pulled(first), pulled(second)] == [True, False]


def test_a_copy_under_a_tag_that_never_moves(engine: Engine, authors: Authors, docker_ground: str) -> None:
    made = image_with("1.0", extra=f"copy {engine.line}")
    digest = made.push(f"{docker_ground}/public{engine.line}/pydata:latest")
    image = catalogue(f"ghcr.example.com/public{engine.line}/pydata", digest=digest)
    bundle = export(authors, "catalogue_image", name=f"copy-{engine.line}", images=(image,), registry=docker_ground)
    (reference,) = {line.split()[-1] for line in bundle.yaml.splitlines() if "containerImage:" in line}
    assert reference.startswith(f"{docker_ground}/pydata:2026-11-16-{digest.removeprefix('sha256:')[:12]}")
    source = f"{docker_ground}/public{engine.line}/pydata@{digest}"
    docker("pull", "--quiet", source)
    docker("tag", source, reference)
    docker("push", "--quiet", reference)
    docker("rmi", "--force", docker("images", "--quiet", reference))
    first = engine.run(bundle.yaml)
    assert imported(first) == "1.0"
    assert pulled(first)


def test_a_public_tag_that_moved_is_caught_before_the_script(
    engine: Engine, authors: Authors, docker_ground: str
) -> None:
    name = f"{docker_ground}/moving{engine.line}/pydata"
    image_with("1.0", extra=f"moving {engine.line}").push(f"{name}:latest")
    bundle = export(authors, "catalogue_image", name=f"moving-{engine.line}", images=(catalogue(name),))
    assert imported(engine.run(bundle.yaml)) == "1.0"
    docker("rmi", "--force", f"{name}:latest")
    image_with("2.0", extra=f"moved {engine.line}").push(f"{name}:latest")
    ended = engine.run(bundle.yaml)
    assert ended.state == "FAILED"
    assert "kestra-nb: main.py was not started: tinypkg is 2.0, expected 1.0" in ended.messages("ERROR"), ended.told()


def test_a_predicted_image_that_lacks_a_need_is_caught(engine: Engine, authors: Authors, docker_ground: str) -> None:
    name = f"{docker_ground}/predicted{engine.line}/pydata"
    build("made-here:bare", f"FROM {BASE}\nLABEL extra='bare {engine.line}'\n").push(f"{name}:latest")
    image = catalogue(name, basis="predicted")
    ended = engine.run(export(authors, "catalogue_image", name=f"predicted-{engine.line}", images=(image,)).yaml)
    assert ended.state == "FAILED"
    assert "kestra-nb: main.py was not started: tinypkg 1.0 is not installed" in ended.messages("ERROR"), ended.told()


def test_needs_that_no_image_covers_are_refused(authors: Authors) -> None:
    image = catalogue("ghcr.example.com/pydata", holds="something-else")
    with pytest.raises(StrategyError, match="lacks tinypkg"):
        export(authors, "catalogue_image", name="uncovered", images=(image,))


def test_a_digest_does_not_pull_but_runs_where_it_was_pulled(engine: Engine, docker_ground: str) -> None:
    name = f"{docker_ground}/digest{engine.line}/pydata"
    digest = build("made-here:digest", f"FROM {BASE}\nLABEL extra='digest {engine.line}'\n").push(f"{name}:1")
    flow = RAW.format(name=f"digest-{engine.line}", image=f"{name}@{digest}")
    assert engine.validate(flow).clean, "saving such a flow says nothing"
    refused = engine.run(flow, timeout=300)
    assert refused.state == "FAILED", refused.told()
    docker("pull", "--quiet", f"{name}@{digest}")
    assert engine.run(flow).state == "SUCCESS"


@pytest.mark.parametrize("line", LINES)
def test_an_image_that_cannot_be_found(image_not_found: dict[str, Future[Execution]], line: str) -> None:
    assert image_not_found[line].result().state == "FAILED"
