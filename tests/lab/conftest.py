from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.lab import house as houses
from tests.lab.page import PATIENCE, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

    from tests.lab.house import House

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the repeated runs to those who ask for them."""
    if "soak" not in config.getoption("-m"):
        soak = [item for item in items if item.get_closest_marker("soak")]
        config.hook.pytest_deselected(items=soak)
        items[:] = [item for item in items if item not in soak]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """JupyterLab of the developer's environment, with a kernel that lacks kestra_nb and one of another language."""
    folder = tmp_path_factory.mktemp("lab")
    plain = houses.environment("plain", ("ipykernel", f"pyyaml=={houses.PLAIN_YAML}"), with_kit=False)
    houses.kernelspec(folder, "plain", plain)
    bash = houses.environment("bash", ("bash_kernel",), with_kit=False)
    houses.kernelspec(folder, "bash", bash, module="bash_kernel")
    with houses.running("lab", folder) as house:
        yield house


@pytest.fixture(scope="session")
def page(browser: Browser, lab: House) -> Iterator[Window]:
    window = Window.open(browser, lab)
    yield window
    window.close()


@pytest.fixture
def desk(page: Window, request: pytest.FixtureRequest) -> Iterator[Window]:
    """A page of JupyterLab that tests share, with nothing open; a page load takes longer than most tests."""
    page.clear()
    page.page.set_viewport_size({"width": 1400, "height": 900})
    failed = request.session.testsfailed
    yield page
    if request.session.testsfailed > failed:
        page.shot(f"failed-{request.node.name}")


@pytest.fixture
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Window]]:
    """Open windows; every one closes, and a picture is kept of what a failed test saw last."""
    windows: list[Window] = []

    def opened(house: House, path: str = "", *, width: int = 1400) -> Window:
        window = Window.open(browser, house, path, width=width)
        windows.append(window)
        return window

    failed = request.session.testsfailed
    yield opened
    for window in windows:
        if request.session.testsfailed > failed:
            window.shot(f"failed-{request.node.name}")
        window.close()
