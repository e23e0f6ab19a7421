"""The pipeline's verbs for one request: plain calls that may take their time, and run in a thread."""

from __future__ import annotations

import dataclasses
import difflib
import json
import os
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from kestra_nb import environment, pipeline
from kestra_nb.display import plain, text
from kestra_nb.errors import KestraNbError, StrategyError
from kestra_nb.model.plain import to_plain
from kestra_nb.options import json_schema
from kestra_nb.read import parse
from kestra_nb.server.asks import RequestError, option_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kestra_nb.config import Settings
    from kestra_nb.display.plain import Plain
    from kestra_nb.model.dependency import Environment
    from kestra_nb.model.notebook import Notebook
    from kestra_nb.model.outcome import Bundle, Planning
    from kestra_nb.server.asks import Ask

    Cancelled = Callable[[], bool]

_DIFF_CONTEXT = 3
_ONE_AT_A_TIME = threading.Lock()  # pipdeptree's warnings are caught by way of the process's one sys.stderr
FACE = "JupyterLab"


class CancelledError(KestraNbError):
    """Nobody waits for the answer any longer."""

    default_code = "KNB506"


def about() -> Plain:
    """Give version, the probe for kernels, and the options with help and default."""
    import kestra_nb

    return {
        "version": kestra_nb.__version__,
        "probe": environment.PROBE,
        "options": json_schema(option_names())["properties"],
    }


def scan(ask: Ask, cancelled: Cancelled) -> Plain:
    """Give what the notebook needs."""
    notebook, settings = _asked(ask)
    _go_on(cancelled)
    return plain.scan(pipeline.scan(notebook, settings, environment=_environment(ask)))


def plan(ask: Ask, cancelled: Cancelled) -> Plain:
    """Give what the notebook needs, every strategy, and where the flow would go."""
    planning, settings = _planned(ask, cancelled)
    unsettled = {need.requirement.name for need in planning.scan.resolution.unresolved}
    strategy, refused = _strategy(planning, settings)
    return {
        **plain.planning(planning),
        "requirements": [
            {**plain.need(need), "attention": need.distribution is None or need.requirement.name in unsettled}
            for need in planning.scan.resolution.needs
        ],
        "plans": [{**plain.plan(item), "cost_text": text.cost(item.cost)} for item in planning.plans],
        "strategy": strategy,
        "refused": refused,
        "flow": _flow_place(ask, settings, f"_flows/{planning.case.name}.yaml"),
        "lock_text": text.lock(planning.lock, Path(planning.lock_path).name),
        "settings": {
            **{name: to_plain(getattr(settings, name)) for name in option_names()},
            "out": os.path.relpath(settings.out, ask.folder),
        },
    }


def _strategy(planning: Planning, settings: Settings) -> tuple[str | None, str]:
    """Give the strategy that a flow would be made with, or None and why there is none."""
    try:
        return pipeline.chosen_plan(planning, settings.strategy).strategy, ""
    except StrategyError as error:
        return None, str(error)


def preview(ask: Ask, cancelled: Cancelled) -> Plain:
    """Give the flow and its files, and the difference to the saved flow."""
    bundle, settings = _bundle(ask, cancelled)
    return {
        **plain.bundle(bundle),
        "title": bundle.plan.title,
        "flow": _flow_place(ask, settings, bundle.path),
        "difference": _difference(Path(settings.out) / bundle.path, bundle.yaml),
    }


def export(ask: Ask, cancelled: Cancelled) -> Plain:
    """Write the flow and its files; nothing is written when nobody waits any longer."""
    bundle, settings = _bundle(ask, cancelled)
    _go_on(cancelled)
    done = pipeline.export(bundle, settings)
    return {**plain.written(done), "flow": _flow_place(ask, settings, bundle.path)}


def why(ask: Ask, cancelled: Cancelled) -> Plain:
    """Give the chains behind one name."""
    if not ask.subject:
        message = "The request has no 'name', expected a distribution or a module."
        raise RequestError(message)
    planning, _ = _planned(ask, cancelled)
    return plain.why(pipeline.why(planning, ask.subject))


VERBS: Mapping[str, Callable[[Ask, Cancelled], Plain]] = {
    "scan": scan,
    "plan": plan,
    "preview": preview,
    "export": export,
    "why": why,
}


def _asked(ask: Ask) -> tuple[Notebook, Settings]:
    """Read the editor's notebook and lay its settings; all paths stay below the server's root."""
    notebook = parse(json.dumps(ask.notebook), ask.name)
    notebook = dataclasses.replace(
        notebook,
        folder=str(ask.folder),
        kernel=ask.kernel or notebook.kernel,
        metadata={name: value for name, value in notebook.metadata.items() if name != "python"},
    )
    for layer in (ask.preferences, notebook.metadata, ask.options):
        if isinstance(out := layer.get("out", "."), str):
            ask.folders.below(ask.folder, out)
    preferences = ("the extension's settings", ask.preferences)
    settings = pipeline.settings_for(notebook, ask.options, face=FACE, preferences=preferences)
    out = ask.folders.below(ask.folder, _relative(settings.out, ask.folder))
    return notebook, dataclasses.replace(settings, out=str(out), python="")


def _relative(out: str, folder: Path) -> str:
    """Undo the joining of the notebook's folder, so that a project's own setting is checked like any other."""
    return str(Path(out).relative_to(folder)) if Path(out).is_relative_to(folder) else out


def _environment(ask: Ask) -> Environment | None:
    """Take what the probe printed in the kernel."""
    return None if ask.environment is None else _described(json.dumps(ask.environment), ask.kernel)


@lru_cache(maxsize=8)
def _described(text: str, kernel: str) -> Environment:
    """Build the environment with its closure; the same description has the same one, and that takes half a second.

    An interpreter that the description names is started only when a kernelspec starts it anyway.
    """
    described = environment.environment_from_plain({**json.loads(text), "origin": "kernel"})
    known = environment.kernelspec_python(kernel) if kernel else None
    if known is None or known.absolute() != Path(described.executable).absolute():
        described = dataclasses.replace(described, executable="")
    with _ONE_AT_A_TIME:
        return environment.with_closure(described)


def _planned(ask: Ask, cancelled: Cancelled) -> tuple[Planning, Settings]:
    notebook, settings = _asked(ask)
    _go_on(cancelled)
    scanned = pipeline.scan(notebook, settings, environment=_environment(ask))
    _go_on(cancelled)
    with _ONE_AT_A_TIME:
        return pipeline.plan(scanned, settings), settings


def _bundle(ask: Ask, cancelled: Cancelled) -> tuple[Bundle, Settings]:
    planning, settings = _planned(ask, cancelled)
    _go_on(cancelled)
    return pipeline.preview(planning, settings), settings


def _go_on(cancelled: Cancelled) -> None:
    if cancelled():
        message = "Cancelled."
        raise CancelledError(message)


def _flow_place(ask: Ask, settings: Settings, path: str) -> Plain:
    folder = Path(settings.out)
    return {
        "folder": ask.folders.name(folder),
        "path": ask.folders.name(folder / path),
        "saved": (folder / path).is_file(),
    }


def _difference(saved: Path, new: str) -> list[Plain]:
    """Compare the saved flow with the new one, line by line, with three lines around each change."""
    if not saved.is_file():
        return []
    old = saved.read_text("utf-8", errors="replace")
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), n=_DIFF_CONTEXT, lineterm=""))
    return [{"kind": line[:1], "text": line[1:]} for line in lines[2:]]
