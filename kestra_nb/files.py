"""The disk: notebooks read, flows found and written, all or nothing."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kestra_nb.errors import ConfigError, FlowError, NotebookError
from kestra_nb.model.outcome import Written
from kestra_nb.read import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kestra_nb.model.notebook import Notebook
    from kestra_nb.model.outcome import Bundle

_OWN_FOLDERS = frozenset({"_flows", "_files", "_setup", "node_modules", "__pycache__", "site-packages"})
_SHORT = 16


# --- reading --------------------------------------------------------------------------------------------------------


def read_notebook(path: str | Path) -> Notebook:
    """Read a notebook or a percent script.

    Raises:
        NotebookError: It is missing, a folder, not readable, or not what ``read.parse`` takes.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None
    return parse(data, str(path))


def _unreadable(path: Path, error: OSError) -> NotebookError:
    if isinstance(error, FileNotFoundError):
        near = _near(path)
        hint = f"Did you mean {near!r}?" if near else f"Look for it in {str(path.parent.absolute())!r}."
        return NotebookError(f"There is no file {str(path)!r}.", hint=hint)
    if path.is_dir():
        inside = next(iter(find_notebooks(path)), None)
        hint = f"Name a notebook in it, such as {str(inside)!r}." if inside else "It holds no notebook."
        return NotebookError(f"{str(path)!r} is a folder, expected a notebook.", hint=hint)
    return NotebookError(f"{str(path)!r} cannot be read: {error.strerror}.", hint="Check its permissions.")


def _near(path: Path) -> str:
    """Give the file beside it whose name is nearest."""
    import difflib  # noqa: PLC0415  only for a message

    with contextlib.suppress(OSError):
        names = {item.name: item for item in path.parent.iterdir() if item.suffix in {".ipynb", ".py"}}
        close = difflib.get_close_matches(path.name, sorted(names), n=1)
        return str(names[close[0]]) if close else ""
    return ""


def read_text(path: str | Path) -> str:
    """Read a text file in UTF-8, line ends as they are.

    Raises:
        ConfigError: It is missing, not readable or not UTF-8.
    """
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        message = f"{str(path)!r} cannot be read: {error.strerror}."
        raise ConfigError(message, hint="Check the path and its permissions.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{str(path)!r} is not text in UTF-8.", hint="Save it as UTF-8.") from None


def read_shipped(folder: Path, name: str) -> str:
    """Read a file that is to go with the flow.

    Args:
        folder: The notebook's.
        name: Path relative to it, with ``/``.

    Raises:
        ConfigError: It is missing, not text, or not below the folder.
    """
    path = folder / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        message = f"{name!r} cannot be shipped: expected a path below the notebook's folder."
        raise ConfigError(message, hint=f"Copy the file beside the notebook, and name it {Path(name).name!r}.")
    if not path.is_file():
        message = f"There is no file {name!r} beside the notebook to ship."
        raise ConfigError(message, hint="Paths are relative to the notebook's folder.")
    return read_text(path)


def find_notebooks(folder: str | Path) -> list[Path]:
    """Give every notebook below a folder, and every script with percent cells, sorted.

    Hidden folders (checkpoints among them), virtual environments and what an export wrote are left out; links to
    folders are not followed.
    """
    found = []
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name not in _OWN_FOLDERS and not (Path(here) / name / "pyvenv.cfg").exists()
        )
        paths = (Path(here) / name for name in names if not name.startswith("."))
        found += [path for path in paths if path.suffix == ".ipynb" or (path.suffix == ".py" and _has_cells(path))]
    return sorted(found)


def _has_cells(path: Path) -> bool:
    with contextlib.suppress(OSError):
        data = path.read_bytes()
        return data.startswith(b"# %%") or b"\n# %%" in data
    return False


# --- settings and flows ---------------------------------------------------------------------------------------------


def project_settings(folder: str | Path) -> tuple[Mapping[str, object], str]:
    """Read ``[tool.kestra-nb]`` of the nearest pyproject.toml, in the folder or above it.

    Returns:
        The table and the file's path; an empty table and an empty path when there is none.

    Raises:
        ConfigError: The file is no TOML, or the table is none.
    """
    start = Path(folder).absolute()
    for place in (start, *start.parents):
        path = place / "pyproject.toml"
        if path.is_file():
            return _tool_table(path), str(path)
    return {}, ""


def _tool_table(path: Path) -> Mapping[str, object]:
    text = read_text(path)
    if "kestra-nb" not in text:
        return {}
    if sys.version_info >= (3, 11):
        import tomllib  # noqa: PLC0415  only where there are settings
    else:
        import tomli as tomllib  # noqa: PLC0415
    try:
        table = tomllib.loads(text).get("tool", {}).get("kestra-nb", {})
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{str(path)!r} is no valid TOML: {error}.") from None
    if not isinstance(table, dict):
        raise ConfigError(f"[tool.kestra-nb] in {str(path)!r} is no table.")
    return table


