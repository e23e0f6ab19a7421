"""From a notebook that works to a Kestra flow that runs every morning.

A small door: every name below is loaded when it is first used, so that ``import kestra_nb`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from kestra_nb.errors import KestraNbError
    from kestra_nb.pipeline import check_export, export, plan, preview, read, scan, settings_for, why
    from kestra_nb.widget import Chooser

__all__ = [
    "Chooser",
    "KestraNbError",
    "__version__",
    "check_export",
    "export",
    "plan",
    "preview",
    "read",
    "scan",
    "settings_for",
    "why",
]

_ROOMS = {
    "Chooser": "widget",
    "KestraNbError": "errors",
    "check_export": "pipeline",
    "export": "pipeline",
    "plan": "pipeline",
    "preview": "pipeline",
    "read": "pipeline",
    "scan": "pipeline",
    "settings_for": "pipeline",
    "why": "pipeline",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("kestra-nb")
    if name in _ROOMS:
        return getattr(importlib.import_module(f"kestra_nb.{_ROOMS[name]}"), name)
    message = f"module 'kestra_nb' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Make ``%kestra`` and ``%%kestra_flow`` known (IPython calls this for ``%load_ext kestra_nb``)."""
    from kestra_nb.magics import KestraMagics

    shell.register_magics(KestraMagics)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Tell JupyterLab where the built front end lies."""
    return [{"src": "labextension", "dest": "kestra-nb"}]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Tell the Jupyter server which module holds its part."""
    return [{"module": "kestra_nb.server"}]
