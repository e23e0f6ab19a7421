"""Cases for strategies: one notebook, one target, and a way to change one thing of them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from kestra_nb.config import FACTS
from kestra_nb.model.dependency import Distribution, Environment, Image, Lock, Need, Pin, Resolution
from kestra_nb.model.notebook import Script
from kestra_nb.model.plan import Case, Fact, Schedule, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MEGABYTE = 1_000_000
SIZES = {
    "pandas": 12.8, "numpy": 16.9, "python-dateutil": 0.2, "pytz": 0.5, "six": 0.01, "tzdata": 0.3,
    "scikit-learn": 9.5, "scipy": 35.0, "matplotlib": 8.7, "pillow": 7.0, "fonttools": 5.0, "kiwisolver": 1.5,
    "torch": 900.0,
}  # fmt: skip
VERSIONS = {
    "pandas": "2.3.3", "numpy": "2.3.5", "python-dateutil": "2.9.0.post0", "pytz": "2025.2", "six": "1.17.0",
    "tzdata": "2025.2", "scikit-learn": "1.7.2", "scipy": "1.16.3", "matplotlib": "3.10.7", "pillow": "12.0.0",
    "fonttools": "4.60.1", "kiwisolver": "1.4.9", "torch": "2.9.1",
}  # fmt: skip
LIGHT = ("numpy", "pandas", "python-dateutil", "pytz", "six", "tzdata")
HEAVY = (*LIGHT, "fonttools", "kiwisolver", "matplotlib", "pillow", "scikit-learn", "scipy")
SETS: Mapping[str, tuple[str, ...]] = {"light": LIGHT, "heavy": HEAVY, "torch": (*LIGHT, "torch")}
SCHEDULES: Mapping[str, Schedule | None] = {
    "minute": Schedule(cron="* * * * *", timezone="UTC", runs_per_month=43_830),
    "month": Schedule(cron="0 7 1 * *", timezone="UTC", runs_per_month=1),
    "": None,
}


def pin(name: str, **changes: object) -> Pin:
    """A pin of a wheel with its size."""
    wheel = f"{name}-{VERSIONS[name]}-cp312-cp312-manylinux_2_28_x86_64.whl"
    values = {"name": canonicalize_name(name), "version": Version(VERSIONS[name]), "wheel": wheel}
    return Pin(**{**values, "size": int(SIZES[name] * MEGABYTE), **changes})  # type: ignore[arg-type]


def lock_of(pins: tuple[Pin, ...]) -> Lock:
    """A lock from the index, for Python 3.12."""
    text = "".join(item.line for item in pins)
    return Lock(
        pins=pins,
        source="index",
        python="3.12",
        platform="x86_64-unknown-linux-gnu",
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def image_of(short: str, held: Mapping[str, str], **changes: object) -> Image:
    """A measured image with a digest."""
    distributions: dict[NormalizedName, Version] = {canonicalize_name(key): Version(held[key]) for key in held}
    values = {
        "name": f"ghcr.io/kestra-io/{short}", "tag": "latest", "python": "3.12", "libc": "glibc", "basis": "measured",
        "date": "2026-11-16", "digest": "sha256:" + "0e438e40e644" + "0" * 52, "distributions": distributions,
    }  # fmt: skip
    return Image(**{**values, **changes})  # type: ignore[arg-type]


PYDATA = image_of("pydata", {name: VERSIONS[name] for name in (*LIGHT, "scikit-learn", "scipy")})


class CaseMaker:
    """Makes cases that differ in what a test is about and in nothing else."""

    def __call__(  # noqa: PLR0913  one keyword for each thing a test may change
        self,
        pins: tuple[str | Pin, ...] | str = "light",
        needs: tuple[str, ...] = ("pandas",),
        *,
        facts: Mapping[str, bool | None] | None = None,
        source: str = "configured",
        registry: str = "",
        images: tuple[Image, ...] = (PYDATA,),
        every: str = "",
        name: str = "sales",
        platform: str = "x86_64-unknown-linux-gnu",
        unresolved: tuple[str, ...] = (),
        installed: tuple[Distribution, ...] = (),
        evidence: str = "installed",
    ) -> Case:
        """A case; facts not named are as the settings assume them, named ones are configured."""
        chosen = SETS[pins] if isinstance(pins, str) else pins
        known = {fact: Fact(value=value) for fact, (value, _) in FACTS.items()}
        known |= {fact: Fact(value=value, source=source) for fact, value in (facts or {}).items()}  # type: ignore[misc,arg-type]
        return Case(
            name=name,
            namespace="company.team",
            script=Script(text="import pandas\n", lines=(None,), cells=()),
            resolution=Resolution(
                needs=tuple(self.need(text, evidence) for text in needs if chosen),
                unresolved=tuple(self.need(text, "guess") for text in unresolved),
            ),
            environment=Environment(
                python=Version("3.12.4"), platform="linux-x86_64", distributions={item.name: item for item in installed}
            ),
            target=Target(python="3.12", platform=platform, facts=known, registry=registry, images=images),
            lock=lock_of(tuple(pin(item) if isinstance(item, str) else item for item in chosen)),
            schedule=SCHEDULES[every],
        )

    @staticmethod
    def need(text: str, evidence: str) -> Need:
        """A need as the resolver states it."""
        return Need(requirement=Requirement(text), evidence=evidence)  # type: ignore[arg-type]


@pytest.fixture
def make_case() -> Callable[..., Case]:
    """Make a case: pandas on a target nobody described, unless told otherwise."""
    return CaseMaker()


@pytest.fixture(name="pin")
def pin_fixture() -> Callable[..., Pin]:
    """Make a pin: a wheel with its size, unless told otherwise."""
    return pin


@pytest.fixture(name="image_of")
def image_of_fixture() -> Callable[..., Image]:
    """Make an image: measured, with a digest, unless told otherwise."""
    return image_of
