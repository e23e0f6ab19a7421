"""A cell tagged ``parameters`` → the inputs of the flow, and the lines that read them.

Kestra's rules (measured on 1.3 and 2.0): INT is a 32-bit integer and FLOAT a 32-bit float, an input without ``required:
false`` needs a value, and an id is ``[a-zA-Z0-9][.a-zA-Z0-9_-]*``.
"""

from __future__ import annotations

import ast
import datetime as dt
import json
import math
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kestra_nb.model.finding import Finding
from kestra_nb.model.notebook import Parameter
from kestra_nb.source.secrets import SECRET_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kestra_nb.model.notebook import InputType
    from kestra_nb.source.work import Work

_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_]*")
_INT_LIMIT = 2**31
_TYPES: dict[str, InputType] = {
    "bool": "BOOL", "int": "INT", "float": "FLOAT", "str": "STRING", "dict": "JSON", "list": "ARRAY", "tuple": "ARRAY",
    "date": "DATE", "datetime": "DATETIME", "time": "TIME", "Path": "STRING",
}  # fmt: skip
_ITEMS: dict[type, InputType] = {bool: "BOOL", int: "INT", float: "FLOAT", str: "STRING"}
_MADE = {"date": dt.date, "datetime": dt.datetime, "time": dt.time}
#: How a value of ``params.json`` becomes what the notebook works with; others come as they are.
_READ = {
    "bool": "bool({})", "int": "int({})", "float": "float({})", "str": "str({})", "tuple": "tuple({})",
    "date": "_datetime.date.fromisoformat(str({}))", "time": "_datetime.time.fromisoformat(str({}))",
    "datetime": '_datetime.datetime.fromisoformat(str({}).replace("Z", "+00:00")).replace(tzinfo=None)',
    "Path": "_pathlib.Path({})",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The parameters of one cell, the lines to put after it, and what is to be said about them."""

    parameters: tuple[Parameter, ...]
    block: tuple[str, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Value:
    """A default: Kestra's type, the JSON-ready value, the Python type it must become again."""

    type: InputType
    default: object
    python: str
    item_type: InputType | None = None
    note: tuple[str, str] = ("", "")


def find_parameters(work: Work) -> Found:
    """Read a parameters cell. What is named like a secret stays a constant, with no word here."""
    parameters: dict[str, Parameter] = {}
    reads: dict[str, str] = {}
    findings: list[Finding] = []
    for name, node, annotation, value in _assignments(work):
        place = work.place(node)
        if not _ID.fullmatch(name):
            message = f"The parameter {name!r} cannot be a Kestra input: ids begin with a letter or digit, in ASCII."
            findings.append(
                Finding(code="KNB121", severity="warning", message=message, hint="Rename it.", location=place)
            )
            continue
        if SECRET_NAME.search(name):
            continue
        read = _read_value(annotation, value)
        if isinstance(read, str):
            message = f"The parameter {name!r} stays a constant: {read}."
            hint = "Give it a plain value such as a number or a text."
            findings.append(Finding(code="KNB120", severity="warning", message=message, hint=hint, location=place))
            continue
        if read.note[0]:
            message = f"The parameter {name!r} {read.note[1]}."
            findings.append(Finding(code=read.note[0], severity="info", message=message, location=place))
        parameters[name] = Parameter(
            name=name,
            type=read.type,
            default=read.default,
            location=place,
            item_type=read.item_type,
            required=not _is_none(value),
        )
        given = f'_nb_inputs["{name}"]' if value is None else f'_nb_inputs.get("{name}", {name})'
        reads[name] = f"    {name} = {_READ.get(read.python, '{}').format(given)}"
    return Found(parameters=tuple(parameters.values()), block=_block(tuple(reads.values())), findings=tuple(findings))


def _block(reads: tuple[str, ...]) -> tuple[str, ...]:
    if not reads:
        return ()
    modules = [
        name
        for name in ("datetime", "json", "os", "pathlib")
        if any(f"_{name}." in line for line in (*reads, "_json._os."))
    ]
    return (
        "# the inputs of the flow, when Kestra gives some",
        "import " + ", ".join(f"{name} as _{name}" for name in modules),
        'if _os.path.exists("params.json"):',
        '    with open("params.json", encoding="utf-8") as _nb_file:',
        "        _nb_inputs = _json.load(_nb_file)",
        *reads,
    )


def _assignments(work: Work) -> Iterator[tuple[str, ast.stmt, ast.expr | None, ast.expr | None]]:
    """Give name, statement, annotation and value of each assignment to a name."""
    for node in work.tree.body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node, None, node.value
                elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    for name, value in zip(target.elts, node.value.elts, strict=False):
                        if isinstance(name, ast.Name):
                            yield name.id, node, None, value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node, node.annotation, node.value


def _is_none(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _read_value(annotation: ast.expr | None, value: ast.expr | None) -> _Value | str:
    """Give the default of a parameter, or the reason why it can have none."""
    wanted, items = _annotated(annotation)
    if value is None or _is_none(value):
        kind = wanted or "str"
        return _Value(
            type=_TYPES[kind],
            default=None,
            python=kind if value is None else "",
            item_type=items or "STRING" if _TYPES[kind] == "ARRAY" else None,
        )
    try:
        plain = _evaluate(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return "its value is not written out"
    if wanted == "float" and type(plain) is int:
        plain = float(plain)
    return _typed(plain, items)


def _evaluate(node: ast.expr) -> object:
    """Evaluate a literal, or a date written as a call of literals."""
    if isinstance(node, ast.Call) and not node.keywords:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        arguments = [ast.literal_eval(argument) for argument in node.args]
        if name in _MADE:
            return _MADE[name](*arguments)
        if name == "Path" and len(arguments) == 1:
            return _PathText(arguments[0])
    return ast.literal_eval(node)


class _PathText(str):
    """The text inside ``Path(…)``."""

    __slots__ = ()


def _typed(value: object, items: InputType | None) -> _Value | str:
    read = _number(value)
    if read is None:
        read = _collection(value, items) if isinstance(value, (list, tuple, dict)) else _text(value)
    return read


def _number(value: object) -> _Value | str | None:
    if isinstance(value, bool):
        return _Value(type="BOOL", default=value, python="bool")
    if isinstance(value, int):
        return _integer(value)
    return _float(value) if isinstance(value, float) else None


def _text(value: object) -> _Value | str:
    """Read what is a text in JSON: texts, paths, and dates in the form of ISO 8601."""
    if isinstance(value, str):
        return _Value(type="STRING", default=str(value), python="Path" if isinstance(value, _PathText) else "str")
    if isinstance(value, dt.datetime):
        return _Value(type="DATETIME", default=f"{value.isoformat()}Z", python="datetime")
    if isinstance(value, dt.date):
        return _Value(type="DATE", default=value.isoformat(), python="date")
    if isinstance(value, dt.time):
        return _Value(type="TIME", default=value.isoformat(), python="time")
    return f"Kestra has no input type for {type(value).__name__}"


def _integer(value: int) -> _Value:
    if -_INT_LIMIT <= value < _INT_LIMIT:
        return _Value(type="INT", default=value, python="int")
    note = ("KNB122", "becomes an input of type STRING, because Kestra's INT has 32 bits; the script makes it a number")
    return _Value(type="STRING", default=str(value), python="int", note=note)


def _float(value: float) -> _Value | str:
    if not math.isfinite(value):
        return "JSON has no such number"
    if _survives(value):
        return _Value(type="FLOAT", default=value, python="float")
    note = (
        "KNB123",
        "becomes an input of type STRING, because Kestra's FLOAT has 32 bits; the script makes it a number",
    )
    return _Value(type="STRING", default=repr(value), python="float", note=note)


def _survives(value: float) -> bool:
    """Tell whether a number comes back from a 32-bit float that is written with as few digits as Java writes."""
    try:
        single = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return False
    for digits in range(1, 10):
        short = float(f"{single:.{digits}g}")
        if struct.unpack("f", struct.pack("f", short))[0] == single:
            return short == value
    return False  # pragma: no cover  nine digits tell any two 32-bit floats apart


def _collection(
    value: list[object] | tuple[object, ...] | dict[object, object], items: InputType | None
) -> _Value | str:
    try:
        plain = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        return "it holds what JSON cannot"
    python = "tuple" if isinstance(value, tuple) else ""
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            return "the keys of JSON are texts"
        return _Value(type="JSON", default=plain, python="")
    kinds = {type(item) for item in value}
    item_type = items or _item_type(kinds)
    if item_type is None:
        return _Value(type="JSON", default=plain, python=python)
    return _Value(type="ARRAY", default=plain, python=python, item_type=item_type)


def _item_type(kinds: set[type]) -> InputType | None:
    """Give the one Kestra type of the items; None when they need JSON."""
    if not kinds:
        return "STRING"
    if kinds == {int, float}:
        return "FLOAT"
    return _ITEMS.get(next(iter(kinds))) if len(kinds) == 1 else None


def _annotated(annotation: ast.expr | None) -> tuple[str, InputType | None]:
    """Read an annotation: the Python type's name, and the input type of a list's items."""
    if annotation is None:
        return "", None
    text = (
        annotation.value
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str)
        else ast.unparse(annotation)
    )
    names = [name.rpartition(".")[2] for name in re.findall(r"[\w.]+", text)]
    known = [name for name in names if name.lower() in {key.lower() for key in _TYPES}]
    if not known:
        return "", None
    kind = next(key for key in _TYPES if key.lower() == known[0].lower())
    items = _TYPES.get(known[1]) if kind in {"list", "tuple"} and len(known) > 1 else None
    return kind, items
