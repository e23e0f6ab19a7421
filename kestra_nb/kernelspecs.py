"""Which interpreter a kernelspec starts, without jupyter_client."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def find(name: str, folders: Sequence[Path] | None = None) -> Path | None:
    """Give the interpreter of the first kernelspec of that name; None when it is missing or no Python."""
    for folder in data_folders() if folders is None else folders:
        spec = folder / "kernels" / name.lower() / "kernel.json"
        try:
            data = json.loads(spec.read_text(encoding="utf-8"))
            return interpreter(data["argv"][0])
        except (OSError, ValueError, LookupError, TypeError):
            continue
    return None


def interpreter(word: str) -> Path | None:
    """Turn the first word of a kernelspec's ``argv`` into a Python; jupyter_client starts a bare one as its own."""
    if not os.path.basename(word).lower().startswith(("python", "pypy")):  # noqa: PTH119  a word, not yet a path
        return None
    if word in {"python", f"python{sys.version_info[0]}", "python.exe"}:
        return Path(sys.executable)
    full = shutil.which(word)
    return Path(full) if full else None


def data_folders() -> list[Path]:
    """Give Jupyter's data folders in the order of jupyter_core's ``jupyter_path``."""
    home = Path.home()
    if sys.platform == "darwin":
        user = home / "Library" / "Jupyter"
    elif os.name == "nt":
        user = Path(os.environ.get("APPDATA", home)) / "jupyter"
    else:
        user = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "jupyter"
    user = Path(os.environ.get("JUPYTER_DATA_DIR") or user)
    given = [Path(folder) for folder in os.environ.get("JUPYTER_PATH", "").split(os.pathsep) if folder]
    own = Path(sys.prefix) / "share" / "jupyter"
    system = [Path("/usr/local/share/jupyter"), Path("/usr/share/jupyter")] if os.name != "nt" else []
    return [*given, user, own, *system]
