"""The files beside a notebook that it needs: local modules, what ``%run`` names, lists of requirements."""

from __future__ import annotations

import ast
import os
import re
import warnings
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from kestra_nb import imports as finder
from kestra_nb.errors import NotebookError
from kestra_nb.model.dependency import Import, LocalFile
from kestra_nb.model.finding import Finding, Location

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kestra_nb.model.notebook import Declared, Script

ON_PATH = r"sys\.path\.(?:append|insert|extend)\(.*?['\"]([^'\"\n]+)['\"]"
FOLLOWED = ("", "try", "except")


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """What lies beside a notebook.

    Attributes:
        local_files: Files that the flow must ship, each once, in the order in which they are asked for.
        imports: What those files import, and one import marked ``written`` for each module a cell writes.
        declared: Requirements of files beside the notebook.
        findings: KNB215 and KNB226 to KNB229.
    """

    local_files: tuple[LocalFile, ...] = ()
    imports: tuple[Import, ...] = ()
    declared: tuple[Declared, ...] = ()
    findings: tuple[Finding, ...] = ()


def follow(notebook_path: str, script: Script, imports: Sequence[Import]) -> Neighbours:
    """Follow what a script imports and runs from its own folder, and nothing above that folder.

    Args:
        notebook_path: Where the notebook lies; empty for text without a file, which has no neighbours.
        script: Of the notebook.
        imports: Of the script.
    """
    walk = _Walk(Path(notebook_path).parent if notebook_path else None)
    walk.script(script, imports)
    walk.requirements(script.declared)
    return Neighbours(
        local_files=tuple(walk.files.values()),
        imports=tuple(walk.imports),
        declared=tuple(walk.declared),
        findings=tuple(dict.fromkeys(walk.findings)),
    )


