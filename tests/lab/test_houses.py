"""The same bundle in Notebook 7; there, in older JupyterLab and in the dark tenfold by ``dev test soak``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.lab.house import running
from tests.lab.way import put, take

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lab.page import Window

    Visit = Callable[..., Window]

TIMES = 10


def test_notebook_7_has_it_too(visit: Visit, tmp_path: Path) -> None:
    with running("notebook-7", tmp_path / "house") as house:
        window = visit(house, put(house, "way/sales.ipynb"))
        take(window, "way/sales.ipynb", tmp_path / "cli")
        window.panel.locator('li[data-name="nbformat"] .kestra-Place').click()
        window.page.wait_for_function("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex === 1")
        expect(window.preview).to_be_visible()
        assert window.hosts == {"127.0.0.1"}
        window.close()


@pytest.mark.soak
@pytest.mark.parametrize(
    ("name", "theme"), [("lab", "light"), ("lab", "dark"), ("notebook-7", "light"), ("lab-4.4", "light")]
)
def test_ten_times_in_a_row(visit: Visit, tmp_path: Path, name: str, theme: str) -> None:
    with running(name, tmp_path / "house", theme=theme) as house:
        for number in range(1, TIMES + 1):
            path = put(house, f"way{number}/sales.ipynb")
            window = visit(house, path)
            window.wait_for_notebook(path)
            take(window, path, tmp_path / f"cli{number}")
            window.close()
            print(f"{name}, {theme}: {number} of {TIMES}")  # noqa: T201  the figure
