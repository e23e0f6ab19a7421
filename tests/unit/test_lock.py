"""Locks: of the environment's closure, and by uv for the target."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from packaging.pylock import Pylock
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from kestra_nb import lock, pylock, tables, uv
from kestra_nb.errors import ResolveError
from kestra_nb.imports import find_imports
from kestra_nb.model.dependency import Lock, LockedFile, Need, Pin, Resolution
from kestra_nb.model.finding import Finding
from kestra_nb.model.plan import Target
from kestra_nb.resolve import resolve
from tests.installed import distribution, environment, script, wheel

if TYPE_CHECKING:
    from pathlib import Path

    from kestra_nb.model.dependency import Environment

LINUX = "x86_64-unknown-linux-gnu"
TARGET = Target(python="3.12", platform=LINUX)


def resolved(text: str, installed: Environment) -> Resolution:
    return resolve(find_imports(script(text)), (), (), installed)


def asked(*lines: str) -> Resolution:
    return Resolution(needs=tuple(Need(requirement=Requirement(line), evidence="declared") for line in lines))


def pins(found: Lock) -> dict[str, str]:
    return {pin.name: str(pin.version) for pin in found.pins}


def codes(found: Lock) -> list[str]:
    return [item.code for item in found.findings]


PANDAS = distribution(
    "pandas", "2.3.1", requires=["numpy>=1.26", "tzdata; sys_platform == 'win32'", "pyarrow; extra == 'parquet'"]
)
NUMPY = distribution("numpy", "2.3.5")
PYARROW = distribution("pyarrow", "20.0")
OTHER = distribution("other", "9.9")
INSTALLED = environment(PANDAS, NUMPY, PYARROW, OTHER)


# --- of the environment ---------------------------------------------------------------------------------------------


def test_the_closure_of_the_needs_is_pinned_and_nothing_else() -> None:
    found = lock.from_environment(resolved("import pandas", INSTALLED), INSTALLED, TARGET)
    assert pins(found) == {"numpy": "2.3.5", "pandas": "2.3.1"}
    assert {pin.name: pin.via for pin in found.pins} == {"numpy": ("pandas",), "pandas": ("notebook",)}
    assert (found.source, found.python, found.platform) == ("environment", "3.12", LINUX)
    assert codes(found) == ["KNB253"]
    assert found.requirements == ("pandas==2.3.1",)


def test_pipdeptrees_closure_is_part_of_it() -> None:
    known = replace(INSTALLED, closure={PANDAS.name: (NUMPY.name, OTHER.name)})
    found = lock.from_environment(resolved("import pandas", known), known, TARGET)
    assert pins(found) == {"numpy": "2.3.5", "other": "9.9", "pandas": "2.3.1"}


def test_extras_that_are_asked_for_bring_their_own() -> None:
    found = lock.from_environment(asked("pandas[parquet]==2.3.1"), INSTALLED, TARGET)
    assert set(pins(found)) == {"numpy", "pandas", "pyarrow"}


def test_markers_are_evaluated_for_the_target() -> None:
    windows = replace(TARGET, platform="x86_64-pc-windows-msvc")
    found = lock.from_environment(asked("pandas==2.3.1"), INSTALLED, windows)
    assert codes(found) == ["KNB253", "KNB256", "KNB254"]
    assert "tzdata" in found.findings[-1].message
    whole = environment(PANDAS, NUMPY, distribution("tzdata", "2026.1"))
    assert pins(lock.from_environment(asked("pandas==2.3.1"), whole, windows))["tzdata"] == "2026.1"


def test_another_python_than_the_targets_is_said() -> None:
    older = replace(INSTALLED, python=Version("3.10.4"))
    assert codes(lock.from_environment(asked("numpy"), older, TARGET)) == ["KNB253", "KNB256"]


def test_a_line_of_metadata_that_is_no_requirement_costs_only_itself() -> None:
    torn = environment(distribution("a1", requires=["(((", "numpy"]), NUMPY)
    found = lock.from_environment(asked("a1"), torn, TARGET)
    assert set(pins(found)) == {"a1", "numpy"}
    assert codes(found) == ["KNB253", "KNB215"]


def test_distributions_that_need_each_other_end() -> None:
    ring = environment(
        distribution("a1", requires=["b1[x]"]),
        distribution("b1", requires=["a1", "c1; extra == 'x'"]),
        distribution("c1"),
    )
    assert set(pins(lock.from_environment(asked("a1"), ring, TARGET))) == {"a1", "b1", "c1"}


def test_what_came_from_an_address_is_locked_there_and_local_builds_at_their_public_version() -> None:
    url = "git+https://example.org/tool.git@abc"
    installed = environment(distribution("tool", direct_url=url), distribution("torch", "2.9.1+cu126"))
    found = lock.from_environment(resolved("import tool, torch", installed), installed, TARGET)
    assert [pin.line for pin in found.pins] == [f"tool @ {url}", "torch==2.9.1"]


def test_a_guess_that_nobody_accepted_is_in_no_lock() -> None:
    found = resolved("import nowhere, numpy", INSTALLED)
    assert lock.requirements_of(found) == ("numpy==2.3.5",)
    assert set(pins(lock.from_environment(found, INSTALLED, TARGET))) == {"numpy"}


# --- as text --------------------------------------------------------------------------------------------------------

NUMPY_WHEEL = "numpy-2.3.5-py3-none-any.whl"
FULL = pylock.finished(
    Lock(
        pins=(
            pylock.with_files(
                Pin(
                    name=canonicalize_name("numpy"),
                    version=Version("2.3.5"),
                    via=("notebook", "pandas"),
                    has_wheel=True,
                ),
                (
                    LockedFile(
                        name="numpy-2.3.5-py3-none-any.whl",
                        url="https://h/numpy-2.3.5-py3-none-any.whl",
                        sha256="ab",
                        size=7,
                    ),
                ),
                hashes=True,
            ),
            pylock.with_files(
                Pin(name=canonicalize_name("old"), version=Version("0.1"), has_wheel=False),
                (LockedFile(name="old-0.1.tar.gz", url="https://h/old-0.1.tar.gz", sha256="cd"),),
                hashes=True,
            ),
            Pin(name=canonicalize_name("tool"), version=Version("1"), url="git+https://h/t.git@abc#subdirectory=py"),
            Pin(name=canonicalize_name("zip"), version=Version("1"), url="https://h/z.zip", marker="os_name == 'nt'"),
        ),
        source="index",
        python="3.12",
        platform=LINUX,
        made_on="2026-11-24",
        requirements=("numpy==2.3.5", 'tool @ git+https://h/t.git ; python_version > "3"'),
        findings=(Finding(code="KNB252", severity="warning", message='old has "no" wheel\n\x7f', hint="é"),),
    )
)


def test_the_way_to_text_and_back_is_exact() -> None:
    text = lock.dump(FULL)
    assert lock.load(text, "pylock.toml") == FULL
    assert lock.dump(lock.load(text, "pylock.toml")) == text


def test_what_an_index_locked_is_a_pylock_to_others() -> None:
    read = Pylock.from_dict(tables.parse(lock.dump(replace(FULL, pins=FULL.pins[:2]))))
    assert [package.name for package in read.packages] == ["numpy", "old"]


def test_requirement_lines_are_sorted_and_hashes_are_on_request() -> None:
    assert lock.to_requirements(FULL).splitlines() == [
        "numpy==2.3.5",
        "old==0.1",
        "tool @ git+https://h/t.git@abc#subdirectory=py",
        "zip @ https://h/z.zip ; os_name == 'nt'",
    ]
    assert "    --hash=sha256:ab" in lock.to_requirements(FULL, hashes=True).splitlines()


def test_the_hash_covers_python_platform_and_pins() -> None:
    others = [
        pylock.finished(replace(FULL, python="3.13")),
        pylock.finished(replace(FULL, platform="aarch64-unknown-linux-gnu")),
        pylock.finished(replace(FULL, pins=FULL.pins[1:])),
        FULL,
    ]
    assert len({item.sha256 for item in others}) == 4
    assert pylock.finished(replace(FULL, pins=FULL.pins[::-1])) == FULL


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lock-version = ",
        'lock-version = "1.0"\ncreated-by = "uv"\n',
        "[tool.kestra-nb]\nsource = 'index'\n",
        "[tool]\nkestra-nb = 3\n",
        lock.dump(FULL).replace("2.3.5", "2.3.6", 1),
        lock.dump(FULL).replace('version = "0.1"', "version = 1"),
    ],
)
def test_what_is_no_lock_of_ours_is_refused_with_its_path(text: str) -> None:
    with pytest.raises(ResolveError) as caught:
        lock.load(text, "_flows/pylock.x.toml")
    assert caught.value.code == "KNB255"
    assert "_flows/pylock.x.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


# --- by uv ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of wheels that uv is told to take for the only index."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    wheel(folder, "alpha", "1.0", requires=["beta>=2", "gamma; sys_platform == 'win32'", "delta; extra == 'more'"])
    wheel(folder, "beta", "2.5")
    wheel(folder, "beta", "3.0", tag="cp312-cp312-manylinux_2_17_x86_64")
    wheel(folder, "delta", "1.0")
    wheel(folder, "gamma", "1.0")


@pytest.mark.usefixtures("index")
def test_uv_resolves_the_closure_for_the_target() -> None:
    found = lock.make(asked("alpha==1.0"), TARGET, hashes=True)
    assert pins(found) == {"alpha": "1.0", "beta": "3.0"}
    assert {pin.name: pin.via for pin in found.pins} == {"alpha": ("notebook",), "beta": ("alpha",)}
    beta = found.pins[1]
    assert (beta.wheel, beta.has_wheel) == ("beta-3.0-cp312-cp312-manylinux_2_17_x86_64.whl", True)
    assert beta.hashes == (f"sha256:{beta.files[0].sha256}",)
    assert (found.source, found.requirements) == ("index", ("alpha==1.0",))
    assert lock.load(lock.dump(found), "x") == found


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize(
    ("target", "line", "expected"),
    [
        (replace(TARGET, python="3.11"), "alpha==1.0", {"alpha": "1.0", "beta": "2.5"}),
        (replace(TARGET, platform="x86_64-unknown-linux-musl"), "alpha==1.0", {"alpha": "1.0", "beta": "2.5"}),
        (replace(TARGET, platform="x86_64-pc-windows-msvc"), "alpha", {"alpha": "1.0", "beta": "2.5", "gamma": "1.0"}),
        (TARGET, "alpha[more]", {"alpha": "1.0", "beta": "3.0", "delta": "1.0"}),
    ],
)
def test_python_system_and_libc_of_the_target_decide(
    target: Target,
    line: str,
    expected: dict[str, str],
) -> None:
    assert pins(lock.make(asked(line), target)) == expected


@pytest.mark.usefixtures("index")
def test_the_same_question_has_the_same_answer_to_the_byte() -> None:
    first, second = (lock.dump(lock.make(asked("alpha", "delta"), TARGET, hashes=True)) for _ in range(2))
    assert first == second


def test_nothing_asked_for_needs_no_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uv, "command", lambda: ("/nowhere/uv",))
    assert lock.make(Resolution(needs=()), TARGET).pins == ()


@pytest.mark.usefixtures("index")
def test_a_version_that_does_not_exist_is_one_sentence() -> None:
    with pytest.raises(ResolveError) as caught:
        lock.make(asked("alpha==7.7"), TARGET)
    assert caught.value.code == "KNB257"
    assert "alpha==7.7" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_index_out_of_reach_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://user:secret@127.0.0.1:1/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(ResolveError) as caught:
        lock.make(asked("alpha"), TARGET)
    assert caught.value.code == "KNB251"
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_uv_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setenv("PATH", "")
    uv.command.cache_clear()
    with pytest.raises(ResolveError, match="uv, which is not installed") as caught:
        lock.make(asked("alpha"), TARGET)
    uv.command.cache_clear()
    assert caught.value.code == "KNB250"


def test_credentials_of_an_address_are_in_no_lock() -> None:
    row = {
        "name": "tool",
        "version": "1",
        "wheels": [{"url": "https://user:secret@h/tool-1-py3-none-any.whl", "hashes": {"sha256": "ab"}}],
    }
    vcs = {"name": "t", "vcs": {"type": "git", "url": "https://user:secret@h/t.git", "commit-id": "abc"}}
    for package in (uv.package_of(row, {}), uv.package_of(vcs, {})):
        assert "secret" not in repr(package)
        assert "https://h/t" in repr(package)


def test_what_has_only_a_source_archive_is_named() -> None:
    row = {"name": "old", "version": "1", "sdist": {"url": "https://h/old-1.tar.gz", "hashes": {"sha256": "ab"}}}
    (pin,), (finding,) = lock.pins_of([uv.package_of(row, {})], asked("old"), TARGET, hashes=False)
    assert (pin.has_wheel, pin.wheel, pin.hashes) == (False, "", ())
    assert (finding.code, "old 1" in finding.message) == ("KNB252", True)


def test_a_version_that_its_index_took_back_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "simple" / "alpha"
    folder.mkdir(parents=True)
    name = wheel(folder, "alpha", "1.0").name
    (folder / "index.html").write_text(f'<a href="{name}" data-yanked="broken build">{name}</a>')
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", (tmp_path / "simple").as_uri())
    found = lock.make(asked("alpha==1.0"), TARGET)
    assert [(item.code, "broken build" in item.message) for item in found.findings] == [("KNB259", True)]
    assert str(tmp_path) not in lock.dump(found)


@pytest.mark.network
def test_a_real_index_gives_wheels_for_another_platform() -> None:
    arm = replace(TARGET, platform="aarch64-unknown-linux-gnu")
    found = lock.make(asked("numpy==2.3.5"), arm, hashes=True, exclude_newer="2026-01-31")
    assert pins(found) == {"numpy": "2.3.5"}
    assert "aarch64" in found.pins[0].wheel
    assert found.made_on == "2026-01-31"
