"""Colours for YAML and comparisons: those of the notebook's own editor, light or dark, with fallbacks."""

from __future__ import annotations

import difflib
import functools
import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOKENS: Mapping[str, tuple[str, str]] = {
    "nt": ("property", "#0550ae"),
    "p": ("punctuation", "inherit"),
    "s1": ("string", "#0a6b2d"),
    "s2": ("string", "#0a6b2d"),
    "l": ("string", "inherit"),
    "m": ("number", "#8250df"),
    "kc": ("keyword", "#8250df"),
    "c": ("comment", "#6e7781"),
    "c1": ("comment", "#6e7781"),
    "k": ("keyword", "#cf222e"),
    "kn": ("keyword", "#cf222e"),
    "ow": ("keyword", "#cf222e"),
    "nf": ("def", "#8250df"),
    "nc": ("def", "#8250df"),
    "nb": ("builtin", "#953800"),
    "mi": ("number", "#0550ae"),
    "mf": ("number", "#0550ae"),
    "o": ("operator", "inherit"),
    "si": ("string-2", "#0a6b2d"),
    "sa": ("string", "#0a6b2d"),
    "sd": ("string", "#0a6b2d"),
    "se": ("string-2", "#0a6b2d"),
}
_HASH = re.compile(r"# \w+ sha256:[0-9a-f]+")


def style() -> str:
    """Give the CSS rules for what :func:`yaml` and :func:`changes` make, all below the class ``knb``."""
    rules = [
        f".knb .{token} {{ color: var(--jp-mirror-editor-{name}-color, {fallback}); }}"
        for token, (name, fallback) in _TOKENS.items()
    ]
    rules += [
        ".knb .more { background: color-mix(in srgb, var(--jp-success-color1, #2da44e) 22%, transparent); }",
        ".knb .less { background: color-mix(in srgb, var(--jp-error-color1, #cf222e) 22%, transparent); }",
        ".knb .place { opacity: .65; }",
    ]
    return "\n".join(rules)


def yaml(text: str, script_first_line: int = 0, script_lines: int = 0) -> str:
    """Give YAML as HTML spans.

    Args:
        text: The YAML.
        script_first_line: Line (from 1) on which a block of Python begins, 0 when there is none.
        script_lines: How many lines that block has; it is coloured as Python.
    """
    lines = text.split("\n")
    if not script_first_line or not script_lines:
        return _spans(text, "yaml")
    begin, end = script_first_line - 1, script_first_line - 1 + script_lines
    parts = [_spans("\n".join(lines[:begin]), "yaml"), _spans("\n".join(lines[begin:end]), "python")]
    return "\n".join([*parts, _spans("\n".join(lines[end:]), "yaml")])


def language(text: str, path: str) -> str:
    """Give a file's text as HTML spans, coloured after its name; plain where no colours are known."""
    name = path.rpartition("/")[2]
    known = {"yaml": "yaml", "yml": "yaml", "py": "python", "toml": "toml", "sh": "bash", "json": "json"}
    lexer = "docker" if name.startswith("Dockerfile") else known.get(name.rpartition(".")[2])
    return _spans(text, lexer) if lexer else escape(text)


def changes(before: str, after: str) -> str:
    """Give what differs between two flows, line by line, as HTML; empty when nothing but the header's hashes does."""
    shown = []
    one, other = ([line for line in text.splitlines() if not _HASH.fullmatch(line)] for text in (before, after))
    for line in list(difflib.unified_diff(one, other, n=2, lineterm=""))[2:]:
        kind = {"+": "more", "-": "less", "@": "place"}.get(line[0], "")
        text = "⋯" if kind == "place" else line
        shown.append(f'<span class="{kind}">{escape(text)}</span>' if kind else escape(text))
    return "\n".join(shown)


@functools.lru_cache(maxsize=16)
def _spans(text: str, lexer: str) -> str:
    from pygments import highlight
    from pygments.formatters.html import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    kept = get_lexer_by_name(lexer, stripnl=False, ensurenl=False)
    return str(highlight(text, kept, HtmlFormatter(nowrap=True))).removesuffix("\n")
