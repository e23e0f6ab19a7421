"""What a script may count on in the task: its line numbers, ``__future__``, files beside it, typed inputs."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.kestra.harness.exports import NAMESPACE, Author, uploads

if TYPE_CHECKING:
    from pathlib import Path

    from kestra_nb.model.outcome import Bundle
    from tests.kestra.harness.values import Execution, Kestra

Authors = Callable[..., Author]
FACTS = {"docker": "no", "index": "yes", "pip": "yes", "uv": "no"}
FRAME = re.compile(r'^\s*File "(?P<file>[^"]*)", line (?P<line>\d+)')
INJECTED = 30
HARMLESS = (
    "x = 1",
    "text = '{{ secret(1) }} {% if %} {# gone #}'",
    "'''a docstring of\n\nseveral lines'''",
    "for number in range(2):\n    y = {number: {number: '{{'}}\n",
    "%load_ext autoreload\nz = 2",
    "# a comment with kestra:///nb/x.csv\n\n\n",
    "raw = '{% raw %}a{% endraw %}{% endverbatim %}'",
    "def late(value):\n    return value + 1",
    "tabs = '\t \u2028 🎉'   \t",
    "",
)
RAISING = (
    "raise ValueError('injected')",
    "first = 1\nsecond = 2\n\nraise ValueError('injected')",
    "def fail():\n    # not here\n    raise ValueError('injected')\n\nfail()",
    "values = [\n    1,\n    2,\n]\nif values:\n    raise ValueError('injected')",
    "try:\n    {}['absent']\nexcept KeyError:\n    raise ValueError('injected') from None",
    "%load_ext autoreload\nx = '{{ y }}'\nraise ValueError('injected')",
)


def export(authors: Authors, cells: list[str] | Path, name: str, **settings: object) -> Bundle:
    return authors().export(cells, "before_commands", name=name, facts=FACTS, **settings)


def injected(seed: int) -> tuple[list[str], int, int]:
    """Cells of which one raises, the number of that cell and the line in it."""
    source = random.Random(seed)  # noqa: S311 - nothing secret
    raising = source.choice(RAISING)
    before, after = (source.choices(HARMLESS, k=source.randint(0, 5)) for _ in range(2))
    line = next(number for number, text in enumerate(raising.split("\n"), 1) if "raise ValueError" in text)
    return [*before, raising, *after], len(before) + 1, line


def place(bundle: Bundle, ended: Execution) -> tuple[int | None, int] | None:
    """Cell and line of the last frame of the traceback, by the bundle's line map."""
    frames = [found for log in ended.messages("ERROR") for line in log.splitlines() if (found := FRAME.match(line))]
    ours = [int(frame["line"]) for frame in frames if frame["file"].endswith("main.py")]
    location = bundle.line_map.script[ours[-1] - 1] if ours else None
    return (location.cell, location.line) if location else None


def test_a_traceback_leads_back_to_cell_and_line(kestra: Kestra, authors: Authors) -> None:
    cases = [injected(seed) for seed in range(INJECTED)]
    bundles = [export(authors, cells, f"raising_{number}") for number, (cells, _, _) in enumerate(cases)]
    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda bundle: kestra.run(bundle.yaml), bundles))
    for (cells, cell, line), bundle, ended in zip(cases, bundles, runs, strict=True):
        assert ended.state == "FAILED"
        assert place(bundle, ended) == (cell, line), f"{cells}\n{ended.told()}"
        assert any("raise ValueError('injected')" in message for message in ended.messages("ERROR")), "the line itself"


def test_future_imports_of_any_cell_hold_for_the_script(kestra: Kestra, authors: Authors) -> None:
    cells = [
        "x = '{{ even so }}'",
        "from __future__ import annotations\ndef f(x: nowhere): return x\nprint(f.__annotations__)",
    ]
    ended = kestra.run(export(authors, cells, "future").yaml)
    assert "{'x': 'nowhere'}" in ended.messages(), ended.told()


def test_docstring_and_names_are_those_of_a_script(kestra: Kestra, authors: Authors) -> None:
    cells = ['"""What this is about, {{ even so }}."""', "print(__name__, __file__.endswith('main.py'), __doc__)"]
    ended = kestra.run(export(authors, cells, "docstring").yaml)
    assert "__main__ True What this is about, {{ even so }}." in ended.messages(), ended.told()


