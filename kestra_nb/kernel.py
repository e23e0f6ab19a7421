"""The live kernel: what its names are bound to, which cell made them, and which notebook it belongs to."""

from __future__ import annotations
import __future__

import ast
import builtins
import functools
import os
import re
import sys
import textwrap
import types
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kestra_nb import definitions, ipython, literals, names
from kestra_nb.capture import Made
from kestra_nb.model.finding import Finding, Location

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOST = frozenset(["display", "get_ipython"])
"""What IPython adds to the built-in names; a script gets stand-ins of its own, as for magics (``_nb_…``)."""
_REPLACED = frozenset(["input", "print", "__import__", "exit", "quit", "Ellipsis", "NotImplemented"])
"""Built-in names that kernels put functions of their own under, or that do not tell where they are from."""
_MEMORY = re.compile(r"_{1,3}|_i{1,3}|_i?\d+|_[ido]h|In|Out")
_OUTSIDE = re.compile(r"\b(?:getpass|environ|getenv|keyring)\b|\binput\(")
_OWN_MAGIC = re.compile(r"\s*%%kestra_flow\b[^\n]*\n?")
_SETS = re.compile(
    r"seed|set\w*|use|rc\w*|filterwarnings|simplefilter|basicConfig|config\w*|register\w*|enable\w*|disable\w*"
    r"|insert|append|chdir|install|default\w*"
)
_MOST_PARENT = 500_000
_MAKE_IT = "Put the line that makes it into the cell."
_MISSING = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A cell that ran: its execution count, its body, and the Python it was."""

    number: int
    body: str
    tree: ast.Module
    python: ipython.Translation

    @property
    def name(self) -> str:
        """What a person sees beside the cell."""
        return f"In [{self.number}]"


@dataclass(frozen=True, slots=True)
class _Maker:
    past: Past
    binder: names.Binder

    @property
    def place(self) -> Location:
        python = self.past.python
        return python.at(python.lines[self.binder.node.lineno - 1][1])

    @property
    def shown(self) -> str:
        first = (ast.get_source_segment(self.past.python.text, self.binder.node) or "").splitlines()
        return textwrap.shorten(first[0], 60, placeholder=" …") if first else ""


class LiveKernel:
    """One IPython shell, seen at one moment. Nothing in it is changed, called or printed.

    Args:
        shell: ``IPython.get_ipython()``.
        running: Text of the cell that asks; it is not part of the past.
    """

    def __init__(self, shell: Any, running: str = "") -> None:  # noqa: ANN401  IPython has no types
        self.shell = shell
        self.space: dict[str, Any] = shell.user_ns
        self.raw: list[str] = list(shell.history_manager.input_hist_raw)
        asks = "%%kestra_flow" in self.raw[-1] and self.raw[-1].rstrip().endswith(running.rstrip())
        self.current = len(self.raw) - asks
        self.secrets = literals.environment_secrets(os.environ)

    @property
    def here(self) -> str:
        """What stands beside the cell that asks: IPython's own count is one more or less, by its version."""
        return f"In [{self.current}]"

    @property
    def lazy_annotations(self) -> bool:
        """Whether a cell asked for ``from __future__ import annotations``."""
        return bool(self.shell.compile.flags & __future__.annotations.compiler_flag)

    # what names are bound to

    def look(self, name: str) -> Made:
        """Say how the name can be made again."""
        if name in _HOST or name.startswith("_nb_"):
            return Made(name=name, kind="builtin")
        value = self.space.get(name, _MISSING)
        hidden = self.shell.user_ns_hidden.get(name, _MISSING)
        if value is _MISSING or (value is hidden and _is_builtin(name)):
            return self._absent(name)
        if value is hidden or _MEMORY.fullmatch(name):
            message = f"'{name}' is IPython's memory of earlier cells, which a script does not have."
            return _refused(name, "KNB150", message, "Give the value a name in the cell.", None)
        return (
            self._imported(name, value)
            or self._literal(name, value)
            or self._defined(name, value)
            or self._reachable(name, value)
            or self._refuse(name, value)
        )

    def _absent(self, name: str) -> Made:
        if _is_builtin(name):
            return Made(name=name, kind="builtin")
        maker = next(self._makers(name), None)
        message, hint = f"'{name}' is not defined.", "Define it in the cell, or run the cell that does."
        if maker is not None and maker.binder.how == "del":
            message = f"'{name}' was deleted in {maker.place}."
        elif maker is not None:
            message = f"'{name}' is not defined now, though {maker.place} would make it."
        return Made(
            name=name, kind="absent", finding=Finding(code="KNB151", severity="error", message=message, hint=hint)
        )

    def _imported(self, name: str, value: object) -> Made | None:
        for maker in self._makers(name):
            alias, node = maker.binder.alias, maker.binder.node
            if alias is None:
                continue
            text = ""
            if isinstance(node, ast.Import) and _dotted(alias.name if alias.asname else name) is value:
                text = f"import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")
            elif isinstance(node, ast.ImportFrom) and not node.level:
                taken = name if alias.name == "*" else alias.name
                if _member(node.module or "", taken) is value:
                    text = f"from {node.module} import {taken}" + (f" as {name}" if taken != name else "")
            if text:
                return Made(name=name, kind="import", text=text, place=maker.place)
        if isinstance(value, types.ModuleType) and sys.modules.get(value.__name__) is value:
            short = value.__name__ == name
            text = f"import {value.__name__}" + ("" if short else f" as {name}")
            place = self._place(name)
            return None if name == "__main__" else Made(name=name, kind="import", text=text, place=place)
        return None

    def _place(self, name: str) -> Location | None:
        maker = next(self._makers(name), None)
        return None if maker is None else maker.place

    def _literal(self, name: str, value: object) -> Made | None:
        if not literals.is_literal_type(value):
            return None
        maker = next(self._makers(name), None)
        place = maker.place if maker is not None else None
        made_in = f" (made in {place})" if place is not None else ""
        if maker is not None and isinstance(value, (str, bytes)) and _OUTSIDE.search(maker.shown):
            message = f"'{name}' was read from outside in {place} ({maker.shown}) and is not copied into a script."
            return _refused(name, "KNB152", message, "Put that line into the cell, or use --secret NAME.", place)
        try:
            found = literals.literal(name, value, self.secrets)
        except literals.SecretError:
            message = f"'{name}'{made_in} looks like a secret and is not written into a script."
            hint = f"Add --secret {name.upper()} and read os.environ[{name.upper()!r}] in the cell."
            return _refused(name, "KNB152", message, hint, place)
        except literals.NoLiteralError as error:
            message = f"'{name}'{made_in} is {literals.with_article(type(value).__name__)} that {error}."
            return _refused(name, "KNB150", message, _MAKE_IT, place)
        text = f"{name} = {found.text}"
        return Made(name=name, kind="value", text=text, place=place, modules=found.modules, parts=found.parts)

    def _defined(self, name: str, value: object) -> Made | None:
        """Find the cell whose ``def``, ``class`` or ``lambda`` made the value, and check that it would again."""
        newest = next(self._makers(name), None)
        flags = self.shell.compile.flags
        for maker in self._makers(name):
            if not definitions.may_define(maker.binder, value):
                continue
            problem = definitions.differs(maker.binder.node, value, flags, is_newest=maker == newest)
            if problem == definitions.OTHER:
                continue
            problem = problem or self._changed_since(maker)
            if problem:
                message = f"'{name}' ({maker.place}) would not be the same in a script: {problem}."
                return _refused(name, "KNB153", message, f"Run {maker.past.name} again.", maker.place)
            text = definitions.source(maker.past.python.text, maker.binder.node)
            return Made(name=name, kind="code", text=text, place=maker.place)
        if newest is not None and isinstance(newest.binder.node, ast.Assign):
            match newest.binder.node.value:
                case ast.Name(id=other) if other != name and self.space.get(other, _MISSING) is value:
                    return Made(name=name, kind="alias", text=f"{name} = {other}", place=newest.place)
        return None

    def _changed_since(self, maker: _Maker) -> str:
        """Say which name that the definition read when it ran has been made anew since, differently."""
        node = maker.binder.node
        alone = ast.Module(body=[node], type_ignores=[])
        for name in definitions.read_at_once(alone, self.star, lazy_annotations=self.lazy_annotations):
            if name not in self.space:
                continue
            now = next(self._makers(name), None)
            if now is None or now.past.number <= maker.past.number:
                continue
            then = next((item for item in self._makers(name) if item.past.number <= maker.past.number), None)
            same = then is not None and ast.dump(then.binder.node) == ast.dump(now.binder.node)
            if not same and not definitions.still_default(node, self.look_up(maker.binder.name), name, self.space):
                return f"it was made with an earlier '{name}', which {now.place} has changed"
        return ""

    def look_up(self, name: str) -> object:
        """Give the object itself."""
        return self.space.get(name)

    def _reachable(self, name: str, value: object) -> Made | None:
        """Find a function or a class by the module and the name that it says it has."""
        if not isinstance(value, (types.FunctionType, types.BuiltinFunctionType, type)):
            return None
        module, qualified = value.__module__, value.__qualname__
        if module == "__main__" or not isinstance(module, str) or _member(module, qualified) is not value:
            return None
        if module == "builtins":
            return Made(name=name, kind="alias", text=f"{name} = {qualified}", place=self._place(name))
        text = f"from {module} import {qualified}" + (f" as {name}" if qualified != name else "")
        return Made(name=name, kind="import", text=text, place=self._place(name))

    def _refuse(self, name: str, value: object) -> Made:
        maker = next(self._makers(name), None)
        kind = type(value)
        module = "" if kind.__module__ in {"builtins", "__main__"} else kind.__module__.partition(".")[0] + "."
        what = "class" if isinstance(value, type) else f"{module}{kind.__qualname__}"
        origin = f"made in {maker.place} ({maker.shown})" if maker is not None else "made by no cell of this session"
        message = f"'{name}' is {literals.with_article(what)} {origin} and cannot be written into a script."
        return _refused(name, "KNB150", message, _MAKE_IT, self._place(name))

    def star(self, module: str) -> frozenset[str] | None:
        """Give the names that ``from module import *`` brings, None when the module is not loaded."""
        loaded = sys.modules.get(module)
        if loaded is None:
            return None
        public = getattr(loaded, "__all__", None)
        return frozenset(public if public is not None else (n for n in vars(loaded) if not n.startswith("_")))

    def submodules(self, name: str, chains: frozenset[tuple[str, ...]]) -> tuple[str, ...]:
        """Give the modules that must be imported by name for these attribute chains on a module to work."""
        found: dict[str, None] = {}
        for chain in sorted(chains):
            module = self.space.get(name)
            for attribute in chain:
                inner = vars(module).get(attribute)
                if not isinstance(module, types.ModuleType) or not isinstance(inner, types.ModuleType):
                    break
                dotted = f"{module.__name__}.{attribute}"
                if sys.modules.get(dotted) is not inner or inner.__name__ != dotted:
                    break
                if attribute not in _loads(getattr(module, "__file__", None) or ""):
                    found[dotted] = None
                module = inner
        return tuple(found)

    def settings_of(self, name: str) -> tuple[tuple[str, Location], ...]:
        """Give earlier statements that set a module up, such as ``random.seed(1)``, with their places."""
        found: dict[str, Location] = {}
        for past in self._mentions(name):
            for node in past.tree.body:
                if _sets_up(node, name):
                    found.setdefault(
                        ast.unparse(node), _Maker(past, names.Binder(name=name, node=node, how="other")).place
                    )
        return tuple(found.items())

    def ran_before(self, source: str, name: str) -> bool:
        """Say whether the cell that last made the name had this very source."""
        maker = next(self._makers(name), None)
        return maker is not None and maker.past.body.strip() == source.strip()

    # the past

    def _mentions(self, name: str) -> Iterator[Past]:
        """Give the cells whose text mentions the name or a star import, newest first."""
        word = re.compile(rf"\b{re.escape(name)}\b|\bimport\s*\*")
        for number in range(self.current - 1, 0, -1):
            past = _past(number, self.raw[number]) if word.search(self.raw[number]) else None
            if past is not None:
                yield past

    def _makers(self, name: str) -> Iterator[_Maker]:
        """Give the statements that could have made the name, newest first."""
        for past in self._mentions(name):
            for binder in reversed(names.binders(past.tree)):
                if binder.name == name or (binder.name == "*" and name in self._starred(binder.node)):
                    yield _Maker(past, binder)

    def _starred(self, node: ast.stmt) -> frozenset[str]:
        return (self.star(node.module or "") if isinstance(node, ast.ImportFrom) else None) or frozenset()


