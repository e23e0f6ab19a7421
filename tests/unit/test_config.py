"""Settings: layers, checks, and the way into a header and back."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kestra_nb import config, options
from kestra_nb.errors import ConfigError


def test_later_layers_win_and_chosen_ones_are_remembered() -> None:
    settings = config.merged(
        ("pyproject.toml", {"namespace": "team.a", "target-python": "3.12"}),
        chosen=(("header", {"schedule": "@daily"}), ("call", {"namespace": "team.b"})),
    )
    assert (settings.namespace, settings.target_python, settings.schedule) == ("team.b", "3.12", "@daily")
    assert config.remembered(settings) == {"namespace": "team.b", "schedule": "@daily"}


def test_an_unknown_setting_is_refused_with_the_near_miss() -> None:
    with pytest.raises(ConfigError, match=r"'stratgy' in pyproject.toml is no setting.*Did you mean 'strategy'\?"):
        config.merged(("pyproject.toml", {"stratgy": "fresh_venv"}))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("id", 3, "text"),
        ("retry", "3", "a whole number"),
        ("retry", True, "a whole number"),
        ("lock", "yes", "true or false"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(name: str, value: object, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        config.merged(("pyproject.toml", {name: value}))


def test_a_choice_outside_the_list_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'kestra' in call is '1\.2', expected one of 1\.3, 2\.0"):
        config.merged(("call", {"kestra": ["1.2"]}))


def test_a_single_text_may_stand_for_a_list() -> None:
    assert config.merged(("pyproject.toml", {"outputs": "*.csv"})).outputs == ("*.csv",)


def test_settings_come_from_the_environment() -> None:
    found = config.from_environment(
        {
            "KESTRA_NB_NAMESPACE": "team.x",
            "KESTRA_NB_FACTS": "docker=no, uv=yes",
            "KESTRA_NB_LOCK": "1",
            "KESTRA_NB_RETRY": "3",
        }
    )
    assert found == {"namespace": "team.x", "facts": ["docker=no", "uv=yes"], "lock": True, "retry": 3}


def test_facts_are_configured_or_assumed() -> None:
    target = config.target_of(config.merged(("call", {"facts": ["docker=no"]})), notebook_python="3.11")
    assert (target.fact("docker").value, target.fact("docker").source) == (False, "configured")
    assert (target.fact("index").value, target.fact("index").source) == (True, "assumed")
    assert (target.python, target.python_source) == ("3.11", "assumed")


@pytest.mark.parametrize(
    ("text", "says"), [("dcoker=no", "Did you mean 'docker'"), ("docker=maybe", "docker=yes, docker=no")]
)
def test_a_wrong_fact_is_refused(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        config.target_of(config.merged(("call", {"facts": [text]})), notebook_python="3.11")


def test_the_hash_of_settings_changes_with_what_shapes_the_flow_only() -> None:
    plain = config.settings_sha256(config.merged())
    assert config.settings_sha256(config.merged(("call", {"out": "elsewhere", "force": True}))) == plain
    assert config.settings_sha256(config.merged(("call", {"schedule": "@daily"}))) != plain


_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1)
_VALUES = {
    "text": _TEXT,
    "flag": st.booleans(),
    "number": st.integers(0, 9),
    "list": st.lists(_TEXT, min_size=1, max_size=3).map(tuple),
}
_CHOICES = st.fixed_dictionaries(
    {}, optional={name: _VALUES[option.kind] for name, option in config.OPTIONS.items() if not option.choices}
)


@given(_CHOICES)
def test_what_was_chosen_survives_the_way_into_a_header_and_back(values: dict[str, object]) -> None:
    words = shlex.split(shlex.join(config.command_words(values)))
    expected = config.merged(chosen=(("call", values),))
    assert config.merged(chosen=(("header", config.from_words(words, "header")),)) == expected
    parser = options.Parser(prog="kestra-nb")
    options.add_options(parser)
    assert config.merged(chosen=(("call", options.given(parser.parse_args(words))),)) == expected


@pytest.mark.parametrize(
    ("words", "says"), [(["--shedule", "x"], "Did you mean '--schedule'"), (["--schedule"], "has no value")]
)
def test_a_header_that_was_spoilt_is_refused(words: list[str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        config.from_words(words, "the header of x.yaml")
