"""What a person chose for one notebook: settings from all layers, further requirements, files to ship."""

from __future__ import annotations

import dataclasses
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from kestra_nb import config, files, rules
from kestra_nb.errors import ConfigError
from kestra_nb.model.dependency import LocalFile
from kestra_nb.model.finding import Location
from kestra_nb.model.notebook import Declared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kestra_nb.config import Settings
    from kestra_nb.model.notebook import Notebook


def settings_for(
    notebook: Notebook,
    given: Mapping[str, object],
    *,
    face: str = "the call",
    preferences: tuple[str, Mapping[str, object]] = ("", {}),
) -> Settings:
    """Lay all layers of settings for one notebook.

    Args:
        notebook: Its metadata and, beside its file, the nearest pyproject.toml count.
        given: What the call names, option name → value.
        face: What to call the call in a message.
        preferences: What the person set for every notebook in a face of its own (what to call it, values); stronger
            than project and environment, weaker than what was chosen for this notebook, and noted in the flow like it.

    Raises:
        ConfigError: An unknown name, a value of the wrong type, or one that breaks a rule of Kestra's.
    """
    project, project_path = files.project_settings(folder_of(notebook))
    layers = ((project_path, project), ("the environment", config.from_environment(os.environ)))
    metadata = (f"the metadata of {notebook.path}", notebook.metadata)
    before = config.merged(*layers, chosen=(preferences, metadata, (face, given)))
    header = _header_choices(notebook, before)
    settings = config.merged(*layers, chosen=(preferences, metadata, header, (face, given)))
    return _checked(dataclasses.replace(settings, out=str(Path(notebook.folder, settings.out))))


def place_of(notebook: Notebook) -> str:
    """Where the notebook lies, for what looks beside it; a cell counts as a file of its folder, if it has one."""
    if not notebook.path and not notebook.folder:
        return ""
    return str(Path(notebook.folder, notebook.path or "cell.ipynb"))


def folder_of(notebook: Notebook) -> Path:
    """Give the folder that relative paths in the notebook start from."""
    return Path(place_of(notebook)).parent if notebook.path else Path(notebook.folder)


def _header_choices(notebook: Notebook, settings: Settings) -> tuple[str, Mapping[str, object]]:
    """Give what the flow that was exported before was made with."""
    found = files.find_flow(Path(notebook.folder, settings.out), notebook.path, settings.id)
    if found is None:
        return "no earlier flow", {}
    path, header = found
    words = shlex.split(header.get("command", ""))
    return f"the header of {path}", config.from_words(words[3:], f"the header of {path}")


def _checked(settings: Settings) -> Settings:
    if settings.id:
        rules.check_flow_id(settings.id)
    rules.check_namespace(settings.namespace)
    rules.check_duration(settings.timeout)
    rules.check_target_python(settings.target_python)
    rules.schedule(settings.schedule, settings.timezone)
    rules.check_pairs(settings.labels, "label", rules.LABEL_KEY)
    rules.check_pairs(settings.inputs, "input", rules.INPUT_ID)
    rules.check_secrets(settings.secrets)
    if settings.strategy:
        from kestra_nb import strategies

        strategies.get(settings.strategy)
    return settings


def required(settings: Settings) -> list[Declared]:
    """Give the requirements that ``--require`` adds.

    Raises:
        ConfigError: A text that is no requirement (PEP 508).
    """
    if not settings.require:
        return []
    from packaging.requirements import InvalidRequirement, Requirement  # costs as much as a whole scan

    required = []
    for text in settings.require:
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            message = f"{text!r} is no requirement (PEP 508): {str(error).splitlines()[0]}"
            raise ConfigError(message, hint="They look like 'pandas>=2' or 'dask[array]==2025.1.0'.") from None
        required.append(
            Declared(text=text, requirement=requirement, origin="option", location=Location(path="--require"))
        )
    return required


def shipped(notebook: Notebook, settings: Settings) -> list[LocalFile]:
    """Read the files that ``--ship`` names, below the notebook's folder.

    Raises:
        FlowError: One is missing, lies elsewhere, or is not UTF-8 text.
    """
    return [
        LocalFile(path=name, text=files.read_shipped(folder_of(notebook), name), location=Location(path="--ship"))
        for name in settings.ship
    ]
