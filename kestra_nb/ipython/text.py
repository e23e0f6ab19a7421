"""Where the lines, strings and brackets of a text lie, for text that need not be Python yet.

Python's own tokenizer stops at the first thing that is not Python, and since 3.12 it does so before it has given the
tokens in front of it. This scanner never stops; it knows strings, comments, brackets and continued lines, which is all
that is needed to see where a statement begins.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

_TOKEN = re.compile(
    r'''
    (?P<comment>\#[^\n]*)
    |(?P<string>(?i:[rbuft]{0,3})(?:
        """[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*(?:"""|\Z)
        |\'\'\'[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*(?:\'\'\'|\Z)
        |"[^"\\\n]*(?:\\.[^"\\\n]*)*"
        |'[^'\\\n]*(?:\\.[^'\\\n]*)*'
    ))
    |(?P<open>[(\[{])
    |(?P<close>[)\]}])
    |(?P<joined>\\\n)
    |(?P<newline>\n)
    |(?P<word>\w+)
    |(?P<blank>[^\S\n]+)
    |(?P<other>.)
    ''',
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of text: its kind (a group's name of the scanner), where it begins and ends, what it is."""

    kind: str
    start: int
    end: int
    text: str


def scan(text: str, start: int = 0) -> tuple[list[Token], int]:
    """Give the tokens of the statement that begins at ``start``, blanks left out, and where the next one begins."""
    tokens = []
    depth = 0
    position = start
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:  # pragma: no cover  the last alternative takes any character
            break
        kind = match.lastgroup or "other"
        position = match.end()
        if kind == "newline" and depth == 0:
            break
        if kind == "open":
            depth += 1
        elif kind == "close":
            depth = max(0, depth - 1)
        if kind not in {"blank", "newline", "joined"}:
            tokens.append(Token(kind, match.start(), match.end(), match.group()))
    return tokens, position


def string_lines(text: str) -> set[int]:
    """Give the numbers (from 0) of the lines that begin inside a string: their leading blanks are content."""
    inside: set[int] = set()
    line = 0
    for match in _TOKEN.finditer(text):
        breaks = match.group().count("\n")
        if match.lastgroup == "string":
            inside.update(range(line + 1, line + breaks + 1))
        line += breaks
    return inside


def indent(lines: list[str], by: str = "    ") -> list[str]:
    """Move lines of Python to the right, without touching the inside of strings or empty lines."""
    inside = string_lines("\n".join(lines))
    return [line if number in inside or not line.strip() else by + line for number, line in enumerate(lines)]


def literal(text: str) -> str:
    """Write a text as one Python string literal in double quotes where that is readable."""
    plain = repr(text)
    if plain.startswith("'") and '"' not in text:
        return '"' + plain[1:-1].replace("\\'", "'") + '"'
    return plain


def block_literal(lines: list[str]) -> list[str] | None:
    """Write lines as a literal of many lines: the first is ``r'''``, the last ``'''[1:]``; None when it cannot be."""
    text = "\n".join(lines)
    if "'''" in text or "\0" in text:
        return None
    return ["r'''", *lines, "'''[1:]"]


def comment_out(text: str) -> str:
    """Make comments of lines, whatever they hold."""
    safe = text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    return "\n".join(f"# {line}".rstrip() for line in safe.split("\n"))


def shell_words(text: str) -> list[str]:
    """Split into words as a shell does; at blanks, without the quotes, when a quote is not closed."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.replace('"', " ").replace("'", " ").split()
