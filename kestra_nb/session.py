"""The notebook file behind a live kernel: where it is, and whether it is older than what ran."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kestra_nb.errors import NotebookError
from kestra_nb.model.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kestra_nb.model.notebook import Notebook

_OWN = re.compile(r"\s*%{1,2}(?:kestra|(?:re)?load_ext\s+kestra)")
_LISTED = 5


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


def executed(shell: Any) -> Mapping[int, str]:  # noqa: ANN401  IPython has no types
    """Give the cells that ran, by execution count, without this kit's own magics."""
    raw = enumerate(shell.history_manager.input_hist_raw)
    return {number: text.strip() for number, text in raw if number and text.strip() and not _OWN.match(text)}


def behind(ran: Mapping[int, str], notebook: Notebook) -> tuple[Finding, ...]:
    """Compare what ran with what the file holds.

    Args:
        ran: As :func:`executed` gives it.
        notebook: As it was read from its file.

    Returns:
        KNB157 when cells ran whose text the file does not hold, while it holds cells that never ran: it was not saved
        since. KNB158 when some of its cells have not run in this kernel.
    """
    cells = [cell for cell in notebook.cells if cell.kind == "code" and cell.source.strip()]
    saved = {cell.source.strip() for cell in cells}
    new = [number for number, text in ran.items() if text not in saved]
    kept = set(ran.values())
    not_run = [cell for cell in cells if cell.source.strip() not in kept and not _OWN.match(cell.source)]
    if not ran or not not_run:
        return ()
    place = not_run[0].location
    if new:
        message = f"{notebook.path} differs from what ran here: In [{new[-1]}] is not in the file as it ran."
        hint = "Save the notebook, then run this again."
        return (Finding(code="KNB157", severity="warning", message=message, hint=hint, location=place),)
    cells_named = ", ".join(str(cell.location.cell) for cell in not_run[:_LISTED]) + " …" * (len(not_run) > _LISTED)
    message = f"Not run in this kernel: cell {cells_named} of {notebook.path}."
    return (Finding(code="KNB158", severity="info", message=message, location=place),)
