"""Images of the catalogue held against a script's needs, and the ways to pin one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from packaging.version import Version

from kestra_nb import strategies
from kestra_nb.model.flow import DOCKER
from kestra_nb.strategies.base import KUBERNETES

if TYPE_CHECKING:
    from collections.abc import Callable

    from kestra_nb.model.dependency import Image, Pin
    from kestra_nb.model.plan import Case, Plan

DIGEST = "sha256:0e438e40e644" + "0" * 52
REGISTRY = "registry.example.com/team"
FACTS = {"docker": True}


def plan_of(case: Case) -> Plan:
    return strategies.get("catalogue_image").plan(case)


def image_in(plan: Plan) -> str:
    assert plan.settings is not None, plan.reasons
    return plan.settings.container_image


def codes(plan: Plan) -> set[str]:
    return {finding.code for finding in plan.findings}


# --- what an image holds --------------------------------------------------------------------------------------------


def test_the_locked_versions_in_a_measured_image(make_case: Callable[..., Case]) -> None:
    plan = plan_of(make_case(facts=FACTS))
    assert plan.fits
    assert plan.reasons == ("pydata:latest holds pandas in the locked version (as of 2026-11-16).",)
    assert codes(plan) == {"KNB307"}


@pytest.mark.parametrize(("held", "found"), [("2.3.3", set()), ("2.9.0", {"KNB305"})])
def test_another_version_of_the_series_is_near(
    make_case: Callable[..., Case], image_of: Callable[..., Image], held: str, found: set[str]
) -> None:
    plan = plan_of(make_case(facts=FACTS, images=(image_of("pydata", {"pandas": held}),)))
    assert plan.fits
    assert codes(plan) - {"KNB307"} == found


@pytest.mark.parametrize("held", ["3.0.0", "1.9.0"])
def test_another_major_version_is_far(
    make_case: Callable[..., Case], image_of: Callable[..., Image], held: str
) -> None:
    plan = plan_of(make_case(facts=FACTS, images=(image_of("pydata", {"pandas": held}),)))
    assert plan.reasons == (f"pydata:latest holds pandas {held} where the lock has 2.3.3.",)


def test_below_one_the_minor_version_is_the_series(
    make_case: Callable[..., Case], pin: Callable[..., Pin], image_of: Callable[..., Image]
) -> None:
    pins = (pin("pandas", version=Version("0.9.1")),)
    fitting = [
        held
        for held in ("0.9.5", "0.10.0", "1.0")
        if plan_of(make_case(pins, facts=FACTS, images=(image_of("x", {"pandas": held}),))).fits
    ]
    assert fitting == ["0.9.5"]


def test_what_the_author_declared_decides_over_the_series(
    make_case: Callable[..., Case], image_of: Callable[..., Image]
) -> None:
    images = (image_of("pydata", {"pandas": "3.0.0"}),)
    wide = make_case(facts=FACTS, images=images, needs=("pandas>=2",), evidence="declared")
    narrow = make_case(facts=FACTS, images=images, needs=("pandas<3",), evidence="declared")
    assert (plan_of(wide).fits, plan_of(narrow).fits) == (True, False)


def test_what_is_missing_is_named(make_case: Callable[..., Case]) -> None:
    plan = plan_of(make_case(facts=FACTS, pins="heavy", needs=("pandas", "matplotlib")))
    assert plan.reasons == ("The nearest image, pydata:latest, lacks matplotlib.",)


def test_the_image_that_covers_most_is_taken(make_case: Callable[..., Case], image_of: Callable[..., Image]) -> None:
    far = image_of("far", {"pandas": "1.0"})
    near = image_of("near", {"pandas": "2.3.0"})
    same = image_of("same", {"pandas": "2.3.3"})
    predicted = image_of("a-guess", {"pandas": "2.3.3"}, basis="predicted")
    older = image_of("an-old-python", {"pandas": "2.3.3"}, python="3.11")
    images = (far, near, older, predicted, same)
    assert image_in(plan_of(make_case(facts=FACTS, images=images))) == "ghcr.io/kestra-io/same:latest"
    assert image_in(plan_of(make_case(facts=FACTS, images=images[:2]))) == "ghcr.io/kestra-io/near:latest"


def test_another_python_is_a_finding(make_case: Callable[..., Case], image_of: Callable[..., Image]) -> None:
    plan = plan_of(make_case(facts=FACTS, images=(image_of("pydata", {"pandas": "2.3.3"}, python="3.11.9"),)))
    assert plan.fits
    assert "KNB308" in codes(plan)


def test_syntax_the_images_python_cannot_read_is_refused(
    make_case: Callable[..., Case], image_of: Callable[..., Image]
) -> None:
    images = (image_of("pydata", {"pandas": "2.3.3"}, python="3.9"),)
    case = make_case(facts=FACTS, images=images)
    text = "import pandas\nmatch pandas:\n    case None:\n        pass\n"
    plan = plan_of(dataclasses.replace(case, script=dataclasses.replace(case.script, text=text)))
    assert plan_of(case).fits
    assert plan.reasons == ("The script's syntax is newer than Python 3.9, which pydata:latest runs.",)


def test_an_image_for_other_machines_is_none(make_case: Callable[..., Case]) -> None:
    plan = plan_of(make_case(facts=FACTS, platform="aarch64-unknown-linux-gnu"))
    assert plan.reasons == ("The catalogue has no image for aarch64-unknown-linux-gnu.",)


def test_a_prediction_is_said_and_checked_before_the_script(
    make_case: Callable[..., Case], image_of: Callable[..., Image]
) -> None:
    images = (image_of("pydata", {"pandas": "2.3.3"}, basis="predicted", digest=""),)
    plan = plan_of(make_case(facts=FACTS, images=images, registry=REGISTRY))
    assert "is predicted to hold pandas" in plan.reasons[0]
    assert "KNB306" in codes(plan)
    assert "'pandas': '2.3.3'" in plan.preamble


def test_what_an_extra_brings_must_be_there_too(
    make_case: Callable[..., Case], pin: Callable[..., Pin], image_of: Callable[..., Image]
) -> None:
    pins = (pin("pandas"), pin("numpy", via=("pandas",)))
    images = (image_of("pydata", {"pandas": "2.3.3"}),)
    assert plan_of(make_case(pins, ("pandas",), facts=FACTS, images=images)).fits
    plan = plan_of(make_case(pins, ("pandas[performance]",), facts=FACTS, images=images))
    assert plan.reasons == ("The nearest image, pydata:latest, lacks numpy.",)


# --- how it is pinned -----------------------------------------------------------------------------------------------


def test_without_a_registry_the_moving_tag_is_checked(make_case: Callable[..., Case]) -> None:
    plan = plan_of(make_case(facts=FACTS))
    assert image_in(plan) == "ghcr.io/kestra-io/pydata:latest"
    assert (plan.drifts, plan.hand_work) == (True, 0)
    assert "'pandas': '2.3.3'" in plan.preamble
    assert "numpy" not in plan.preamble, "only what the script asks for itself"
    used, mirror, pulled = plan.steps
    assert used.text.startswith("The flow names ghcr.io/kestra-io/pydata:latest and checks")
    assert mirror.command.endswith(f"ghcr.io/kestra-io/pydata@{DIGEST}")
    assert pulled.command == f"docker pull ghcr.io/kestra-io/pydata@{DIGEST}"


def test_with_a_registry_a_copy_under_a_tag_that_carries_the_digest(make_case: Callable[..., Case]) -> None:
    plan = plan_of(make_case(facts=FACTS, registry=REGISTRY))
    copy = f"{REGISTRY}/pydata:2026-11-16-0e438e40e644"
    assert image_in(plan) == copy
    assert (plan.drifts, plan.hand_work, plan.preamble) == (False, 1, "")
    (step,) = plan.steps
    assert step.command == f"docker buildx imagetools create --tag {copy} ghcr.io/kestra-io/pydata@{DIGEST}"


def test_a_digest_is_named_on_kubernetes_alone(make_case: Callable[..., Case]) -> None:
    pods = plan_of(make_case(facts={"kubernetes": True}))
    assert image_in(pods) == f"ghcr.io/kestra-io/pydata@{DIGEST}"
    assert pods.settings is not None
    assert pods.settings.runner == KUBERNETES
    for registry in ("", REGISTRY):
        plan = plan_of(make_case(facts=FACTS, registry=registry))
        assert plan.settings is not None
        assert plan.settings.runner == DOCKER
        assert "@" not in image_in(plan)


@pytest.mark.parametrize(
    "changes", [{"name": f"{REGISTRY}/sales", "tag": "latest"}, {"name": "other.example.com/x", "tag": "1.4.2"}]
)
def test_an_image_of_ones_own_and_a_versioned_one_are_named_as_they_are(
    make_case: Callable[..., Case], image_of: Callable[..., Image], changes: dict[str, Any]
) -> None:
    plan = plan_of(make_case(facts=FACTS, registry=REGISTRY, images=(image_of("x", {"pandas": "2.3.3"}, **changes),)))
    assert image_in(plan) == f"{changes['name']}:{changes['tag']}"
    assert (plan.drifts, plan.hand_work, plan.steps) == (False, 0, ())
