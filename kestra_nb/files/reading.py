"""Notebooks, settings and flows read from disk."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kestra_nb.errors import ConfigError, NotebookError
from kestra_nb.read import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kestra_nb.model.notebook import Notebook

_OWN_FOLDERS = frozenset({"_flows", "_files", "_setup", "node_modules", "__pycache__", "site-packages"})


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
    import difflib

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
        message = f"{str(path)!r} is not text in UTF-8."
        raise ConfigError(message, hint="Save it as UTF-8.") from None


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
        import tomllib
    else:
        import tomli as tomllib
    try:
        table = tomllib.loads(text).get("tool", {}).get("kestra-nb", {})
    except tomllib.TOMLDecodeError as error:
        message = f"{str(path)!r} is no valid TOML: {error}."
        raise ConfigError(message) from None
    if not isinstance(table, dict):
        message = f"[tool.kestra-nb] in {str(path)!r} is no table."
        raise ConfigError(message, hint="Write it as 'name = value' lines under that head.")
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
    folder = Path(root) / "_flows"
    paths = [folder / f"{flow_id}.yaml"] if flow_id else sorted(folder.glob("*.yaml"))
    paths = [path for path in paths if path.is_file()]
    if not paths:
        return None
    from kestra_nb.emit import header_of

    for path in paths:
        header = header_of(read_text(path))
        if header and _same_file(header.get("notebook", ""), notebook):
            return path, header
    return None


def _same_file(one: str, other: str) -> bool:
    return bool(one) and bool(other) and os.path.realpath(one) == os.path.realpath(other)
