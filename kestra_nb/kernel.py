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

from kestra_nb import capture, definitions, ipython, literals, names
from kestra_nb.capture import Made
from kestra_nb.errors import NotebookError
from kestra_nb.model.finding import Finding, Location

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HOST = frozenset(["display", "get_ipython"])
_MEMORY = re.compile(r"_{1,3}|_i{1,3}|_i?\d+|_[ido]h|In|Out")
_OUTSIDE = re.compile(r"\b(?:getpass|environ|getenv|keyring)\b|\binput\(")
_OWN_MAGIC = re.compile(r"\s*%%kestra_flow\b[^\n]*\n?")
_MOST_PARENT = 500_000
_MISSING = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A cell that ran: its execution count, its text, and the Python it was."""

    number: int
    raw: str
    tree: ast.Module
    text: str

    @property
    def place(self) -> Location:
        """Its first line; the execution count is what a person sees beside it."""
        return Location(path=f"In [{self.number}]")


@dataclass(frozen=True, slots=True)
class _Maker:
    past: Past
    binder: names.Binder

    @property
    def place(self) -> Location:
        return Location(path=self.past.place.path, line=self.binder.node.lineno)

    @property
    def shown(self) -> str:
        first = (ast.get_source_segment(self.past.text, self.binder.node) or "").splitlines()
        return textwrap.shorten(first[0], 60, placeholder=" …") if first else ""


class LiveKernel:
    """One IPython shell, seen at one moment. Nothing in it is changed, called or printed.

    Args:
        shell: ``IPython.get_ipython()``.
        current: Execution count of the cell that asks; it is not part of the past.
    """

    def __init__(self, shell: Any, current: int | None = None) -> None:  # noqa: ANN401  IPython has no types
        self.shell = shell
        self.space: dict[str, Any] = shell.user_ns
        self.raw: list[str] = list(shell.history_manager.input_hist_raw)
        self.current = shell.execution_count if current is None else current
        self.secrets = literals.environment_secrets(os.environ)

    @property
    def lazy_annotations(self) -> bool:
        """Whether annotations are left alone: asked for in a cell, or Python 3.14."""
        asked = bool(self.shell.compile.flags & __future__.annotations.compiler_flag)
        return asked

    # what names are bound to

    def look(self, name: str) -> Made:
        """Say how the name can be made again."""
        value = self.space.get(name, _MISSING)
        hidden = self.shell.user_ns_hidden.get(name, _MISSING)
        if value is _MISSING or (value is hidden and hasattr(builtins, name)):
            return self._absent(name)
        if name in _HOST:
            return Made(name=name, kind="builtin")
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
        if hasattr(builtins, name) or name in _HOST:
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
            maker = next(self._makers(name), None)
            place = None if maker is None else maker.place
            return None if name == "__main__" else Made(name=name, kind="import", text=text, place=place)
        return None

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
            message = f"'{name}'{made_in} is a {type(value).__name__} that {_as_clause(str(error))}."
            return _refused(name, "KNB150", message, self._advice(maker), place)
        text = f"{name} = {found.text}"
        return Made(name=name, kind="value", text=text, place=place, modules=found.modules, parts=found.parts)

    def _defined(self, name: str, value: object) -> Made | None:
        """Find the cell whose ``def``, ``class`` or ``lambda`` made the value, and check that it would again."""
        newest = next(self._makers(name), None)
        for maker in self._makers(name):
            if not definitions.may_define(maker.binder, value):
                continue
            flags = self.shell.compile.flags
            problem = definitions.differs(maker.binder.node, value, flags, is_newest=maker is newest)
            if problem == definitions.OTHER:
                continue
            problem = problem or self._changed_since(maker)
            if problem:
                message = f"'{name}' ({maker.place}) would not be the same in a script: {problem}."
                return _refused(name, "KNB153", message, f"Run {maker.past.place.path} again.", maker.place)
            text = definitions.source(maker.past.text, maker.binder.node)
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
        module, qualified = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
        if not isinstance(module, str) or not isinstance(qualified, str) or not qualified.isidentifier():
            return None
        if module in {"__main__", "builtins"} or _member(module, qualified) is not value:
            if module == "builtins" and getattr(builtins, qualified, None) is value:
                maker = next(self._makers(name), None)
                return Made(
                    name=name, kind="alias", text=f"{name} = {qualified}", place=maker.place if maker else None
                )
            return None
        maker = next(self._makers(name), None)
        text = f"from {module} import {qualified}" + (f" as {name}" if qualified != name else "")
        return Made(name=name, kind="import", text=text, place=maker.place if maker is not None else None)

    def _refuse(self, name: str, value: object) -> Made:
        maker = next(self._makers(name), None)
        kind = type(value)
        module = "" if kind.__module__ in {"builtins", "__main__"} else kind.__module__.partition(".")[0] + "."
        what = f"{module}{kind.__qualname__}"
        origin = f"made in {maker.place} ({maker.shown})" if maker is not None else "made by no cell of this session"
        message = f"'{name}' is {literals.with_article(what)} {origin} and cannot be written into a script."
        return _refused(name, "KNB150", message, self._advice(maker), maker.place if maker is not None else None)

    def _advice(self, maker: _Maker | None) -> str:
        if maker is None:
            return "Make it in the cell."
        return "Put the line that makes it into the cell."

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

    def ran_before(self, source: str, name: str) -> bool:
        """Say whether the cell that last made the name had this very source."""
        maker = next(self._makers(name), None)
        return maker is not None and _body(maker.past.raw).strip() == source.strip()

    # the past

    def _makers(self, name: str) -> Iterator[_Maker]:
        """Give the statements that could have made the name, newest first."""
        word = re.compile(rf"\b{re.escape(name)}\b|\bimport\s*\*")
        for number in range(min(self.current, len(self.raw)) - 1, 0, -1):
            if not word.search(self.raw[number]):
                continue
            past = _past(number, self.raw[number])
            if past is None:
                continue
            for binder in reversed(names.binders(past.tree)):
                star = binder.name == "*" and isinstance(binder.node, ast.ImportFrom)
                if binder.name == name or (star and name in (self.star(binder.node.module or "") or ())):  # type: ignore[attr-defined]
                    yield _Maker(past, binder)

    def executed(self) -> Mapping[int, str]:
        """Give the cells that ran, by execution count, without this kit's own magics."""
        return {
            number: text
            for number, text in enumerate(self.raw)
            if 0 < number < self.current and text.strip() and not re.match(r"\s*%{1,2}(kestra|load_ext\s+kestra)", text)
        }


