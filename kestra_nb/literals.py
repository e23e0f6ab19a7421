"""Small values written as Python source, bounded in size, and never a secret."""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import itertools
import math
import pathlib
import re
import types
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    _Container = list[object] | tuple[object, ...] | set[object] | frozenset[object] | dict[object, object]

MOST_ITEMS = 1_000
MOST_CHARACTERS = 20_000
MOST_DEPTH = 8
_MOST_BITS = 4_000
_SECRET_WORDS = frozenset(
    ["password", "passwd", "passphrase", "pwd", "secret", "token", "apikey", "credential", "credentials", "auth"]
)
_SECRET_PAIRS = frozenset(
    [("api", "key"), ("access", "key"), ("private", "key"), ("secret", "key"), ("account", "key"), ("signing", "key")]
)
_SECRET_TEXT = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{30,}"
    r"|\b(?:github_pat_|glpat-|hf_|SG\.|AIza)[A-Za-z0-9_.-]{20,}"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|\bsk-[A-Za-z0-9_-]{20,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\."
    r"|(?<![a-z0-9+.-])[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@"
)
_SHORTEST_SECRET = 8
_TOO_LARGE = "is too large to be written into a script"
_TYPES = frozenset(
    [type(None), bool, int, float, complex, str, bytes, list, tuple, set, frozenset, dict, types.EllipsisType, range,
     slice, dt.date, dt.time, dt.datetime, dt.timedelta, decimal.Decimal, fractions.Fraction, uuid.UUID,
     type(pathlib.Path())]
)  # fmt: skip


class NoLiteralError(Exception):
    """The value cannot be written as source; the text says why, to follow ``it``: ``is too large``."""


class SecretError(NoLiteralError):
    """The value looks like a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """A value as source.

    Attributes:
        text: An expression.
        modules: Modules the expression names.
        parts: Identities of the lists, dicts and sets in it, to notice two names that share one.
    """

    text: str
    modules: frozenset[str]
    parts: frozenset[int]


def literal(name: str, value: object, known_secrets: frozenset[str] = frozenset()) -> Literal:
    """Write a value as source.

    Args:
        name: The name it is bound to: one like ``db_password`` makes any text a secret.
        value: Looked at only as far as the bounds go; never asked for its ``repr`` unless of a built-in type.
        known_secrets: Texts that are secret wherever they appear.

    Returns:
        The source, exact for every type it takes.

    Raises:
        SecretError: A name, a key of a dict or the form of a text says that this is a secret.
        NoLiteralError: Another type, too large, or nested in itself.
    """
    writer = _Writer(known_secrets)
    text = writer.write(value, _At(0, names_secret(name)))
    return Literal(text=text, modules=frozenset(writer.modules), parts=frozenset(writer.parts))


def names_secret(name: str) -> bool:
    """Say whether a name is one that people give to secrets: ``dbPassword``, ``API_KEY``, ``github_token``."""
    words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]
    return any(word in _SECRET_WORDS for word in words) or any(
        pair in _SECRET_PAIRS for pair in itertools.pairwise(words)
    )


def holds_secret(text: str) -> bool:
    """Say whether a text has in it the form of a key or a token, or an address with a password."""
    return _SECRET_TEXT.search(text) is not None


def is_literal_type(value: object) -> bool:
    """Say whether the type is one that can be written, whatever its size."""
    return type(value) in _TYPES


@dataclass(frozen=True, slots=True)
class _At:
    """Where in a value the writer is: how deep, and whether a name or a key above says that it is a secret."""

    depth: int
    secret: bool

    def inner(self, *, secret: bool = False) -> _At:
        return _At(self.depth + 1, self.secret or secret)


class _Writer:
    def __init__(self, known_secrets: frozenset[str]) -> None:
        self.known_secrets = known_secrets
        self.modules: set[str] = set()
        self.parts: set[int] = set()
        self.items = 0
        self.characters = 0

    def write(self, value: object, at: _At) -> str:
        self.items += 1
        if not is_literal_type(value):
            message = f"holds {with_article(type(value).__name__)}" if at.depth else "is no plain value"
            raise NoLiteralError(message)
        if self.items > MOST_ITEMS or at.depth > MOST_DEPTH:
            raise NoLiteralError(_TOO_LARGE)
        match value:
            case str() | bytes():
                return self.text(value, at)
            case int() | float() | complex():
                return self.number(value)
            case list() | tuple() | set() | frozenset() | dict():
                return self.container(value, at)
            case pathlib.PurePath():
                self.modules.add("pathlib")
                return f"pathlib.Path({self.text(str(value), at)})"
        return self.plain(value)

    def count(self, characters: int) -> None:
        self.characters += characters
        if self.characters > MOST_CHARACTERS:
            raise NoLiteralError(_TOO_LARGE)

    def text(self, value: str | bytes, at: _At) -> str:
        self.count(len(value))
        plain = value if isinstance(value, str) else value.decode("latin-1")
        known = any(item in plain for item in self.known_secrets)
        if plain and (at.secret or known or holds_secret(plain)):
            message = "looks like a secret"
            raise SecretError(message)
        return repr(value)

    def number(self, value: complex) -> str:
        if isinstance(value, int):
            self.count(value.bit_length() // 3)
            if value.bit_length() > _MOST_BITS:
                raise NoLiteralError(_TOO_LARGE)
            return repr(value)
        if isinstance(value, float):
            return repr(value) if math.isfinite(value) else f'float("{value!r}")'
        return f"complex({self.number(value.real)}, {self.number(value.imag)})"

    def plain(self, value: object) -> str:
        """Write what has an exact ``repr``, with the module in front that it needs."""
        text = repr(value)
        self.count(len(text))
        module = type(value).__module__
        if module == "builtins":
            return text
        self.modules.add(module)
        return text if text.startswith(f"{module}.") else f"{module}.{text}"

    def container(self, value: _Container, at: _At) -> str:
        if len(value) > MOST_ITEMS:
            raise NoLiteralError(_TOO_LARGE)
        if isinstance(value, (list, set, dict)):
            if id(value) in self.parts:
                message = "holds the same list, dict or set twice"
                raise NoLiteralError(message)
            self.parts.add(id(value))
        if isinstance(value, dict):
            return f"{{{', '.join(self.pair(key, item, at) for key, item in value.items())}}}"
        inner = [self.write(item, at.inner()) for item in value]
        match value:
            case list():
                return f"[{', '.join(inner)}]"
            case tuple():
                return f"({inner[0]},)" if len(inner) == 1 else f"({', '.join(inner)})"
        written = f"{{{', '.join(sorted(inner))}}}" if inner else "set()"
        return written if isinstance(value, set) else f"frozenset({written if inner else ''})"

    def pair(self, key: object, item: object, at: _At) -> str:
        secret = isinstance(key, str) and names_secret(key)
        return f"{self.write(key, at.inner())}: {self.write(item, at.inner(secret=secret))}"


def with_article(word: str) -> str:
    """Put ``a`` or ``an`` before a word."""
    return f"{'an' if word[0] in 'aeiouAEIOU' else 'a'} {word}"


def environment_secrets(variables: Mapping[str, str]) -> frozenset[str]:
    """Give the values of environment variables that are named like secrets, long enough to be told apart."""
    return frozenset(
        value for name, value in variables.items() if names_secret(name) and len(value) >= _SHORTEST_SECRET
    )
