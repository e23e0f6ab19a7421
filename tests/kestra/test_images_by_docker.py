"""Building and measuring images with Docker itself, compared with what the registry's layers say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from packaging.version import Version

from kestra_nb import images
from kestra_nb.errors import StrategyError
from tests.kestra.harness.docker import BASE, PYTHON, build, docker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.kestra.harness.exports import Author
    from tests.kestra.harness.wheels import Index

FACTS = {"docker": "yes", "own_registry": "yes"}


@pytest.fixture(autouse=True)
def _person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, container_index: Index) -> None:
    """A person who measured nothing yet, on a machine whose containers find the tests' index."""
    assert container_index
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def test_an_image_is_built_pushed_and_measured_both_ways(authors: Callable[..., Author], docker_ground: str) -> None:
    plan = (
        authors("tinypkg==1.0")
        .export(
            ["import tinypkg"], "custom_image", name="built", facts=FACTS, target_python=PYTHON, registry=docker_ground
        )
        .plan
    )
    image = images.build(plan, push=True)
    assert plan.settings is not None
    assert f"{image.name}:{image.tag}" == plan.settings.container_image
    assert image.tag.startswith("lock-")
    assert (image.distributions["tinypkg"], image.distributions["tinydep"]) == (Version("1.0"), Version("1.0"))  # type: ignore[index]
    by_layers = images.measure(plan.settings.container_image, "registry")
    assert by_layers.distributions == image.distributions
    assert (by_layers.digest, by_layers.libc) == (image.digest, image.libc)
    assert image.python.startswith(by_layers.python)
    assert [known.basis for known in images.catalogue() if known.name == image.name] == ["measured"]
    with pytest.raises(StrategyError, match="is in the registry already"):
        images.build(plan, push=True)
    docker("rmi", "--force", plan.settings.container_image)
    assert images.measure(plan.settings.container_image).distributions == image.distributions, "pulled again"


def test_what_docker_refuses_is_one_sentence(docker_ground: str) -> None:
    with pytest.raises(StrategyError, match="Docker cannot pull") as refused:
        images.measure(f"{docker_ground}/no/such:image", "docker")
    assert refused.value.code == "KNB320"
    assert "\n" not in str(refused.value)


def test_an_image_without_python_is_named(docker_ground: str) -> None:
    name = f"{docker_ground}/bare:1"
    build(name, f"FROM {BASE}\nRUN rm -f /usr/bin/python\n").push(name)
    for how in ("docker", "registry"):
        with pytest.raises(StrategyError) as refused:
            images.measure(name, how)
        assert refused.value.code == "KNB321"
