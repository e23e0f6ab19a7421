"""Fixtures of the stage on Kestra's own engine, both lines; or on a full server, when KESTRA_NB_TEST_URL names one."""

from __future__ import annotations

import functools
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.kestra.harness.build import LINES
from tests.kestra.harness.docker import DockerMissingError, base_image, daemon, gateway, registry
from tests.kestra.harness.engines import Engines, missing
from tests.kestra.harness.exports import Author, make_author
from tests.kestra.harness.server import Server
from tests.kestra.harness.wheels import Index, Wheel, serve
from tests.kestra.harness.worker import Worker, make_worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.kestra.harness.engine import Engine
    from tests.kestra.harness.values import Kestra

SERVER_URL = os.environ.get("KESTRA_NB_TEST_URL")
FIRST_WHEELS = (
    Wheel(name="tinydep", version="1.0"),
    Wheel(name="tinypkg", version="1.0", requires=("tinydep",)),
    Wheel(name="tinypkg", version="2.0", requires=("tinydep",)),
)
SERVED_WHEELS = (Wheel(name="served", version="1.0", requires=("tinydep",)), FIRST_WHEELS[0])
"""What the workers' own Python holds, as if installed at the start of the server."""


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for the whole session, removed at its end: engines, workers and wheels take some hundred MB."""
    folder = tmp_path_factory.mktemp("kestra")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def worker(ground: Path, index: Index) -> Iterator[Worker]:
    """The Python of the engines' workers; after the last test it must be as it was."""
    made = make_worker(ground / "worker", served=index.add(*SERVED_WHEELS))
    yield made
    assert made.changes() == [], "a run changed the worker's own Python"


@pytest.fixture(scope="session")
def index(ground: Path) -> Iterator[Index]:
    """A package index on loopback, with tiny wheels; the only one that the workers know."""
    with serve(ground / "wheels") as serving:
        serving.add(*FIRST_WHEELS)
        serving.add_pip()
        yield serving


@pytest.fixture(scope="session")
def authors(ground: Path, index: Index) -> Callable[..., Author]:
    """Environments in which notebooks were written, made of requirements when first asked for."""

    @functools.cache
    def author(*requirements: str) -> Author:
        return make_author(ground / "authors" / ("-".join(requirements) or "none"), requirements, index)

    return author


@pytest.fixture(scope="session")
def engines(ground: Path, worker: Worker, index: Index) -> Iterator[Engines]:
    """Both lines, each booted once at most."""
    started = Engines(ground, worker, index)
    yield started
    started.stop()


@pytest.fixture(params=LINES)
def engine(request: pytest.FixtureRequest, engines: Engines) -> Engine:
    """Kestra's engine, the test once a line: for what rests on its worker, its storage or the index beside it."""
    return engines.get(request.param)


@pytest.fixture(params=["server"] if SERVER_URL else LINES)
def kestra(request: pytest.FixtureRequest) -> Kestra:
    """A Kestra: the full server that KESTRA_NB_TEST_URL names, else the engine of each line."""
    if SERVER_URL:
        user, password = os.environ.get("KESTRA_NB_TEST_USER"), os.environ.get("KESTRA_NB_TEST_PASSWORD")
        return Server(SERVER_URL, user=user, password=password)
    started: Engines = request.getfixturevalue("engines")
    return started.get(request.param)


@pytest.fixture(scope="session")
def docker_ground(ground: Path) -> Iterator[str]:
    """A Docker daemon and a registry on loopback; gives the registry's name. Skips where containers cannot run."""
    try:
        with daemon(ground / "docker"), registry(ground / "registry") as name:
            yield name
    except DockerMissingError as problem:
        missing(str(problem))


@pytest.fixture(scope="session")
def container_index(docker_ground: str, ground: Path) -> Iterator[Index]:
    """The index of tiny wheels where containers find it; the base image's pip is led to it."""
    assert docker_ground
    with serve(ground / "container-wheels", gateway()) as serving:
        serving.add(*FIRST_WHEELS)
        base_image(serving)
        yield serving
