"""Where a cell holds IPython's own syntax, and what stands there.

The rules are those of IPython 9's ``TransformerManager`` (``IPython/core/inputtransformer2.py``), told apart from what
is made of them: here a cell is only taken to pieces, and every piece knows its lines.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from kestra_nb.ipython.text import scan, string_lines

SpecialKind = Literal["magic", "shell", "capture", "help", "cell", "call"]

#: Lines that people type without a percent sign because IPython's automagic takes them.
_BARE_INSTALL = re.compile(r"(?P<tool>pip3?|conda|mamba|micromamba|uv)[ \t]+(?P<verb>install|uninstall|pip|add)\b.*")
_LOOKS_SPECIAL = re.compile(
    r"^[ \t\f]*(?:[%!?,;/]|>>>|In \[|\.{3}|(?:pip3?|conda|mamba|micromamba|uv)[ \t])|\?[ \t]*$"
    r"|=[ \t]*(?:\\\n[ \t]*)?[%!]|\A\s*\n?[ \t]+\S",
    re.MULTILINE,
)
_CLASSIC_PROMPT = re.compile(r"^[ \t]*(?:>>>|\.\.\.)(?:[ \t]|$)")
_CLASSIC_FIRST = re.compile(r"^[ \t]*>>>", re.MULTILINE)
_IPYTHON_PROMPT = re.compile(r"^(?:(?:(?:\[nav\]|\[ins\])?[ ])?In[ ]\[\d+\]:[ ]|\s*\.{3,}:[ ]?)")
_HELP = re.compile(r"(?P<target>%{0,2}(?!\d)[\w*]+(?:\.(?!\d)[\w*]+|\[-?[0-9]+\])*)(?P<marks>\?\??)\s*\Z")
_OPENERS = frozenset("([{")
_CLOSERS = frozenset(")]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """Lines that are Python, or at least not IPython's; ``first`` is the number of the first, from 1."""

    text: str
    first: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Special:
    """One use of IPython's syntax.

    Attributes:
        kind: ``magic`` (``%x``), ``shell`` (``!x``), ``capture`` (``!!x``, and ``y = !x``), ``help`` (``x?``), ``cell``
            (``%%x``), ``call`` (``/f a b``, already Python in ``text``).
        name: The magic's name, without percent signs; the question marks of ``help``.
        text: What follows it on its line, continued lines joined.
        first: Its first line in the cell, from 1; ``last``: its last one.
        before: What stands before it on its line: blanks, or the left side of an assignment.
        body: The lines under a cell magic.
    """

    kind: SpecialKind
    name: str
    text: str
    first: int
    last: int
    before: str = ""
    body: str = ""

    @property
    def shown(self) -> str:
        """The whole of it, much as written."""
        signs = {"magic": "%", "shell": "!", "capture": "!" if self.assigned else "!!", "cell": "%%"}
        if self.kind == "help":
            return self.text + self.name
        return (
            f"{signs.get(self.kind, '')}{self.name} {self.text}".strip() if self.name else signs[self.kind] + self.text
        )

    @property
    def is_bare(self) -> bool:
        """Whether there is nothing under a cell magic, not even an empty line."""
        return not self.body and self.first == self.last

    @property
    def assigned(self) -> bool:
        """Whether its value goes into a name."""
        return bool(self.before.strip())


Piece = Plain | Special


def looks_special(cell: str) -> bool:
    """Tell quickly whether a cell may hold IPython's syntax; no means no."""
    return _LOOKS_SPECIAL.search(cell) is not None


def clean(cell: str) -> str:
    """Take away what IPython takes away first: common indentation and pasted prompts; the lines stay."""
    stripped = cell.lstrip("\n")
    text = cell
    if stripped[:1] in {" ", "\t"} or cell.lstrip()[:1] != stripped[:1]:
        text = textwrap.dedent(cell)
    lines = text.split("\n")
    if _CLASSIC_FIRST.search(text):
        inside = string_lines(text)
        lines = [line if n in inside else _CLASSIC_PROMPT.sub("", line, count=1) for n, line in enumerate(lines)]
        return textwrap.dedent("\n".join(lines))
    start = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if any(_IPYTHON_PROMPT.match(line) for line in lines[start : start + 2]):
        return "\n".join(_IPYTHON_PROMPT.sub("", line, count=1) for line in lines)
    return text


def split(cell: str) -> tuple[Piece, ...]:
    """Take a cleaned cell to pieces, in order; together they cover every line."""
    lines = cell.split("\n")
    start = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if lines[start].startswith("%%") and not re.match(r"%%\w+\?", lines[start]):
        name, _, rest = lines[start][2:].rstrip().partition(" ")
        magic = Special(
            kind="cell",
            name=name,
            text=rest.strip(),
            first=start + 1,
            last=len(lines),
            body="\n".join(lines[start + 1 :]),
        )
        return (Plain(text="\n".join(lines[:start]), first=1), magic) if start else (magic,)
    return tuple(_statements(cell, lines))


