"""The way from an open notebook to its flow, as a person takes it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.lab.house import running
from tests.lab.page import notebook
from tests.lab.way import CELLS, put, take

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Locator

    from tests.lab.house import House
    from tests.lab.page import Window

    Visit = Callable[..., Window]


def test_four_clicks_from_an_open_notebook_to_its_flow(lab: House, desk: Window, tmp_path: Path) -> None:
    path = put(lab, "way/sales.ipynb")
    desk.show(path)
    take(desk, path, tmp_path)


def test_a_choice_is_remembered_in_the_notebook_and_nothing_else_is(lab: House, desk: Window) -> None:
    path = put(lab, "choice/sales.ipynb")
    desk.read(path)
    field = desk.panel.locator('input[name="namespace"]')
    field.fill("sales.daily")
    field.press("Enter")
    desk.wait_until_read()
    desk.save("choice/_flows/sales.yaml")
    metadata = desk.evaluate("() => window.jupyterapp.shell.currentWidget.content.model.getMetadata('kestra_nb')")
    assert metadata == {"namespace": "sales.daily"}
    assert "namespace: sales.daily" in (lab.root / "choice/_flows/sales.yaml").read_text()
    untouched = put(lab, "choice/other.ipynb")
    desk.read(untouched)
    desk.save("choice/_flows/other.yaml")
    metadata = desk.evaluate("() => window.jupyterapp.shell.currentWidget.content.model.getMetadata('kestra_nb')")
    assert metadata is None


def test_edits_that_are_not_saved_are_in(lab: House, desk: Window) -> None:
    path = put(lab, "edits/sales.ipynb")
    desk.read(path)
    desk.edit(1, "import yaml\nimport packaging")
    expect(desk.panel.locator('li[data-name="packaging"]')).to_be_visible()
    expect(desk.panel.locator('li[data-name="nbformat"]')).to_have_count(0)
    desk.wait_until_read()
    desk.save("edits/_flows/sales.yaml")
    assert "import packaging" in (lab.root / "edits/_flows/sales.yaml").read_text()
    assert "import packaging" not in (lab.root / path).read_text()


def test_a_reload_brings_panel_and_preview_back_filled(lab: House, visit: Visit) -> None:
    path = put(lab, "reload/sales.ipynb")
    window = visit(lab)
    window.read(path)
    window.preview_flow()
    before = window.preview_text()
    window.page.wait_for_timeout(1500)  # the workspace is saved a second after the last change
    window.page.reload()
    expect(window.panel).to_be_visible()
    window.wait_until_read()
    expect(window.preview.locator(".cm-content")).to_contain_text("id: sales")
    assert window.preview_text() == before


def test_each_place_leads_to_its_cell(lab: House, desk: Window) -> None:
    path = put(lab, "places/sales.ipynb", *CELLS, "open('/home/anna/data.csv')")
    desk.read(path)
    active = "() => window.jupyterapp.shell.currentWidget.content.activeCellIndex"
    desk.panel.locator('li[data-name="nbformat"] .kestra-Place').click()
    expect(desk.panel.locator('li[data-name="nbformat"] .kestra-Place')).to_have_text("cell 2, line 2")
    desk.page.wait_for_function(f"() => ({active})() === 1")
    line = "() => window.jupyterapp.shell.currentWidget.content.activeCell.editor.getCursorPosition().line"
    assert desk.evaluate(line) == 1
    desk.panel.locator('[data-part="inputs"] li[data-name="REGION"] .kestra-Place').click()
    desk.page.wait_for_function(f"() => ({active})() === 0")
    finding = desk.panel.locator(".kestra-Finding .kestra-Place", has_text="cell 4").first
    finding.click()
    desk.page.wait_for_function(f"() => ({active})() === 3")


def test_a_line_of_the_flow_leads_to_its_cell(lab: House, desk: Window) -> None:
    path = put(lab, "lines/sales.ipynb")
    desk.read(path)
    desk.preview_flow()
    lines = desk.preview_text().splitlines()
    number = next(index for index, line in enumerate(lines) if "print(yaml" in line)
    desk.evaluate(
        """line => window.jupyterapp.shell.currentWidget.content._editor.editor
            .setCursorPosition({ line, column: 0 })""",
        number,
    )
    expect(desk.preview.locator(".kestra-Preview-foot")).to_contain_text("cell 3, line 2")
    desk.preview.locator(".kestra-Preview-foot button").click()
    desk.wait_for_notebook(path)
    assert desk.evaluate("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex") == 2


def test_a_saved_flow_is_compared_and_replaced_only_when_wanted(lab: House, desk: Window) -> None:
    path = put(lab, "compare/sales.ipynb")
    flow = lab.root / "compare/_flows/sales.yaml"
    desk.read(path)
    desk.save("compare/_flows/sales.yaml")
    old = flow.read_text()
    desk.edit(2, "print(yaml.safe_dump({'rows': ROWS, 'new': 1}))")
    expect(desk.panel.locator('.kestra-View[data-status="ready"]')).to_be_visible()
    desk.panel.get_by_role("button", name="Preview").click()
    desk.preview.get_by_role("tab", name=re.compile(r"Changes \([1-9]")).click()
    expect(desk.preview.locator('[data-kind="+"]', has_text="'new': 1")).to_be_visible()
    expect(desk.preview.locator('[data-kind="-"]', has_text="import os")).to_be_visible()
    desk.panel.get_by_role("button", name="Save Flow").click()
    dialog = desk.page.locator(".jp-Dialog")
    expect(dialog).to_contain_text("_flows/sales.yaml differs")
    dialog.get_by_role("button", name="Cancel").click()
    desk.told("info", "left as it is")
    assert flow.read_text() == old
    desk.panel.get_by_role("button", name="Save Flow").click()
    dialog.get_by_role("button", name="Replace").click()
    expect(desk.preview.get_by_role("tab", name="Changes (0)")).to_be_visible()
    assert "'new': 1" in flow.read_text()


def test_a_flow_edited_by_hand_is_replaced_only_when_told_so(lab: House, desk: Window) -> None:
    path = put(lab, "hand/sales.ipynb")
    flow = lab.root / "hand/_flows/sales.yaml"
    desk.read(path)
    desk.save("hand/_flows/sales.yaml")
    flow.write_text(flow.read_text().replace("tasks:", "# mine\ntasks:"))
    desk.panel.get_by_role("button", name="Save Flow").click()
    desk.page.locator(".jp-Dialog").get_by_role("button", name="Replace").click()
    refusal = desk.told("error", "edited")
    assert "# mine" in flow.read_text()
    refusal.get_by_role("button", name="Write All the Same").click()
    expect(refusal).to_have_count(0)
    desk.told("success", "hand/_flows/sales.yaml was")
    desk.page.wait_for_function("() => true")
    assert "# mine" not in flow.read_text()


def test_a_guess_is_used_only_after_it_was_accepted(lab: House, desk: Window) -> None:
    path = put(lab, "guess/sales.ipynb", "import zz_nobody_has_this")
    desk.read(path)
    row = desk.panel.locator('li[data-name="zz-nobody-has-this"]')
    expect(row).to_have_class(re.compile("kestra-mod-attention"))
    expect(desk.panel.locator('[data-part="requirements"]')).to_contain_text("1 needs attention")
    row.get_by_role("button", name="Accept").click()
    desk.wait_until_read()
    expect(row.get_by_role("button", name="Accept")).to_have_count(0)


def test_copy_puts_the_flow_on_the_clipboard_and_why_tells_the_chain(lab: House, desk: Window) -> None:
    path = put(lab, "copy/sales.ipynb")
    desk.read(path)
    desk.command("kestra-nb:copy")
    desk.told("success", "copied")
    assert desk.evaluate("() => navigator.clipboard.readText()").startswith("id: sales\n")
    desk.panel.get_by_role("button", name=re.compile("^pyyaml==")).click()
    dialog = desk.page.locator(".jp-Dialog")
    expect(dialog).to_contain_text("import yaml")
    dialog.get_by_role("button", name="Close").click()


def test_roles_of_cells_are_standard_tags_and_become_inputs(lab: House, desk: Window) -> None:
    place = lab.root / "roles/plain.ipynb"
    place.parent.mkdir(exist_ok=True)
    place.write_text(notebook("ROWS = 3", "import yaml"))
    desk.read("roles/plain.ipynb")
    expect(desk.panel.locator('[data-part="inputs"] li')).to_have_count(0)
    cell = desk.page.locator(".jp-Notebook .jp-Cell").first
    cell.locator(".jp-InputArea-editor").click()
    cell.locator('[data-jp-item-name="kestra-parameters"] .jp-ToolbarButtonComponent').click()
    expect(cell).to_have_attribute("data-kestra-role", "parameters")
    expect(desk.panel.locator('[data-part="inputs"] li[data-name="ROWS"]')).to_be_visible()
    tags = "() => window.jupyterapp.shell.currentWidget.content.widgets[0].model.getMetadata('tags')"
    assert desk.evaluate(tags) == ["parameters"]
    cell.locator('[data-jp-item-name="kestra-skip"] .jp-ToolbarButtonComponent').click()
    expect(cell).to_have_attribute("data-kestra-role", "skip")
    assert desk.evaluate(tags) == ["skip"]
    expect(desk.panel.locator('[data-part="inputs"] li')).to_have_count(0)
    cell.locator('[data-jp-item-name="kestra-skip"] .jp-ToolbarButtonComponent').click()
    expect(cell).not_to_have_attribute("data-kestra-role", re.compile("."))
    assert desk.evaluate(tags) is None


def test_the_toolbar_button_acts_on_its_own_notebook(lab: House, desk: Window) -> None:
    first = put(lab, "two/first.ipynb", "ROWS = 1", "import yaml")
    second = put(lab, "two/second.ipynb", "ROWS = 1", "import packaging")
    desk.page.set_viewport_size({"width": 1900, "height": 900})
    desk.show(first)
    desk.command("docmanager:open", {"path": second, "options": {"mode": "split-right"}})
    desk.wait_for_notebook(second)
    desk.open_panel(first)
    desk.wait_until_read()
    expect(desk.panel.locator("h2")).to_have_text("first.ipynb")
    expect(desk.panel.locator('li[data-name="pyyaml"]')).to_be_visible()
    desk.open_panel(second)
    expect(desk.panel.locator("h2")).to_have_text("second.ipynb")
    expect(desk.panel.locator('li[data-name="packaging"]')).to_be_visible()


def open_palette(desk: Window) -> Locator:
    """Open the command palette; JupyterLab closes it when a kernel's start gives the notebook the focus."""
    palette = desk.page.locator(".lm-CommandPalette")
    for _ in range(10):
        desk.command("apputils:activate-command-palette")
        desk.page.wait_for_timeout(500)
        if palette.is_visible():
            break
    return palette


