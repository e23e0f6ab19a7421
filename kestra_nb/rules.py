"""Kestra's rules for names and times, checked before anything is written.

The patterns are those of Kestra 1.3 and 2.0 (``FlowValidator`` and the flow model's annotations).
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from kestra_nb.errors import ConfigError

if TYPE_CHECKING:
    from kestra_nb.model.plan import Schedule

FLOW_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}")
NAMESPACE = re.compile(r"[a-z0-9][a-z0-9._-]{0,149}")
TASK_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,255}")
INPUT_ID = re.compile(r"[a-zA-Z0-9][.a-zA-Z0-9_-]*")
LABEL_KEY = re.compile(r"[^\W\dA-Z_][\w.-]*")
SECRET_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
DURATION = re.compile(r"P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")
TARGET_PYTHON = re.compile(r"3\.\d{1,2}")
RESERVED_FLOW_IDS = frozenset(
    ["pause", "resume", "force-run", "change-status", "kill", "executions", "search", "source", "disable", "enable"]
)
_NICKNAMES = {
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}  # fmt: skip
_CRON_FIELDS = 5
_COUNT_FROM = datetime(2026, 1, 5, tzinfo=timezone.utc)
_WEEK_DAYS, _YEAR_DAYS = 7, 364
_OFTEN = 100  # runs in a week after which a year tells no more
_MONTH_DAYS = 30.44


def slug(text: str, *, lower: bool = False) -> str:
    """Make a valid id of any text: ``Sales Report (v2).ipynb`` → ``Sales_Report_v2``."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    joined = re.sub(r"[^a-zA-Z0-9]+", "_", plain).strip("_")[:100]
    return (joined.lower() if lower else joined) or "notebook"


def check_flow_id(flow_id: str) -> str:
    """Give the id back when Kestra takes it, else say the rule and a valid one."""
    if not FLOW_ID.fullmatch(flow_id):
        message = f"{flow_id!r} is no flow id: letters, digits, '.', '_' and '-', at most 100, a letter or digit first."
        raise ConfigError(message, hint=f"Take {slug(flow_id)!r}.")
    if flow_id in RESERVED_FLOW_IDS:
        message = f"The flow id {flow_id!r} is reserved by Kestra."
        raise ConfigError(message, hint=f"Take '{flow_id}_flow'.")
    return flow_id


def check_namespace(namespace: str) -> str:
    """Give the namespace back when Kestra takes it, else say the rule and a valid one."""
    if not NAMESPACE.fullmatch(namespace):
        message = (
            f"{namespace!r} is no namespace: lower-case letters, digits, '.', '_' and '-', at most 150, "
            "a letter or digit first."
        )
        parts = [slug(part, lower=True) for part in namespace.split(".") if part]
        raise ConfigError(message, hint=f"Take {'.'.join(parts) or 'company.team'!r}.")
    return namespace


def check_duration(text: str) -> str:
    """Give an ISO 8601 duration back, such as ``PT1H`` or ``P1DT12H``."""
    if text and not DURATION.fullmatch(text):
        message = f"{text!r} is no ISO 8601 duration."
        raise ConfigError(message, hint="One hour and a half is 'PT1H30M'.")
    return text


def check_target_python(text: str) -> str:
    """Give ``3.12`` back, else say what was expected."""
    if text and not TARGET_PYTHON.fullmatch(text):
        message = f"{text!r} is no Python version of the form 3.12."
        raise ConfigError(message, hint="Give major and minor version only.")
    return text


def schedule(cron: str, zone: str) -> Schedule | None:
    """Check a cron expression and its time zone, and count its runs.

    Args:
        cron: Five fields or a nickname such as ``@daily``; empty for none.
        zone: IANA name.

    Returns:
        The schedule, with its runs in an average month counted over up to a year; None without a cron expression.

    Raises:
        ConfigError: The expression or the zone is not valid.
    """
    if not cron.strip():
        return None
    import zoneinfo

    from kestra_nb.model.plan import Schedule

    if zone not in zoneinfo.available_timezones():
        message = f"{zone!r} is no IANA time zone."
        raise ConfigError(message, hint="They look like 'Europe/Paris' or 'UTC'.")
    return Schedule(cron=cron.strip(), timezone=zone, runs_per_month=_runs_per_month(cron.strip()))


def _runs_per_month(cron: str) -> float:
    from cronsim import CronSim, CronSimError

    hint = "Five fields, minute first: '0 7 * * 1-5' is 07:00 on weekdays."
    expression = _NICKNAMES.get(cron, cron)
    message = f"{cron!r} is no cron expression."
    if len(expression.split()) != _CRON_FIELDS:
        raise ConfigError(message, hint=hint)
    try:
        CronSim(expression, _COUNT_FROM)
    except CronSimError:
        raise ConfigError(message, hint=hint) from None
    runs = 0.0
    for days in (_WEEK_DAYS, _YEAR_DAYS):
        end = _COUNT_FROM + timedelta(days=days)
        count = sum(1 for _ in itertools.takewhile(lambda moment: moment < end, CronSim(expression, _COUNT_FROM)))  # noqa: B023  used at once
        runs = count / days * _MONTH_DAYS
        if count >= _OFTEN:
            break
    return runs


def check_pairs(pairs: tuple[str, ...], what: str, key_rule: re.Pattern[str]) -> None:
    """Check texts of the form ``key=value`` whose key Kestra must take."""
    for text in pairs:
        key, equals, _ = text.partition("=")
        if not equals or not key_rule.fullmatch(key):
            message = f"{text!r} is no {what} of the form name=value."
            raise ConfigError(message, hint=f"Kestra takes names such as {slug(key, lower=True)!r}.")


def check_secrets(names: tuple[str, ...]) -> None:
    """Check that each name can be an environment variable."""
    for name in names:
        if not SECRET_NAME.fullmatch(name):
            message = f"{name!r} is no name of a secret: letters, digits and '_', no digit first."
            raise ConfigError(message, hint="Give the name only, never the value.")
