"""IPython's syntax → Python, for one cell, with the place of each line.

A transformer of the kit's own: importing IPython costs more than reading a whole notebook, and its transformer forgets
the places of the lines. A test compares the two.
"""

from __future__ import annotations

import ast
import dataclasses
import warnings
from typing import TYPE_CHECKING

from kestra_nb.ipython.syntax import Plain, Special, clean, looks_special, split
from kestra_nb.ipython.text import comment_out
from kestra_nb.ipython.translation import Translation

if TYPE_CHECKING:
    from kestra_nb.model.finding import Location

__all__ = ["Translation", "comment_out", "parse", "translate", "translate_special"]


def translate(cell: str, place: Location) -> Translation:
    """Translate one cell, whose lines end in LF.

    Args:
        cell: The source as written.
        place: Of the cell's first line.

    Returns:
        The same lines when the cell is Python already. What comes back need not be Python when the cell is neither.
    """
    out = Translation(place=place)
    if not looks_special(cell) or (not cell.lstrip().startswith(("%%", "In [")) and parse(cell) is not None):
        out.add_block(cell, 1)
        return out
    for piece in split(clean(cell)):
        if isinstance(piece, Plain):
            out.add_block(piece.text, piece.first)
        else:
            _special(piece, out)
    return out


def translate_special(special: Special, place: Location) -> Translation:
    """Translate one use of IPython's syntax; ``place`` is that of the first line of its cell."""
    out = Translation(place=place)
    _special(special, out)
    return out


def _special(special: Special, out: Translation) -> None:
    if special.kind == "cell":
        from kestra_nb.ipython.cell_magics import translate_cell

        translate_cell(special, out, lambda magic: _inner(magic, out.place))
    else:
        from kestra_nb.ipython.line_magics import translate_line

        translate_line(special, out)


def _inner(magic: Special, place: Location) -> Translation:
    """Translate the body of a cell magic; its line numbers are those of the whole cell."""
    if magic.is_bare:
        return Translation(place=place)
    translated = translate(magic.body, dataclasses.replace(place, line=place.line + magic.first))
    translated.lines = [(part, number + magic.first) for part, number in translated.lines]
    return translated


def parse(text: str) -> ast.Module | None:
    """Parse Python, top-level ``await`` included; None when it is none. Never warns, never raises."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
