"""The option that writes golden files; they never write themselves."""

from __future__ import annotations

import os

import pytest

from tests.golden.support import asked_to_update


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the expected files anew (never under CI)")


@pytest.fixture(scope="session")
def update_golden(pytestconfig: pytest.Config) -> bool:
    """Whether expected files are to be written."""
    return asked_to_update(wanted=bool(pytestconfig.getoption("--update-golden")), ci=os.environ.get("CI", ""))
