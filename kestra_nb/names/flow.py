"""Names read before they are set, followed through the statements in the order Python runs them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kestra_nb.names import scopes
from kestra_nb.names.binders import statement_binders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MODULE_NAMES = frozenset(
    ["__name__", "__file__", "__doc__", "__builtins__", "__spec__", "__package__", "__loader__", "__annotations__"]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A name that must already exist when the code runs.

    Attributes:
        line: Line of the code, from 1.
        sure: False when it is read on some ways through the code only, or the code may have set it by then.
        at_once: False when only functions read it, once they are called.
    """

    name: str
    line: int
    sure: bool
    at_once: bool


def free_names(
    tree: ast.Module, star: Callable[[str], frozenset[str] | None], *, lazy_annotations: bool = False
) -> tuple[Read, ...]:
    """Give the names that ``tree`` reads and does not set before, in the order of first reading.

    Args:
        tree: A parsed cell; top-level ``await`` is welcome.
        star: Names that ``from module import *`` brings, None when that is unknown.
        lazy_annotations: True when annotations are not evaluated (``from __future__ import annotations``).

    Returns:
        Built-in names are among them: only the caller knows whether they have been shadowed.
    """
    flow = _Flow(star=star, lazy_annotations=lazy_annotations)
    flow.block(tree.body)
    for name in tuple(flow.functions):
        flow.use(name)
    return flow.result()


@dataclass(slots=True)
class _Seen:
    name: str
    line: int
    later: bool
    sure: bool


