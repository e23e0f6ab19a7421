"""Every tool's answer to every labelled notebook, and the tables made of them."""

from __future__ import annotations

import json
import traceback
from importlib.metadata import distributions, packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from tests.bench.resolver import baseline, environments, measure, ours
from tests.bench.resolver.score import Score, false, missed, normalised, score

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.bench.resolver.cases import Case

PEERS = Path(__file__).parent / "peers"
TOOLS = ("kestra-nb", "baseline", "deptry", "pipreqs", "pigar")


class Answers:
    """The names each tool gave for each notebook; `failures` says where it gave up, and how."""

    def __init__(self, cases: list[Case]) -> None:
        self.cases = cases
        self.names: dict[str, list[list[str]]] = {}
        self.failures: dict[str, dict[str, str]] = {}
        self.pins: list[dict[str, str]] = []

    def total(self, tool: str, kind: str, *, looked_at: bool, hidden: bool) -> Score:
        """One tool's score over a kind of notebooks and the parts that may be looked at, or the part set aside."""
        pairs = zip(self.cases, self.names[tool], strict=True)
        chosen = [(case, names) for case, names in pairs if case.kind == kind and case.looked_at == looked_at]
        return sum((score(case, names, hidden=hidden) for case, names in chosen), Score())

    def keep(self, tool: str, given: list[dict[str, object]]) -> None:
        """Take over what a peer printed, a dictionary with names or an error for each notebook."""
        self.names[tool] = [list(map(str, _listed(answer.get("names")))) for answer in given]
        self.failures[tool] = {
            case.name: str(answer["error"]) for case, answer in zip(self.cases, given, strict=True) if "error" in answer
        }


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def ask_all(cases: list[Case]) -> Answers:
    """Ask every tool about every notebook, all against the same installed distributions."""
    answers = Answers(cases)
    _ask_kestra_nb(answers)
    _ask_baseline(answers)
    for name in environments.PEERS:
        _ask_peer(answers, name)
    return answers


def _ask_kestra_nb(answers: Answers) -> None:
    installed = ours.environment(environments.python(environments.labelled()))
    given = [_tried(lambda case: ours.answer(case.notebook, installed), case) for case in answers.cases]
    answers.pins = [answer.pins if isinstance(answer, ours.Answer) else {} for answer in given]
    answers.keep("kestra-nb", [_as_printed(answer) for answer in given])


def _ask_baseline(answers: Answers) -> None:
    with mock.patch("sys.path", [str(environments.site_packages(environments.labelled()))]):
        owners = packages_distributions()
    given = [_tried(lambda case: baseline.distributions(case.notebook, owners), case) for case in answers.cases]
    answers.keep("baseline", [_as_printed(answer) for answer in given])


def _ask_peer(answers: Answers, name: str) -> None:
    folders = json.dumps([str(case.notebook.parent) for case in answers.cases])
    site = str(environments.site_packages(environments.labelled()))
    command = [str(environments.python(environments.peer(name))), str(PEERS / f"{name}_names.py"), site]
    answers.keep(name, json.loads(measure.run(command, given=folders).output))


def _tried(ask: Callable[[Case], object], case: Case) -> object:
    try:
        return ask(case)
    except Exception as error:  # noqa: BLE001 - whatever a tool raises is counted against it
        return error


def _as_printed(answer: object) -> dict[str, object]:
    if isinstance(answer, Exception):
        return {"error": "".join(traceback.format_exception(answer)[-2:]).strip()}
    names = answer.names if isinstance(answer, ours.Answer) else answer
    assert isinstance(names, tuple | set)
    return {"names": sorted(names)}


def table(answers: Answers, *, looked_at: bool) -> Iterator[str]:
    """F1 and errors of every tool, hard and real apart."""
    yield f"{'':12}{'imports':^36}{'with hidden needs':^36}"
    head = f"{'F1':>6}{'missed':>8}{'false':>7}{'errors':>8}"
    for kind in ("real", "hard"):
        count = sum(case.kind == kind and case.looked_at == looked_at for case in answers.cases)
        yield f"{kind} {count:<7}{head:>33}   {head:>33}   gave up"
        for tool in TOOLS:
            scores = [answers.total(tool, kind, looked_at=looked_at, hidden=hidden) for hidden in (False, True)]
            columns = "   ".join(f"{s.f1:>10.3f}{s.missed:>8}{s.false:>7}{s.errors:>8}" for s in scores)
            gave_up = sum(
                case.kind == kind and case.looked_at == looked_at and case.name in answers.failures[tool]
                for case in answers.cases
            )
            yield f"{tool:12}{columns}   {gave_up:>7}"


def wrong_pins(answers: Answers) -> list[str]:
    """Every pin of kestra-nb's that is not the installed version."""
    site = environments.site_packages(environments.labelled())
    installed = {normalised(d.metadata["Name"]): f"=={d.version}" for d in distributions(path=[str(site)])}
    return [
        f"{case.name}: {name}{pin}, installed is {installed.get(normalised(name))}"
        for case, pins in zip(answers.cases, answers.pins, strict=True)
        for name, pin in pins.items()
        if installed.get(normalised(name)) != pin
    ]


def misses(answers: Answers) -> Iterator[str]:
    """What kestra-nb gets wrong in the parts that may be looked at, a line for each notebook."""
    for case, names in zip(answers.cases, answers.names["kestra-nb"], strict=True):
        if not case.looked_at:
            continue
        gone, extra = missed(case, names, hidden=True), false(case, names)
        error = answers.failures["kestra-nb"].get(case.name, "")
        if gone or extra or error:
            why = f" ({case.why})" if case.why else ""
            yield f"- {case.kind} `{case.name}`: missed {gone}, false {extra}{why} {error}".rstrip()
