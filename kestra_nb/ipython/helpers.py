"""The functions that a translated script may call; their text is ``data/script_helpers.py``."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

HelperName = Literal[
    "_nb_fill", "_nb_sh", "_nb_lines", "_nb_script", "_nb_write", "_nb_run", "_nb_cd", "_nb_env", "_nb_capture",
    "_nb_clock", "_nb_took", "_nb_timed", "_nb_timeit", "_nb_await", "display", "get_ipython",
]  # fmt: skip
_DATA = Path(__file__).parent.parent / "data" / "script_helpers.py"
_NAME = re.compile(r"^(?:async )?(?:def|class) (\w+)", re.MULTILINE)
_IMPORT = re.compile(r"^import [\w.]+ as (\w+)$", re.MULTILINE)


def text_of(names: Iterable[HelperName]) -> str:
    """Give the Python of these helpers and of all that they need, imports first; empty for none."""
    blocks = _blocks()
    wanted: set[str] = set()
    queue: list[str] = list(names)
    while queue:
        name = queue.pop()
        if name not in wanted:
            wanted.add(name)
            queue += [other for other in blocks if re.search(rf"\b{other}\b", blocks[name]) and other.startswith("_")]
    chosen = [block for name, block in blocks.items() if name in wanted]
    if not chosen:
        return ""
    body = "\n\n\n".join(chosen)
    imports = [match[0] for match in _IMPORT.finditer(_source()) if re.search(rf"\b{match[1]}\b", body)]
    return "\n".join(imports) + ("\n\n\n" if imports else "") + body + "\n"


@cache
def _source() -> str:
    return _DATA.read_text(encoding="utf-8")


@cache
def _blocks() -> dict[str, str]:
    """Give each function or class by name, in the order of the file."""
    blocks = {}
    for block in _source().split("\n\n\n")[1:]:
        if match := _NAME.search(block):
            blocks[match[1]] = block.strip("\n")
    return blocks
