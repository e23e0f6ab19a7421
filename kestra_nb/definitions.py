"""Functions and classes of a live process compared with the source that is said to have made them."""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
from typing import TYPE_CHECKING

from kestra_nb import literals, names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

OTHER = "another definition made it"
"""What :func:`differs` answers when the value does not come from this source at all."""

_MOST_STEPS = 40
_CODE_FLAGS = 0x2AF  # varargs, varkeywords, nested, generator, coroutine, async generator
_MISSING = object()

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign


def may_define(binder: names.Binder, value: object) -> bool:
    """Say whether a statement is of the kind that could have made the value."""
    if binder.how == "class":
        return isinstance(value, type) or bool(getattr(binder.node, "decorator_list", ()))
    if binder.how == "def":
        return binder.name == getattr(binder.node, "name", "")
    is_lambda = isinstance(binder.node, ast.Assign) and isinstance(binder.node.value, ast.Lambda)
    return is_lambda and isinstance(value, types.FunctionType)


def differs(node: ast.stmt, value: object, flags: int, *, is_newest: bool) -> str:
    """Say why running ``node`` again would not give ``value``.

    Args:
        node: A ``def``, a ``class``, or the assignment of a ``lambda``.
        value: The live object.
        flags: Compiler flags of the shell that ran it.
        is_newest: Nothing after it is known to have bound the name.

    Returns:
        Nothing when it would, :data:`OTHER` when it was made by something else, else what has changed.
    """
    codes = list(_codes(node, flags))
    if isinstance(node, ast.ClassDef):
        return _class_differs(node, value, codes, is_newest=is_newest)
    name = getattr(node, "name", "<lambda>")
    mine = [code for code in codes if code.co_name == name]
    if isinstance(node, ast.Assign) or not getattr(node, "decorator_list", ()):
        if not isinstance(value, types.FunctionType) or not _any_same(value.__code__, mine):
            return OTHER
        if value.__dict__:
            return f"it carries attributes ({', '.join(sorted(value.__dict__))}) that its source does not set"
        return _defaults_differ(node, value)
    wrapped = [item for item in _functions_in(value) if name in {item.__name__, item.__code__.co_name}]
    if wrapped:
        return "" if any(_any_same(item.__code__, mine) for item in wrapped) else OTHER
    return "" if is_newest else OTHER


def read_at_once(
    tree: ast.Module, star: Callable[[str], frozenset[str] | None], *, lazy_annotations: bool
) -> tuple[str, ...]:
    """Give the names a definition reads when it runs: decorators, defaults, bases, the body of a class."""
    reads = names.free_names(tree, star, lazy_annotations=lazy_annotations)
    return tuple(read.name for read in reads if read.at_once)


def still_default(node: ast.stmt, value: object, name: str, space: Mapping[str, object]) -> bool:
    """Say whether all that a definition took from ``name`` is still what ``name`` is bound to."""
    now = space.get(name)
    if isinstance(node, ast.ClassDef):
        users = [base for base in node.bases if _mentions(base, name)]
        bases = getattr(value, "__bases__", ())
        others = [*node.decorator_list, *node.keywords, *node.body]
        plain = all(isinstance(base, ast.Name) for base in users)
        return plain and now in bases and not any(_mentions(item, name) for item in others)
    pairs = [(text, actual) for text, actual in _defaults(node, value) if _mentions(text, name)]
    other = [*getattr(node, "decorator_list", ())]
    return (
        bool(pairs)
        and not any(_mentions(item, name) for item in other)
        and all(isinstance(text, ast.Name) and _equal(actual, now) for text, actual in pairs)
    )


def source(text: str, node: ast.stmt) -> str:
    """Give the statement's own text, decorators included, moved to the left margin."""
    first = min([node.lineno, *(item.lineno for item in getattr(node, "decorator_list", ()))])
    if isinstance(node, ast.Assign):
        segment = ast.get_source_segment(text, node) or ast.unparse(node)
    else:
        lines = text.splitlines()[first - 1 : node.end_lineno]
        segment = textwrap.dedent("\n".join(lines))
    try:
        again = ast.parse(segment).body
    except SyntaxError:
        return ast.unparse(node)
    return segment if len(again) == 1 and ast.dump(again[0]) == ast.dump(node) else ast.unparse(node)


def _mentions(node: ast.AST, name: str) -> bool:
    return any(isinstance(item, ast.Name) and item.id == name for item in ast.walk(node))


def _equal(one: object, other: object) -> bool:
    if one is other:
        return True
    return literals.is_literal_type(one) and type(one) is type(other) and repr(one) == repr(other)


