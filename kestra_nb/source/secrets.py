"""Secrets written into code: found by the name they are given, or by their own shape; never repeated."""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from typing import TYPE_CHECKING

from kestra_nb.model.finding import Finding
from kestra_nb.source.hints import may_hold_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kestra_nb.source.work import Work

#: What the name of a secret looks like: whole words of snake_case or camelCase.
SECRET_NAME = re.compile(
    r"(?:^|_|(?<=[a-z]))(?:pass(?:word|wd|phrase)?|pwd|secret|(?:api|access|private|secret|auth|account|storage)_?key|"
    r"(?:api|access|auth|bearer|refresh|secret|bot|slack|github|hf|id)_?token|token|credentials?|connection_?string|"
    r"conn_?str)(?:_(?:value|text|id))?$",
    re.IGNORECASE,
)
_SHAPES = re.compile(
    r"AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22,}|glpat-[\w-]{20,}|sk-(?:proj-|ant-)?[A-Za-z0-9_-]{20,}|"
    r"xox[abprs]-[\w-]{10,}|hf_[A-Za-z0-9]{30,}|AIza[\w-]{35}|-----BEGIN [A-Z ]*PRIVATE KEY-----|"
    r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}|SG\.[\w-]{20,}\.[\w-]{20,}"
)
_URL_LOGIN = re.compile(r"\b[a-z][a-z0-9+]*://[^/\s:@{}<>$]+:(?P<password>[^/\s@{}<>$]+)@")
_PLACEHOLDER = re.compile(
    r"x+|\*+|\.+|-+|_+|<.*>|\{.*\}|\[.*\]|\$.*|your.*|my.*|some.*|any.*|change.?me|dummy.*|example.*|test|todo|none|null|"
    r"insert.*|replace.*|fill.*|enter.*|.*here|password|passwd|secret|token|api.?key|key|placeholder|.*\bplease\b.*",
    re.IGNORECASE,
)
_OPEN_NAMES = frozenset({"pass", "password", "passwd", "pwd", "passphrase", "secret"})
_SHORTEST = 8
_LEAST_ENTROPY = 2.8


def find_secrets(works: Sequence[Work]) -> list[Finding]:
    """Look through all cells that are Python."""
    findings = []
    for work in works:
        if work.broken or not may_hold_secrets(work.text):
            continue
        places = set()
        for name, node in _suspects(work.tree):
            place = work.place(node)
            if place.line in places:
                continue
            places.add(place.line)
            what = f"{name!r} holds" if name else "The line holds"
            secret = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name or "NAME").upper()
            hint = f"Read it from os.environ, and give it to the task as {{{{ secret('{secret}') }}}}."
            message = f"{what} what looks like a secret, and it goes into the flow as it is."
            findings.append(Finding(code="KNB125", severity="warning", message=message, hint=hint, location=place))
    return findings


def _suspects(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Give the names and places of literals that look like secrets."""
    for node in ast.walk(tree):
        for name, value in _named(node):
            if SECRET_NAME.search(name) and isinstance(value.value, str) and _is_secret(name, value.value):
                yield name, value
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            login = _URL_LOGIN.search(node.value)
            if _SHAPES.search(node.value) or (login and not _PLACEHOLDER.fullmatch(login["password"])):
                yield "", node


def _named(node: ast.AST) -> Iterator[tuple[str, ast.Constant]]:
    """Give each name with the literal it is given: assignments, arguments, dict items, subscripts, ``_nb_env``."""
    match node:
        case ast.Assign(targets=targets, value=ast.Constant() as value):
            for target in targets:
                yield _target(target), value
        case ast.AnnAssign(target=target, value=ast.Constant() as value):
            yield _target(target), value
        case ast.keyword(arg=str(name), value=ast.Constant() as value):
            yield name, value
        case ast.Dict(keys=keys, values=values):
            for key, item in zip(keys, values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str) and isinstance(item, ast.Constant):
                    yield key.value, item
        case ast.Call(func=ast.Name(id="_nb_env"), args=[ast.Constant(value=str(name)), ast.Constant() as value]):
            yield name, value
        case _:
            return


def _target(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
        case _:
            return ""


def _is_secret(name: str, value: str) -> bool:
    """Tell a secret from a placeholder and from an ordinary word."""
    if not value.strip() or _PLACEHOLDER.fullmatch(value.strip()):
        return False
    last = re.split(r"_|(?<=[a-z])(?=[A-Z])", name)[-1].lower()
    if last in _OPEN_NAMES:
        return True
    return len(value) >= _SHORTEST and not re.search(r"\s", value) and _entropy(value) >= _LEAST_ENTROPY


def _entropy(text: str) -> float:
    """Give Shannon's entropy in bits for each character."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())
