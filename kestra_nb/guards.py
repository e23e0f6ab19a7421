"""What an ``if`` or a ``try`` around an import says about it.

Tests on version and platform become PEP 508 markers, so that they can be decided for the target.
"""

from __future__ import annotations

import ast

CAUGHT = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
COLAB = ("google.colab", "COLAB_", "IN_COLAB", "ON_COLAB", "is_colab", "in_colab")
NEGATED = {"==": "!=", "!=": "==", ">=": "<", "<": ">=", ">": "<=", "<=": ">"}
OPERATORS = {ast.Eq: "==", ast.NotEq: "!=", ast.GtE: ">=", ast.Lt: "<", ast.Gt: ">", ast.LtE: "<="}
SUBJECTS = {"sys.platform": "sys_platform", "os.name": "os_name", "platform.system()": "platform_system"}


class Guard:
    """What stands around a statement; see ``Import`` for the words."""

    __slots__ = ("fallback_for", "kind", "marker")

    def __init__(self, kind: str = "", marker: str = "", fallback_for: tuple[str, ...] = ()) -> None:
        self.kind = kind
        self.marker = marker
        self.fallback_for = fallback_for

    def of_kind(self, kind: str, fallback_for: tuple[str, ...] = ()) -> Guard:
        """Give the same with another reason."""
        return Guard(kind, self.marker, fallback_for or self.fallback_for)

    def under(self, marker: str) -> Guard:
        """Add one more condition."""
        if not marker:
            return self
        return Guard(self.kind, f"{self.marker} and {marker}" if self.marker else marker, self.fallback_for)


def of_if(test: ast.expr, outer: Guard) -> tuple[Guard, Guard]:
    """Give the guards of the body and of the ``else`` branch."""
    text = ast.unparse(test)
    if text in {"False", "0", "None"}:
        return outer.of_kind("never"), outer
    if text in {"TYPE_CHECKING", "typing.TYPE_CHECKING", "t.TYPE_CHECKING"}:
        return outer.of_kind("TYPE_CHECKING"), outer
    if text in {"not TYPE_CHECKING", "not typing.TYPE_CHECKING"}:
        return outer, outer.of_kind("TYPE_CHECKING")
    if any(word in text for word in COLAB):
        inside = outer.of_kind("colab")
        return (outer, inside) if isinstance(test, ast.UnaryOp) or "not in" in text else (inside, outer)
    marker, otherwise = _markers(test)
    return outer.under(marker), outer.under(otherwise)


def of_try(statement: ast.Try, outer: Guard, tried: tuple[str, ...]) -> tuple[Guard, Guard]:
    """Give the guards of the ``try`` body and of its handlers; ``tried`` are the modules the body imports."""
    handlers = [handler for handler in statement.handlers if catches_import_error(handler.type)]
    if not handlers or not tried:
        return outer, outer
    if any(_gives_up(handler) for handler in handlers):
        return outer, outer
    body = outer if outer.kind else outer.of_kind("try")
    return body, outer.of_kind(outer.kind or "except", tried)


def catches_import_error(kind: ast.expr | None) -> bool:
    """Tell whether an exception clause would catch a failed import."""
    if kind is None:
        return True
    names = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(ast.unparse(name) in CAUGHT for name in names)


def _gives_up(handler: ast.ExceptHandler) -> bool:
    """Tell whether a handler ends the run or installs what is missing: then the import is needed after all."""
    text = ast.unparse(handler)
    if any(word in text for word in ("pip", "sys.exit", "conda")):
        return True
    return any(isinstance(statement, ast.Raise) for statement in handler.body)


def _markers(test: ast.expr) -> tuple[str, str]:
    """Turn a test into a marker and its negation, two empty texts when it is about something else."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        marker, otherwise = _markers(test.operand)
        return otherwise, marker
    if isinstance(test, ast.BoolOp):
        both = [_markers(value) for value in test.values]
        if not all(marker for marker, _ in both):
            return "", ""
        word, opposite = ("and", "or") if isinstance(test.op, ast.And) else ("or", "and")
        return (
            "(" + f" {word} ".join(marker for marker, _ in both) + ")",
            "(" + f" {opposite} ".join(otherwise for _, otherwise in both) + ")",
        )
    if isinstance(test, ast.Call) and ast.unparse(test.func) == "sys.platform.startswith" and test.args:
        value = _text(test.args[0])
        full = {"win": "win32", "lin": "linux"}.get(value[:3], value)
        return _pair("sys_platform", "==", full) if value else ("", "")
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return _comparison(ast.unparse(test.left), OPERATORS.get(type(test.ops[0]), ""), test.comparators[0])
    return "", ""


def _comparison(left: str, operator: str, right: ast.expr) -> tuple[str, str]:
    if left in SUBJECTS and operator in {"==", "!="} and _text(right):
        return _pair(SUBJECTS[left], operator, _text(right))
    if not left.startswith("sys.version_info") or not operator:
        return "", ""
    numbers = right.elts if isinstance(right, ast.Tuple) else [right]
    version = [str(number.value) for number in numbers[:2] if isinstance(number, ast.Constant)]
    if not version:
        return "", ""
    if len(version) == 1 and operator in {"==", "!="}:
        return _pair("python_version", ">=" if (version[0] == "3") == (operator == "==") else "<", "3")
    if isinstance(right, ast.Tuple):  # (3, 8, 0, …) is greater than (3, 8)
        operator = {">": ">=", "<=": "<"}.get(operator, operator)
    return _pair("python_version", operator, ".".join(version))


def _pair(subject: str, operator: str, value: str) -> tuple[str, str]:
    return f"{subject} {operator} {value!r}", f"{subject} {NEGATED[operator]} {value!r}"


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
