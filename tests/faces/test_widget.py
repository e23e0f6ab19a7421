"""The chooser, driven as a front end drives it: over a comm, and by what it leaves behind on disk."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field
from html import unescape
from typing import TYPE_CHECKING, Any

import comm
import pytest

from kestra_nb import pipeline
from kestra_nb.errors import FlowError, StrategyError
from kestra_nb.model.finding import Location
from kestra_nb.model.notebook import Cell, Notebook

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kestra_nb.widget import Chooser


@dataclass
class Wire:
    """A comm without a front end: keeps what is sent, and delivers what a front end would send."""

    comm_id: str
    state: dict[str, Any] = field(default_factory=dict)
    handlers: list[Callable[[dict[str, Any]], None]] = field(default_factory=list)
    closed: bool = False

    def on_msg(self, handler: Callable[[dict[str, Any]], None]) -> None:
        self.handlers.append(handler)

    def on_close(self, handler: Callable[[dict[str, Any]], None]) -> None: ...

    def send(self, data: dict[str, Any], **_: object) -> None:
        if data.get("method") == "update":
            self.state.update(data["state"])

    def close(self, **_: object) -> None:
        self.closed = True

    def deliver(self, data: dict[str, Any]) -> None:
        for handler in self.handlers:
            handler({"content": {"data": data}, "buffers": []})

    def set(self, **state: object) -> None:
        """Change what a person changes."""
        self.deliver({"method": "update", "state": state, "buffer_paths": []})

    def click(self) -> None:
        self.deliver({"method": "custom", "content": {"event": "click"}})


@pytest.fixture
def wires(monkeypatch: pytest.MonkeyPatch) -> dict[str, Wire]:
    made: dict[str, Wire] = {}

    def create(*, data: dict[str, Any], comm_id: str | None = None, **_: object) -> Wire:
        wire = Wire(comm_id or f"wire-{len(made)}", dict(data["state"]))
        made[wire.comm_id] = wire
        return wire

    monkeypatch.setattr(comm, "create_comm", create)
    return made


SCRIPT = """
import pandas as pd
print(pd.DataFrame({"a": ["<b>x</b>", "{{ y }}"]}).shape)
"""


def chooser(folder: Path, *, cell: str = SCRIPT, **options: object) -> Chooser:
    from kestra_nb.widget import Chooser

    place = Location(path="In [7]")
    cells = (
        Cell(source="rate = 2", kind="code", location=Location(path="In [3]", line=2)),
        Cell(source=textwrap.dedent(cell).strip(), kind="code", location=place),
    )
    notebook = Notebook(path="", folder=str(folder), cells=cells, sha256="0" * 64)
    settings = pipeline.settings_for(notebook, {"id": "sales", **options})
    return Chooser(pipeline.plan(pipeline.scan(notebook, settings), settings), settings)


def text(markup: str) -> str:
    return unescape(re.sub(r"<(?!br)[^>]*>", "", re.sub(r"<style>.*?</style>", "", markup, flags=re.DOTALL)))


def parts(made: Chooser) -> dict[str, Any]:
    """Give the widgets inside by what a person calls them."""
    found: dict[str, Any] = {}
    waiting = [made]
    while waiting:
        item = waiting.pop(0)
        waiting += getattr(item, "children", ())
        name = getattr(item, "tooltip", None) or getattr(item, "description", "")
        if name:
            found.setdefault(name, item)
        if type(item).__name__ == "ToggleButtons":
            found["sections"] = item
    return found


def wire_of(wires: dict[str, Wire], widget: Any) -> Wire:  # noqa: ANN401  ipywidgets has no types
    return wires[widget.model_id]


def section(made: Chooser, wires: dict[str, Wire], begins: str) -> str:
    """Open a section as a person does and give its text."""
    sections = parts(made)["sections"]
    labels = [label for label, _ in sections.options]
    index = next(number for number, label in enumerate(labels) if label.startswith(begins))
    wire_of(wires, sections).set(index=index)
    return text(made.section.value)


def test_the_recommended_plan_is_chosen_and_shown(wires: dict[str, Wire], tmp_path: Path) -> None:
    made = chooser(tmp_path)
    best = made.planning.recommended
    assert best is not None
    assert made.value == best
    assert wire_of(wires, made).state["value"] == best.strategy
    assert made.bundle is not None
    assert text(made.section.value).strip() == made.bundle.yaml.strip()
    cards = [text(item.value) for item in made.children[1].children[0].children if hasattr(item, "value")]
    assert "1. " in cards[0]
    assert "recommended" in cards[0]


def test_every_plan_is_there_the_refused_with_reasons(wires: dict[str, Wire], tmp_path: Path) -> None:
    assert wires == {}
    made = chooser(tmp_path, facts=("docker=no",))
    shown = " ".join(text(item.value) for item in _every_html(made))
    for plan in made.planning.plans:
        assert plan.title in shown
        if not plan.fits:
            assert all(reason in shown for reason in plan.reasons)
            assert all(cure in shown for cure in plan.possible_if)
    assert any(not plan.fits for plan in made.planning.plans)
    assert "the workers can start containers: no" in shown


def _every_html(made: Chooser) -> list[Any]:
    found, waiting = [], [made]
    while waiting:
        item = waiting.pop(0)
        waiting += getattr(item, "children", ())
        if type(item).__name__ == "HTML":
            found.append(item)
    return found


def test_picking_another_updates_flow_line_and_comparison(wires: dict[str, Wire], tmp_path: Path) -> None:
    made = chooser(tmp_path, schedule="0 7 * * *")
    first = made.bundle.yaml if made.bundle else ""
    other = next(plan for plan in made.planning.plans if plan.fits and plan != made.value)
    seen: list[object] = []
    made.observe(lambda change: seen.append(change["new"]), "value")
    wire_of(wires, parts(made)[f"Choose {other.title}"]).click()
    assert seen == [other]
    assert made.value == other
    assert made.bundle is not None
    assert made.bundle.plan.strategy == other.strategy
    assert text(made.section.value).strip() == made.bundle.yaml.strip() != first.strip()
    assert text(made.line.value).endswith(
        f"%%kestra_flow --id sales --strategy {other.strategy} --schedule '0 7 * * *'"
    )
    changed = section(made, wires, "What changed")
    assert [line for line in changed.splitlines() if line.startswith("-")]
    assert [line for line in changed.splitlines() if line.startswith("+")]
    assert "sha256" not in changed


def test_the_front_end_may_set_the_value_by_name(wires: dict[str, Wire], tmp_path: Path) -> None:
    made = chooser(tmp_path)
    wire_of(wires, made).set(value="before_commands")
    assert made.value is not None
    assert made.value.strategy == "before_commands"
    assert made.bundle is not None
    assert made.bundle.plan == made.value


def test_a_refused_plan_cannot_be_chosen(wires: dict[str, Wire], tmp_path: Path) -> None:
    assert wires == {}
    made = chooser(tmp_path, facts=("own_server=no",))
    before = made.value
    with pytest.raises(StrategyError, match="does not fit"):
        made.choose("server_packages")
    with pytest.raises(StrategyError, match="fresh_venv"):
        made.choose("fresh_env")
    assert made.value == before


def test_the_sections(wires: dict[str, Wire], tmp_path: Path) -> None:
    made = chooser(tmp_path)
    assert "first choice" in section(made, wires, "What changed")
    earlier = section(made, wires, "From earlier cells")
    assert "In [3], line 2" in earlier
    assert "rate = 2" in earlier
    packages = section(made, wires, "Packages")
    assert re.search(r"pandas==[\d.]+installed hereIn \[7\], line 1: import pandas", packages)
    assert "numpy==" in packages
    assert made.bundle is not None
    for finding in made.bundle.findings:
        assert finding.message in section(made, wires, "Findings")
    for file in made.bundle.files:
        assert file.path in section(made, wires, "Files")
        assert file.purpose in section(made, wires, "Files")
    made.choose("custom_image")
    steps = section(made, wires, "Before the first run")
    assert made.value is not None
    assert made.value.steps
    for step in made.value.steps:
        assert step.text in steps
        assert step.command in steps


def test_what_comes_from_the_notebook_is_escaped(wires: dict[str, Wire], tmp_path: Path) -> None:
    assert wires == {}
    made = chooser(tmp_path, description="<script>alert(1)</script>")
    for item in _every_html(made):
        assert "<b>x</b>" not in item.value
        assert "<script" not in item.value
    assert "<script" not in made._repr_mimebundle_()["text/html"]


def test_saved_where_the_person_says(wires: dict[str, Wire], tmp_path: Path) -> None:
    made = chooser(tmp_path)
    there = tmp_path / "there"
    wire_of(wires, parts(made)["Save into"]).set(value=str(there))
    wire_of(wires, parts(made)["Write the flow"]).click()
    path = there / "_flows" / "sales.yaml"
    assert made.bundle is not None
    assert path.read_text(encoding="utf-8") == made.bundle.yaml
    assert str(path) in text(made.status.value)
    assert "kestractl flows deploy" in text(made.status.value)


def test_never_over_an_edited_file_without_asking(wires: dict[str, Wire], tmp_path: Path) -> None:
    made = chooser(tmp_path)
    wire_of(wires, parts(made)["Write the flow"]).click()
    path = tmp_path / "_flows" / "sales.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    over = parts(made)["Save over it"]
    assert over.layout.display == "none"
    made.choose("before_commands")
    wire_of(wires, parts(made)["Write the flow"]).click()
    assert path.read_text(encoding="utf-8").endswith("# mine\n")
    assert over.layout.display == ""
    assert "KNB4" in text(made.status.value)
    with pytest.raises(FlowError):
        made.save()
    wire_of(wires, over).click()
    assert "# mine" not in path.read_text(encoding="utf-8")
    assert over.layout.display == "none"


def test_a_folder_that_cannot_be_written_is_said_in_the_chooser(wires: dict[str, Wire], tmp_path: Path) -> None:
    made = chooser(tmp_path)
    (tmp_path / "file").write_text("")
    wire_of(wires, parts(made)["Save into"]).set(value=str(tmp_path / "file"))
    wire_of(wires, parts(made)["Write the flow"]).click()
    assert re.match(r"KNB\d{3} .*file", text(made.status.value))


def test_closed_while_working(wires: dict[str, Wire], tmp_path: Path) -> None:
    made = chooser(tmp_path)
    other = next(plan for plan in made.planning.plans if plan.fits and plan != made.value)
    save = parts(made)["Write the flow"]
    pick = parts(made)[f"Choose {other.title}"]
    clicks = [wire_of(wires, item) for item in (pick, save)]
    made.close()
    for widget in list(parts(made).values()):
        widget.close()
    for wire in clicks:
        wire.click()
    assert all(wire.closed for wire in clicks)


def test_nothing_fits(wires: dict[str, Wire], tmp_path: Path) -> None:
    assert wires == {}
    made = chooser(tmp_path, cell="import nosuchmodule_for_kestra")
    assert made.value is None
    assert "--accept nosuchmodule" in " ".join(text(item.value) for item in _every_html(made))
    assert "No strategy fits" in made._repr_mimebundle_()["text/plain"]


def test_where_widgets_are_not_rendered(wires: dict[str, Wire], tmp_path: Path) -> None:
    assert wires == {}
    made = chooser(tmp_path)
    shown = made._repr_mimebundle_()
    assert made.bundle is not None
    assert made.bundle.yaml in shown["text/plain"]
    assert made.line_to_keep() in shown["text/plain"]
    assert made.bundle.yaml.strip() in text(shown["text/html"])
    for plan in made.planning.plans:
        assert plan.title in text(shown["text/html"])


def test_a_strategy_of_the_settings_is_chosen_first(wires: dict[str, Wire], tmp_path: Path) -> None:
    assert wires == {}
    made = chooser(tmp_path, strategy="before_commands")
    assert made.value is not None
    assert made.value.strategy == "before_commands"
    with pytest.raises(StrategyError, match="does not fit"):
        chooser(tmp_path, strategy="server_packages", facts=("own_server=no",))
