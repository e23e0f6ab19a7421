from __future__ import annotations

import pytest
import yaml

from kestra_nb.yaml_text import Commented, comment_lines, render, scalar


@pytest.mark.parametrize(
    "text",
    ["python main.py", "PT1H", "Europe/Paris", "ghcr.io/kestra-io/pydata:latest", "pandas==2.3.3", "été", "a{b}, [c]"],
)
def test_what_every_reader_takes_for_a_string_stands_plain(text: str) -> None:
    assert scalar(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "3.10", "yes", "No", "on", "OFF", "y", "n", "true", "null", "1e3", "0o7", "0x1F", "12:30:45", "2026-01-02", "~",
        "", " a", "a ", "a: b", "a #b", "a:", "*.csv", "&a", "!a", "@daily", "`a`", "%a", "- a", "? a", "=", "<<",
        "0 7 * * 1-5", "{{ inputs.x }}", "a {{ b }}", "a {% b %}", "a {# b #}", ".5", "+1", "_1", "$HOME/x",
    ],
)  # fmt: skip
def test_what_a_reader_could_take_for_something_else_is_quoted(text: str) -> None:
    assert scalar(text) == f'"{text}"'


def test_quotes_and_backslashes_stand_in_single_quotes() -> None:
    assert scalar('"$VENV/bin/python" main.py') == "'\"$VENV/bin/python\" main.py'"
    assert scalar("\\d+") == "'\\d+'"


def test_what_yaml_cannot_carry_is_escaped() -> None:
    assert scalar("a\tb\r\n\x85\u2028\ufeff\x1b\ud800\uffff'\"\\") == (
        '"a\\tb\\r\\n\\x85\\u2028\\ufeff\\x1b\\ud800\\uffff\'\\"\\\\"'
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"), (True, "true"), (False, "false"), (3, "3"), (-2.5, "-2.5"), (1e16, "1.0e+16"),
        (1.5e-7, "1.5e-07"),
        (float("inf"), ".inf"), (float("-inf"), "-.inf"), ([], "[]"), ({}, "{}"), ((), "[]"),
    ],
)  # fmt: skip
def test_values_on_one_line(value: object, written: str) -> None:
    text = render({"a": value}).text
    assert text == f"a: {written}\n"
    assert yaml.safe_load(text)["a"] == (list(value) if isinstance(value, tuple) else value)


def test_not_a_number() -> None:
    assert render({"a": float("nan")}).text == "a: .nan\n"


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ("a\nb\n", "|"), ("a\nb", "|-"), ("a\nb\n\n\n", "|+"), ("  a\n", "|2"), ("\n a\n\n", "|2+"),
        ("\ta \n", "|"), ("'a\": b'", "|-"), ("é\U0001f600\n", "|"),
    ],
)  # fmt: skip
def test_text_of_several_lines_is_a_block(text: str, head: str) -> None:
    written = render({"x": {"a": text}, "b": "c"}, blank_lines=True)
    assert written.text.split("\n")[1] == f"  a: {head}"
    assert yaml.safe_load(written.text) == {"x": {"a": text}, "b": "c"}
    first = next(row for row in text.split("\n") if row)
    assert f"    {first}" in written.text.split("\n")
    assert written.blocks == {("x", "a"): 3}


@pytest.mark.parametrize("text", ["a\r\nb\n", "a\x85\n", "\u2028\n", "\ufeffa\n", "\n\n", " \n", "\x1b[0m\n"])
def test_a_block_is_not_used_where_it_would_not_read_back(text: str) -> None:
    written = render({"a": text})
    assert written.blocks == {}
    assert yaml.safe_load(written.text) == {"a": text}


def test_lists_mappings_comments_and_blank_lines() -> None:
    value = {
        "id": "sales",
        "tasks": [{"id": "run", "more": Commented(["a"], "What follows.\nTwo lines\x85."), "in": [[1], [{"b": []}]]}],
        "on": {"key: x": "v"},
        "last": Commented({"k": "v"}, "Here."),
    }
    written = render(value, blank_lines=True).text
    assert written == (
        "id: sales\n"
        "\n"
        "tasks:\n"
        "  - id: run\n"
        "    # What follows.\n"
        "    # Two lines\\x85.\n"
        "    more:\n"
        "      - a\n"
        "    in:\n"
        "      -\n"
        "        - 1\n"
        "      -\n"
        "        - b: []\n"
        "\n"
        '"on":\n'
        '  "key: x": v\n'
        "\n"
        "# Here.\n"
        "last:\n"
        "  k: v\n"
    )
    assert yaml.safe_load(written)["tasks"][0]["in"] == [[1], [{"b": []}]]


def test_no_blank_line_after_text_that_would_swallow_it() -> None:
    written = render({"a": {"b": "x\n\n"}, "c": ["d"]}, blank_lines=True).text
    assert yaml.safe_load(written) == {"a": {"b": "x\n\n"}, "c": ["d"]}


def test_the_same_value_twice_makes_no_anchor() -> None:
    shared = {"type": "x"}
    assert "&" not in render({"a": shared, "b": shared}).text


def test_comment_lines_have_no_blanks_at_their_end() -> None:
    assert comment_lines("a\n\nb") == ["# a", "#", "# b"]
