"""Cells over a live kernel: the exported script prints the same in a fresh process, or the cell is refused by name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.faces import flows
from tests.faces.live import Live, live_kernel
from tests.faces.live_cells import CASES, Case

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUN = [case for case in CASES if not case.refused]
REFUSED = [case for case in CASES if case.refused]


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    yield from live_kernel(tmp_path_factory.mktemp("live"), dict(os.environ))


def prepare(kernel: Live, case: Case) -> None:
    kernel.fresh()
    for number, cell in enumerate(case.before, 1):
        answer = kernel.run(cell)
        assert not answer.error, answer.traceback
        assert answer.count == number


@pytest.mark.parametrize("case", RUN, ids=lambda case: case.name)
def test_the_script_prints_what_the_cell_prints(kernel: Live, case: Case, tmp_path: Path) -> None:
    prepare(kernel, case)
    saved = kernel.run(f"%%kestra_flow --id cell --save --out {tmp_path}\n{case.cell}")
    assert not saved.error, saved.traceback
    here = kernel.run(case.cell)
    assert not here.error, here.traceback
    (tmp_path / "main.py").write_text(flows.script(flows.read(tmp_path, "cell")), encoding="utf-8")
    fresh = subprocess.run(
        [sys.executable, "main.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert (fresh.returncode, fresh.stdout) == (0, here.stdout), fresh.stderr
    assert here.stdout


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_the_cell_is_refused_by_name(kernel: Live, case: Case, tmp_path: Path) -> None:
    prepare(kernel, case)
    saved = kernel.run(f"%%kestra_flow --id cell --save --out {tmp_path}\n{case.cell}")
    assert len(saved.error) == 1
    assert re.match(r"KNB15\d In \[\d\]:\d+: ", saved.error[0])
    assert not [text for text in case.refused if text not in saved.error[0]], saved.error[0]
    assert not list(tmp_path.iterdir())


def test_there_are_enough_of_them() -> None:
    assert len(RUN) > 40
    assert len(REFUSED) > 20


def test_force_saves_a_refused_cell_without_the_name_and_never_a_secret(kernel: Live, tmp_path: Path) -> None:
    prepare(kernel, Case("", ("import pandas as pd\ndf = pd.DataFrame()\ndb_password = 'hunter22'",), ""))
    saved = kernel.run(f"%%kestra_flow --id cell --save --force --out {tmp_path}\nprint(df, db_password)")
    assert not saved.error, saved.traceback
    text = (tmp_path / "_flows" / "cell.yaml").read_text(encoding="utf-8")
    assert "print(df, db_password)" in text
    assert "hunter22" not in text
    assert "df =" not in text


def test_what_an_earlier_cell_set_up_is_a_warning(kernel: Live) -> None:
    prepare(kernel, Case("", ("import random", "random.seed(7)"), ""))
    shown = kernel.run("%%kestra_flow --id cell --no-preview\nprint(random.random())")
    assert "KNB159" in shown.data["text/html"]
    assert "In [2], line 1" in shown.data["text/html"]
    assert "random.seed(7)" in shown.data["text/html"]


def test_a_name_is_told_once_with_what_it_hides(kernel: Live) -> None:
    prepare(kernel, Case("", ("import random", "random.seed(7)"), ""))
    shown = kernel.run("%%kestra_flow --id cell --no-preview\nrandom.seed(7)\nprint(random.random())")
    assert "KNB159" not in shown.data["text/html"]
