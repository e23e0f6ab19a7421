"""What the panel says in every state of kernel, server and theme."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.lab.house import PLAIN_YAML, running
from tests.lab.page import notebook

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lab.house import House
    from tests.lab.page import Window

    Visit = Callable[..., Window]


def put(house: House, path: str, *, kernel: str = "python3", language: str = "python") -> str:
    place = house.root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(notebook("ROWS = 3", "import yaml", kernel=kernel, language=language))
    return path


def test_a_kernel_without_kestra_nb_is_read_all_the_same(lab: House, desk: Window) -> None:
    desk.read(put(lab, "plain/sales.ipynb", kernel="plain"))
    expect(desk.panel.locator(".kestra-Source")).to_have_attribute("data-kernel", "read")
    expect(desk.panel.locator('li[data-name="pyyaml"]')).to_contain_text(f"pyyaml=={PLAIN_YAML}")


def test_reading_the_kernel_leaves_no_trace_in_it(lab: House, desk: Window) -> None:
    desk.read(put(lab, "trace/sales.ipynb"))
    told = desk.evaluate(
        """async () => {
            const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
            const code = "print(sorted(n for n in globals() if not n.startswith('_')), get_ipython().execution_count)";
            const future = kernel.requestExecute({ code, store_history: false });
            let text = '';
            future.onIOPub = m => { text += m.header.msg_type === 'stream' ? m.content.text : ''; };
            await future.done;
            return text; }"""
    )
    assert told == "['In', 'Out', 'exit', 'get_ipython', 'open', 'quit'] 1\n"


def test_without_a_kernel_the_kernelspecs_interpreter_is_read(lab: House, desk: Window) -> None:
    desk.show(put(lab, "absent/sales.ipynb", kernel="plain"))
    desk.wait_for_kernel()
    desk.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    desk.open_panel()
    desk.wait_until_read()
    expect(desk.panel.locator(".kestra-Source")).to_contain_text("No kernel is running")
    expect(desk.panel.locator('li[data-name="pyyaml"]')).to_contain_text(f"pyyaml=={PLAIN_YAML}")


def test_a_busy_kernel_is_not_waited_for_and_asked_when_it_is_idle(lab: House, desk: Window) -> None:
    desk.show(put(lab, "busy/sales.ipynb"))
    desk.wait_for_kernel()
    desk.run("import time; time.sleep(60)")
    desk.open_panel()
    desk.wait_until_read()
    expect(desk.panel.locator(".kestra-Source")).to_contain_text("The kernel is busy")
    expect(desk.panel.locator('li[data-name="pyyaml"]')).to_be_visible()
    desk.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")
    expect(desk.panel.locator(".kestra-Source")).to_have_attribute("data-kernel", "read")
    expect(desk.panel.locator(".kestra-Source")).to_contain_text("the running kernel")


def test_a_dead_kernel_is_named(lab: House, desk: Window) -> None:
    desk.read(put(lab, "dead/sales.ipynb"))
    desk.run("import os; os._exit(1)")
    expect(desk.panel.locator(".kestra-Source")).to_contain_text("The kernel is dead", timeout=30_000)
    expect(desk.panel.locator('li[data-name="pyyaml"]')).to_be_visible()
    desk.page.keyboard.press("Escape")


def test_a_notebook_in_another_language_is_refused_in_one_sentence(lab: House, desk: Window) -> None:
    desk.show(put(lab, "bash/sales.ipynb", kernel="bash", language="bash"))
    desk.wait_for_kernel()
    desk.open_panel()
    problem = desk.panel.get_by_role("alert")
    expect(problem).to_contain_text("bash")
    expect(problem).to_contain_text("Python")
    expect(desk.panel.get_by_role("button", name="Save Flow")).to_be_disabled()


def test_what_was_installed_meanwhile_is_seen(lab: House, desk: Window) -> None:
    path = lab.root / "fresh" / "sales.ipynb"
    path.parent.mkdir()
    path.write_text(notebook("import late_module"))
    desk.read("fresh/sales.ipynb")
    expect(desk.panel.locator('li[data-name="late-module"]')).to_contain_text("guessed")
    metadata = lab.root / "site" / "late_module-1.5.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: late-module\nVersion: 1.5\n")
    (metadata / "RECORD").write_text("late_module.py,,\nlate_module-1.5.dist-info/METADATA,,\n")
    (lab.root / "site" / "late_module.py").write_text("")
    desk.run(f"import sys; sys.path.append({str(lab.root / 'site')!r})")
    expect(desk.panel.locator('li[data-name="late-module"]')).to_contain_text("late-module==1.5")


def test_a_missing_server_part_is_told_with_what_to_do(visit: Visit, tmp_path: Path) -> None:
    with running("lab", tmp_path, server_part=False) as house:
        window = visit(house)
        window.show(put(house, "sales.ipynb"))
        window.wait_for_kernel()
        window.open_panel()
        problem = window.panel.get_by_role("alert")
        expect(problem).to_contain_text("The server part of kestra-nb is missing")
        expect(problem).to_contain_text("jupyter server extension enable kestra_nb")
        window.command("kestra-nb:copy")
        window.told("error", "The server part of kestra-nb is missing")
        window.close()


def test_the_extensions_settings_count_and_the_notebooks_choice_counts_more(lab: House, desk: Window) -> None:
    folder = lab.root.parent / "settings" / "kestra-nb"
    folder.mkdir()
    (folder / "plugin.jupyterlab-settings").write_text(json.dumps({"namespace": "my.team"}))
    try:
        desk.page.reload()
        desk.page.wait_for_function("() => window.jupyterapp && window.jupyterapp.restored.then(() => true)")
        desk.read(put(lab, "settings/sales.ipynb"))
        field = desk.panel.locator('input[name="namespace"]')
        expect(field).to_have_value("my.team")
        field.fill("other.team")
        field.press("Enter")
        desk.wait_until_read()
        expect(field).to_have_value("other.team")
        desk.save("settings/_flows/sales.yaml")
        assert "namespace: other.team" in (lab.root / "settings/_flows/sales.yaml").read_text()
    finally:
        (folder / "plugin.jupyterlab-settings").unlink()
        folder.rmdir()
        desk.page.reload()
        desk.page.wait_for_function("() => window.jupyterapp && window.jupyterapp.restored.then(() => true)")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_every_text_is_legible(lab: House, desk: Window, theme: str) -> None:
    desk.theme(theme)
    try:
        desk.read(put(lab, f"theme{theme}/sales.ipynb"))
        desk.preview_flow()
        assert desk.evaluate(LOW_CONTRAST, ["#kestra-nb-panel", 4.5]) == []
        assert desk.evaluate(LOW_CONTRAST, [".kestra-Preview", 4.5]) == []
    finally:
        desk.theme("Light")


LOW_CONTRAST = """([selector, least]) => {
    const parse = text => {
        const c = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
        c.fillStyle = text; c.clearRect(0, 0, 1, 1); c.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = c.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
    };
    const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
    const ground = element => {
        const layers = [];
        for (let e = element; e; e = e.parentElement) { layers.push(parse(getComputedStyle(e).backgroundColor)); }
        return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
    };
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
        .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const found = [];
    for (const root of document.querySelectorAll(selector)) {
        for (const e of root.querySelectorAll('*')) {
            const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
            if (!own || !e.offsetParent || e.closest('.cm-editor, :disabled')) { continue; }
            const under = ground(e);
            const [a, b] = [light(over(parse(getComputedStyle(e).color), under)), light(under)];
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (ratio < least) { found.push(`${ratio.toFixed(2)} ${e.className} ${e.textContent.slice(0, 40)}`); }
        }
    }
    return [...new Set(found)];
}"""
"""Elements with own text whose contrast (WCAG 2) is below what is asked for."""
