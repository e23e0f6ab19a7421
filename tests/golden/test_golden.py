"""Whole bundles, byte by byte, and the way back from their text."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

import pytest
import yaml

from kestra_nb import pipeline
from kestra_nb.config import from_words, settings_sha256
from kestra_nb.emit import content_sha256, header_of
from kestra_nb.model.plain import to_plain
from kestra_nb.pebble import decoded, literal_source, restore
from tests.golden.support import (
    EXPECTED,
    Golden,
    as_files,
    asked_to_update,
    bundles,
    environment_of,
    golden_cases,
    planned,
)

if TYPE_CHECKING:
    from pathlib import Path

    from kestra_nb.model.outcome import Bundle

CASES = golden_cases()
each_case = pytest.mark.parametrize("golden", CASES, ids=[golden.name for golden in CASES])


@pytest.fixture(autouse=True)
def only_the_case_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("KESTRA_NB_"):
            monkeypatch.delenv(name)


@pytest.fixture
def made(golden: Golden, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Bundle | None]:
    monkeypatch.chdir(golden.folder)
    return bundles(golden, tmp_path)


def test_there_are_three_cases_with_every_strategy_and_ten_more() -> None:
    assert sum(golden.every_strategy for golden in CASES) == 3
    assert len(CASES) >= 13


@each_case
def test_the_bytes_are_the_expected_ones(
    golden: Golden, made: dict[str, Bundle | None], *, update_golden: bool
) -> None:
    written = {
        f"{strategy}/{path}": text
        for strategy, bundle in made.items()
        for path, text in (as_files(bundle) if bundle else {}).items()
    }
    folder = EXPECTED / golden.name
    if update_golden:
        update(folder, written)
    expected = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert written.keys() == expected.keys()
    for path, text in written.items():
        assert text == expected[path].decode(), path


def update(folder: Path, written: dict[str, str]) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    for name, text in written.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


@each_case
def test_read_back_it_is_the_flow_it_was_made_of(golden: Golden, made: dict[str, Bundle | None]) -> None:
    assert any(made.values()), golden.name
    for bundle in filter(None, made.values()):
        read = yaml.safe_load(bundle.yaml)
        assert (read["id"], read["namespace"]) == (bundle.flow.id, bundle.flow.namespace)
        assert bundle.yaml.split("\n")[:2] == [f"id: {bundle.flow.id}", f"namespace: {bundle.flow.namespace}"]
        assert header_of(bundle.yaml)["content"] == content_sha256(bundle.yaml)[:16]
        outer = read["tasks"][0]
        run = outer["tasks"][0] if "tasks" in outer else outer
        written = run["inputFiles"]["main.py"]
        arrived = literal_source(written) or decoded(restore(written, passes=1) or "")
        assert arrived is not None
        assert arrived.count("\n") == len(bundle.line_map.script)
        first = arrived.split("\n", 1)[0]
        row = bundle.yaml.split("\n")[bundle.line_map.yaml_first_line - 1]
        assert row.strip().removeprefix("_src = '''").removeprefix("{% verbatim %}") == first.strip()


@each_case
def test_made_again_it_is_the_same(golden: Golden, made: dict[str, Bundle | None], tmp_path: Path) -> None:
    again = bundles(golden, tmp_path)
    assert {name: bundle and as_files(bundle) for name, bundle in again.items()} == {
        name: bundle and as_files(bundle) for name, bundle in made.items()
    }


@each_case
def test_the_command_line_of_the_header_gives_the_settings_back(
    golden: Golden, made: dict[str, Bundle | None], tmp_path: Path
) -> None:
    for strategy, bundle in made.items():
        if bundle is None:
            continue
        header = header_of(bundle.yaml)
        words = shlex.split(header["command"])
        assert words[:3] == ["kestra-nb", "export", golden.notebook]
        choices = from_words(words[3:], "the header")
        assert choices.get("strategy", strategy) == strategy
        settings = pipeline.settings_for(pipeline.read(golden.notebook), {**choices, "out": str(tmp_path)})
        assert settings_sha256(settings)[:16] == header["settings"]


@each_case
def test_nothing_of_this_machine_is_in_a_bundle(golden: Golden, made: dict[str, Bundle | None], tmp_path: Path) -> None:
    for bundle in filter(None, made.values()):
        for text in as_files(bundle).values():
            assert str(golden.folder.parent) not in text
            assert str(tmp_path) not in text


@each_case
def test_the_environment_is_the_committed_one(golden: Golden, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(golden.folder)
    planning, _ = planned(golden, tmp_path)
    assert to_plain(planning.scan.environment) == to_plain(environment_of(golden))


def test_golden_files_are_not_written_under_ci() -> None:
    assert asked_to_update(wanted=True, ci="")
    assert not asked_to_update(wanted=False, ci="true")
    with pytest.raises(pytest.UsageError, match="under CI"):
        asked_to_update(wanted=True, ci="true")