def _codes(node: ast.stmt, flags: int) -> Iterator[types.CodeType]:
    """Give the code objects of a statement: its own function or class, and, through generics, those in it."""
    module = ast.Module(body=[node], type_ignores=[])
    try:
        code = compile(module, "<cell>", "exec", flags=flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except (SyntaxError, ValueError):
        return
    waiting = [code]
    while waiting:
        for item in waiting.pop().co_consts:
            if isinstance(item, types.CodeType):
                yield item
                if item.co_name.startswith("<generic"):
                    waiting.append(item)


def _any_same(code: types.CodeType, others: Iterable[types.CodeType]) -> bool:
    return any(_same(code, other) for other in others)


def _same(one: types.CodeType, other: types.CodeType) -> bool:
    fields = ("co_code", "co_names", "co_varnames", "co_freevars", "co_cellvars", "co_argcount",
              "co_posonlyargcount", "co_kwonlyargcount")  # fmt: skip
    return (
        all(getattr(one, field) == getattr(other, field) for field in fields)
        and (one.co_flags ^ other.co_flags) & _CODE_FLAGS == 0
        and len(one.co_consts) == len(other.co_consts)
        and all(map(_same_constant, one.co_consts, other.co_consts))
    )


def _same_constant(one: object, other: object) -> bool:
    if isinstance(one, types.CodeType) and isinstance(other, types.CodeType):
        return _same(one, other)
    return type(one) is type(other) and (one == other or repr(one) == repr(other))


def _functions_in(value: object) -> Iterator[types.FunctionType]:
    """Give the functions that a decorator may have wrapped, without running anything of the value's own."""
    waiting: list[object] = [value]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_STEPS:
        item = waiting.pop(0)
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, types.FunctionType):
            yield item
            waiting += [cell.cell_contents for cell in item.__closure__ or () if _is_filled(cell)]
        for name in ("__wrapped__", "__func__", "fget", "func"):
            inner = inspect.getattr_static(item, name, None)
            if isinstance(inner, (types.MemberDescriptorType, types.GetSetDescriptorType)):
                inner = inner.__get__(item, type(item))
            if inner is not None:
                waiting.append(inner)
        inside = inspect.getattr_static(item, "__dict__", None)
        if isinstance(inside, types.GetSetDescriptorType) and not isinstance(item, (type, types.ModuleType)):
            waiting += [part for part in vars(item).values() if callable(part)]


def _is_filled(cell: types.CellType) -> bool:
    try:
        inner = cell.cell_contents
    except ValueError:
        return False
    return callable(inner)


def _defaults(node: ast.stmt, value: object) -> Iterator[tuple[ast.expr, object]]:
    """Give (text, live value) of each default of a function."""
    arguments = node.value.args if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda) else None
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        arguments = node.args
    if arguments is None or not isinstance(value, types.FunctionType):
        return
    yield from zip(arguments.defaults, value.__defaults__ or (), strict=False)
    keywords = value.__kwdefaults__ or {}
    for argument, text in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if text is not None and argument.arg in keywords:
            yield text, keywords[argument.arg]


def _defaults_differ(node: ast.stmt, value: object) -> str:
    for text, actual in _defaults(node, value):
        written = _evaluated(text)
        if written is not _MISSING and not _equal(written, actual):
            return f"its default {ast.unparse(text)} has changed since it was made"
    return ""


def _evaluated(text: ast.expr) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return _MISSING


def _class_differs(node: ast.ClassDef, value: object, codes: list[types.CodeType], *, is_newest: bool) -> str:
    if not isinstance(value, type):
        return "" if node.decorator_list and is_newest else OTHER
    body = next((code for code in codes if code.co_name == node.name), None)
    if value.__name__ != node.name or body is None:
        return OTHER
    methods: dict[str, list[types.CodeType]] = {}
    for item in body.co_consts:
        if isinstance(item, types.CodeType):
            methods.setdefault(item.co_name, []).append(item)
    for item in vars(value).values():
        for function in _functions_in(item):
            if function.__code__.co_name in methods and not _any_same(
                function.__code__, methods[function.__code__.co_name]
            ):
                return OTHER
    plain = [item.name for item in node.body if isinstance(item, ast.FunctionDef) and not item.decorator_list]
    if any(name not in vars(value) for name in plain):
        return OTHER
    changed = _attributes_differ(node, value, methods)
    return changed if is_newest or not changed else OTHER


def _attributes_differ(node: ast.ClassDef, value: type, methods: Mapping[str, object]) -> str:
    """Say which attribute of a plain class is not what its body made of it."""
    written: dict[str, ast.expr | None] = {}
    for binder in names.binders(ast.Module(body=node.body, type_ignores=[])):
        expression = getattr(binder.node, "value", None) if binder.how == "assign" else None
        written[binder.name] = expression
    for key, item in vars(value).items():
        text = written.get(key)
        if text is not None and not node.decorator_list and type(value) is type:
            before = _evaluated(text)
            if before is not _MISSING and not _equal(before, item):
                return f"its attribute '{key}' has changed since it was made"
        later = isinstance(item, types.FunctionType) or literals.is_literal_type(item)
        if _is_plain(node, value) and later and not {key} & (written.keys() | methods.keys()) and key[:2] != "__":
            return f"its attribute '{key}' was set after it was made"
    return ""


def _is_plain(node: ast.ClassDef, value: type) -> bool:
    """Say whether only the body of a class can have made its attributes."""
    hook = inspect.getattr_static(value, "__init_subclass__", None)
    return type(value) is type and not node.decorator_list and hook is vars(object)["__init_subclass__"]
