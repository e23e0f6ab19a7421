"""Scanning and planning use no network unless a lock is asked for: proved with the network cut."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

WATCH = """
import sys
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        print("NETWORK", event, arguments, file=sys.stderr)
sys.addaudithook(watch)
from kestra_nb.cli import main
sys.exit(main(sys.argv[1:]))
"""
CELLS = (
    "import yaml, requests, sklearn, nowhere",
    "import pandas as pd\npd.read_parquet('s3://bucket/x')",
    "%pip install httpx",
)


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    cells = [{"cell_type": "code", "source": text, "metadata": {}, "outputs": []} for text in CELLS]
    path = tmp_path / "nb.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def without_network() -> list[str]:
    """What cuts the network off a command, where the system lets us; the watch is there in any case."""
    unshare = shutil.which("unshare")
    cut = [unshare, "--map-root-user", "--net"] if unshare else []
    works = bool(cut) and subprocess.run([*cut, "true"], capture_output=True, check=False).returncode == 0
    return [part for part in cut if part] if works else []


@pytest.mark.parametrize("verb", ["scan", "plan"])
def test_no_network_unless_asked(notebook: Path, verb: str) -> None:
    command = [*without_network(), sys.executable, "-c", WATCH, verb, str(notebook), "--format", "json"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=notebook.parent)
    assert "NETWORK" not in answer.stderr
    assert "Traceback" not in answer.stderr
    assert answer.returncode == 1, answer.stderr  # 'nowhere' is a guess that nobody accepted
    assert json.loads(answer.stdout)


def test_the_watch_sees_a_connection() -> None:
    code = WATCH.partition("from kestra_nb")[0] + "import socket\nsocket.getaddrinfo('localhost', 1)"
    assert "NETWORK" in subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr
