"""What works at a person's desk and not where nobody sits: found in the code, with its place."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Literal

from kestra_nb.model.finding import Finding
from kestra_nb.source.hints import may_need_a_person
from kestra_nb.source.names import is_bound

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kestra_nb.source.work import Work

_READERS = re.compile(
    r"read_(?:csv|excel|json|parquet|feather|table|pickle|hdf|file|fwf|stata|sas|spss|orc|xml|html|sql_table|netcdf|ipc|"
    r"ndjson|avro|edgelist|gml|graphml)|scan_(?:csv|parquet|ipc|ndjson)|open|load|loadtxt|genfromtxt|fromfile|imread|"
    r"open_dataset|open_dataarray|open_mfdataset|open_zarr|loadmat|load_workbook|read_text|read_bytes|load_model|read|"
    r"read_h5ad|load_dataset"
)
_WRITERS = re.compile(
    r"to_\w+|savefig|save\w*|dump|write\w*|urlretrieve|mkdir|makedirs|touch|copy\w*|extractall|open|download\w*"
)
_ABSOLUTE = re.compile(r"(?:/|~[/\\]|[A-Za-z]:[\\/])[^\s*?{}<>|]+")
_ALWAYS_THERE = ("/tmp/", "/dev/", "/proc/", "/sys/", "/etc/os-release", "/bin/", "/usr/bin/")  # noqa: S108  recognised, not used
_LOCAL_HOST = re.compile(r"(?:^|[/@\s=])(?:localhost|127\.0\.0\.1|0(?:\.0){3})(?=[:/\s]|$)")
_FILE_NAME = re.compile(
    r"(?!.*://)(?![/~])(?![A-Za-z]:)[\w./ +@()\\-]*[\w)]\.[A-Za-z]\w{0,8}(?:\.(?:gz|bz2|zip|xz|zst))?"
)
_HISTORY = frozenset({"In", "Out", "_", "__", "___", "_ih", "_oh", "_dh", "_i", "_ii", "_iii"})
_NUMBERED = re.compile(r"_i?\d+")
_WIDGET_MODULES = frozenset({"ipywidgets", "ipyleaflet", "bqplot", "ipympl", "ipycanvas", "anywidget", "ipyvolume"})
_LONGEST = 250
_WRITE_MODES = frozenset("wax")


def find_headless(works: Sequence[Work]) -> list[Finding]:
    """Look through all cells that are Python."""
    seen = _Seen(works)
    for work in works:
        if not work.broken and may_need_a_person(work.text):
            seen.visit_cell(work)
    return seen.findings


def _written(tree: ast.Module) -> Iterator[str]:
    """Give the paths that a cell writes to, as far as they stand in the code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _called(node)
            if _WRITERS.fullmatch(name) and (name != "open" or _open_mode(node) == "write"):
                yield from (text for argument in node.args for text in [_text(argument)] if text)


class _Seen:
    """Walks cells and keeps what it finds; ``inside`` counts the functions around the present place."""

    def __init__(self, works: Sequence[Work]) -> None:
        self.works = works
        self.findings: list[Finding] = []
        self.inside = 0
        self.work: Work

    def visit_cell(self, work: Work) -> None:
        self.work = work
        self.inside = 0
        self._visit(work.tree)

    def _visit(self, node: ast.AST) -> None:
        is_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        self.inside += is_function
        match node:
            case ast.Call():
                self._call(node)
            case ast.Import() | ast.ImportFrom():
                self._import(node)
            case ast.Constant(value=str(text)) if _LOCAL_HOST.search(text) and len(text) < _LONGEST:
                message = "An address on this machine (localhost) is another machine where the task runs."
                self._find("KNB132", "warning", message, node, "Make the address a parameter.")
            case ast.Name(id=name, ctx=ast.Load()) if self._is_history(name):
                message = f"{name!r} is the notebook's history, which a script does not have."
                self._find("KNB117", "warning", message, node, "Give the value a name of its own.")
            case ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython"))):
                message = "The code asks IPython for something, and there is no IPython in a script."
                self._find("KNB117", "warning", message, node, "Guard it with 'if get_ipython() is not None:'.")
            case _:
                pass
        for child in ast.iter_child_nodes(node):
            self._visit(child)
        self.inside -= is_function

    def _is_written(self, path: str) -> bool:
        """Tell whether some cell writes the file."""
        if any((kind, name) == ("writefile", path) for work in self.works for kind, name, _ in work.made.runs):
            return True
        return any(path in _written(work.tree) for work in self.works if path in work.text)

    def _is_history(self, name: str) -> bool:
        return (name in _HISTORY or _NUMBERED.fullmatch(name) is not None) and not is_bound(name, self.works)

    def _call(self, node: ast.Call) -> None:
        name = _called(node)
        plain = isinstance(node.func, ast.Name)
        if (name == "input" and plain and not is_bound(name, self.works)) or name == "getpass":
            severity: Literal["error", "warning"] = "warning" if self.inside else "error"
            message = f"{name}() waits for a person, and there is none when Kestra runs the script."
            self._find("KNB130", severity, message, node, "Make it a parameter: tag the cell 'parameters'.")
        elif name in {"exit", "quit"} and (_is_on(node, "sys") or (plain and not is_bound(name, self.works))):
            message = f"{name}() ends the script here; what follows does not run."
            self._find("KNB136", "warning", message, node, "Remove it, or raise an exception to stop with a failure.")
        elif (name == "show" and _is_on(node, "plt")) or (name == "show" and _is_on(node, "pyplot")):
            message = "plt.show() shows nothing where there is no screen."
            self._find("KNB114", "info", message, node, "Save the figure with plt.savefig() to keep it.")
        elif name in {"interact", "interactive", "interact_manual"} and plain:
            self._find("KNB134", "info", "Widgets cannot be used where nobody sits.", node, "Call the function once.")
        elif _READERS.fullmatch(name):
            self._reads(node, name)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        for module in modules:
            if module.startswith("google.colab") or (module == "google" and any(a.name == "colab" for a in node.names)):
                message = "google.colab exists on Colab only."
                self._find("KNB135", "warning", message, node, "Remove what needs it, or tag the cell 'skip'.")
            elif module.partition(".")[0] in _WIDGET_MODULES:
                message = f"Widgets ({module}) cannot be used where nobody sits."
                self._find("KNB134", "info", message, node, "The script runs, but nobody sees or moves them.")

    def _reads(self, node: ast.Call, name: str) -> None:
        """Look at a file that is opened for reading: it must be where the task runs."""
        if name == "open" and _open_mode(node) == "write":
            return
        text = _text(node.args[0]) if node.args else None
        if text is None and isinstance(node.func, ast.Attribute):
            text = _path_text(node.func.value)
        if not text or len(text) > _LONGEST or self._is_written(text):
            return
        if _ABSOLUTE.fullmatch(text):
            if not text.startswith(_ALWAYS_THERE):
                message = f"{text!r} is a path on this machine."
                self._find("KNB131", "warning", message, node, "Make it a parameter, or ship the file (--ship).")
        elif _FILE_NAME.fullmatch(text) and not text.startswith("http"):
            message = f"The file {text!r} is read, and must be there where the task runs."
            beside = "Copy it beside the notebook, then ship" if text.startswith("..") else "Ship"
            self._find(
                "KNB133", "warning", message, node, f"{beside} it with the flow (--ship), or read it from a URL."
            )

    def _find(
        self,
        code: str,
        severity: Literal["error", "warning", "info"],
        message: str,
        node: ast.stmt | ast.expr,
        hint: str,
    ) -> None:
        place = self.work.place(node)
        self.findings.append(Finding(code=code, severity=severity, message=message, hint=hint, location=place))


def _called(node: ast.Call) -> str:
    """Give the last name of what is called."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _is_on(node: ast.Call, owner: str) -> bool:
    return isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == owner


def _open_mode(node: ast.Call) -> Literal["read", "write"]:
    mode = node.args[1] if len(node.args) > 1 else next((k.value for k in node.keywords if k.arg == "mode"), None)
    text = mode.value if isinstance(mode, ast.Constant) else "r"
    return "write" if isinstance(text, str) and _WRITE_MODES.intersection(text) else "read"


def _text(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return _path_text(node)


def _path_text(node: ast.expr) -> str | None:
    """Give the path of ``Path("…")``."""
    if isinstance(node, ast.Call) and _called(node) == "Path" and len(node.args) == 1:
        return _text(node.args[0])
    return None
