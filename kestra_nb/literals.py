"""Small values written as Python source, bounded in size, and never a secret."""

from __future__ import annotations

import datetime
import decimal
import fractions
import math
import pathlib
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
    r"|\bxox[abpr]-[A-Za-z0-9-]{10,}"
    r"|\bsk-[A-Za-z0-9_-]{20,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\."
    r"|[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@"
)
_SHORTEST_SECRET = 8


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
    text = writer.write(value, names_secret(name), 0)
    return Literal(text=text, modules=frozenset(writer.modules), parts=frozenset(writer.parts))


def names_secret(name: str) -> bool:
    """Say whether a name is one that people give to secrets: ``dbPassword``, ``API_KEY``, ``github_token``."""
    words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]
    return any(word in _SECRET_WORDS for word in words) or any(pair in _SECRET_PAIRS for pair in zip(words, words[1:]))


def is_literal_type(value: object) -> bool:
    """Say whether the type is one that can be written, whatever its size."""
    return value is None or type(value) in _WRITERS


class _Writer:
    def __init__(self, known_secrets: frozenset[str]) -> None:
        self.known_secrets = known_secrets
        self.modules: set[str] = set()
        self.parts: set[int] = set()
        self.items = 0
        self.characters = 0

    def write(self, value: object, secret: bool, depth: int) -> str:  # noqa: FBT001
        self.items += 1
        write = _WRITERS.get(type(value))
        if write is None:
            message = f"holds {with_article(type(value).__name__)}" if depth else "is no plain value"
            raise NoLiteralError(message)
        if self.items > MOST_ITEMS or depth > MOST_DEPTH:
            message = "is too large to be written into a script"
            raise NoLiteralError(message)
        text = write(self, value, secret, depth)
        return text

    def count(self, characters: int) -> None:
        self.characters += characters
        if self.characters > MOST_CHARACTERS:
            message = "is too large to be written into a script"
            raise NoLiteralError(message)

    def holds(self, value: object) -> None:
        if id(value) in self.parts:
            message = "holds the same list, dict or set twice"
            raise NoLiteralError(message)
        self.parts.add(id(value))


def with_article(word: str) -> str:
    """Put ``a`` or ``an`` before a word."""
    return f"{'an' if word[0] in 'aeiouAEIOU' else 'a'} {word}"


def _text(writer: _Writer, value: str | bytes, secret: bool, depth: int) -> str:  # noqa: ARG001, FBT001
    writer.count(len(value))
    plain = value if isinstance(value, str) else value.decode("latin-1")
    known = any(item in plain for item in writer.known_secrets)
    if plain and (secret or known or _SECRET_TEXT.search(plain)):
        message = "looks like a secret"
        raise SecretError(message)
    return repr(value)


def _integer(writer: _Writer, value: int, secret: bool, depth: int) -> str:  # noqa: ARG001, FBT001
    writer.count(value.bit_length() // 3)
    if value.bit_length() > _MOST_BITS:
        message = "is too large to be written into a script"
        raise NoLiteralError(message)
    return repr(value)


def _float(writer: _Writer, value: float, secret: bool, depth: int) -> str:  # noqa: ARG001, FBT001
    return repr(value) if math.isfinite(value) else f'float("{value!r}")'


def _complex(writer: _Writer, value: complex, secret: bool, depth: int) -> str:
    return f"complex({_float(writer, value.real, secret, depth)}, {_float(writer, value.imag, secret, depth)})"


def _plain(writer: _Writer, value: object, secret: bool, depth: int) -> str:  # noqa: ARG001, FBT001
    return repr(value)


def _sequence(writer: _Writer, value: list[object] | tuple[object, ...], secret: bool, depth: int) -> str:
    if isinstance(value, list):
        writer.holds(value)
    inner = [writer.write(item, secret, depth + 1) for item in _bounded(value)]
    if isinstance(value, list):
        return f"[{', '.join(inner)}]"
    return f"({inner[0]},)" if len(inner) == 1 else f"({', '.join(inner)})"


def _set(writer: _Writer, value: set[object] | frozenset[object], secret: bool, depth: int) -> str:
    if isinstance(value, set):
        writer.holds(value)
    inner = ", ".join(sorted(writer.write(item, secret, depth + 1) for item in _bounded(value)))
    if isinstance(value, frozenset):
        return f"frozenset({{{inner}}})" if inner else "frozenset()"
    return f"{{{inner}}}" if inner else "set()"


def _dict(writer: _Writer, value: dict[object, object], secret: bool, depth: int) -> str:
    writer.holds(value)
    pairs = []
    for key, item in _bounded(value).items():
        hidden = secret or (isinstance(key, str) and names_secret(key))
        pairs.append(f"{writer.write(key, False, depth + 1)}: {writer.write(item, hidden, depth + 1)}")  # noqa: FBT003
    return f"{{{', '.join(pairs)}}}"


def _bounded(value):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    if len(value) > MOST_ITEMS:
        message = "is too large to be written into a script"
        raise NoLiteralError(message)
    return value


def _call(module: str) -> Callable[[_Writer, object, bool, int], str]:
    def write(writer: _Writer, value: object, secret: bool, depth: int) -> str:  # noqa: ARG001, FBT001
        writer.modules.add(module)
        text = repr(value)
        writer.count(len(text))
        return text if text.startswith(f"{module}.") else f"{module}.{text}"

    return write


def _path(writer: _Writer, value: pathlib.Path, secret: bool, depth: int) -> str:
    writer.modules.add("pathlib")
    return f"pathlib.Path({_text(writer, str(value), secret, depth)})"


_WRITERS: Mapping[type, Callable[[_Writer, object, bool, int], str]] = {
    type(None): _plain,
    bool: _plain,
    int: _integer,
    float: _float,
    complex: _complex,
    str: _text,
    bytes: _text,
    list: _sequence,
    tuple: _sequence,
    set: _set,
    frozenset: _set,
    dict: _dict,
    type(Ellipsis): _plain,
    range: _plain,
    slice: _plain,
    datetime.date: _call("datetime"),
    datetime.time: _call("datetime"),
    datetime.datetime: _call("datetime"),
    datetime.timedelta: _call("datetime"),
    decimal.Decimal: _call("decimal"),
    fractions.Fraction: _call("fractions"),
    uuid.UUID: _call("uuid"),
    type(pathlib.Path()): _path,
}  # type: ignore[dict-item]


def environment_secrets(variables: Mapping[str, str]) -> frozenset[str]:
    """Give the values of environment variables that are named like secrets, long enough to be told apart."""
    return frozenset(
        value for name, value in variables.items() if names_secret(name) and len(value) >= _SHORTEST_SECRET
    )
