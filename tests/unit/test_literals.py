"""Values as source: exact, bounded, never a secret."""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import pathlib
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kestra_nb import literals

ATOMS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text() | st.binary()
    | st.dates() | st.times() | st.datetimes() | st.timedeltas() | st.decimals(allow_nan=False) | st.fractions()
    | st.uuids() | st.just(...) | st.builds(range, st.integers(-5, 5)) | st.just(slice(1, None))
)  # fmt: skip
HASHABLE = st.integers() | st.text() | st.booleans() | st.tuples(st.integers(), st.text())
VALUES = st.recursive(
    ATOMS,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.tuples(inner) | st.sets(HASHABLE)
    | st.frozensets(HASHABLE) | st.dictionaries(HASHABLE, inner),
    max_leaves=12,
)  # fmt: skip
MODULES: dict[str, Any] = {
    "datetime": dt, "decimal": decimal, "fractions": fractions, "pathlib": pathlib, "uuid": uuid,
}  # fmt: skip


@given(VALUES)
def test_the_source_gives_the_value_again(value: object) -> None:
    try:
        found = literals.literal("x", value)
    except literals.SecretError:
        return
    again = eval(found.text, {name: MODULES[name] for name in found.modules})  # noqa: S307  what is tested
    assert type(again) is type(value)
    assert repr(again) == repr(value) or again == value


def test_paths_come_back_as_the_path_of_the_platform() -> None:
    found = literals.literal("x", pathlib.Path("a") / "b")
    assert (found.text, found.modules) == ("pathlib.Path('a/b')", frozenset(["pathlib"]))


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (object(), "no plain value"),
        (Text("x"), "no plain value"),
        ([1, object()], "holds an object"),
        ({"a": {1: Text("x")}}, "holds a Text"),
        (list(range(2000)), "too large"),
        ([[0] * 900, [0] * 900], "too large"),
        ("x" * 30_000, "too large"),
        (10**4000, "too large"),
        ([[[[[[[[[[1]]]]]]]]]], "too large"),
    ],
)
def test_what_cannot_be_written(value: object, reason: str) -> None:
    with pytest.raises(literals.NoLiteralError, match=reason):
        literals.literal("x", value)


def test_a_list_in_itself_ends() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(literals.NoLiteralError, match="twice"):
        literals.literal("x", loop)


def test_a_value_without_end_is_not_asked_for_its_text() -> None:
    class Slow:
        def __repr__(self) -> str:
            pytest.fail("asked")

    with pytest.raises(literals.NoLiteralError, match="Slow"):
        literals.literal("x", [Slow()])


@pytest.mark.parametrize(
    "name", ["password", "DB_PASSWORD", "dbPassword", "github_token", "API_KEY", "apiKey", "clientSecret", "auth"]
)
def test_names_of_secrets(name: str) -> None:
    assert literals.names_secret(name)
    with pytest.raises(literals.SecretError):
        literals.literal(name, "abc")


@pytest.mark.parametrize("name", ["tokenizer", "author", "keyboard", "passage", "api", "max_tokens", "compass"])
def test_names_that_only_look_like_it(name: str) -> None:
    assert not literals.names_secret(name)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://me:pw@host/db",
        "-----BEGIN RSA PRIVATE KEY-----\nabc",
        "AKIA" + "A" * 16,
        "ghp_" + "a" * 36,
        "glpat-" + "a" * 20,
        "AIza" + "a" * 35,
        "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x",
    ],
)
def test_texts_of_secrets(text: str) -> None:
    for value in (text, text.encode(), [text], {"a": (text,)}):
        with pytest.raises(literals.SecretError):
            literals.literal("x", value)


def test_secrets_by_key_and_by_the_environment() -> None:
    with pytest.raises(literals.SecretError):
        literals.literal("x", {"password": ["abc"]})
    known = literals.environment_secrets({"MY_TOKEN": "abcdefgh", "HOME": "somewhere", "TOKEN": "short"})
    assert known == {"abcdefgh"}
    with pytest.raises(literals.SecretError):
        literals.literal("x", "Bearer abcdefgh", known)


@pytest.mark.parametrize("value", [12, 1.5, True, None, ""])
def test_a_number_is_no_secret_whatever_its_name(value: object) -> None:
    assert literals.literal("token", value).text == repr(value)
