"""What a person does and sees on a page with the extension."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.lab.house import ARTIFACTS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request

    from tests.lab.house import House

PATIENCE = 15_000
BUTTON = ".jp-ToolbarButtonComponent"
_numbers = itertools.count()
PREVIEW = """() => {
    const { shell } = window.jupyterapp;
    const within = area => [...shell.widgets(area)].find(item => item.hasClass('kestra-PreviewArea'));
    return (within('main') ?? within('down')).content._editor.model.sharedModel.getSource(); }"""
CURRENT = "window.jupyterapp.shell.currentWidget"


def notebook(*sources: str, kernel: str = "python3", language: str = "python", tags: Iterable[str] = ()) -> str:
    """Give the text of a notebook; a source of several cells becomes so many code cells, the first one tagged."""
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {"tags": list(tags)} if number == 1 and tags else {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(sources, 1)
    ]
    metadata = {
        "kernelspec": {"name": kernel, "display_name": kernel, "language": language},
        "language_info": {"name": language},
    }
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1)


@dataclass
class Window:
    """A browser page on a house, with all that it printed and asked for."""

    house: House
    page: Page
    errors: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    @classmethod
    def open(cls, browser: Browser, house: House, path: str = "", *, width: int = 1400) -> Window:
        """Open a notebook, or the application."""
        context: BrowserContext = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        window = cls(house, context.new_page())
        window.page.set_default_timeout(PATIENCE)
        window.page.on("console", window._note)
        window.page.on("pageerror", lambda error: window.errors.append(str(error)))
        window.page.on("request", window._count)
        window.page.goto(house.page_url(path, f"test-{next(_numbers)}"))
        window.page.wait_for_function("() => window.jupyterapp && window.jupyterapp.restored.then(() => true)")
        return window

    def close(self) -> None:
        """Close the page, and end what it started; twice does no harm."""
        if not self.page.is_closed():
            self.page.context.close()
        if self.house.process.poll() is None:
            self.house.end_kernels()

    def clear(self) -> None:
        """Close all documents without asking, and the side panel; end the kernels."""
        self.page.keyboard.press("Escape")
        self.evaluate(
            """() => { const { shell } = window.jupyterapp;
                for (const widget of [...shell.widgets('main')]) { widget.dispose(); }
                shell.collapseRight(); }"""
        )
        self.house.end_kernels()

    def read(self, path: str = "") -> None:
        """Open a notebook (or take the open one), wait for its kernel, open the panel and wait until it is filled."""
        if path:
            self.show(path)
        self.wait_for_kernel()
        self.open_panel()
        self.wait_until_read()

    def show(self, path: str) -> None:
        """Open a notebook and wait until it is in front."""
        self.command("docmanager:open", {"path": path})
        self.wait_for_notebook(path)

    def save(self, flow: str) -> None:
        """Save the flow by the panel's button, and wait until that is told."""
        self.panel.get_by_role("button", name="Save Flow").click()
        self.told("success", f"{flow} was")

    def told(self, kind: str, text: str) -> Locator:
        """Wait for a notification, success, error or info, that holds a text; give it."""
        toast = self.page.locator(f".Toastify__toast--{kind}", has_text=text).last
        expect(toast).to_be_visible()
        return toast

    def preview_flow(self) -> None:
        """Open the preview by the panel's button and wait for the flow."""
        self.panel.get_by_role("button", name="Preview").click()
        expect(self.preview.locator(".cm-content")).to_contain_text("id: ")

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(re.sub(r"\d+", "N", message.text))

    def _count(self, request: Request) -> None:
        if request.url.startswith("http"):
            self.hosts.add(urlsplit(request.url).hostname or "")

    # --- places -----------------------------------------------------------------------------------------------------

    @property
    def panel(self) -> Locator:
        """The side panel."""
        return self.page.locator("#kestra-nb-panel")

    @property
    def preview(self) -> Locator:
        """The preview in front."""
        return self.page.locator(".kestra-Preview:visible")

    def panel_id(self, path: str) -> str:
        """Give the id of a notebook's widget."""
        script = """path => [...window.jupyterapp.shell.widgets('main')]
            .find(item => item.context && item.context.path === path)?.id"""
        found: str = self.page.evaluate(script, path)
        return found

    # --- deeds ------------------------------------------------------------------------------------------------------

    def evaluate(self, script: str, *args: object) -> Any:  # noqa: ANN401  whatever the script gives
        """Run a script in the page."""
        return self.page.evaluate(script, *args)

    def command(self, command: str, args: dict[str, object] | None = None) -> None:
        """Run a command as a shortcut would."""
        self.evaluate("([id, args]) => { void window.jupyterapp.commands.execute(id, args); }", [command, args or {}])

    def wait_for_notebook(self, path: str) -> None:
        """Wait until a notebook is in front and read."""
        self.page.wait_for_function(
            f"path => {CURRENT} && {CURRENT}.context && {CURRENT}.context.path === path && {CURRENT}.context.isReady",
            arg=path,
        )

    def wait_for_kernel(self) -> None:
        """Wait until the kernel of the notebook in front is idle and connected."""
        self.page.wait_for_function(
            f"""() => {{
                const context = {CURRENT} && {CURRENT}.sessionContext;
                const kernel = context && context.session && context.session.kernel;
                return kernel && kernel.status === 'idle' && kernel.connectionStatus === 'connected';
            }}"""
        )

    def open_panel(self, path: str = "") -> None:
        """Click the toolbar button of a notebook, the one in front when there is one only."""
        place = f"#{self.panel_id(path)}" if path else ".jp-NotebookPanel:not(.lm-mod-hidden)"
        self.page.locator(f'{place} [data-jp-item-name="kestra"] {BUTTON}').click()
        expect(self.panel).to_be_visible()

    def wait_until_read(self) -> None:
        """Wait until the panel shows the notebook as it stands."""
        expect(self.panel.locator('.kestra-View[data-status="ready"]')).to_be_visible(timeout=PATIENCE)

    def preview_text(self) -> str:
        """Give the whole text of the file that the preview shows."""
        text: str = self.page.evaluate(PREVIEW)
        return text

    def wait_for_another_preview(self, before: str) -> None:
        """Wait until the preview shows another text."""
        self.page.wait_for_function(f"before => ({PREVIEW})() !== before", arg=before)

    def edit(self, index: int, source: str) -> None:
        """Change a cell as typing does, without saving."""
        self.evaluate(
            f"([index, source]) => {CURRENT}.content.widgets[index].model.sharedModel.setSource(source)",
            [index, source],
        )

    def run(self, code: str) -> None:
        """Let the kernel of the notebook in front run something, and do not wait for it."""
        self.evaluate(f"code => {{ {CURRENT}.sessionContext.session.kernel.requestExecute({{ code }}); }}", code)

    def theme(self, name: str) -> None:
        """Change the theme, ``Light`` or ``Dark``, and wait until it is there."""
        self.command("apputils:change-theme", {"theme": f"JupyterLab {name}"})
        self.page.wait_for_selector(f'body[data-jp-theme-name="JupyterLab {name}"]', state="attached")

    def shot(self, name: str) -> Path:
        """Keep a picture."""
        folder = ARTIFACTS / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png")
        return folder / f"{name}.png"