def _is_builtin(name: str) -> bool:
    """Say whether a fresh Python has the name, whatever has been put among the built-in names since."""
    found = getattr(builtins, name, _MISSING)
    home = getattr(found, "__module__", None)
    return found is not _MISSING and (name in _REPLACED or home in {"builtins", "_sitebuiltins", "_io", "io"})


def _refused(name: str, code: str, message: str, hint: str, place: Location | None) -> Made:
    finding = Finding(code=code, severity="error", message=message, hint=hint)
    return Made(name=name, kind="impossible", place=place, finding=finding)


def _body(raw: str) -> str:
    """Give a cell's text without the line of this kit's own magic."""
    return _OWN_MAGIC.sub("", raw, count=1)


@functools.lru_cache(maxsize=512)
def _past(number: int, raw: str) -> Past | None:
    """Give a cell that ran; a cell of this kit's own magic did so only when it was asked to."""
    body = _body(raw)
    if body != raw and "--execute" not in raw.split("\n", maxsplit=1)[0].split():
        return None
    python = ipython.translate(body, Location(path=f"In [{number}]", line=1 + raw[: len(raw) - len(body)].count("\n")))
    tree = ipython.parse(python.text)
    return None if tree is None else Past(number=number, body=body, tree=tree, python=python)


def _sets_up(node: ast.stmt, name: str) -> bool:
    """Say whether a statement changes the module of that name: a call such as ``seed``, or an assignment into it."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
        return _root(node.value.func) == name and bool(_SETS.fullmatch(node.value.func.attr))
    targets = node.targets if isinstance(node, ast.Assign) else []
    return any(isinstance(item, (ast.Attribute, ast.Subscript)) and _root(item) == name for item in targets)


def _root(node: ast.expr) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _dotted(path: str) -> object:
    loaded: object = sys.modules.get(path)
    return _MISSING if loaded is None else loaded


def _member(module: str, name: str) -> object:
    loaded = sys.modules.get(module)
    if loaded is None:
        return _MISSING
    found = getattr(loaded, name, _MISSING)
    return sys.modules.get(f"{module}.{name}", _MISSING) if found is _MISSING else found


@functools.lru_cache(maxsize=256)
def _loads(path: str) -> frozenset[str]:
    """Give the last parts of all module paths that a module's file imports when it is loaded itself."""
    file = Path(path)
    if file.suffix != ".py" or not file.is_file() or file.stat().st_size > _MOST_PARENT:
        return frozenset()
    tree = ast.parse(file.read_text(encoding="utf-8", errors="replace"))
    found: set[str] = set()
    lazy = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "__getattr__"]
    for binder in (*names.binders(tree), *(b for n in lazy for b in names.binders(ast.Module(n.body, [])))):
        if binder.alias is not None:
            found |= set(binder.alias.name.split("."))
            found |= set((getattr(binder.node, "module", None) or "").split("."))
    return frozenset(found)