class _Walk:
    """What has been found so far; ``trail`` are the files that lead to the present one, outermost first."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.files: dict[str, LocalFile] = {}
        self.imports: list[Import] = []
        self.declared: list[Declared] = []
        self.findings: list[Finding] = []
        self.written: set[str] = set()
        self.roots: list[Path] = []
        self.trail: list[str] = []
        self.listed: dict[Path, frozenset[str]] = {}

    def find(self, code: str, severity: Literal["error", "warning", "info"], message: str, place: Location) -> None:
        hint = "Put it into the notebook's folder, and name it relative to that." if severity == "error" else ""
        self.findings.append(Finding(code=code, severity=severity, message=message, hint=hint, location=place))

    # --- scripts and notebooks --------------------------------------------------------------------------------------

    def script(self, script: Script, imports: Sequence[Import]) -> None:
        """Follow a script made of cells: the notebook itself, or one that ``%run`` names."""
        for path, text, place in _written(script):
            module = _module_of(path)
            self.written.add(module)
            self.imports.append(Import(module=module, location=place, guarded="written"))
            self.imports.extend(item for item in finder.imports_of(text, path) if item.module != module)
        if self.folder is None:
            return
        self.roots = self._roots(script.text)
        for item in imports:
            self.module(item)
        for kind, argument, place in script.runs:
            if kind == "run":
                self.run(argument, place)

    def _roots(self, text: str) -> list[Path]:
        """Give the folders that local modules are looked up in: the notebook's, and those put on ``sys.path``."""
        folder = self.folder or Path()
        found = re.findall(ON_PATH, text) if "sys.path" in text else []
        named = (folder / match for match in found if not match.startswith(("/", "~")))
        inside = (root for root in named if root.is_dir() and self._is_inside(root))
        return list(dict.fromkeys([*self.roots, folder, *inside]))

    def run(self, argument: str, place: Location) -> None:
        """Follow ``%run``."""
        path = self._beside(argument, place, f"%run names {argument!r}")
        if path is None:
            return
        name = PurePosixPath(argument).as_posix()
        if not path.is_file():
            if name not in self.written and PurePosixPath(name).stem not in self.written:
                self.find("KNB228", "error", f"%run names {argument!r}, which is not there.", place)
            return
        if path.suffix == ".ipynb":
            self.notebook(path, name, place)
        elif name not in self.files:
            self.add(path, name, "", place)

    def notebook(self, path: Path, name: str, place: Location) -> None:
        """Follow a notebook that ``%run`` names: it is shipped as the script it becomes."""
        from kestra_nb.read import parse  # few notebooks run another
        from kestra_nb.source import to_script

        shipped = name + ".py"
        if shipped in self.files or path.resolve() in {Path(known).resolve() for known in self.trail}:
            return
        try:
            script = to_script(parse(path.read_bytes(), name))
        except (NotebookError, OSError) as error:
            self.find("KNB226", "error", f"{name!r} cannot be read: {error}", place)
            return
        self.files[shipped] = LocalFile(path=shipped, text=script.text, location=place)
        self.trail.append(str(path))
        found = finder.find_imports(script)
        self.imports.extend(found)
        self.declared.extend(script.declared)
        self.script(script, found)
        self.trail.pop()

    # --- modules ----------------------------------------------------------------------------------------------------

    def module(self, item: Import, package: str = "") -> None:
        """Follow one import when a file of the folder answers to it."""
        if item.guarded not in FOLLOWED or item.how == "use":
            return
        name = _absolute(item.module, package)
        top = name.partition(".")[0]
        if not name or top in self.written:
            return
        for root in self.roots:
            entries = self._entries(root)
            if (top in entries or f"{top}.py" in entries) and self._in_root(root, name, item):
                for taken in item.names:
                    self._in_root(root, f"{name}.{taken}", item)
                return

    def _entries(self, root: Path) -> frozenset[str]:
        """Give the names in a folder, looked up once."""
        if root not in self.listed:
            try:
                self.listed[root] = frozenset(os.listdir(root))  # noqa: PTH208  names are enough
            except OSError:
                self.listed[root] = frozenset()
        return self.listed[root]

    def _in_root(self, root: Path, module: str, item: Import) -> bool:
        """Add the files that make a dotted module under a root; tell whether there are any."""
        parts = module.split(".")
        if not all(part.isidentifier() for part in parts):
            return False
        base = root.joinpath(*parts)
        places = (base.parent / f"{parts[-1]}.py", base / "__init__.py")
        file = next((place for place in places if place.is_file()), None)
        if file is None:
            self._note_loop(places, module, item)
            return base.is_dir() and any(self._in_root(root, f"{module}.{name}", item) for name in item.names)
        if not self._is_inside(file):
            self.find("KNB227", "warning", f"{module!r} is a link out of the notebook's folder.", item.location)
            return False
        for count in range(1, len(parts)):
            above = root.joinpath(*parts[:count], "__init__.py")
            if above.is_file():
                self._add_module(above, root, ".".join(parts[:count]), item)
        self._add_module(file, root, module, item)
        return True

    def _note_loop(self, places: Iterable[Path], module: str, item: Import) -> None:
        if any(place.is_symlink() for place in places):
            self.find("KNB226", "warning", f"{module!r} is a symbolic link that leads nowhere.", item.location)

    def _add_module(self, file: Path, root: Path, module: str, item: Import) -> None:
        name = file.relative_to(root).as_posix()
        if name in self.trail:
            message = f"{module!r} and {_module_of(self.trail[-1])!r} import each other in a circle."
            if self.trail[-1] != name:
                self.find("KNB229", "info", message, item.location)
        elif name not in self.files:
            self.add(file, name, module, item.location)

    def add(self, file: Path, name: str, module: str, place: Location) -> None:
        """Take a file along and follow what it imports."""
        try:
            text = _decode(file.read_bytes())
        except (OSError, SyntaxError, ValueError, LookupError) as error:
            self.find("KNB226", "error", f"{name!r} cannot be read: {error}.", place)
            return
        self.files[name] = LocalFile(path=name, text=text, location=place, module=module)
        package = module if name.endswith("__init__.py") else module.rpartition(".")[0]
        self.trail.append(name)
        for item in finder.imports_of(text, name):
            if not item.module.startswith("."):
                self.imports.append(item)
            self.module(item, package)
        self.trail.pop()

    # --- requirements -----------------------------------------------------------------------------------------------

    def requirements(self, declared: Iterable[Declared]) -> None:
        """Read requirements.txt and pyproject.toml beside the notebook, and what ``-r`` in a cell names."""
        if self.folder is None:
            return
        names = dict.fromkeys(["requirements.txt", "pyproject.toml"])
        for item in declared:
            if (
                item.text.startswith("-r ")
                and self._beside(item.text[3:].strip(), item.location, item.text) is not None
            ):
                names[item.text[3:].strip()] = None
        for name in names:
            if ("/" in name or name in self._entries(self.folder)) and (self.folder / name).is_file():
                from kestra_nb import requirements  # few notebooks have one beside them

                found, findings = requirements.read(self.folder, name)
                self.declared.extend(found)
                self.findings.extend(findings)

    # --- folders ----------------------------------------------------------------------------------------------------

    def _beside(self, argument: str, place: Location, what: str) -> Path | None:
        """Give a path that stays in the notebook's folder, or nothing and a finding."""
        folder = self.folder or Path()
        path = folder / argument
        if self._is_inside(path):
            return path
        self.find("KNB227", "error", f"{what}, which leads out of the notebook's folder.", place)
        return None

    def _is_inside(self, path: Path) -> bool:
        folder = self.folder or Path()
        try:
            return path.resolve().is_relative_to(folder.resolve())
        except (OSError, RuntimeError):  # a loop of symbolic links
            return False


def _absolute(module: str, package: str) -> str:
    """Turn a relative module into a full one; nothing for one that leads above its package."""
    level = len(module) - len(module.lstrip("."))
    if not level:
        return module
    parts = package.split(".") if package else []
    if level > len(parts):
        return ""
    return ".".join([*parts[: len(parts) - level + 1], *filter(None, [module.lstrip(".")])])


def _module_of(path: str) -> str:
    """Give the module a relative path answers to, ``lib/tools.py`` → ``lib.tools``."""
    parts = PurePosixPath(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts and parts[-1] == "__init__" else parts)


def _decode(content: bytes) -> str:
    from importlib.util import decode_source  # only with local files

    return decode_source(content)


def _written(script: Script) -> Iterator[tuple[str, str, Location]]:
    """Give path, text and place of each Python file that a ``%%writefile`` cell writes."""
    files = (run for run in script.runs if run[0] == "writefile" and run[1].endswith(".py"))
    paths = {path: place for _, path, place in files}
    if not paths:
        return
    for cell in script.cells:
        if "_nb_write(" not in cell.source:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(cell.source)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_nb_write" and len(node.args) > 1:
                path, text = (_literal(argument) for argument in node.args[:2])
                if path in paths and text is not None:
                    yield path, text, paths[path]


def _literal(node: ast.expr) -> str | None:
    """Give the text of a literal, also of one whose first line break is cut off; None for what is made at run time."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Subscript(value=ast.Constant(value=str(text)), slice=ast.Slice(lower=ast.Constant(value=int(start)))):
            return text[start:]
        case _:
            return None
