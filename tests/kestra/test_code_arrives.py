"""Whatever Python compiles reaches ``compile`` in the task unchanged, through YAML, Jackson and Kestra's rendering."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from kestra_nb.emit import emit
from kestra_nb.model.flow import PROCESS, PYTHON_COMMANDS, Flow, Task, Verbatim
from kestra_nb.pebble import literal_source, protect
from tests.kestra.harness.scripts import adversarial

if TYPE_CHECKING:
    from tests.kestra.harness.values import Kestra

SCRIPTS = int(os.environ.get("KESTRA_NB_SCRIPTS", "200"))
TASKS_A_FLOW = 25
PROBE = '''
"""Runs main.py as Python would, up to the first source that is compiled, and puts out the sha256 of that."""
import builtins, hashlib, json, pathlib, sys, tokenize, warnings

warnings.simplefilter("ignore")
class Seen(Exception):
    pass

def watch(source, *rest, **more):
    raise Seen(source)

path = pathlib.Path("main.py")
data = path.read_bytes()
source = data.decode()
if data.startswith(b"_src = "):
    code, builtins.compile = compile(data, "main.py", "exec"), watch
    try:
        exec(code, {"__name__": "__main__", "__file__": "main.py"})
    except Seen as seen:
        source = seen.args[0]
else:
    compile(data, "main.py", "exec")
digest = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
print("::" + json.dumps({"outputs": {"sha256": digest}}) + "::")
'''


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def flow(number: int, scripts: list[str]) -> str:
    tasks = [
        Task(
            id=f"script_{position}",
            type=PYTHON_COMMANDS,
            runner=PROCESS,
            package_manager="PIP",
            input_files={"probe.py": Verbatim(PROBE.lstrip(), python=True), "main.py": Verbatim(text, python=True)},
            commands=(Verbatim("python3 probe.py"),),
        )
        for position, text in enumerate(scripts)
    ]
    return emit(Flow(id=f"arrives_{number}", namespace="arrives", tasks=tuple(tasks))).yaml


def test_the_adversarial_scripts_take_every_form() -> None:
    forms = Counter(form(text) for text in adversarial(200))
    assert min(forms[name] for name in ("as it is", "verbatim", "literal")) >= 20, forms


def form(text: str) -> str:
    written = protect(text, passes=1, python=True)
    if written == text:
        return "as it is"
    return "literal" if literal_source(written) == text else "verbatim"


@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
def test_adversarial_scripts_arrive_unchanged(kestra: Kestra) -> None:
    scripts = adversarial(SCRIPTS)
    groups = [scripts[first : first + TASKS_A_FLOW] for first in range(0, SCRIPTS, TASKS_A_FLOW)]
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda number: kestra.run(flow(number, groups[number]), timeout=300), range(len(groups))))
    for some, ended in zip(groups, runs, strict=True):
        assert ended.state == "SUCCESS", ended.told()[-3000:]
        found = [ended.task(f"script_{position}").vars["sha256"] for position in range(len(some))]
        different = [text for text, digest in zip(some, found, strict=True) if sha256(text) != digest]
        assert not different, repr(different[0])
