"""A real kernel to run cells in, one for a test module."""

from __future__ import annotations

import queue
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_client.manager import KernelManager

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PATIENCE = 120


@dataclass(slots=True)
class Answer:
    """What a cell gave: printed text, errors, and the data of results by type."""

    stdout: str = ""
    stderr: str = ""
    error: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    count: int = 0

    @property
    def traceback(self) -> str:
        return "\n".join(self.error)


class Live:
    """A kernel of this very environment."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.manager = KernelManager(kernel_name="python3")
        spec = self.manager.kernel_spec
        assert spec is not None
        spec.argv[0] = sys.executable
        self.manager.start_kernel(cwd=str(folder), env=variables)
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=_PATIENCE)

    def run(self, cell: str, *, remember: bool = True) -> Answer:
        """Run a cell to its end."""
        asked = self.client.execute(cell, store_history=remember)
        answer = Answer()
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            try:
                message = self.client.get_iopub_msg(timeout=_PATIENCE)
            except queue.Empty:
                break
            if message["parent_header"].get("msg_id") == asked and self._take(message, answer):
                return answer
        pause = f"no answer to {cell!r}"
        raise TimeoutError(pause)

    def _take(self, message: dict[str, Any], answer: Answer) -> bool:
        content = message["content"]
        match message["msg_type"]:
            case "stream" if content["name"] == "stdout":
                answer.stdout += content["text"]
            case "stream":
                answer.stderr += content["text"]
            case "error":
                answer.error += content["traceback"]
            case "execute_input":
                answer.count = content["execution_count"]
            case "execute_result" | "display_data":
                answer.data.update(content["data"])
            case "status":
                return bool(content["execution_state"] == "idle")
        return False

    def fresh(self) -> None:
        """Load the extension; forget all names and all cells."""
        self.run("%load_ext kestra_nb\nget_ipython().reset(new_session=True)", remember=False)

    def stop(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def live_kernel(folder: Path, variables: dict[str, str]) -> Iterator[Live]:
    kernel = Live(folder, variables)
    try:
        yield kernel
    finally:
        kernel.stop()
