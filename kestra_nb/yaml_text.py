"""Plain values as YAML that a person likes to read and that every reader takes the same.

Readers differ (PyYAML and SnakeYAML follow YAML 1.1, editors 1.2), so a scalar stands plain only where all of them see
a string; everything else is quoted. Text of several lines is a literal block wherever a block carries it unchanged.
No anchors, no folding, no wrapping: the same value gives the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from kestra_nb.pebble import is_carried

_PLAIN = re.compile(r"[^\W\d_][^\n\t]*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_INDENT = "  "
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Commented:
    """A mapping's value with comment lines above its key."""

    value: object
    comment: str


@dataclass(frozen=True, slots=True)
class Rendering:
    """The text, and for each literal block the line (from 1) on which its content begins."""

    text: str
    blocks: Mapping[Path, int]


@dataclass(slots=True)
class _Writer:
    lines: list[str] = field(default_factory=list)
    blocks: dict[Path, int] = field(default_factory=dict)
    keeps: bool = False

    def mapping(self, values: Mapping[str, object], path: Path, first: str = "") -> None:
        """Write the pairs; ``first`` stands before the first key in place of its indentation (``- ``)."""
        indent = _INDENT * _depth(path)
        for position, (key, value) in enumerate(values.items()):
            if isinstance(value, Commented):
                self.lines += [f"{indent}{line}" for line in comment_lines(value.comment)]
                value = value.value  # noqa: PLW2901  the pair without its comment
            lead = first if first and position == 0 else indent
            self.value(f"{lead}{scalar(key)}:", value, (*path, key))

    def value(self, lead: str, value: object, path: Path) -> None:
        self.keeps = False
        if isinstance(value, Mapping) and value:
            self.lines.append(lead)
            self.mapping(value, path)
        elif isinstance(value, (list, tuple)) and value:
            self.lines.append(lead)
            self.sequence(value, path)
        elif isinstance(value, str) and _is_block(value):
            self.block(lead, value, path)
        else:
            self.lines.append(f"{lead} {_flow_scalar(value)}")

    def sequence(self, values: list[object] | tuple[object, ...], path: Path) -> None:
        for position, value in enumerate(values):
            lead = _INDENT * _depth(path) + "-"
            if isinstance(value, Mapping) and value:
                self.mapping(value, (*path, position), f"{lead} ")
            else:
                self.value(lead, value, (*path, position))

    def block(self, lead: str, text: str, path: Path) -> None:
        body = text.rstrip("\n")
        ends = len(text) - len(body)
        chomping = "-" if ends == 0 else "" if ends == 1 else "+"
        indicator = "2" if text[0] in " \n" else ""
        self.lines.append(f"{lead} |{indicator}{chomping}")
        self.blocks[path] = len(self.lines) + 1
        indent = _INDENT * _depth(path)
        rows = (text[:-1] if ends else text).split("\n")
        self.lines += [f"{indent}{row}" if row else "" for row in rows]
        self.keeps = ends > 1


def render(values: Mapping[str, object], *, blank_lines: bool = False) -> Rendering:
    """Write a mapping of str, int, float, bool, None, mappings and sequences.

    Args:
        values: The pairs in the order in which they shall stand; a value may be :class:`Commented`.
        blank_lines: Whether an empty line goes before each pair whose value takes several lines.
    """
    writer = _Writer()
    for key, value in values.items():
        plain = value.value if isinstance(value, Commented) else value
        is_long = isinstance(plain, (Mapping, list, tuple)) and plain
        if blank_lines and is_long and writer.lines and not writer.keeps:
            writer.lines.append("")
        writer.mapping({key: value}, ())
    return Rendering("\n".join(writer.lines) + "\n", writer.blocks)


def comment_lines(text: str) -> list[str]:
    """Write text as YAML comment lines; what YAML could not carry is written as an escape."""
    return [f"# {_escaped(line)}".rstrip() for line in text.split("\n")]


def scalar(text: str) -> str:
    """Write one string on one line, plain where no reader could take it for something else."""
    if _is_plain(text):
        return text
    if ('"' in text or "\\" in text) and "'" not in text and is_carried(text) and not re.search(r"[\n\t]", text):
        return f"'{text}'"
    return '"' + "".join(_ESCAPES.get(char) or _escaped(char) for char in text) + '"'


def _is_plain(text: str) -> bool:
    return (
        _PLAIN.fullmatch(text) is not None
        and text.lower() not in _WORDS
        and is_carried(text)
        and not re.search(r": |:$| #| $|\{\{|\{%|\{#", text)
    )


def _is_block(text: str) -> bool:
    """A block serves text of several lines, and one line that would need both kinds of quotes."""
    if not is_carried(text) or not text.strip(" \n\t"):
        return False
    return "\n" in text or ("'" in text and ('"' in text or "\\" in text) and not _is_plain(text))


def _flow_scalar(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, str):
        return scalar(value)
    return "{}" if isinstance(value, Mapping) else "[]"


def _number(value: float) -> str:
    """YAML 1.1 takes ``1e+16`` for a string: a number with an exponent needs a dot."""
    text = repr(value)
    if text in {"inf", "-inf", "nan"}:
        return text.replace("inf", ".inf").replace("nan", ".nan")
    mantissa, exponent, power = text.partition("e")
    return f"{mantissa}.0e{power}" if exponent and "." not in mantissa else text


def _depth(path: Path) -> int:
    """A sequence under a key is indented once more than the key, a mapping within an item stands behind the dash."""
    return len(path)


def _escaped(text: str) -> str:
    return "".join(char if is_carried(char) and char not in "\t\n" else _escape(ord(char)) for char in text)


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004  one byte
