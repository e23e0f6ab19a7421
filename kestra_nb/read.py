"""Text to notebook: ``.ipynb`` of nbformat 2, 3 and 4, and Python scripts with percent cells.

A notebook is read as plain JSON. nbformat's own reader is not used here: importing it costs more than reading a
notebook, and it stops at many a file that a person can still work with.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from typing import TYPE_CHECKING, cast

from kestra_nb.errors import NotebookError
from kestra_nb.model.finding import Location
from kestra_nb.model.notebook import Cell, Notebook
from kestra_nb.percent import script_cells

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kestra_nb.model.notebook import CellKind

_KINDS: dict[str, CellKind] = {"code": "code", "markdown": "markdown", "heading": "markdown", "raw": "raw"}
_PYTHON = re.compile(r"(i?python|pyspark|xpython|xeus-python|pyodide)[\d.]*|python [23].*", re.IGNORECASE)
#: Kernelspec names of other languages, for notebooks that state no language.
_OTHER_KERNELS = re.compile(
    r"(?P<r>ir|xr)|(?P<julia>julia.*)|(?P<scala>scala.*|spylon.*|almond.*|apache_toree_scala)|(?P<bash>bash|calysto_bash)"
    r"|(?P<javascript>javascript|jslab|deno|nodejs)|(?P<rust>rust)|(?P<go>gophernotes|gonb)|(?P<csharp>\.net-csharp)"
    r"|(?P<sage>sagemath.*)|(?P<cpp>xcpp\d*)|(?P<octave>octave)|(?P<matlab>.*matlab.*)|(?P<haskell>haskell)"
    r"|(?P<ruby>ruby)|(?P<sql>xsql.*)",
    re.IGNORECASE,
)
#: The nbformat whose lists of lines have no line ends in them.
_LINES_WITHOUT_ENDS = 2
_CONFLICT = re.compile(r"^<{7} ", re.MULTILINE)
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")


def parse(text: str | bytes, path: str) -> Notebook:
    """Read a notebook or a Python script.

    Args:
        text: The whole file; bytes are decoded as UTF-8 (with or without a byte order mark), UTF-16 with one, or, for
            a script, as its coding line says (PEP 263).
        path: As the person named it. ``.ipynb`` is a notebook and ``.py`` a script; other names are told by content.

    Raises:
        NotebookError: It is empty, broken, no notebook, or in another language; one sentence.
    """
    content = decode(text, path) if isinstance(text, bytes) else text.removeprefix("\ufeff")
    if not content.strip():
        message = f"{_name(path)} is empty, expected a notebook or a Python script."
        raise NotebookError(message, hint="Save the notebook, then try again.")
    suffix = path.rpartition(".")[2].lower() if "." in path.rpartition("/")[2] else ""
    if suffix == "ipynb" or (suffix not in {"py", "pyw"} and content.lstrip().startswith("{")):
        return _from_json(content, path)
    if suffix in {"py", "pyw", ""}:
        return _from_script(content, path)
    message = f"{path!r} is neither a notebook (.ipynb) nor a Python script (.py)."
    raise NotebookError(message, hint=f"'jupytext --to ipynb {path}' makes a notebook of many other formats.")


def from_cells(sources: Iterable[str], path: str = "") -> Notebook:
    """Make a notebook of the sources of code cells, as a live kernel has them."""
    cells = tuple(
        Cell(source=_newlines(text), kind="code", location=Location(path=path, cell=number))
        for number, text in enumerate(sources, start=1)
    )
    return _notebook(path, cells)


def notebook_sha256(cells: Iterable[Cell]) -> str:
    """Hash the code cells with their tags, so that neither outputs nor text around the code count."""
    digest = hashlib.sha256()
    for cell in cells:
        if cell.kind == "code":
            parts = (cell.source, *sorted(cell.tags))
            digest.update("\0".join((*parts, "\1")).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def decode(data: bytes, path: str) -> str:
    """Decode the bytes of a file.

    Raises:
        NotebookError: They are not text in any of the encodings that ``parse`` names.
    """
    encoding = "utf-8-sig"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif not path.endswith(".ipynb"):
        cookies = [match[1].decode("ascii") for line in data.split(b"\n")[:2] if (match := _COOKIE.match(line))]
        encoding = cookies[0] if cookies and cookies[0].lower() not in {"utf-8", "utf8"} else encoding
    try:
        return data.decode(encoding)
    except LookupError:
        message = f"{_name(path)} says that it is written in {encoding!r}, which is no encoding that Python knows."
        raise NotebookError(message, hint="Save it as UTF-8.") from None
    except UnicodeError as error:
        place = f" (byte {error.start + 1})" if isinstance(error, UnicodeDecodeError) else ""
        message = f"{_name(path)} is not text in {encoding.removesuffix('-sig').upper()}{place}."
        raise NotebookError(message, hint="Save it as UTF-8.") from None


def _from_script(text: str, path: str) -> Notebook:
    cells, kernel, language = script_cells(_newlines(text), path)
    return _notebook(path, cells, kernel=kernel, language=_language({"name": language}, {"name": kernel}, path))


def _from_json(text: str, path: str) -> Notebook:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise _broken(text, path, error) from None
    except RecursionError:
        message = f"{_name(path)} is nested too deeply for a notebook."
        raise NotebookError(message) from None
    if not isinstance(data, dict) or not isinstance(data.get("cells", data.get("worksheets")), list):
        message = f"{_name(path)} is JSON but no notebook: it has no list of cells."
        raise NotebookError(message, hint="Open it in JupyterLab and save it, then try again.")
    metadata = _table(data.get("metadata"))
    raw_cells = _raw_cells(data, path)
    info, spec = _table(metadata.get("language_info")), _table(metadata.get("kernelspec"))
    older = {"name": next((cell["language"] for cell in raw_cells if isinstance(cell.get("language"), str)), None)}
    kernel = spec.get("name")
    joint = "\n" if data.get("nbformat") == _LINES_WITHOUT_ENDS else ""
    return _notebook(
        path,
        tuple(_cell(raw, number, path, joint) for number, raw in enumerate(raw_cells, start=1)),
        kernel=kernel if isinstance(kernel, str) and kernel else None,
        language=_language(info or older, spec, path),
        metadata=_table(metadata.get("kestra_nb")),
    )


def _broken(text: str, path: str, error: json.JSONDecodeError) -> NotebookError:
    place = Location(path=path, line=error.lineno, column=error.colno)
    if _CONFLICT.search(text):
        message = "The file holds the marks of a merge that was not finished (<<<<<<<), so it is no valid JSON."
        return NotebookError(message, hint="Resolve the conflict, for instance with nbdime.", location=place)
    what = error.msg[:1].lower() + error.msg[1:]
    message = f"The file is no valid JSON, as a notebook must be: {what}."
    return NotebookError(message, hint="Open it in JupyterLab and save it, or take an earlier version.", location=place)


def _raw_cells(data: dict[str, object], path: str) -> list[dict[str, object]]:
    """Give the cells of nbformat 4, or those of all worksheets of nbformat 2 and 3."""
    if isinstance(data.get("cells"), list):
        cells = cast("list[object]", data["cells"])
    else:
        sheets = [_table(sheet).get("cells") for sheet in cast("list[object]", data["worksheets"])]
        cells = [cell for sheet in sheets if isinstance(sheet, list) for cell in sheet]
    for number, cell in enumerate(cells, start=1):
        if not isinstance(cell, dict):
            message = f"The cell is {type(cell).__name__}, expected an object with a source."
            raise NotebookError(
                message, hint="Open it in JupyterLab and save it.", location=Location(path=path, cell=number)
            )
    return cast("list[dict[str, object]]", cells)


def _cell(raw: dict[str, object], number: int, path: str, joint: str) -> Cell:
    """Read one cell; nbformat 2 and 3 call the source of a code cell ``input``."""
    source = raw.get("source", raw.get("input", ""))
    if isinstance(source, list):
        source = joint.join(str(line) for line in source)
    cell_id = raw.get("id")
    tags = _table(raw.get("metadata")).get("tags")
    return Cell(
        source=_newlines(source) if isinstance(source, str) else "",
        kind=_KINDS.get(str(raw.get("cell_type", "code")), "raw"),
        location=Location(path=path, cell=number, cell_id=cell_id if isinstance(cell_id, str) else None),
        tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
    )


def _language(info: dict[str, object], spec: dict[str, object], path: str) -> str:
    """Give ``python``, whatever spelling or hint says so.

    Raises:
        NotebookError: The notebook says that it is in another language.
    """
    stated = info.get("name") or spec.get("language")
    kernel = spec.get("name")
    if isinstance(stated, str) and stated:
        language = stated
    elif isinstance(kernel, str) and (match := _OTHER_KERNELS.fullmatch(kernel)):
        language = match.lastgroup or kernel
    else:
        return "python"
    if _PYTHON.fullmatch(language.strip()):
        return "python"
    message = f"{_name(path)} is a notebook in {language!r}, expected Python."
    raise NotebookError(message, hint="kestra-nb exports Python notebooks only.")


def _notebook(
    path: str,
    cells: tuple[Cell, ...],
    *,
    kernel: str | None = None,
    language: str = "python",
    metadata: dict[str, object] | None = None,
) -> Notebook:
    return Notebook(
        path=path, cells=cells, language=language, kernel=kernel, metadata=metadata or {}, sha256=notebook_sha256(cells)
    )


def _newlines(text: str) -> str:
    """Give the line ends as Python's compiler sees them: CR LF and CR are LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _table(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _name(path: str) -> str:
    return repr(path) if path else "The text"
