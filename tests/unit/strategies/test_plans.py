"""What holds for every strategy, and what each one promises."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import pytest
from packaging.version import Version

from kestra_nb import strategies
from kestra_nb.model.dependency import Distribution
from kestra_nb.model.flow import DOCKER, PROCESS, Expression

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kestra_nb.model.dependency import Pin
    from kestra_nb.model.plan import Case, Plan, TaskSettings

NAMES = sorted(strategies.registered())
EVERYTHING = {
    "docker": True, "index": True, "lasting_disk": True, "uv": True, "pip": True, "own_server": True,
    "own_registry": True, "several_workers": False,
}  # fmt: skip
PAGE = ("What the flow does", "When it fits", "What it costs", "When it is refused", "Where it differs")


def plan_of(name: str, case: Case) -> Plan:
    return strategies.get(name).plan(case)


def settings_of(name: str, case: Case) -> TaskSettings:
    plan = plan_of(name, case)
    assert plan.settings is not None, plan.reasons
    return plan.settings


def shell_of(name: str, case: Case) -> str:
    return "\n".join(line.text for line in settings_of(name, case).before_commands)


# --- all of them ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_its_docstring_is_a_page_of_the_reference(name: str) -> None:
    page = inspect.getdoc(type(strategies.get(name))) or ""
    assert all(f"**{heading}" in page for heading in PAGE)
    assert strategies.get(name).name == name


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("absent", [(), ("uv",), ("docker",), ("uv", "docker")])
def test_its_text_holds_nothing_that_kestra_would_render(
    make_case: Callable[..., Case], name: str, absent: tuple[str, ...]
) -> None:
    plan = plan_of(name, make_case(facts={**EVERYTHING, **dict.fromkeys(absent, False)}))
    if plan.settings is None:
        assert absent
        return
    texts = (*plan.settings.before_commands, *plan.settings.input_files.values(), *plan.settings.env.values())
    assert not any(isinstance(text, Expression) for text in texts)
    assert not re.search(r"\{[{%#]", "\n".join([plan.preamble, *(text.text for text in texts)]))


@pytest.mark.parametrize("name", NAMES)
def test_the_same_case_gives_the_same_plan(make_case: Callable[..., Case], name: str) -> None:
    assert plan_of(name, make_case()) == plan_of(name, make_case())


REFUSALS: Mapping[str, dict[str, Any]] = {
    "nothing can be reached": {"facts": dict.fromkeys(EVERYTHING, False)},
    "nothing to install": {"pins": (), "facts": EVERYTHING},
    "a guess": {"unresolved": ("nosuch",), "facts": EVERYTHING},
    "windows": {"platform": "x86_64-pc-windows-msvc", "facts": EVERYTHING},
    "very large": {"pins": "torch", "needs": ("torch",), "facts": EVERYTHING},
    "several workers, no registry": {"facts": {**EVERYTHING, "several_workers": True}},
    "pods without a registry": {"facts": {**EVERYTHING, "kubernetes": True}},
}


@pytest.mark.parametrize("situation", REFUSALS)
def test_what_does_not_fit_says_why_and_what_would_make_it_possible(
    make_case: Callable[..., Case], situation: str
) -> None:
    plans = strategies.plan_all(make_case(**REFUSALS[situation]))
    refused = [plan for plan in plans if not plan.fits]
    assert refused
    for plan in refused:
        assert plan.settings is None, plan.strategy
        assert plan.reasons, plan.strategy
        assert all(reason.endswith(".") for reason in plan.reasons)
        assert plan.possible_if, plan.strategy
        assert not any(cure.endswith(".") for cure in plan.possible_if), plan.possible_if


def test_a_guess_is_installed_by_no_strategy(make_case: Callable[..., Case]) -> None:
    plans = strategies.plan_all(make_case(unresolved=("nosuch",), facts=EVERYTHING))
    assert not any(plan.fits for plan in plans)
    assert all("you know the name and accept it (--accept nosuch)" in plan.possible_if for plan in plans)


def test_a_folder_of_this_machine_is_reached_by_no_worker(
    make_case: Callable[..., Case], pin: Callable[..., Pin]
) -> None:
    plans = strategies.plan_all(make_case((pin("pandas", url="file:///home/me/pandas"),), facts=EVERYTHING))
    assert not any(plan.fits for plan in plans)
    assert all("from a folder of this machine" in " ".join(plan.reasons) for plan in plans)


def test_what_is_assumed_is_said(make_case: Callable[..., Case]) -> None:
    assumed = plan_of("fresh_venv", make_case())
    assert assumed.assumed == ("uv", "index")
    assert assumed.conditions == (
        "It is assumed that the workers have uv, as Kestra's own images do and the workers reach a package index."
    )
    told = plan_of("fresh_venv", make_case(facts={"uv": True, "index": True}))
    assert (told.assumed, told.unknown, told.conditions) == ((), (), "")


def test_what_is_not_known_is_said(make_case: Callable[..., Case]) -> None:
    plan = plan_of("worker_venv", make_case())
    assert plan.unknown == ("lasting_disk",)
    assert "It is not known whether the worker's disk outlives an execution." in plan.conditions


def test_what_kestra_would_have_to_build_is_not_left_to_kestra(
    make_case: Callable[..., Case], pin: Callable[..., Pin]
) -> None:
    case = make_case((pin("pandas", has_wheel=False),), facts=EVERYTHING)
    assert "no wheel for x86_64-unknown-linux-gnu" in " ".join(plan_of("task_dependencies", case).reasons)


def test_hashes_are_written_when_every_pin_has_them(make_case: Callable[..., Case], pin: Callable[..., Pin]) -> None:
    some, all_ = [
        make_case((pin("numpy", hashes=("sha256:aa", "sha256:bb")), pin("six", hashes=hashes)), facts=EVERYTHING)
        for hashes in ((), ("sha256:cc",))
    ]
    assert settings_of("fresh_venv", some).input_files["requirements.txt"].text == "numpy==2.3.5\nsix==1.17.0\n"
    assert settings_of("fresh_venv", all_).input_files["requirements.txt"].text == (
        "numpy==2.3.5 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\nsix==1.17.0 \\\n    --hash=sha256:cc\n"
    )


def test_without_uv_the_plugin_is_kept_from_fetching_it(make_case: Callable[..., Case]) -> None:
    facts = {**EVERYTHING, "uv": False}
    for plan in strategies.plan_all(make_case(facts=facts)):
        assert plan.settings is None or plan.settings.package_manager == "PIP", plan.strategy


# --- Kestra's page, point by point ----------------------------------------------------------------------------------


def test_the_slow_baseline(make_case: Callable[..., Case]) -> None:
    contained = settings_of("before_commands", make_case(facts=EVERYTHING))
    assert (contained.runner, contained.container_image) == (DOCKER, "python:3.12-slim")
    assert "python -m pip install" in shell_of("before_commands", make_case(facts=EVERYTHING))
    assert contained.input_files["requirements.txt"].text.splitlines()[1] == "pandas==2.3.3"
    on_worker = make_case(facts={**EVERYTHING, "docker": False})
    assert settings_of("before_commands", on_worker).runner == PROCESS
    assert '"$python" -m venv "$PWD/.venv"' in shell_of("before_commands", on_worker)


def test_a_script_of_the_standard_library_runs_bare(make_case: Callable[..., Case]) -> None:
    settings = settings_of("before_commands", make_case((), facts={**EVERYTHING, "docker": False}))
    assert (settings.before_commands, settings.input_files, settings.interpreter) == ((), {}, "python3")


def test_the_cached_environment(make_case: Callable[..., Case]) -> None:
    case = make_case(facts=EVERYTHING)
    plan = plan_of("cached_venv", case)
    assert plan.cache is not None
    key = case.lock.sha256[:12]
    assert plan.cache.patterns == (f"wheels-{key}/**",)
    assert settings_of("cached_venv", case).runner == PROCESS
    with_pip = plan_of("cached_venv", make_case(facts={**EVERYTHING, "uv": False}))
    assert with_pip.cache is not None
    assert with_pip.cache.patterns == (f"packages-{key}/**",)


def test_a_changed_requirement_gets_a_cache_and_an_environment_of_its_own(
    make_case: Callable[..., Case], pin: Callable[..., Pin]
) -> None:
    old = make_case((pin("pandas"),), facts=EVERYTHING)
    new = make_case((pin("pandas", version=Version("2.3.4")),), facts=EVERYTHING)
    for name in ("cached_venv", "worker_venv", "custom_image"):
        assert plan_of(name, old).settings != plan_of(name, new).settings, name
    assert plan_of("cached_venv", old).cache != plan_of("cached_venv", new).cache


def test_a_cache_outlives_the_gap_between_two_runs(make_case: Callable[..., Case]) -> None:
    for every, lifetime in (("", "P30D"), ("minute", "P30D"), ("month", "P91D")):
        cache = plan_of("cached_venv", make_case(every=every)).cache
        assert cache is not None
        assert cache.ttl == lifetime


def test_the_preinstalled_server_in_all_three_forms(make_case: Callable[..., Case]) -> None:
    plan = plan_of("server_packages", make_case(facts=EVERYTHING))
    files = {file.path.rpartition("/")[2]: file for file in plan.files}
    assert {file.path.rpartition("/")[0] for file in plan.files} == {"_setup/sales"}
    assert files["start_standalone.sh"].executable
    assert 'server standalone "$@"' in files["start_standalone.sh"].text
    dockerfile = files["Dockerfile"].text
    assert "ARG KESTRA_IMAGE=kestra/kestra:v2.0\nFROM ${KESTRA_IMAGE}\n" in dockerfile
    assert dockerfile.endswith('CMD ["server", "standalone"]\n')
    assert "build: ./_setup/sales" in files["docker-compose.override.yaml"].text
    assert any("remove the line `command:`" in step.text for step in plan.steps)
    assert settings_of("server_packages", make_case(facts=EVERYTHING)).runner == PROCESS


def test_the_verification_flow_compares_with_the_lock(make_case: Callable[..., Case]) -> None:
    (flow,) = plan_of("server_packages", make_case(facts=EVERYTHING)).further_flows
    assert (flow.id, flow.namespace) == ("sales_list_dependencies", "company.team")
    (task,) = flow.tasks
    assert task.commands[-1].text == "python3 check_packages.py"
    assert "'pandas': '2.3.3'" in task.input_files["check_packages.py"].text
    (long,) = plan_of("server_packages", make_case(facts=EVERYTHING, name="a" * 100)).further_flows
    assert len(long.id) <= 100


def test_the_custom_image(make_case: Callable[..., Case]) -> None:
    case = make_case(facts=EVERYTHING, registry="registry.example.com/team", name="Daily.Sales_Report")
    plan = plan_of("custom_image", case)
    reference = f"registry.example.com/team/daily-sales-report:lock-{case.lock.sha256[:12]}"
    assert settings_of("custom_image", case).container_image == reference
    assert [step.command for step in plan.steps] == [
        f"docker build --platform linux/amd64 --tag {reference} _setup/Daily.Sales_Report",
        f"docker push {reference}",
    ]
    files = {file.path.rpartition("/")[2]: file.text for file in plan.files}
    assert files["Dockerfile"].startswith("FROM python:3.12-slim\n")
    assert files["requirements.txt"].splitlines() == sorted(files["requirements.txt"].splitlines())


def test_a_custom_image_for_one_worker_needs_no_registry(make_case: Callable[..., Case]) -> None:
    plan = plan_of("custom_image", make_case(facts=EVERYTHING))
    assert (plan.fits, plan.hand_work, len(plan.steps)) == (True, 1, 1)


@pytest.mark.parametrize("changes", [{"has_wheel": False}, {"url": "git+https://example.com/x.git@v1"}])
def test_what_is_built_from_source_gets_the_image_with_compilers_and_git(
    make_case: Callable[..., Case], pin: Callable[..., Pin], changes: dict[str, Any]
) -> None:
    case = make_case((pin("pandas", **changes),), facts=EVERYTHING)
    assert plan_of("custom_image", case).files[0].text.startswith("FROM python:3.12\n")
    assert settings_of("before_commands", case).container_image == "python:3.12"


def test_a_custom_image_is_for_the_workers_machines(make_case: Callable[..., Case]) -> None:
    plan = plan_of("custom_image", make_case(facts=EVERYTHING, platform="aarch64-unknown-linux-gnu"))
    assert "--platform linux/arm64" in plan.steps[0].command


# --- the rest -------------------------------------------------------------------------------------------------------


def test_kestras_own_dependencies_are_sorted_and_checked(make_case: Callable[..., Case]) -> None:
    case = make_case(("six", "pandas", "numpy"), facts=EVERYTHING)
    plan = plan_of("task_dependencies", case)
    settings = settings_of("task_dependencies", case)
    assert settings.dependencies == ("numpy==2.3.5", "pandas==2.3.3", "six==1.17.0")
    assert (settings.python_version, settings.package_manager, settings.runner) == ("3.12", "PIP", PROCESS)
    assert "'numpy': '2.3.5'" in plan.preamble
    assert "KNB309" in {finding.code for finding in plan.findings}


def test_without_pip_kestra_installs_with_uv_for_a_container(make_case: Callable[..., Case]) -> None:
    settings = settings_of("task_dependencies", make_case(facts={**EVERYTHING, "pip": False}))
    assert (settings.runner, settings.container_image, settings.package_manager) == (DOCKER, "python:3.12-slim", "UV")


@pytest.mark.parametrize(("name", "facts"), [("cached_venv", {"uv": False}), ("task_dependencies", {})])
def test_a_pth_file_does_not_work_from_a_folder(
    make_case: Callable[..., Case], name: str, facts: dict[str, bool]
) -> None:
    installed = Distribution(name="pandas", display_name="pandas", version=Version("2.3.3"), pth=True)  # type: ignore[arg-type]
    plan = plan_of(name, make_case(facts={**EVERYTHING, **facts}, installed=(installed,)))
    assert not plan.fits
    assert "pandas needs a .pth file" in plan.reasons[0]
    assert plan_of("fresh_venv", make_case(facts=EVERYTHING, installed=(installed,))).fits


def test_a_large_cache_is_a_finding_before_it_is_refused(
    make_case: Callable[..., Case], pin: Callable[..., Pin]
) -> None:
    for megabytes, fits, codes in ((100, True, set()), (200, True, {"KNB310"}), (600, False, set())):
        case = make_case((pin("pandas", size=megabytes * 1_000_000),), facts=EVERYTHING)
        plan = plan_of("cached_venv", case)
        assert (plan.fits, {finding.code for finding in plan.findings}) == (fits, codes)


def test_that_an_environment_is_shared_is_a_finding(make_case: Callable[..., Case]) -> None:
    assert "KNB304" in {finding.code for finding in plan_of("worker_venv", make_case()).findings}
    assert "KNB311" in {finding.code for finding in plan_of("server_packages", make_case()).findings}


def test_uv_makes_the_environment_of_the_locks_python(make_case: Callable[..., Case]) -> None:
    assert 'uv venv --quiet --no-project --python 3.12 "$PWD/.venv"' in shell_of("fresh_venv", make_case())
