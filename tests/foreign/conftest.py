"""What the foreign notebooks' findings add up to is printed at the end."""

from __future__ import annotations

from collections import Counter

import pytest

SEEN = pytest.StashKey[Counter[str]]()


@pytest.fixture
def seen(pytestconfig: pytest.Config) -> Counter[str]:
    return pytestconfig.stash.setdefault(SEEN, Counter())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    counts = config.stash.get(SEEN, Counter())
    if counts:
        terminalreporter.section("findings by code")
        terminalreporter.write_line("  ".join(f"{code} {count}" for code, count in sorted(counts.items())))
