"""The figures as a table, as a plot, as points of the cost model, and held against what the model predicts."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kestra_nb.strategies import costs
from tests.bench.supply.ways import WAYS, Way

if TYPE_CHECKING:
    from tests.bench.supply.measure import Figures
    from tests.bench.supply.sets import Requirements

ROOT: Final = Path(__file__).parents[3]
PAGE: Final = ROOT / "notebooks" / "reference" / "costs.md"
PLOT: Final = PAGE.with_suffix(".svg")
MODEL: Final = ROOT / "kestra_nb" / "data" / "costs.toml"
WITHIN: Final = 1.5
ABOUT: Final = """\
Measured by `./dev bench strategies` on the engine of Kestra {version}, Process runner, {cores} cores ({machine}), a
package index on the same machine. Later runs are medians of five. Seconds are wall clock until Kestra says SUCCESS,
CPU is that of the engine and all its children, *afterwards* is what the worker still does when the execution has ended.
*Stand-in*: Kestra's Python plugin is not published where the benchmark could load it, a stand-in with the same steps
took its place."""
HEAD: Final = """\
| way | first run s | later runs s | later CPU s | afterwards s | worker's disk MB | Kestra's storage MB |
|---|---|---|---|---|---|---|"""
BAR, LEFT, TOP, WIDE = 16, 300, 46, 420
COLOURS: Final = {"light": "#4e79a7", "other": "#59a14f", "heavy": "#e15759"}


@dataclass(slots=True)
class Results:
    """Figures by way and set, in the order of measuring."""

    line: str
    found: dict[str, dict[str, Figures]]

    def add(self, way: Way, wanted: Requirements, figures: Figures) -> None:
        """Keep figures and say them at once: a whole benchmark takes long."""
        self.found.setdefault(way.name, {})[wanted.name] = figures
        print(f"{wanted.name:6} {row(way, figures)}", flush=True)

    def rows(self, name: str) -> list[tuple[Way, Figures]]:
        """The ways measured for one set."""
        return [(way, self.found[way.name][name]) for way in WAYS if name in self.found.get(way.name, {})]


def row(way: Way, figures: Figures) -> str:
    """One row of the table."""
    first, later = figures.first, figures.later
    cpu = "-" if way.name == "image" else f"{later.cpu:.1f}"
    return (
        f"| {way.title} | {first.wall:.1f} | {later.wall:.1f} | {cpu} | {later.afterwards:.1f} "
        f"| {figures.disk:.0f} | {figures.storage:.0f} |"
    )


def show(results: Results, wheels: Path, *, write: bool) -> None:
    """Print the page and the predictions; write page, plot and the points of the cost model if asked."""
    page = as_page(results)
    print("\n" + page + "\n" + as_predictions(results, wheels))
    print(json.dumps({way: {name: asdict(one) for name, one in sets.items()} for way, sets in results.found.items()}))
    if write:
        PAGE.write_text(page, encoding="utf-8")
        PLOT.write_text(as_plot(results), encoding="utf-8")
        MODEL.write_text(as_model(results, MODEL.read_text(encoding="utf-8")), encoding="utf-8")


def as_page(results: Results) -> str:
    """The page of the reference."""
    about = ABOUT.format(version=results.line, cores=os.cpu_count(), machine=platform.machine())
    parts = ["# What each way costs", about]
    for name in COLOURS:
        if rows := results.rows(name):
            parts += [f"## {name}", "\n".join([HEAD, *(row(way, figures) for way, figures in rows)])]
            if against := as_ratios(results, name):
                parts.append(against)
    parts.append("![The same as a plot](costs.svg)")
    return "\n\n".join(parts) + "\n"


def as_ratios(results: Results, name: str) -> str:
    """CPU of later runs against Kestra's page."""
    found = {way.name: figures.later.cpu for way, figures in results.rows(name)}
    if "published" not in found:
        return ""
    told = [
        f"`{way}` 1/{found['published'] / found[way]:.1f}"
        for way in ("environment_on_disk", "cached_wheels", "uv_each_run")
        if way in found
    ]
    return f"CPU of later runs against the page's cached venv: {', '.join(told)}."


