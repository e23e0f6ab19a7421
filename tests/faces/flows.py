"""What a flow hands to its task, as Kestra would write it to disk."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path


def read(folder: Path, flow_id: str) -> dict[str, Any]:
    """Read an exported flow."""
    loaded: dict[str, Any] = yaml.safe_load((folder / "_flows" / f"{flow_id}.yaml").read_text(encoding="utf-8"))
    return loaded


def python_task(flow: dict[str, Any]) -> dict[str, Any]:
    """Give the task that runs the script, which may stand inside a WorkingDirectory."""
    task: dict[str, Any] = flow["tasks"][0]
    return next((item for item in task.get("tasks", ()) if "main.py" in item.get("inputFiles", {})), task)


def script(flow: dict[str, Any]) -> str:
    """Give main.py after one pass of the template engine, of which it uses ``verbatim`` alone."""
    text: str = python_task(flow)["inputFiles"]["main.py"]
    return re.sub(r"\A\{% verbatim %\}(.*)\{% endverbatim %\}\Z", r"\1", text, flags=re.DOTALL)
