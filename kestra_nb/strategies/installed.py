"""The generated check of what is installed, run before the script where somebody else decides about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from kestra_nb.model.dependency import Lock


def check_lock(lock: Lock) -> str:
    """Give the check of a whole lock; a pin with a marker may rightly be absent and is left out."""
    return check_installed({pin.name: pin.version for pin in lock.pins if not pin.marker})


def check_installed(expected: Mapping[NormalizedName, Version]) -> str:
    """Give a Python text (3.8 and later, standard library alone) that compares and stops with one sentence.

    Args:
        expected: Version by normalised name, what the flow was made for.
    """
    rows = "".join(f"    {name!r}: {str(version)!r},\n" for name, version in sorted(expected.items()))
    return TEMPLATE.replace("    'name': 'version',\n", rows)


TEMPLATE = '''\
"""Stops the run when the installed versions are not those this flow was made for. Written by kestra-nb."""

import re
import sys
from importlib.metadata import PackageNotFoundError, version

EXPECTED = {
    'name': 'version',
}


def spelled(text):
    """One spelling for 1.0-RC1 and 1.0rc1, 2024.07.04 and 2024.7.4."""
    text = re.sub(r"[-_.]?(a|b|rc|post|dev)[-_.]?(?=[0-9])", r".\\1", text.lower())
    return re.sub(r"(?<![0-9a-z])0+(?=[0-9])", "", text)


def differences():
    for name, expected in EXPECTED.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            yield name + " " + expected + " is not installed"
            continue
        if spelled(found) != spelled(expected):
            yield name + " is " + found + ", expected " + expected


if problems := list(differences()):
    sys.exit("kestra-nb: main.py was not started: " + "; ".join(problems))
'''
