"""The image catalogue: what container images hold, predicted or measured; and building one of your own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from kestra_nb.model.dependency import Image
    from kestra_nb.model.plan import Plan

__all__ = ["build", "catalogue", "measure"]


def catalogue() -> tuple[Image, ...]:
    """Give the images whose contents are known, sorted: Kestra's public ones, and those measured on this machine.

    Raises:
        ConfigError: The file of measured images is not what the kit wrote.
    """
    from kestra_nb.images import store

    measured = {(image.name, image.tag): image for image in store.measured()}
    known = {(image.name, image.tag): image for image in store.shipped()}
    return tuple(image for _, image in sorted({**known, **measured}.items()))


def measure(reference: str, how: Literal["", "docker", "registry"] = "") -> Image:
    """Look into an image, remember what it holds for the catalogue, and give it.

    Args:
        reference: ``[registry/]name[:tag][@digest]``.
        how: By running it with Docker, or by reading its layers from the registry; the former where Docker runs.

    Raises:
        StrategyError: The reference is wrong (KNB320), the image cannot be read (KNB320) or has no Python (KNB321).
    """
    from kestra_nb.images import docker, registry, store
    from kestra_nb.images.reference import parse

    place = parse(reference)
    by_docker = how == "docker" or (not how and docker.runs())
    image = docker.measure(place) if by_docker else registry.measure(place)
    store.remember(image)
    return image


def build(plan: Plan, *, push: bool = False) -> Image:
    """Build the image of a ``custom_image`` plan with Docker, look into it, and push it when asked.

    Args:
        plan: A plan with a Dockerfile among its files; its image's tag belongs to one lock.
        push: Push it to the registry its name begins with.

    Returns:
        What the built image holds; with its digest when it was pushed.

    Raises:
        StrategyError: The plan has nothing to build, the registry has the tag already, or Docker says no (KNB322).
    """
    from kestra_nb.images import docker, store

    image = docker.build(plan, push=push)
    store.remember(image)
    return image
