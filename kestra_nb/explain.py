"""Why a distribution is in, or why a name was left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kestra_nb.model.outcome import Why

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.utils import NormalizedName

    from kestra_nb.model.dependency import Need
    from kestra_nb.model.outcome import Planning


def why(planning: Planning, name: str) -> Why:
    """Tell the chain from a place in the notebook to a distribution, or the reason why a name was left out.

    Args:
        planning: What every strategy answers.
        name: A distribution or a module, in any spelling.
    """
    from packaging.utils import canonicalize_name

    wanted = canonicalize_name(name)
    supply = _supply(planning)
    lines = [
        f"{chain} → {need.requirement} ({need.evidence}) → {supply}"
        for need in planning.scan.resolution.needs
        if _asked_for(need, name, wanted)
        for chain in _chains(need)
    ]
    lines = lines or [
        f"{pin.name}=={pin.version} is in the lock because of {', '.join(pin.via) or 'the lock'} → {supply}"
        for pin in planning.lock.pins
        if pin.name == wanted
    ]
    included = bool(lines)
    lines += [
        f"{f'{item.location}: ' if item.location else ''}{item.name} was left out: {item.reason}"
        for item in planning.scan.resolution.excluded
        if item.name == name or canonicalize_name(item.name) == wanted
    ]
    nothing = f"{name} is not asked for by this notebook, nor needed by anything it asks for."
    return Why(name=name, lines=tuple(lines or [nothing]), included=included)


def _supply(planning: Planning) -> str:
    best = planning.recommended
    return "no strategy fits" if best is None else f"supplied by {best.strategy}: {best.summary}"


def _asked_for(need: Need, name: str, wanted: NormalizedName) -> bool:
    from packaging.utils import canonicalize_name

    return canonicalize_name(need.requirement.name) == wanted or any(
        item.module == name or item.module.startswith(f"{name}.") for item in need.imports
    )


def _chains(need: Need) -> Iterator[str]:
    for item in need.imports:
        yield f"{item.location}: {item.why or f'import {item.module}'}"
    if not need.imports:
        yield need.why