def as_predictions(results: Results, wheels: Path) -> str:
    """What a line through light and heavy says of the other set, and how far that is from what was measured."""
    weights = {name: megabytes(name, wheels) for name in COLOURS}
    lines = []
    for way, figures in results.rows("other"):
        points = results.found[way.name]
        if not {"light", "heavy"} <= points.keys():
            continue
        low, high = points["light"].later.wall, points["heavy"].later.wall
        slope = max(0.0, (high - low) / (weights["heavy"] - weights["light"]))
        predicted = max(costs.data()["bare"]["later"], high + slope * (weights["other"] - weights["heavy"]))
        factor = max(predicted / figures.later.wall, figures.later.wall / predicted)
        lines.append(
            f"{way.name}: predicted {predicted:.1f} s, measured {figures.later.wall:.1f} s, factor {factor:.2f}"
            + ("" if factor <= WITHIN else "  ← beyond 1.5")
        )
    return "\n".join(lines)


def megabytes(name: str, wheels: Path) -> float:
    """What the wheels of a set weigh, by resolving it against the index's folder."""
    from tests.bench.supply.sets import SETS
    from tests.kestra.harness.worker import find_uv

    (wanted,) = [one for one in SETS if one.name == name]
    command: list[str | Path] = [
        find_uv(),
        "pip",
        "compile",
        "--quiet",
        "--no-header",
        "--no-annotate",
        "--no-index",
        "--find-links",
        wheels,
        "-",
    ]
    done = subprocess.run(command, input="\n".join(wanted.asked), capture_output=True, text=True, check=True)
    pins = re.findall(r"^([\w.-]+)==(\S+)$", done.stdout, flags=re.MULTILINE)
    sizes = [max((file.stat().st_size for file in wheels.glob("*.whl") if _is(file, *pin)), default=0) for pin in pins]
    return sum(sizes) / 1_000_000


def _is(wheel: Path, name: str, version: str) -> bool:
    found_name, found_version = wheel.name.split("-")[:2]
    return re.sub(r"[-_.]+", "-", found_name).lower() == name and found_version == version


def as_model(results: Results, before: str) -> str:
    """The cost model's data with the measured points of light and heavy in place of the old ones."""
    text = before
    for way, sets in results.found.items():
        lines = [
            f"{name} = {{ first = {one.first.wall:.1f}, later = {one.later.wall:.1f}, cpu = {one.later.cpu:.1f} }}"
            for name, one in sets.items()
            if name in {"light", "heavy"}
        ]
        block = re.compile(rf"(\[ways\.{way}\][^\n]*\n)(?:(?:light|heavy) = [^\n]*\n)+")
        text = block.sub(lambda found, lines=lines: found[1] + "\n".join(lines) + "\n", text)  # type: ignore[misc]
    return text


def as_plot(results: Results) -> str:
    """Later runs as bars, the shortest way first, in plain SVG."""
    ways = [way for way in WAYS if results.found.get(way.name)]
    ways.sort(key=lambda way: min(one.later.wall for one in results.found[way.name].values()))
    longest = max(one.later.wall for sets in results.found.values() for one in sets.values())
    parts, y = [], TOP
    for way in ways:
        parts.append(f'<text x="{LEFT - 8}" y="{y + BAR}" text-anchor="end">{way.title}</text>')
        for name, colour in COLOURS.items():
            if one := results.found[way.name].get(name):
                wide = WIDE * one.later.wall / longest
                parts.append(f'<rect x="{LEFT}" y="{y}" width="{wide:.1f}" height="{BAR - 3}" fill="{colour}"/>')
                parts.append(
                    f'<text x="{LEFT + wide + 4:.1f}" y="{y + BAR - 5}" font-size="10">{one.later.wall:.1f}</text>'
                )
                y += BAR
        y += 8
    legend = "".join(
        f'<rect x="{LEFT + 90 * n}" y="24" width="12" height="12" fill="{colour}"/>'
        f'<text x="{LEFT + 16 + 90 * n}" y="34">{name}</text>'
        for n, (name, colour) in enumerate(COLOURS.items())
    )
    title = f"Seconds of a later run, Kestra {results.line}"
    size = f'width="{LEFT + WIDE + 60}" height="{y + 10}" font-family="sans-serif" font-size="12"'
    ground = '<rect width="100%" height="100%" fill="white"/>'
    heading = f'<text x="8" y="16" font-size="14">{title}</text>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{ground}{heading}{legend}{"".join(parts)}</svg>\n'