def test_every_action_is_found_where_people_look(lab: House, desk: Window) -> None:
    path = put(lab, "places2/sales.ipynb")
    desk.show(path)
    desk.wait_for_kernel()
    desk.page.locator("#jp-MainMenu").get_by_text("Kestra", exact=True).click()
    menu = desk.page.locator(".lm-Menu:visible")
    for name in ["open-panel", "refresh", "preview", "save", "copy", "open-flow", "why", "toggle-role"]:
        assert menu.locator(f'[data-command="kestra-nb:{name}"]').count() >= 1, name
    expect(menu.locator('[data-command="kestra-nb:open-flow"]')).to_have_class(re.compile("lm-mod-disabled"))
    desk.page.keyboard.press("Escape")
    palette = open_palette(desk)
    palette.locator("input").fill("kestra")
    ours = palette.locator('.lm-CommandPalette-item[data-command^="kestra-nb:"]')
    expect(ours).to_have_count(9)
    assert all("Kestra" in text for text in ours.all_text_contents())
    palette.locator('[data-command="kestra-nb:preview"]').click()
    expect(desk.preview.locator(".cm-content")).to_contain_text("id: sales")


def test_the_file_browser_offers_the_flow_of_notebooks_only(lab: House, visit: Visit) -> None:
    put(lab, "browse/sales.ipynb")
    (lab.root / "browse/notes.txt").write_text("notes")
    window = visit(lab, "browse")
    entry = window.page.locator('.lm-Menu:visible [data-command="kestra-nb:preview"]')
    window.page.locator('.jp-DirListing-item[title*="notes.txt"]').click(button="right")
    expect(window.page.locator(".lm-Menu:visible")).to_be_visible()
    expect(entry).to_have_count(0)
    window.page.keyboard.press("Escape")
    window.page.locator('.jp-DirListing-item[title*="sales.ipynb"]').click(button="right")
    entry.click()
    expect(window.preview.locator(".cm-content")).to_contain_text("id: sales")


