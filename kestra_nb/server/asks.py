"""What a route is asked: a checked body, with the notebook's place on disk."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kestra_nb.config import OPTIONS
from kestra_nb.errors import KestraNbError
from kestra_nb.options import json_schema

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kestra_nb.server.folders import Folders

MOST_BYTES = 32 * 1024 * 1024
"""Of a body; the front end sends notebooks without outputs."""

_NEVER = frozenset({"python"})
"""Options a browser cannot set: which interpreter is started is the kernelspec's affair alone."""


class RequestError(KestraNbError):
    """A request is not what the route takes."""

    default_code = "KNB502"


class TooLargeError(RequestError):
    """A body is larger than any notebook without outputs."""

    default_code = "KNB504"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A checked body.

    Attributes:
        folder: Where the notebook lies; ``name`` is its file's name there.
        notebook: Its JSON as the editor holds it.
        kernel: The kernelspec's name in use; empty to go by the notebook's metadata.
        environment: What the probe printed in the kernel; None to read the kernelspec's interpreter.
        preferences: Options from the extension's settings; ``options``: chosen for this notebook.
        subject: What ``why`` is asked about.
    """

    folders: Folders
    folder: Path
    name: str
    notebook: Mapping[str, Any]
    kernel: str = ""
    environment: Mapping[str, Any] | None = None
    preferences: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    subject: str = ""


def option_names() -> list[str]:
    """Give the options that a body may name."""
    return [name for name in OPTIONS if name not in _NEVER]


def schema() -> dict[str, Any]:
    """Give the JSON Schema of a body."""
    options = json_schema(option_names())
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "required": ["path", "notebook"],
        "additionalProperties": False,
        "properties": {
            "path": {"type": "string", "minLength": 1},
            "notebook": {"type": "object"},
            "kernel": {"type": "string"},
            "environment": {"type": ["object", "null"]},
            "preferences": options,
            "options": options,
            "name": {"type": "string", "minLength": 1, "maxLength": 200},
        },
    }


def parse(body: bytes) -> Mapping[str, Any]:
    """Read and check a body.

    Raises:
        RequestError: It is no JSON, or breaks the schema; ``TooLargeError`` when it has more than 32 MiB.
    """
    from jsonschema import Draft7Validator

    if len(body) > MOST_BYTES:
        message = f"The request has {len(body) >> 20} MiB, expected at most {MOST_BYTES >> 20}."
        raise TooLargeError(message, hint="Send the notebook without its outputs.")
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        message = "The request is no JSON."
        raise RequestError(message) from None
    problem = min(
        Draft7Validator(schema()).iter_errors(data), key=lambda error: list(map(str, error.path)), default=None
    )
    if problem is not None:
        where = "/".join(map(str, problem.absolute_path))
        message = f"The request is not valid{f' at {where!r}' if where else ''}: {problem.message[:200]}"
        raise RequestError(message)
    checked: Mapping[str, Any] = data
    return checked