def test_an_encoding_line_changes_nothing(kestra: Kestra, authors: Authors) -> None:
    ended = kestra.run(export(authors, ["# -*- coding: latin-1 -*-\nprint('é {{ 1 }}'.encode())"], "cookie").yaml)
    assert repr("é {{ 1 }}".encode()) in ended.messages(), ended.told()


def test_output_that_looks_like_kestras_own_stays_in_the_script(kestra: Kestra, authors: Authors) -> None:
    cell = "text = '::{\"outputs\":{\"rows\": 3}}::'\nprint('x', text)\nprint(text)"
    ended = kestra.run(export(authors, [cell], "own_format").yaml)
    assert ended.task("run").vars == {"rows": 3}, "only the line that is nothing else counts"


def test_a_module_and_a_data_file_beside_the_notebook(kestra: Kestra, authors: Authors, tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("def greet(): return '{{ not rendered }}'\n", encoding="utf-8")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.csv").write_text("a,b\n1,{{ 2 }}\n", encoding="utf-8")
    notebook = write(
        tmp_path / "beside.ipynb", [("import helper\nprint(helper.greet())\nprint(open('data/rows.csv').read())", [])]
    )
    bundle = export(authors, notebook, "beside", ship=("data/rows.csv",))
    kestra.upload(NAMESPACE, uploads(bundle, tmp_path / "upload"))
    ended = kestra.run(bundle.yaml)
    assert ended.state == "SUCCESS", ended.told()
    said = "\n".join(ended.messages())
    assert "{{ not rendered }}" in said
    assert "1,{{ 2 }}" in said


def test_parameters_arrive_with_their_types(kestra: Kestra, authors: Authors, tmp_path: Path) -> None:
    parameters = "top = 10\nshare = 0.5\nloud = True\nname = 'a {{ b }}'\nrows = [1, 2]\nmore = {'k': '{{ v }}'}"
    show = "print([type(v).__name__ for v in (top, share, loud, name, rows, more)], top, share, loud, name, rows, more)"
    notebook = write(tmp_path / "typed.ipynb", [(parameters, ["parameters"]), (show, [])])
    bundle = export(authors, notebook, "typed")
    assert kestra.validate(bundle.yaml).clean, kestra.validate(bundle.yaml)
    types = "['int', 'float', 'bool', 'str', 'list', 'dict']"
    plain = kestra.run(bundle.yaml)
    assert f"{types} 10 0.5 True a {{{{ b }}}} [1, 2] {{'k': '{{{{ v }}}}'}}" in plain.messages(), plain.told()
    given = kestra.run(bundle.yaml, inputs={"top": 3, "name": "{{ secret('X') }}", "loud": False})
    assert f"{types} 3 0.5 False {{{{ secret('X') }}}} [1, 2] {{'k': '{{{{ v }}}}'}}" in given.messages(), given.told()


def test_labels_description_outputs_and_schedule(kestra: Kestra, authors: Authors) -> None:
    chosen = {
        "description": "About {{ this }} and {% that",
        "labels": ("team=data", "source=a {{ b }}"),
        "outputs": ("report.csv", "*.txt"),
        "schedule": "0 7 * * 1-5",
        "timezone": "Europe/Paris",
        "timeout": "PT5M",
        "retry": 3,
    }
    bundle = export(
        authors, ["open('report.csv', 'w').write('a,b')\nopen('x.txt', 'w').close()"], "everything", **chosen
    )
    assert kestra.validate(bundle.yaml).clean, kestra.validate(bundle.yaml)
    ended = kestra.run(bundle.yaml)
    assert ended.state == "SUCCESS", ended.told()
    assert kestra.read(ended.outputs["report_csv"]) == b"a,b"
    assert set(ended.task("run").outputs["outputFiles"]) == {"report.csv", "x.txt"}


def write(path: Path, cells: list[tuple[str, list[str]]]) -> Path:
    rows: list[dict[str, object]] = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "metadata": {"tags": tags},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, (source, tags) in enumerate(cells)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {"cells": rows, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