def test_what_is_not_fit_is_grey_and_says_why(lab: House, desk: Window) -> None:
    path = put(lab, "refused/sales.ipynb")
    desk.read(path)
    refused = desk.panel.locator(".kestra-mod-refused").first
    expect(refused.get_by_role("radio")).to_be_disabled()
    assert len(refused.inner_text().strip().splitlines()) >= 2


def test_everything_is_reached_by_the_keyboard(lab: House, desk: Window) -> None:
    path = put(lab, "keys/sales.ipynb")
    desk.read(path)
    desk.panel.locator(".kestra-Refresh").focus()
    reached: set[str] = set()
    for _ in range(60):
        desk.page.keyboard.press("Tab")
        text = desk.evaluate(
            """() => { const e = document.activeElement; return e.closest('#kestra-nb-panel')
                ? `${e.tagName} ${e.name || e.textContent.trim()}` : ''; }"""
        )
        reached.add(text)
    assert {"BUTTON Preview", "BUTTON Save Flow", "INPUT namespace", "INPUT kestra-strategy"} <= reached
    desk.panel.locator(".kestra-Refresh").focus()
    for key in ("Tab", "Tab", "Enter"):
        desk.page.keyboard.press(key)
    desk.told("success", "keys/_flows/sales.yaml was")


