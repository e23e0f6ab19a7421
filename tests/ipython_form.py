"""A cell in the form that IPython gives it, to be compared with IPython's own."""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any

from kestra_nb.ipython.syntax import Plain, Special, clean, split


def in_ipythons_form(cell: str) -> str:
    """Write the pieces of a cell as IPython writes them."""
    pieces = split(clean(cell))
    return "\n".join(item.text if isinstance(item, Plain) else item.before + as_call(item) for item in pieces)


def as_call(piece: Special) -> str:
    if piece.kind == "call":
        return piece.text
    if piece.kind == "help":
        if not piece.text:
            return "get_ipython().show_usage()"
        name = "pinfo2" if piece.name == "??" else "psearch" if "*" in piece.text else "pinfo"
        return f"get_ipython().run_line_magic({name!r}, {piece.text!r})"
    arguments = {
        "magic": ("run_line_magic", piece.name, piece.text),
        "shell": ("system", piece.text),
        "capture": ("getoutput", piece.text),
        "cell": ("run_cell_magic", piece.name, piece.text, piece.body + "\n"),
    }[piece.kind]
    return f"get_ipython().{arguments[0]}({', '.join(map(repr, arguments[1:]))})"


class Blanks(ast.NodeTransformer):
    """Blanks inside the line of a magic or a command are nobody's business."""

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        if ast.unparse(node.func).startswith("get_ipython()."):
            for argument in node.args:
                if isinstance(argument, ast.Constant):
                    argument.value = " ".join(str(argument.value).split())
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        if isinstance(node.value, str):  # IPython empties lines of blanks, in strings too
            node.value = re.sub(r"(?m)^[ \t]+$", "", node.value)
        return node


def dumped(text: str) -> str | None:
    """Give the tree of a text; None when it is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.dump(Blanks().visit(ast.parse(text)))
    except (SyntaxError, ValueError):
        return None


def of_ipython(cell: str) -> str | None:
    """Give the tree of what IPython makes of a cell; None when it makes no Python."""
    from IPython.core.inputtransformer2 import TransformerManager

    manager: Any = TransformerManager
    try:
        return dumped(manager().transform_cell(cell))
    except (SyntaxError, RuntimeError):
        return None