def _refused(name: str, code: str, message: str, hint: str, place: Location | None) -> Made:
    finding = Finding(code=code, severity="error", message=message, hint=hint)
    return Made(name=name, kind="impossible", place=place, finding=finding)


def _as_clause(reason: str) -> str:
    return reason


def _body(raw: str) -> str:
    """Give a cell's text without the line of this kit's own magic."""
    return _OWN_MAGIC.sub("", raw, count=1)


@functools.lru_cache(maxsize=512)
def _past(number: int, raw: str) -> Past | None:
    text = ipython.to_python(_body(raw))
    try:
        return Past(number=number, raw=raw, tree=ast.parse(text), text=text)
    except (SyntaxError, ValueError):
        return None


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


# the notebook behind the kernel


def notebook_path(shell: Any, given: str = "") -> Path:  # noqa: ANN401  IPython has no types
    """Find the file of the notebook that runs in this kernel.

    Args:
        shell: ``IPython.get_ipython()``.
        given: What the person named; it wins.

    Returns:
        What VS Code puts into the namespace (``__vsc_ipynb_file__``) or jupyter_server 2 into the kernel's environment
        (``JPY_SESSION_NAME``), when there is such a file.

    Raises:
        NotebookError: No file is known, or it is not there (a notebook renamed since its kernel started).
    """
    told = given or shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME", "")
    if not told:
        message = "This kernel does not know which notebook file it belongs to."
        raise NotebookError(message, hint="Name it: --notebook FILE.", code="KNB156")
    path = Path(str(told)).expanduser()
    if not path.is_file():
        renamed = "" if given else " It may have been renamed since the kernel started."
        message = f"There is no notebook {str(told)!r}.{renamed}"
        raise NotebookError(message, hint="Name the file: --notebook FILE.", code="KNB156")
    return path


def behind(executed: Mapping[int, str], on_disk: tuple[tuple[int, str], ...], path: str) -> tuple[Finding, ...]:
    """Compare what ran with what the file holds.

    Args:
        executed: Execution count → text, as :meth:`LiveKernel.executed` gives it.
        on_disk: (position, text) of the file's code cells.
        path: The file, as it is to be named.

    Returns:
        KNB157 when cells ran whose text the file does not hold, while it holds cells that never ran: it is older than
        the kernel or was not saved. KNB158 when some of its cells have not run here.
    """
    ran = {text.strip() for text in executed.values()}
    saved = {text.strip() for _, text in on_disk}
    new = [number for number, text in executed.items() if text.strip() not in saved]
    not_run = [position for position, text in on_disk if text.strip() and text.strip() not in ran and not _own(text)]
    if new and not_run:
        message = f"{path} differs from what ran here: In [{new[-1]}] is not in the file as it ran."
        hint = "Save the notebook, then run this again."
        return (Finding(code="KNB157", severity="warning", message=message, hint=hint),)
    if not_run and executed:
        cells = ", ".join(str(position) for position in not_run[:5]) + (" …" if len(not_run) > 5 else "")  # noqa: PLR2004
        message = f"Not run in this kernel: cell {cells} of {path}."
        return (Finding(code="KNB158", severity="info", message=message),)
    return ()


def _own(text: str) -> bool:
    return bool(re.match(r"\s*%{1,2}(kestra|load_ext\s+kestra)", text))


assert issubclass(LiveKernel, object) and capture.Kernel  # noqa: S101, PT018
