"""What a person does and sees on a page with the extension."""

from __future__ import annotations

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

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, Route

    from tests.lab.house import House

PATIENCE = 30_000
CURRENT = "window.jupyterapp.shell.currentWidget"


def notebook(*sources: str, kernel: str = "python3", language: str = "python", tags: Iterable[str] = ()) -> str:
    """Give the text of a notebook; a source of several cells becomes so many code cells, the first one tagged."""
    cells = [
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
    def open(cls, browser: Browser, house: House, path: str = "", *, width: int = 1400, bare: bool = False) -> Window:
        """Open a notebook, or the application; ``bare``: the same page without the extension."""
        context: BrowserContext = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        window = cls(house, context.new_page())
        window.page.set_default_timeout(PATIENCE)
        window.page.on("console", window._note)
        window.page.on("pageerror", lambda error: window.errors.append(str(error)))
        window.page.on("request", window._count)
        if bare:
            window.page.route(re.compile(r".*/(lab|notebooks)(/tree)?(/.*)?(\?.*)?$"), _without_extension)
        window.page.goto(house.page_url(path))
        window.page.wait_for_selector("#main, #main-panel")
        return window

    def close(self) -> None:
        """Close the page and forget its cookies."""
        self.page.context.close()

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

    def button(self, path: str) -> Locator:
        """The toolbar button of one notebook."""
        return self.page.locator(f'.jp-NotebookPanel:visible:has-text("")').locator(
            f'xpath=self::*[@id="{self.panel_id(path)}"]'
        ).locator('[data-jp-item-name="kestra"] jp-button, [data-jp-item-name="kestra"] button')

    def panel_id(self, path: str) -> str:
        """Give the id of a notebook's widget."""
        script = f"""path => [...window.jupyterapp.shell.widgets('main')]
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
            f"path => {CURRENT} && {CURRENT}.context && {CURRENT}.context.path === path && {CURRENT}.context.isReady", arg=path
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

    def open_panel(self) -> None:
        """Click the notebook's own toolbar button."""
        self.page.locator('.jp-NotebookPanel:not(.lm-mod-hidden) [data-jp-item-name="kestra"] jp-button').click()
        expect(self.panel).to_be_visible()

    def wait_until_read(self) -> None:
        """Wait until the panel shows the notebook as it stands."""
        expect(self.panel.locator('.kestra-View[data-status="ready"]')).to_be_visible(timeout=PATIENCE)

    def edit(self, index: int, source: str) -> None:
        """Change a cell as typing does, without saving."""
        self.evaluate(
            f"([index, source]) => {CURRENT}.content.widgets[index].model.sharedModel.setSource(source)", [index, source]
        )

    def shot(self, name: str) -> Path:
        """Keep a picture."""
        folder = ARTIFACTS / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png")
        return folder / f"{name}.png"


def _without_extension(route: Route) -> None:
    response = route.fetch()
    text = response.text()
    start = text.index(">", text.index('id="jupyter-config-data"')) + 1
    end = text.index("</script>", start)
    config = json.loads(text[start:end])
    config["federated_extensions"] = [one for one in config["federated_extensions"] if one["name"] != "kestra-nb"]
    route.fulfill(response=response, body=text[:start] + json.dumps(config) + text[end:])