def _statements(cell: str, lines: list[str]) -> list[Piece]:
    pieces: list[Piece] = []
    plain_from = line = offset = 0
    while line < len(lines):
        special, end = _escaped(lines, line)
        if special is None:
            special, end = _in_statement(cell, lines, line, offset)
        if special is not None:
            if special.first - 1 > plain_from:
                pieces.append(Plain(text="\n".join(lines[plain_from : special.first - 1]), first=plain_from + 1))
            pieces.append(special)
            plain_from = end
        offset += sum(len(text) + 1 for text in lines[line:end])
        line = end
    if plain_from < len(lines):
        pieces.append(Plain(text="\n".join(lines[plain_from:]), first=plain_from + 1))
    return pieces


def _joined(lines: list[str], line: int, column: int) -> tuple[str, int]:
    """Join a line with those it is continued on by backslashes; give the text and the number of the next line."""
    end = line
    while end < len(lines) - 1 and lines[end].endswith("\\"):
        end += 1
    parts = [lines[line][column:], *lines[line + 1 : end + 1]]
    return " ".join([part[:-1] for part in parts[:-1]] + [parts[-1].rstrip()]), end + 1


def _escaped(lines: list[str], line: int) -> tuple[Special | None, int]:
    """Read a line that begins with one of IPython's signs."""
    text = lines[line]
    column = len(text) - len(text.lstrip(" \t\f"))
    sign = text[column : column + 1]
    if sign and sign in "%!?,;/":
        whole, end = _joined(lines, line, column)
        if sign != "?" and (match := _HELP.search(whole)) and _is_whole(whole, match):
            return _help(match, line, end, text[:column]), end
        return _signed(whole, line, end, text[:column]), end
    if sign and _BARE_INSTALL.match(text, column):
        whole, end = _joined(lines, line, column)
        return Special(kind="shell", name="", text=whole, first=line + 1, last=end, before=text[:column]), end
    return None, line + 1


def _is_whole(text: str, match: re.Match[str]) -> bool:
    """Tell whether a question mark is the last thing said, and not inside a comment or a string."""
    tokens, _ = scan(text)
    return len(tokens) > 1 and tokens[-1].text == "?" and match.end() >= tokens[-1].end


def _help(match: re.Match[str], line: int, end: int, before: str) -> Special:
    return Special(kind="help", name=match["marks"], text=match["target"], first=line + 1, last=end, before=before)


def _signed(text: str, line: int, end: int, before: str) -> Special:
    sign, rest = text[:1], text[1:]
    if text[:2] in {"!!", "??"}:
        sign, rest = text[:2], text[2:]
    kind: SpecialKind
    name = ""
    if sign in {"?", "??"}:
        kind, name = "help", sign
    elif sign == "%":
        kind, (name, _, rest) = "magic", rest.partition(" ")
    elif sign in {"!", "!!"}:
        kind = "shell" if sign == "!" else "capture"
    else:
        kind, rest = "call", _quoted_call(sign, rest)
    return Special(
        kind=kind, name=name, text=rest.strip() if kind == "magic" else rest, first=line + 1, last=end, before=before
    )


def _quoted_call(sign: str, rest: str) -> str:
    """Write out ``,f a b`` as ``f("a", "b")``, ``;f a b`` as ``f("a b")`` and ``/f a b`` as ``f(a, b)``."""
    name, _, arguments = rest.partition(" ")
    if sign == ",":
        return name + '("' + '", "'.join(arguments.split()) + '")'
    if sign == ";":
        return f'{name}("{arguments}")'
    return f"{name}({', '.join(arguments.split())})"


def _in_statement(cell: str, lines: list[str], line: int, offset: int) -> tuple[Special | None, int]:
    """Look into one statement of Python for ``x = %magic``, ``x = !command`` and ``x?``."""
    tokens, after = scan(cell, offset)
    closed = after > offset and cell[after - 1] == "\n" and (not tokens or tokens[-1].end < after)
    end = line + cell.count("\n", offset, after) + (0 if closed else 1)
    if not tokens:
        return None, end
    depth = 0
    for token, following in pairwise(tokens):
        if token.text in _OPENERS:
            depth += 1
        elif token.text in _CLOSERS:
            depth = max(0, depth - 1)
        elif token.text == "=" and depth == 0:
            if following.text in {"%", "!"}:
                return _assigned(cell, lines, line, offset, following.start)
            break
    if tokens[-1].text == "?" and (match := _HELP.search(cell[tokens[0].start : tokens[-1].end])):
        before = cell[offset : tokens[0].start].rpartition("\n")[2]
        return _help(match, line, end, before), end
    return None, end


def _assigned(cell: str, lines: list[str], line: int, offset: int, start: int) -> tuple[Special | None, int]:
    at = line + cell.count("\n", offset, start)
    column = start - (cell.rfind("\n", 0, start) + 1)
    whole, end = _joined(lines, at, column)
    before = lines[at][:column]
    if whole[0] == "!":
        return Special(kind="capture", name="", text=whole[1:], first=at + 1, last=end, before=before), end
    name, _, rest = whole[1:].partition(" ")
    if not name.isidentifier():
        return None, end
    return Special(kind="magic", name=name, text=rest, first=at + 1, last=end, before=before), end
