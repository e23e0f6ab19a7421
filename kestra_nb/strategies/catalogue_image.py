"""The strategy ``catalogue_image``."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from kestra_nb.model.finding import Finding
from kestra_nb.model.plan import Case, Plan, Step, TaskSettings
from kestra_nb.strategies.base import (
    KUBERNETES,
    Objection,
    container_platform,
    container_runner,
    judge,
    minor,
    nothing_to_install,
    package_manager,
    quoted,
)
from kestra_nb.strategies.costs import image_cost
from kestra_nb.strategies.installed import check_installed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from kestra_nb.model.dependency import Image, Need
    from kestra_nb.model.plan import Target


class CatalogueImage:
    """The task runs in one of Kestra's public images, or one of your own, that holds all the script needs.

    **What the flow does.** It names a container image whose contents are in the catalogue: *measured*, when the kit
    looked into that very image, or *predicted*, when they were resolved from what its Dockerfile asks for. Nothing is
    installed at run time.

    **How it is pinned.** Kestra's public images have one tag, `latest`, that is built anew every Monday, and Kestra's
    Docker runner cannot pull a digest (tried on 1.3 and 2.0). With a registry of your own the flow names a copy under
    a tag that never moves and carries the digest's start; otherwise it names `latest`, and a generated check compares
    the versions before the script starts. On Kubernetes the digest itself is named.

    **When it fits.** The workers can start containers, and an image holds every distribution the script imports in
    the locked version, or in another of the same series.

    **What it costs.** About 3 s for starting the container and importing pandas; the first run pulls the image.

    **When it is refused.** Something is missing in every image, or is there in another major version.

    **Where it differs from Kestra's page.** The page names the image; here its contents are compared, and it is pinned.
    """

    name = "catalogue_image"
    title = "A ready image"

    def plan(self, case: Case) -> Plan:
        """Fit when one image of the catalogue covers the needs."""
        platform = container_platform(case.target)
        runner, fact = container_runner(case.target)
        matches = sorted((match(image, case) for image in case.target.images if platform in image.platforms), key=rank)
        if not matches:
            nothing = Objection(
                reason=f"The catalogue has no image for {case.target.platform}.",
                cure="one is measured (kestra-nb images measure IMAGE)",
            )
            return judge(self._empty(), case, rests_on=(fact,), objections=(nothing,))
        best = matches[0]
        pin = pin_of(best.image, case.target)
        plan = Plan(
            strategy=self.name,
            title=self.title,
            fits=True,
            summary=f"The packages are in the image {pin.reference}; nothing is installed at run time.",
            reasons=(best.covers(),),
            settings=TaskSettings(runner=runner, container_image=pin.reference, package_manager=package_manager(case)),
            preamble=check_installed(best.versions) if pin.moves or best.image.basis == "predicted" else "",
            steps=pin.steps,
            drifts=pin.moves,
            hand_work=pin.hand_work,
            moving_parts=2 if pin.moves else 1,
            cost=image_cost(case, best.image.size),
            findings=(*best.findings(), *pin.findings()),
        )
        return judge(plan, case, rests_on=(fact,), objections=(*nothing_to_install(case), *best.objections()))

    def _empty(self) -> Plan:
        return Plan(strategy=self.name, title=self.title, fits=True, summary="There is no image to choose from.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One image held against the needs of a script.

    Attributes:
        same: Names that the image holds in the locked version.
        near: In another version of the same series, or one the author's own requirement allows: name → (image, lock).
        far: In a version that is neither.
        missing: Names the image does not hold.
        other_python: The lock's Python, when the image's is another one.
        too_new: Whether the script's syntax is newer than the image's Python.
    """

    image: Image
    same: tuple[NormalizedName, ...] = ()
    near: tuple[tuple[NormalizedName, Version, Version], ...] = ()
    far: tuple[tuple[NormalizedName, Version, Version], ...] = ()
    missing: tuple[NormalizedName, ...] = ()
    other_python: str = ""
    too_new: bool = False

    @property
    def versions(self) -> dict[NormalizedName, Version]:
        """The versions the flow relies on, by name: what the image holds of the needs."""
        named = (*self.same, *(name for name, _, _ in self.near))
        return {name: self.image.distributions[name] for name in named}

    def covers(self) -> str:
        """Say in one sentence what the image holds."""
        how = "holds" if self.image.basis == "measured" else "is predicted to hold"
        exact = f"{quoted(self.same)} in the locked version" if self.same else "nothing in the locked version"
        near = f", and near versions of {quoted(name for name, _, _ in self.near)}" if self.near else ""
        return f"{_short(self.image)} {how} {exact}{near} (as of {self.image.date})."

    def objections(self) -> Iterable[Objection]:
        """Object to what is missing or too different."""
        cure = "an image that holds them is measured (kestra-nb images measure IMAGE)"
        if self.missing:
            reason = f"The nearest image, {_short(self.image)}, lacks {quoted(self.missing)}."
            yield Objection(reason=reason, cure=cure)
        if self.far:
            reason = f"{_short(self.image)} holds {_versions(self.far)}."
            yield Objection(reason=reason, cure=cure)
        if self.too_new:
            reason = f"The script's syntax is newer than Python {self.image.python}, which {_short(self.image)} runs."
            yield Objection(reason=reason, cure=cure)

    def findings(self) -> Iterable[Finding]:
        """Say what differs without being refused."""
        if self.near:
            message = f"{_short(self.image)} holds {_versions(self.near)}."
            hint = "Try the script with these versions, or take a strategy that installs the lock."
            yield Finding(code="KNB305", severity="warning", message=message, hint=hint)
        if self.other_python:
            message = f"{_short(self.image)} runs Python {self.image.python}, the lock is for {self.other_python}."
            hint = "Try the script with that Python, or take a strategy with the lock's own."
            yield Finding(code="KNB308", severity="warning", message=message, hint=hint)
        if self.image.basis == "predicted":
            message = f"What {_short(self.image)} holds is predicted from its Dockerfile as of {self.image.date}."
            hint = f"Look into it: kestra-nb images measure {self.image.name}:{self.image.tag}"
            yield Finding(code="KNB306", severity="info", message=message, hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePin:
    """How the flow names an image, and what a person does once for it."""

    reference: str
    moves: bool = False
    hand_work: int = 0
    steps: tuple[Step, ...] = ()

    def findings(self) -> Iterable[Finding]:
        """Say that a public tag moves."""
        if self.moves:
            message = f"The tag of {self.reference} moves; when the image has changed, the run stops before the script."
            hint = "Name a registry of your own (--registry) to keep a copy under a tag that does not move."
            yield Finding(code="KNB307", severity="warning", message=message, hint=hint)


def match(image: Image, case: Case) -> Match:
    """Hold an image against the needs of a case."""
    locked = {pin.name: pin.version for pin in case.lock.pins}
    same, near, far, missing = [], [], [], []
    for name, need in _asked(case):
        held, wanted = image.distributions.get(name), locked.get(name)
        if held is None:
            missing.append(name)
        elif wanted is None or held == wanted:
            same.append(name)
        elif _near(held, wanted, need):
            near.append((name, held, wanted))
        else:
            far.append((name, held, wanted))
    python = minor(case.lock.python)
    return Match(
        image=image,
        same=tuple(same),
        near=tuple(near),
        far=tuple(far),
        missing=tuple(missing),
        other_python="" if python == minor(image.python) else python,
        too_new=not _parses(case.script.text, minor(image.python)),
    )


def _asked(case: Case) -> Iterable[tuple[NormalizedName, Need | None]]:
    """Give the needs, and for one with extras what the lock holds on its behalf: an image may lack the extra's part."""
    with_extras: set[str] = set()
    for need in case.resolution.needs:
        name = canonicalize_name(need.requirement.name)
        with_extras |= {name} if need.requirement.extras else set()
        yield name, need
    for pin in case.lock.pins:
        if with_extras & set(pin.via):
            yield pin.name, None


def rank(found: Match) -> tuple[int | bool | str, ...]:
    """Order matches: the least missing, the least different, the lock's Python, measured, glibc, small."""
    image = found.image
    different = (len(found.missing), len(found.far), len(found.near), found.too_new, bool(found.other_python))
    size = image.size or len(image.distributions)
    return (*different, image.basis == "predicted", image.libc != "glibc", size, image.name)


def pin_of(image: Image, target: Target) -> ImagePin:
    """Choose how to name an image so that it really pulls and does not move, and list the other ways as steps."""
    public = f"{image.name}:{image.tag}"
    if container_runner(target)[0] == KUBERNETES and image.digest:
        return ImagePin(reference=f"{image.name}@{image.digest}")
    own = target.registry and image.name.startswith(f"{target.registry}/")
    if own or image.tag != "latest":
        return ImagePin(reference=public)
    copy = _copy(image, target.registry or "registry.example.com/team")
    if target.registry:
        step = Step(text=f"Copy the image once; the flow names the copy, {copy}.", command=_copying(image, copy))
        return ImagePin(reference=copy, hand_work=1, steps=(step,))
    return ImagePin(reference=public, moves=True, steps=_other_pins(image, copy))


def _other_pins(image: Image, copy: str) -> tuple[Step, ...]:
    public = f"{image.name}:{image.tag}"
    used = Step(text=f"The flow names {public} and checks the versions at the start of each run: nothing to do.")
    mirror = Step(
        text="Or keep a copy under a tag that does not move, and export again with --registry.",
        command=_copying(image, copy),
    )
    if not image.digest:
        return used, mirror
    pulled = Step(
        text="Or pull the digest on every worker host; Kestra then finds it there, but cannot pull it itself.",
        command=f"docker pull {image.name}@{image.digest}",
    )
    return used, mirror, pulled


def _copy(image: Image, registry: str) -> str:
    digest = f"-{image.digest.removeprefix('sha256:')[:12]}" if image.digest else ""
    return f"{registry}/{image.name.rpartition('/')[2]}:{image.date}{digest}"


def _copying(image: Image, copy: str) -> str:
    source = f"{image.name}@{image.digest}" if image.digest else f"{image.name}:{image.tag}"
    return f"docker buildx imagetools create --tag {copy} {source}"


@lru_cache(maxsize=8)
def _parses(text: str, python: str) -> bool:
    """Tell whether a Python of that version could read the text, as far as the grammar alone shows it."""
    major, second = python.split(".")
    try:
        ast.parse(text, feature_version=(int(major), int(second)))
    except SyntaxError:
        return False
    return True


def _near(held: Version, wanted: Version, need: Need | None) -> bool:
    """Same series: the major version, with 0.x the minor one too; or what the author's own requirement allows."""
    if need is not None and need.evidence == "declared" and need.requirement.specifier.contains(held, prereleases=True):
        return True
    depth = 1 if wanted.major else 2
    return held.release[:depth] == wanted.release[:depth] and held.epoch == wanted.epoch


def _short(image: Image) -> str:
    return f"{image.name.rpartition('/')[2]}:{image.tag}"


def _versions(rows: Iterable[tuple[NormalizedName, Version, Version]]) -> str:
    return quoted(f"{name} {held} where the lock has {wanted}" for name, held, wanted in rows)
