"""A cell completed into a script: what it reads from earlier cells is put before it, or named as impossible."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from kestra_nb import ipython, names
from kestra_nb.errors import NotebookError
from kestra_nb.model.finding import Finding, Location
from kestra_nb.model.notebook import Cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MadeKind = Literal["builtin", "import", "code", "value", "alias", "impossible", "absent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """How a name of the live kernel can be made again in a fresh process.

    Attributes:
        kind: ``builtin`` needs nothing; ``code`` is a function or a class, ``value`` an assignment of a literal,
            ``alias`` a second name of something else that can be made, ``absent`` a name the kernel does not know.
        text: The statement.
        place: The cell that made it, None when no cell of this session did.
        modules: Modules the statement names by ``import module``.
        parts: Identities of the mutable objects in a value.
        finding: For ``impossible`` and ``absent``: what is wrong.
    """

    name: str
    kind: MadeKind
    text: str = ""
    place: Location | None = None
    modules: frozenset[str] = frozenset()
    parts: frozenset[int] = frozenset()
    finding: Finding | None = None


class Kernel(Protocol):
    """What capturing must know of a live kernel."""

    @property
    def lazy_annotations(self) -> bool:
        """Whether ``from __future__ import annotations`` is in force."""

    def look(self, name: str) -> Made:
        """Say how the name can be made again."""

    def star(self, module: str) -> frozenset[str] | None:
        """Give the names that ``from module import *`` brings, None when the module is not loaded."""

    def submodules(self, name: str, chains: frozenset[tuple[str, ...]]) -> tuple[str, ...]:
        """Give the modules that must be imported by name for these attribute chains on a module to work."""

    def settings_of(self, name: str) -> tuple[tuple[str, Location], ...]:
        """Give earlier statements that set a module up, such as ``random.seed(1)``, with their places."""

    def ran_before(self, source: str, name: str) -> bool:
        """Say whether the cell that last made the name had this very source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A cell and what it needs from earlier cells, in the order in which a script must run them.

    Attributes:
        cells: The last one is the cell itself, as written.
        completed: What was put before it, by name.
        findings: KNB150 and following; those of severity error name what the script would lack.
    """

    cells: tuple[Cell, ...]
    completed: Mapping[str, Made]
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _Work:
    kernel: Kernel
    source: str
    made: dict[str, Made] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    needs: dict[str, names.Needs] = field(default_factory=dict)
    submodules: dict[str, None] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def complete(source: str, place: Location, kernel: Kernel, *, inputs: frozenset[str] = frozenset()) -> Capture:
    """Complete a cell into what a script needs.

    Args:
        source: The cell as written, IPython syntax welcome.
        place: Of its first line.
        kernel: The live kernel.
        inputs: Names whose value becomes an input of the flow: their assignments go into a ``parameters`` cell.

    Raises:
        NotebookError: The cell is empty or is not Python.
    """
    tree, python = _parsed(source, place)
    work = _Work(kernel=kernel, source=source)
    _follow(work, tree, python)
    _unseen(work, tree, python)
    _set_up(work)
    shared = _shared(work, place)
    cells = (*_prelude(work, inputs, shared, place), Cell(source=source, kind="code", location=place))
    return Capture(cells=cells, completed=dict(work.made), findings=tuple(work.findings))


def _parsed(source: str, place: Location) -> tuple[ast.Module, ipython.Translation]:
    if not source.strip():
        message = "The cell is empty: there is nothing to make a flow of."
        raise NotebookError(message, code="KNB154")
    python = ipython.translate(source, place)
    try:
        tree = ast.parse(python.text)
        compile(tree, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None) or 1
        what = getattr(error, "msg", None) or str(error)
        message = f"The cell is not Python: {what}."
        raise NotebookError(message, location=_at(python, line), code="KNB154") from None
    return tree, python


def _at(python: ipython.Translation, line: int) -> Location:
    return python.at(python.lines[min(line, len(python.lines)) - 1][1])


def _follow(work: _Work, tree: ast.Module, python: ipython.Translation, own: str = "") -> None:
    """Find how to make each name that ``tree`` reads, and what that reads in turn."""
    attribute_chains = names.chains(tree)
    found = names.free_names(tree, work.kernel.star, lazy_annotations=work.kernel.lazy_annotations)
    reads = [read for read in found if read.name != own]
    if own:
        work.needs[own] = names.Needs(
            at_once=tuple(read.name for read in reads if read.at_once),
            later=tuple(read.name for read in reads if not read.at_once),
            called=any(getattr(node, "decorator_list", ()) for node in tree.body),
        )
    for read in reads:
        if read.name not in work.made:
            work.made[read.name] = made = work.kernel.look(read.name)
            _take(work, made, read, _at(python, read.line), own)
        made = work.made[read.name]
        if made.kind == "import" and read.name in attribute_chains:
            work.submodules.update(dict.fromkeys(work.kernel.submodules(read.name, attribute_chains[read.name])))


def _take(work: _Work, made: Made, read: names.Read, where: Location, reader: str) -> None:
    if made.finding is not None:
        by_itself = made.kind == "absent" or work.kernel.ran_before(work.source, made.name)
        if read.sure or not by_itself:
            work.findings.append(_placed(made.finding, where, reader))
        return
    if made.kind in {"code", "alias"}:
        inner = ipython.translate(made.text, made.place or where)
        tree = ast.parse(inner.text)
        _follow(work, tree, inner, own=made.name)
        _unseen(work, tree, inner)
    work.order.append(made.name)


def _placed(finding: Finding, where: Location, reader: str) -> Finding:
    message = finding.message
    if reader:
        message += f" The function or class '{reader}' reads it."
    return Finding(code=finding.code, severity=finding.severity, message=message, hint=finding.hint, location=where)


def _unseen(work: _Work, tree: ast.Module, python: ipython.Translation) -> None:
    for function, line in names.unseen_reads(tree):
        if work.kernel.look(function).kind != "builtin":
            continue
        work.findings.append(
            Finding(
                code="KNB155",
                severity="error" if function in {"eval", "exec"} else "warning",
                message=f"{function}() may read names of earlier cells that cannot be seen in the text.",
                hint="Write the code it runs into the cell." if function in {"eval", "exec"} else "",
                location=_at(python, line),
            )
        )


def _set_up(work: _Work) -> None:
    """Warn of what earlier cells did to a module that the cell uses: the script does not do it."""
    for made in [work.made[name] for name in work.order]:
        for text, place in work.kernel.settings_of(made.name) if made.kind == "import" else ():
            if text in work.source:
                continue
            message = f"{place} ran {text}, which the flow does not do."
            hint = "Put the line into the cell if the result depends on it."
            found = Finding(code="KNB159", severity="warning", message=message, hint=hint, location=place)
            work.findings.append(found)


def _shared(work: _Work, here: Location) -> dict[str, str]:
    """Find names that hold the very same list, dict or set: the second is assigned from the first."""
    first: dict[frozenset[int], str] = {}
    seen: dict[int, str] = {}
    again: dict[str, str] = {}
    for name in work.order:
        parts = work.made[name].parts
        if parts and parts in first and work.made[name].text.partition(" = ")[2] == _value(work, first[parts]):
            again[name] = first[parts]
            continue
        for part in parts & seen.keys():
            work.findings.append(
                Finding(
                    code="KNB150",
                    severity="error",
                    message=f"'{name}' and '{seen[part]}' hold the same list, dict or set, which a script cannot show.",
                    hint="Put the lines that make them into the cell.",
                    location=here,
                )
            )
            break
        first[parts] = name
        seen.update(dict.fromkeys(parts, name))
    return again


def _value(work: _Work, name: str) -> str:
    return work.made[name].text.partition(" = ")[2]


def _prelude(work: _Work, inputs: frozenset[str], shared: Mapping[str, str], here: Location) -> Iterator[Cell]:
    """Give the cells before the cell: imports, then values, then functions and classes in an order that runs."""
    made = [work.made[name] for name in work.order]
    oldest_first = sorted(work.needs, key=lambda name: _age(work.made[name].place or here))
    values = [item for item in made if item.kind == "value"]
    dated = [item for item in values if item.modules]
    plain = [item for item in values if not item.modules and item.name not in shared]
    again = [item for item in values if not item.modules and item.name in shared]
    if work.kernel.lazy_annotations and any(item.kind == "code" for item in made):
        yield Cell(source="from __future__ import annotations", kind="code", location=here)
    modules = dict.fromkeys((*work.submodules, *sorted({module for item in dated for module in item.modules})))
    if modules:
        yield Cell(source="\n".join(f"import {module}" for module in modules), kind="code", location=here)
    yield from _cells(dated, shared, here)
    yield from _cells([item for item in made if item.kind == "import"], {}, here)
    yield from _cells([item for item in plain if item.name in inputs], shared, here, tags=("parameters",))
    yield from _cells([*(item for item in plain if item.name not in inputs)], shared, here)
    yield from _cells(again, shared, here)
    for name in names.running_order(oldest_first, work.needs):
        yield Cell(source=work.made[name].text, kind="code", location=work.made[name].place or here)


def _cells(made: list[Made], shared: Mapping[str, str], here: Location, tags: tuple[str, ...] = ()) -> Iterator[Cell]:
    """Give one cell for all statements that come from one cell, oldest first."""
    by_cell: dict[str, list[Made]] = {}
    for item in sorted(made, key=lambda item: _age(item.place or here)):
        by_cell.setdefault((item.place or here).path, []).append(item)
    for items in by_cell.values():
        lines = dict.fromkeys(
            f"{item.name} = {shared[item.name]}" if item.name in shared else item.text for item in items
        )
        yield Cell(source="\n".join(lines), kind="code", location=items[0].place or here, tags=tags)


def _age(place: Location) -> tuple[int, str, int]:
    """Sort by the cells' execution counts, then by line."""
    return len(place.path), place.path, place.line
