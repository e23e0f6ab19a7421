"""The whole way once: from an open notebook to its flow, and the comparison with the command line."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.lab.page import notebook

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.house import House
    from tests.lab.page import Window

CELLS = ("ROWS = 3\nREGION = 'EU'", "import yaml\nimport nbformat", "import os\nprint(yaml.safe_dump({'rows': ROWS}))")


def put(house: House, path: str, *cells: str) -> str:
    """Put a notebook into a house; its first cell holds the parameters."""
    place = house.root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(notebook(*(cells or CELLS), tags=["parameters"]))
    return path


def take(window: Window, path: str, elsewhere: Path) -> None:
    """Open the panel of the notebook in front, pick another strategy, preview, save, and compare all bytes.

    Args:
        window: With the notebook in front.
        path: The notebook, in a folder of its own.
        elsewhere: An empty folder, for the command line to write to.
    """
    window.read()
    requirements = window.panel.locator('[data-part="requirements"] li[data-name]')
    assert [item.get_attribute("data-name") for item in requirements.all()] == ["nbformat", "pyyaml"]
    expect(window.panel.locator(".kestra-Source")).to_contain_text("the running kernel")
    expect(window.panel.locator('[data-part="inputs"] li')).to_have_count(2)
    chosen = window.panel.locator(".kestra-mod-chosen")
    first = chosen.get_attribute("data-strategy")
    window.preview_flow()
    before = window.preview_text()
    other = window.panel.locator(f'.kestra-Plan:not(.kestra-mod-refused):not([data-strategy="{first}"])').first
    picked = other.get_attribute("data-strategy") or ""
    other.get_by_role("radio").check()
    expect(chosen).to_have_attribute("data-strategy", picked)
    window.wait_for_another_preview(before)
    place = window.house.root / path
    window.save(f"{place.parent.name}/_flows/{place.stem}.yaml")
    assert (place.parent / "_flows" / f"{place.stem}.yaml").read_text() == window.preview_text()
    words = [sys.executable, "-m", "kestra_nb", "export", place.name, "--out", elsewhere, "--strategy", picked]
    words += ["--python", window.house.python]
    subprocess.run([str(word) for word in words], cwd=place.parent, check=True, capture_output=True)
    assert written(place.parent) == written(elsewhere)


def written(folder: Path) -> dict[str, str]:
    """Give every file of an export by its path."""
    found = [file for name in ("_flows", "_files", "_setup") for file in (folder / name).rglob("*") if file.is_file()]
    return {str(file.relative_to(folder)): file.read_text() for file in found}