def find_flow(root: str | Path, notebook: str, flow_id: str = "") -> tuple[Path, Mapping[str, str]] | None:
    """Find the flow that an earlier export made of a notebook.

    Args:
        root: The export's root; flows lie in ``_flows`` below it.
        notebook: The notebook's path as the header states it, or any other spelling of the same path.
        flow_id: Look at the flow of this id only, when given.

    Returns:
        The file and its header (``emit.header_of``); None when there is none of ours.
    """
    from kestra_nb.emit import header_of  # noqa: PLC0415  costs nothing when nothing was exported

    folder = Path(root) / "_flows"
    paths = [folder / f"{flow_id}.yaml"] if flow_id else sorted(folder.glob("*.yaml"))
    for path in paths:
        if path.is_file():
            header = header_of(read_text(path))
            if header and _same_file(header.get("notebook", ""), notebook):
                return path, header
    return None


def _same_file(one: str, other: str) -> bool:
    return bool(one) and bool(other) and os.path.realpath(one) == os.path.realpath(other)


# --- writing --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Item:
    """A file to be written, and what is there now (None for nothing)."""

    name: str
    path: Path
    data: bytes
    executable: bool
    before: bytes | None


def write_bundle(root: str | Path, bundle: Bundle, *, force: bool) -> Written:
    """Write a flow and its files, all of them or none.

    Every file is written beside its place under another name first; only when all are there are they renamed. A file
    that holds the same bytes already is left alone.

    Raises:
        FlowError: A person edited the flow file, a file is not one that kestra-nb wrote (``force`` overrides both), a
            path leads out of ``root``, or the disk refuses.
    """
    root = Path(root)
    files = [(bundle.path, bundle.yaml, False), *((file.path, file.text, file.executable) for file in bundle.files)]
    try:
        items = [_item(root, *file) for file in files]
        if not force:
            _check_owners(items, bundle)
        changed = [item for item in items if item.data != item.before or item.executable != _is_executable(item)]
        _replace(changed)
    except OSError as error:
        where = error.filename2 or error.filename or root
        message = f"{str(where)!r} cannot be written: {error.strerror or error}."
        raise FlowError(message, hint="Nothing was changed. Choose another folder with --out.", code="KNB443") from None
    names = {item.name for item in changed}
    return Written(
        bundle=bundle,
        written=tuple(item.name for item in items if item.name in names),
        unchanged=tuple(item.name for item in items if item.name not in names),
    )


def _item(root: Path, name: str, text: str, executable: bool) -> _Item:  # noqa: FBT001  a value, not a switch
    parts = Path(name).parts
    if not parts or Path(name).is_absolute() or ".." in parts:
        message = f"{name!r} leads out of the export's folder."
        raise FlowError(message, code="KNB443")
    path = root / name
    if path.is_symlink():
        path = path.resolve()
    before = path.read_bytes() if path.exists() else None
    return _Item(name=name, path=path, data=text.encode("utf-8"), executable=executable, before=before)


def _is_executable(item: _Item) -> bool:
    return item.before is not None and bool(item.path.stat().st_mode & stat.S_IXUSR)


def _check_owners(items: list[_Item], bundle: Bundle) -> None:
    """Refuse to write over what a person made or changed."""
    from kestra_nb.emit import content_sha256, header_of  # noqa: PLC0415  only where something is written

    ours = False
    for item in items:
        if item.before is None or item.before == item.data:
            ours = ours or item.name == bundle.path
            continue
        if item.name.endswith((".yaml", ".yml")):
            text = item.before.decode("utf-8", "replace")
            header = header_of(text)
            if not header:
                raise _not_ours(item)
            if header.get("content", "") != content_sha256(text)[:_SHORT]:
                message = f"{str(item.path)!r} was edited after kestra-nb wrote it; it was kept."
                raise FlowError(message, hint="--force writes over it.", code="KNB441")
            ours = True
        elif not ours:
            raise _not_ours(item)


def _not_ours(item: _Item) -> FlowError:
    message = f"{str(item.path)!r} is there already, and kestra-nb did not write it; it was kept."
    return FlowError(message, hint="--force writes over it; --id gives the flow another name.", code="KNB442")


def _replace(items: list[_Item]) -> None:
    """Put all files in place; when one cannot be, put back what was there."""
    made: list[Path] = []
    done: list[_Item] = []
    with contextlib.ExitStack() as stack:
        stack.callback(_remove_empty, made)
        staged = []
        for item in items:
            _make_folder(item.path.parent, made)
            temporary = item.path.with_name(f".{item.path.name}.{os.getpid()}.kestra-nb")
            stack.callback(temporary.unlink, missing_ok=True)
            _write_beside(temporary, item)
            staged.append((temporary, item))
        try:
            for temporary, item in staged:
                temporary.replace(item.path)
                done.append(item)
        except OSError:
            for item in done:
                _put_back(item)
            raise


def _write_beside(temporary: Path, item: _Item) -> None:
    with temporary.open("wb") as file:
        file.write(item.data)
        file.flush()
        os.fsync(file.fileno())
    mode = stat.S_IMODE(item.path.stat().st_mode) if item.before is not None else temporary.stat().st_mode & 0o777
    execute = (mode & 0o444) >> 2
    temporary.chmod(mode | execute if item.executable else mode & ~0o111)


def _put_back(item: _Item) -> None:
    if item.before is None:
        item.path.unlink(missing_ok=True)
    else:
        item.path.write_bytes(item.before)


def _make_folder(folder: Path, made: list[Path]) -> None:
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(exist_ok=True)
        made.append(place)


def _remove_empty(folders: list[Path]) -> None:
    for folder in reversed(folders):
        with contextlib.suppress(OSError):
            folder.rmdir()