class _Flow(ast.NodeVisitor):
    """Walks statements in the order they run and notes each read of a name that is not set for sure."""

    def __init__(
        self,
        *,
        star: Callable[[str], frozenset[str] | None],
        lazy_annotations: bool,
        outer: _Flow | None = None,
    ) -> None:
        self.star = star
        self.lazy_annotations = lazy_annotations
        self.outer = outer
        self.set_names: set[str] = set(MODULE_NAMES)
        self.maybe: set[str] = set()
        self.functions: dict[str, scopes.Later] = {}
        self.seen: list[_Seen] = []
        self.hidden: list[frozenset[str]] = []
        self.anything = False
        self.ended = False

    def result(self) -> tuple[Read, ...]:
        """Give the reads, once a name; what only functions read is not sure when the code sets it somewhere."""
        found: dict[str, Read] = {}
        for item in self.seen:
            known = item.name in self.set_names or item.name in self.maybe
            sure = item.sure and not (item.later and known)
            before = found.get(item.name)
            found[item.name] = Read(
                name=item.name,
                line=item.line if before is None else before.line,
                sure=sure or (before is not None and before.sure),
                at_once=not item.later or (before is not None and before.at_once),
            )
        return tuple(found.values())

    def block(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            if self.ended:
                return
            self.visit(statement)

    def bind(self, name: str) -> None:
        self.set_names.add(name)
        self.functions.pop(name, None)

    def read(self, name: str, line: int, *, later: bool = False, sure: bool = True) -> None:
        if any(name in layer for layer in self.hidden):
            return
        if name not in self.set_names:
            sure = sure and name not in self.maybe and not self.anything
            self.seen.append(_Seen(name, line, later, sure))
        if not later:
            self.use(name)

    def use(self, name: str) -> None:
        """Count what a function or class of the code reads, from now on that it may be called."""
        later = self.functions.pop(name, None)
        if later is not None:
            self.count(later)

    def count(self, later: scopes.Later) -> None:
        home = self.outer or self
        for name, line in later.reads.items():
            home.read(name, line, later=True)
            self.use(name)
        for name, line in later.perhaps.items():
            home.read(name, line, later=True, sure=False)
        home.maybe |= later.binds - home.set_names

    # expressions

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.read(node.id, node.lineno)
        elif isinstance(node.ctx, ast.Del):
            self.read(node.id, node.lineno)
            self.set_names.discard(node.id)
            self.maybe.discard(node.id)
        else:
            self.bind(node.id)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        (self.outer or self).bind(node.target.id)
        self.bind(node.target.id)

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        for name in scopes.frame_names(node):
            self.read(name, node.lineno)
        for name in scopes.shell_names(node):
            self.read(name, node.lineno, sure=False)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for default in (*node.args.defaults, *(item for item in node.args.kw_defaults if item is not None)):
            self.visit(default)
        self.count(scopes.later(node))

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        self.visit(node.generators[0].iter)
        stored = frozenset(
            item.id
            for generator in node.generators
            for item in ast.walk(generator.target)
            if isinstance(item, ast.Name)
        )
        self.hidden.append(stored)
        for position, generator in enumerate(node.generators):
            for part in ([generator.iter] if position else []) + generator.ifs:
                self.visit(part)
        for part in [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]:
            self.visit(part)
        self.hidden.pop()

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = _comprehension  # noqa: N815  ast's names

    # statements that set names

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.bind(alias.asname or alias.name.partition(".")[0])

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name != "*":
                self.bind(alias.asname or alias.name)
                continue
            names = self.star(node.module or "")
            self.anything = self.anything or names is None
            self.set_names |= names or frozenset()

    def visit_Assign(self, node: ast.Assign) -> None:
        for part in (node.value, *node.targets):
            self.visit(part)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
        if not self.lazy_annotations:
            self.visit(node.annotation)
        if node.value is not None or not isinstance(node.target, ast.Name):
            self.visit(node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.read(node.target.id, node.target.lineno)
        self.visit(node.value)
        self.visit(node.target)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        notes = [item.annotation for item in every if item is not None] + [node.returns]
        parts = [*node.decorator_list, *arguments.defaults, *arguments.kw_defaults]
        self.hidden.append(frozenset(item.name for item in getattr(node, "type_params", ())))
        for part in parts + ([] if self.lazy_annotations else notes):
            if part is not None:
                self.visit(part)
        self.hidden.pop()
        later = scopes.later(node)
        other = self.functions.get(node.name)
        if other is not None and node.name not in self.set_names:
            later = other.joined(later)
        self.bind(node.name)
        if node.decorator_list:
            self.count(later)
        else:
            self.functions[node.name] = later

    visit_FunctionDef = visit_AsyncFunctionDef = _function  # noqa: N815  ast's names

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)):
            self.visit(part)
        body = _Flow(star=self.star, lazy_annotations=self.lazy_annotations, outer=self.outer or self)
        body.set_names, body.maybe = set(self.set_names) | {"__module__", "__qualname__"}, set(self.maybe)
        body.hidden, body.anything = self.hidden, self.anything
        body.block(node.body)
        self.seen += body.seen
        later = scopes.Later()
        for method in body.functions.values():
            later = later.joined(method)
        self.bind(node.name)
        if node.decorator_list:
            self.count(later)
        else:
            self.functions[node.name] = later

    # statements that steer

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        match _constant(node.test):
            case True:
                self.block(node.body)
            case False:
                self.block(node.orelse)
            case _:
                self._ways(lambda: self.block(node.body), lambda: self.block(node.orelse))

    def _loop(self, node: ast.For | ast.AsyncFor | ast.While) -> None:
        self.visit(node.test if isinstance(node, ast.While) else node.iter)

        def body() -> None:
            if not isinstance(node, ast.While):
                self.visit(node.target)
            self.block(node.body)

        self._ways(body, lambda: None)
        self.block(node.orelse)

    visit_For = visit_AsyncFor = visit_While = _loop  # noqa: N815  ast's names

    def _try(self, node: ast.Try) -> None:
        before = set(self.set_names), set(self.maybe)

        def main() -> None:
            self.block(node.body)
            self.block(node.orelse)

        touched = {found.name for statement in node.body for found in statement_binders(statement)}

        def handler(item: ast.ExceptHandler) -> None:
            self.set_names, self.maybe = set(before[0]), before[1] | (touched - before[0])
            if item.type is not None:
                self.visit(item.type)
            if item.name:
                self.bind(item.name)
            self.block(item.body)
            if item.name:
                self.set_names.discard(item.name)

        self._ways(main, *(lambda item=item: handler(item) for item in node.handlers))
        ended, self.ended = self.ended, False
        self.block(node.finalbody)
        self.ended = self.ended or ended

    visit_Try = visit_TryStar = _try  # noqa: N815  ast's names

    def visit_Match(self, node: ast.Match) -> None:
        self.visit(node.subject)

        def case(item: ast.match_case) -> None:
            self.visit(item.pattern)
            if item.guard is not None:
                self.visit(item.guard)
            self.block(item.body)

        last = node.cases[-1]
        open_end = not (isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None and last.guard is None)
        ways: list[Callable[[], None]] = [lambda item=item: case(item) for item in node.cases]  # type: ignore[misc]
        self._ways(*ways, *([lambda: None] if open_end else []))

    def _pattern(self, node: ast.MatchAs | ast.MatchStar | ast.MatchMapping) -> None:
        self.generic_visit(node)
        name = node.rest if isinstance(node, ast.MatchMapping) else node.name
        if name:
            self.bind(name)

    visit_MatchAs = visit_MatchStar = visit_MatchMapping = _pattern  # noqa: N815  ast's names

    def _end(self, node: ast.Raise | ast.Break | ast.Continue | ast.Return) -> None:
        self.generic_visit(node)
        self.ended = True

    visit_Raise = visit_Break = visit_Continue = visit_Return = _end  # noqa: N815  ast's names

    def _ways(self, *ways: Callable[[], None]) -> None:
        """Walk each way from the same state; set for sure is then what every way that goes on has set."""
        before = set(self.set_names), set(self.maybe)
        ends: list[tuple[set[str], set[str]]] = []
        touched: set[str] = set()
        for way in ways:
            self.set_names, self.maybe, self.ended = set(before[0]), set(before[1]), False
            way()
            touched |= self.set_names | self.maybe
            if not self.ended:
                ends.append((self.set_names, self.maybe))
        self.ended = not ends
        self.set_names = set.intersection(*(names for names, _ in ends)) if ends else set(before[0])
        self.maybe = touched - self.set_names


def _constant(test: ast.expr) -> bool | None:
    """Say which way a test always goes: ``True``, ``0``, ``TYPE_CHECKING``, ``__name__ == "__main__"``."""
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return False
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[ast.Constant(value="__main__")]):
            return True
    return None
