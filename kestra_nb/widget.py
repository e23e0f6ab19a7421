"""The chooser: every plan side by side, the flow of the chosen one, and a button that saves it."""

from __future__ import annotations

import dataclasses
import shlex
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as W  # noqa: N812, TID253  this module is loaded where a chooser is shown only
import traitlets

from kestra_nb import config, pipeline
from kestra_nb.display import colours, html, text
from kestra_nb.errors import KestraNbError
from kestra_nb.model.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from kestra_nb.config import Settings
    from kestra_nb.model.outcome import Bundle, Planning

_CSS = """
.knb-card { border: 1px solid var(--jp-border-color1, #8888); border-radius: 6px; padding: 8px 10px; margin: 0; }
.knb-card.knb-chosen { border: 2px solid var(--jp-brand-color1, #1565c0); padding: 7px 9px; }
.knb-grid { gap: 10px; }
.knb-card .widget-html-content { white-space: normal; }
.knb-wide .widget-html-content { width: 100%; }
"""
_GRID = "repeat(auto-fill, minmax(235px, 1fr))"


class Chooser(W.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Shows the plans of a planning, and the flow of the chosen one.

    ``value`` is the chosen :class:`~kestra_nb.model.plan.Plan`, or None when none fits; set it to choose another, or
    observe it. ``section`` shows the opened section, ``status`` what saving said, ``line`` the magic line to keep.
    Where widgets are not rendered the same content shows as HTML or as text.

    Args:
        planning: What ``pipeline.plan`` gives.
        settings: The settings it was made with.
        magic: Begins the line to keep: ``%%kestra_flow`` or ``%kestra``.
    """

    value = traitlets.Instance(Plan, allow_none=True)
    """The chosen plan; the front end knows it by its strategy's name."""

    def __init__(self, planning: Planning, settings: Settings, *, magic: str = "%%kestra_flow") -> None:
        self.planning = planning
        self.settings = settings
        self.magic = magic
        self.bundle: Bundle | None = None
        self._before = ""
        self._fitting = [item for item in planning.plans if item.fits]
        self._cards = {item.strategy: self._card(item, number) for number, item in enumerate(self._fitting, 1)}
        self._sections = W.ToggleButtons(options=["Flow"], style={"button_width": "auto"})
        self.section = _html(name="section")
        self._folder = W.Text(value=settings.out, description="Save into", layout={"width": "380px"})
        self._save = W.Button(description="Save", button_style="primary", icon="save", tooltip="Write the flow")
        self._overwrite = W.Button(description="Save over it", button_style="warning", layout={"display": "none"})
        self.status = _html(name="status")
        self.line = _html(name="line")
        super().__init__(self._rows())
        self._sections.observe(self._show_section, "value")
        self._save.on_click(self._guarded(self.save))
        self._overwrite.on_click(self._guarded(lambda: self.save(force=True)))
        chosen = self._wanted()
        if chosen is not None:
            self.value = chosen

    def _wanted(self) -> Plan | None:
        if self.settings.strategy:
            return pipeline.chosen_plan(self.planning, self.settings.strategy)
        return self.planning.recommended

    def _rows(self) -> list[Any]:
        grid = W.GridBox([box for box, _ in self._cards.values()], layout={"grid_template_columns": _GRID})
        grid.add_class("knb-grid")
        head = html.wrapped(html.style(), f"<style>{_CSS}</style>", html.headline(self.planning))
        foot = html.wrapped(html.refused(self.planning), html.target(self.planning))
        rows = [_html(head, name="head"), grid, _html(foot, name="foot")]
        if not self._fitting:
            return rows
        saving = W.HBox([self._folder, self._save, self._overwrite])
        return [*rows, self._sections, self.section, saving, self.status, self.line]

    def _card(self, plan: Plan, number: int) -> tuple[Any, Any]:
        shown = _html(html.wrapped(html.card(plan, number, recommended=plan is self.planning.recommended)))
        button = W.Button(description="Choose", tooltip=f"Choose {plan.title}", layout={"width": "auto"})
        button.on_click(self._guarded(lambda: self.choose(plan.strategy)))
        box = W.VBox([shown, button], layout={"justify_content": "space-between"})
        box.add_class("knb-card")
        return box, button

    def _guarded(self, action: Callable[[], object]) -> Callable[[object], None]:
        """Show what goes wrong where the person looks: an exception of a callback would only reach a log."""

        def run(_: object) -> None:
            try:
                action()
            except KestraNbError as error:
                self._say(f'<p class="error">{escape(f"{error.code} {error}")}</p>')

        return run

    def _say(self, markup: str) -> None:
        self.status.value = html.wrapped(markup)

    # choosing

    def choose(self, strategy: str) -> None:
        """Choose a plan by its strategy's name.

        Raises:
            StrategyError: There is no such strategy, or it does not fit here.
        """
        self.value = pipeline.chosen_plan(self.planning, strategy)

    @traitlets.validate("value")
    def _check_value(self, proposal: dict[str, Any]) -> Plan | None:
        plan = proposal["value"]
        return plan if plan is None else pipeline.chosen_plan(self.planning, plan.strategy)

    @traitlets.observe("value")
    def _show_choice(self, _: object) -> None:
        if self.value is None:
            return
        self._before = self.bundle.yaml if self.bundle is not None else ""
        self.bundle = pipeline.preview(self.planning, self._now(), self.value.strategy)
        for strategy, (box, button) in self._cards.items():
            chosen = strategy == self.value.strategy
            (box.add_class if chosen else box.remove_class)("knb-chosen")
            button.description = "Chosen" if chosen else "Choose"
            button.icon = "check" if chosen else ""
            button.button_style = "primary" if chosen else ""
        self._overwrite.layout.display = "none"
        self.status.value = ""
        self.line.value = html.wrapped(
            f'<p class="quiet">{_KEEP[self.magic]}</p>', f'<pre tabindex="0">{escape(self.line_to_keep())}</pre>'
        )
        self._name_sections()
        self._show_section(None)

    def _now(self) -> Settings:
        strategy = self.value.strategy if self.value is not None else ""
        return dataclasses.replace(
            self.settings, strategy=strategy, out=self._folder.value or ".", chosen=self.settings.chosen | {"strategy"}
        )

    def line_to_keep(self) -> str:
        """Give the magic line that makes the same flow again, in the words of the command line."""
        words = config.command_words(config.remembered(self._now()))
        verb = ["export"] if self.magic == "%kestra" else []
        return f"{self.magic} {shlex.join([*verb, *words])}".rstrip()

    # what is shown of the choice

    def _name_sections(self) -> None:
        bundle, plan = self.bundle, self.value
        if bundle is None or plan is None:
            return
        notebook = self.planning.scan.notebook
        cells = notebook.cells if not notebook.path else ()
        names = [
            ("Flow", "flow"),
            ("What changed", "changes"),
            *([(f"From earlier cells ({len(cells) - 1})", "earlier")] if len(cells) > 1 else []),
            (f"Packages ({len(self.planning.scan.resolution.needs)})", "packages"),
            (f"Findings ({len(bundle.findings)})", "findings"),
            (f"Files ({len(bundle.files)})", "files"),
            (f"Before the first run ({len(plan.steps)})", "steps"),
        ]
        kept = self._sections.value if self._sections.value in {key for _, key in names} else "flow"
        with self.hold_trait_notifications():
            self._sections.unobserve(self._show_section, "value")
            self._sections.options = names
            self._sections.value = kept
            self._sections.observe(self._show_section, "value")

    def _show_section(self, _: object) -> None:
        if self.bundle is None or self.value is None:
            return
        shown: dict[str, Callable[[Bundle, Plan], str]] = {
            "flow": lambda bundle, _: html.flow(bundle),
            "changes": lambda bundle, _: self._changes(bundle),
            "earlier": lambda *_: html.completed(self.planning.scan.notebook),
            "packages": lambda *_: html.requirements(self.planning.scan.resolution.needs) + html.pins(self.planning),
            "findings": lambda bundle, _: html.findings(bundle.findings),
            "files": lambda bundle, _: html.files(bundle),
            "steps": lambda _, plan: html.steps(plan.steps),
        }
        self.section.value = html.wrapped(shown[self._sections.value or "flow"](self.bundle, self.value))

    def _changes(self, bundle: Bundle) -> str:
        if not self._before:
            return "<p>This is the first choice: choose another one to see what it changes in the flow.</p>"
        different = colours.changes(self._before, bundle.yaml)
        return f'<pre tabindex="0">{different}</pre>' if different else "<p>The flow is the same.</p>"

    # saving

    def save(self, *, force: bool = False) -> None:
        """Write the chosen flow and its files into the folder that is shown.

        Raises:
            FlowError: Findings of severity error stand against it, or the flow file was edited by hand.
        """
        if self.bundle is None:
            return
        settings = dataclasses.replace(self._now(), force=force or self.settings.force)
        try:
            done = dataclasses.replace(pipeline.export(self.bundle, settings), root=settings.out)
        except KestraNbError:
            self._overwrite.layout.display = ""
            raise
        self._overwrite.layout.display = "none"
        self._say(html.saved(done))

    # where widgets are not rendered

    def _repr_mimebundle_(self, **options: Any) -> Any:  # noqa: ANN401  ipywidgets' signature
        plain = text.planning(self.planning)
        flow = html.bundle(self.bundle) if self.bundle is not None else ""
        if self.bundle is not None:
            plain += f"\n\n{self.bundle.yaml}\n{self.line_to_keep()}"
        found = super()._repr_mimebundle_(**options) or {}
        return {**found, "text/plain": plain, "text/html": html.planning(self.planning) + flow}


_KEEP = {
    "%%kestra_flow": "To have the same again, keep this as the first line of the cell:",
    "%kestra": "To have the same again, without the chooser:",
}


def _html(value: str = "", *, name: str = "") -> Any:  # noqa: ANN401  ipywidgets has no types
    """Make a piece of HTML; one with a name is as wide as the chooser."""
    widget = W.HTML(value)
    if name:
        widget.add_class("knb-wide")
        widget.add_class(f"knb-{name}")
    return widget


def _name_of(plan: Plan | None, _: Chooser) -> str | None:
    return None if plan is None else plan.strategy


def _plan_of(name: str | None, chooser: Chooser) -> Plan | None:
    return next((item for item in chooser.planning.plans if item.strategy == name), None)


Chooser.value.tag(sync=True, to_json=_name_of, from_json=_plan_of)
