"""The pages of ``notebooks/reference`` and the README's flow, written from the code; the tests compare."""

from __future__ import annotations

import hashlib
import inspect
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import kestra_nb
from kestra_nb import config, options, pipeline, strategies
from kestra_nb.environment import environment_from_plain
from kestra_nb.model.finding import Location
from kestra_nb.model.notebook import Cell, Notebook

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kestra_nb.config import Option

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks" / "reference"
_GROUPS = {
    "flow": "The flow",
    "packages": "Its packages",
    "target": "The Kestra installation",
    "files": "What is written",
}


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _default(option: Option) -> str:
    if option.default in ("", (), 0, False):
        return ""
    return f"`{', '.join(option.default) if isinstance(option.default, tuple) else option.default}`"


def options_page() -> str:
    """Every option once: the same for the command line and the magics."""
    intro = "The same options serve `kestra-nb`, `%kestra` and `%%kestra_flow`; see also [settings](settings.md)."
    parts = ["# Options", intro]
    for group, title in _GROUPS.items():
        rows = (
            (", ".join(f"`{flag}`" for flag in option.flags), option.metavar, option.help, _default(option))
            for option in config.OPTIONS.values()
            if option.group == group
        )
        parts += [f"## {title}", _table(("option", "value", "meaning", "default"), rows)]
    facts = ((f"`{name}`", meaning, _answer(value)) for name, (value, meaning) in config.FACTS.items())
    parts += ["## Facts for `--fact`", _table(("fact", "meaning", "assumed"), facts)]
    return "\n\n".join(parts) + "\n"


def _answer(value: bool | None) -> str:  # noqa: FBT001
    return {True: "yes", False: "no", None: "unknown"}[value]


def settings_page() -> str:
    """Where a setting can stand, and what it is called there."""
    rows = (
        (f"`{name}`", option.kind, f"`KESTRA_NB_{name.upper()}`", "yes" if option.shapes else "no")
        for name, option in config.OPTIONS.items()
    )
    intro = (
        "A setting is looked for in these places; the later one wins: its default, `[tool.kestra-nb]` of the nearest "
        "`pyproject.toml`, an environment variable (lists separated by commas, flags `1` or `0`), the notebook's "
        "metadata under `kestra_nb`, the header of the flow that was exported before, the call itself.\n\n"
        "What *shapes the flow* counts for `kestra-nb export --check`. An unknown name is refused, with the nearest "
        "known one."
    )
    return "\n\n".join(
        ["# Settings", intro, _table(("setting", "kind", "environment variable", "shapes the flow"), rows)]
    ) + "\n"  # fmt: skip


def findings_page() -> str:
    """Every code that the kit can say."""
    path = Path(kestra_nb.__file__).parent / "data" / "findings.toml"
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    intro = (
        "Each finding has a stable code. An *error* keeps an export from being written (unless `--force` is given), a "
        "*warning* and an *info* do not."
    )
    parts = ["# Findings and errors", intro]
    for code in sorted(table):
        row = table[code]
        parts.append(f"## {code}: {row['title']}\n\n{row['meaning']}\n\n*What to do:* {row['what_to_do']}")
    return "\n\n".join(parts) + "\n"


def strategies_page() -> str:
    """Every strategy's own description."""
    parts = ["# Strategies", "Every way the kit knows in which Kestra can supply a notebook's packages."]
    for name, strategy in strategies.registered().items():
        parts.append(f"## {name}: {strategy.title}\n\n{inspect.cleandoc(type(strategy).__doc__ or '')}")
    return "\n\n".join(parts) + "\n"


def readme() -> str:
    """The README with the flow that its own cell becomes, in the environment of the golden bundles."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    cell = text.partition("%%kestra_flow")[2].partition("```")[0]
    line, _, code = cell.partition("\n")
    parser = options.Parser(prog="%%kestra_flow")
    options.add_options(parser)
    chosen = options.given(parser.parse_args([*shlex.split(line), "--strategy", "fresh_venv"]))
    environment = ROOT / "tests" / "golden" / "environments" / "data.json"
    cells = (Cell(source=code.rstrip(), kind="code", location=Location(cell=2)),)
    notebook = Notebook(path="", cells=cells, sha256=hashlib.sha256(code.encode()).hexdigest())
    settings = pipeline.settings_for(notebook, chosen)
    installed = environment_from_plain(json.loads(environment.read_text(encoding="utf-8")))
    planning = pipeline.plan(pipeline.scan(notebook, settings, environment=installed), settings)
    flow = pipeline.preview(planning, settings).yaml
    before, rest = text.split("<!-- flow: begin -->")
    return (
        f"{before}<!-- flow: begin -->\n\n```yaml\n{flow}```\n\n<!-- flow: end -->{rest.split('<!-- flow: end -->')[1]}"
    )


PAGES = {
    "options.md": options_page,
    "settings.md": settings_page,
    "findings.md": findings_page,
    "strategies.md": strategies_page,
}


def main() -> None:
    """Write every page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
    (ROOT / "README.md").write_text(readme(), encoding="utf-8")


if __name__ == "__main__":
    main()