@pytest.mark.parametrize("width", [900, 1400])
def test_nothing_sticks_out_of_the_panel(lab: House, visit: Visit, width: int) -> None:
    path = put(lab, f"narrow{width}/sales.ipynb")
    window = visit(lab, width=width)
    window.read(path)
    wider = window.evaluate(
        """() => { const p = document.querySelector('#kestra-nb-panel').getBoundingClientRect();
            return [...document.querySelectorAll('#kestra-nb-panel *')].filter(e => {
                const r = e.getBoundingClientRect();
                return r.width > 0 && (r.right > p.right + 1 || r.left < p.left - 1);
            }).map(e => e.outerHTML.slice(0, 100)); }"""
    )
    assert wider == []
    for name in ["Preview", "Save Flow"]:
        expect(window.panel.get_by_role("button", name=name)).to_be_in_viewport()


def test_the_page_stays_as_quiet_as_without_the_extension(lab: House, visit: Visit, tmp_path: Path) -> None:
    path = put(lab, "quiet/sales.ipynb")
    window = visit(lab)
    window.read(path)
    window.preview_flow()
    window.save("quiet/_flows/sales.yaml")
    with running("lab", tmp_path, front_end=False) as without:
        put(without, path)
        bare = visit(without)
        bare.show(path)
        bare.wait_for_kernel()
        assert not bare.evaluate("() => window.jupyterapp.commands.hasCommand('kestra-nb:save')")
        expected = set(bare.errors)
        bare.close()
    assert set(window.errors) <= expected
    assert window.hosts == {"127.0.0.1"}


def test_the_notebook_is_not_touched_by_being_looked_at(lab: House, desk: Window) -> None:
    path = put(lab, "touch/sales.ipynb")
    desk.show(path)
    desk.wait_for_kernel()
    state = "() => JSON.stringify(window.jupyterapp.shell.currentWidget.content.model.toJSON())"
    before = json.loads(desk.evaluate(state))
    desk.open_panel()
    desk.wait_until_read()
    assert json.loads(desk.evaluate(state)) == before
