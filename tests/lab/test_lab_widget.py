"""The chooser in a real JupyterLab: picked with the keyboard, compared, saved; a picture in light and in dark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from playwright.sync_api import expect

from tests.lab.house import ARTIFACTS, House, running
from tests.lab.page import CURRENT, Window, notebook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator

pytestmark = pytest.mark.browser

PATH = "sales.ipynb"
CELLS = (
    "%load_ext kestra_nb",
    "import pandas as pd\nfrom datetime import date\n\nrate = 1.19\n\ndef with_tax(prices):\n    return prices * rate",
    (
        "%%kestra_flow --id sales_report --schedule '0 7 * * 1-5' --timezone Europe/Paris --output report.csv\n"
        "sales = pd.DataFrame({'item': ['tea', 'cake'], 'net': [3.2, 4.5]})\n"
        "sales['gross'] = with_tax(sales['net'])\n"
        "sales.to_csv('report.csv', index=False)\n"
        "print(date.today(), sales['gross'].sum())"
    ),
)
KERNEL_READY = f"""() => {{
    const context = {CURRENT} && {CURRENT}.sessionContext;
    const kernel = context && context.isReady && context.session && context.session.kernel;
    return kernel && kernel.status === 'idle' && kernel.connectionStatus === 'connected' && kernel.info;
}}"""


@pytest.fixture(scope="module", params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def house(theme: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running("lab", tmp_path_factory.mktemp(f"chooser-{theme}"), theme=theme) as house:
        yield house


@pytest.fixture(scope="module")
def window(browser: Browser, house: House) -> Iterator[Window]:
    """A notebook whose cells have run, with the chooser under the last one."""
    (house.root / PATH).write_text(notebook(*CELLS), encoding="utf-8")
    window = Window.open(browser, house, PATH, width=1250)
    window.page.set_viewport_size({"width": 1250, "height": 1500})
    window.wait_for_notebook(PATH)
    window.page.wait_for_function(KERNEL_READY)
    window.command("notebook:run-all-cells")
    expect(window.page.locator(".knb-card").first).to_be_visible()
    yield window
    window.close()


def card(window: Window, title: str) -> Locator:
    return window.page.locator(".knb-card").filter(has_text=title)


def section(window: Window, name: str) -> Locator:
    window.page.get_by_role("button", name=name).click()
    return window.page.locator(".knb-section")


def test_picked_compared_and_saved(window: Window, house: House, theme: str) -> None:
    page = window.page
    expect(page.locator(".knb-card.knb-chosen")).to_have_count(1)
    expect(page.locator(".knb-card.knb-chosen")).to_contain_text("recommended")
    first = section(window, "Flow").inner_text()
    assert yaml.safe_load(first)["id"] == "sales_report"
    window.shot(f"chooser-{theme}")

    button = card(window, "pip at every run").get_by_role("button", name="Choose")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".knb-card.knb-chosen")).to_contain_text("before_commands")
    expect(page.locator(".knb-section")).to_contain_text("pip")
    second = page.locator(".knb-section").inner_text()
    assert second != first

    changed = section(window, "What changed")
    expect(changed.locator(".less").first).to_be_visible()
    expect(changed.locator(".more").first).to_be_visible()
    expect(section(window, "From earlier cells")).to_contain_text("def with_tax(prices):")
    expect(section(window, "Packages")).to_contain_text("In [2], line 1: import pandas")
    expect(page.locator(".knb-line")).to_contain_text("--strategy before_commands")

    page.get_by_role("textbox", name="Save into").fill("from the chooser")
    page.get_by_title("Write the flow").click()
    expect(page.locator(".knb-status")).to_contain_text("wrote from the chooser/_flows/sales_report.yaml")
    window.shot(f"chooser-saved-{theme}")
    saved = (house.root / "from the chooser" / "_flows" / "sales_report.yaml").read_text(encoding="utf-8")
    assert [line.rstrip() for line in saved.splitlines() if line.strip()] == [
        line.rstrip() for line in second.splitlines() if line.strip()
    ]


def test_the_text_can_be_selected_and_every_control_reached_by_keyboard(window: Window) -> None:
    pre = section(window, "Flow").locator("pre")
    pre.click(click_count=3)
    assert window.evaluate("() => getSelection().toString()").strip()
    window.page.locator(".knb-card button").first.focus()
    seen = set()
    for _ in range(60):
        window.page.keyboard.press("Tab")
        seen.add(
            str(window.evaluate("() => document.activeElement.innerText || document.activeElement.tagName")).strip()
        )
    assert {"Choose", "What changed", "Save"} <= seen
    assert "INPUT" in seen


def test_the_text_is_readable_in_this_theme(window: Window) -> None:
    """Contrast of the ordinary text of a card, of the flow and of its keys, as WCAG counts it: at least 4.5."""
    section(window, "Flow")
    for selector in (".knb-card .title", ".knb-card p", ".knb-section .nt", ".knb-section pre"):
        ratio = window.evaluate(_CONTRAST, selector)
        assert ratio >= 4.5, (selector, ratio)


def test_nothing_is_asked_of_other_hosts_and_nothing_goes_wrong(window: Window) -> None:
    assert window.hosts == {"127.0.0.1"}
    assert [error for error in window.errors if "knb" in error or "widget" in error.lower()] == []
    assert (ARTIFACTS / "screenshots").is_dir()


_CONTRAST = """selector => {
    const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
    const element = document.querySelector(selector);
    let ground = element;
    while (ground.parentElement && [0, undefined].includes(parse(getComputedStyle(ground).backgroundColor)[3])
           && getComputedStyle(ground).backgroundColor.startsWith('rgba')) ground = ground.parentElement;
    const light = text => {
        const [r, g, b] = parse(text).slice(0, 3).map(v => v / 255)
            .map(v => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const both = [light(getComputedStyle(element).color), light(getComputedStyle(ground).backgroundColor)].sort();
    both.sort((a, b) => a - b);
    return (both[1] + 0.05) / (both[0] + 0.05);
}"""
