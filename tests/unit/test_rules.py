"""Kestra's rules: what is refused comes with a valid suggestion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kestra_nb import rules
from kestra_nb.errors import ConfigError


@pytest.mark.parametrize("good", ["sales", "Sales.2026-report_v2", "a" * 100, "7up"])
def test_flow_ids_that_kestra_takes(good: str) -> None:
    assert rules.check_flow_id(good) == good


@pytest.mark.parametrize(
    ("bad", "suggestion"),
    [("_x", "'x'"), ("my flow", "'my_flow'"), ("ä", "'a'"), ("a" * 101, "aaa"), ("pause", "'pause_flow'")],
)
def test_flow_ids_that_kestra_refuses(bad: str, suggestion: str) -> None:
    with pytest.raises(ConfigError) as caught:
        rules.check_flow_id(bad)
    assert suggestion in caught.value.hint


def test_a_namespace_is_lower_case() -> None:
    assert rules.check_namespace("company.team") == "company.team"
    with pytest.raises(ConfigError, match=r"Take 'company\.team_x'"):
        rules.check_namespace("Company.Team X")


@given(st.text())
def test_a_slug_is_always_a_valid_id(text: str) -> None:
    assert rules.FLOW_ID.fullmatch(rules.slug(text))


@pytest.mark.parametrize("good", ["PT1H", "P1D", "P1DT12H", "PT1H30M", "PT0.5S", ""])
def test_durations(good: str) -> None:
    assert rules.check_duration(good) == good


@pytest.mark.parametrize("bad", ["1h", "P", "PT", "PT1X", "3600"])
def test_bad_durations(bad: str) -> None:
    with pytest.raises(ConfigError, match="ISO 8601"):
        rules.check_duration(bad)


@pytest.mark.parametrize(
    ("cron", "runs"),
    [("* * * * *", 43834), ("0 7 * * 1-5", 22), ("0 7 1 * *", 1), ("@daily", 30), ("*/5 8-17 * * *", 3653)],
)
def test_runs_in_a_month_are_counted(cron: str, runs: int) -> None:
    schedule = rules.schedule(cron, "Europe/Paris")
    assert schedule is not None
    assert schedule.runs_per_month == pytest.approx(runs, rel=0.02)


@pytest.mark.parametrize(
    ("cron", "zone", "says"),
    [
        ("every day", "UTC", "no cron"),
        ("0 25 * * *", "UTC", "no cron"),
        ("0 7 * *", "UTC", "no cron"),
        ("@daily", "Paris", "time zone"),
    ],
)
def test_a_bad_schedule_is_refused(cron: str, zone: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        rules.schedule(cron, zone)


def test_no_schedule() -> None:
    assert rules.schedule("", "nowhere") is None


@pytest.mark.parametrize(("text", "fine"), [("team=data", True), ("Team=data", False), ("team", False), ("=x", False)])
def test_labels(text: str, fine: bool) -> None:  # noqa: FBT001
    if fine:
        rules.check_pairs((text,), "label", rules.LABEL_KEY)
        return
    with pytest.raises(ConfigError, match="is no label"):
        rules.check_pairs((text,), "label", rules.LABEL_KEY)


def test_secrets_are_names() -> None:
    rules.check_secrets(("DB_PASSWORD",))
    with pytest.raises(ConfigError, match="never the value"):
        rules.check_secrets(("DB_PASSWORD=hunter2",))


@pytest.mark.parametrize("bad", ["3", "3.12.1", "2.7", "python3"])
def test_bad_target_python(bad: str) -> None:
    with pytest.raises(ConfigError, match=r"of the form 3\.12"):
        rules.check_target_python(bad)
