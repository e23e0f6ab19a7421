"""The functions pasted into scripts stand on their own, whichever of them are chosen."""

from __future__ import annotations

import builtins
import types
from typing import TYPE_CHECKING, get_args

import pytest

from kestra_nb.ipython.helpers import HelperName, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[HelperName, ...] = get_args(HelperName)


def globals_of(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from globals_of(constant)


@pytest.mark.parametrize("name", NAMES)
def test_a_helper_brings_all_it_needs(name: HelperName) -> None:
    text = text_of([name])
    code = compile(text, "helpers", "exec")
    namespace: dict[str, object] = {}
    exec(code, namespace)  # noqa: S102  what is pasted must run
    assert name in namespace
    private = {item for item in globals_of(code) if item.startswith("_") and not item.startswith("__")}
    set_later = {"_exit_code", "_nb_before", "_nb_loop", "_getframe", "_out", "_err"}
    assert private - set_later <= namespace.keys() | set(dir(builtins))


@pytest.mark.parametrize("name", NAMES)
def test_a_helper_hides_no_name_of_the_notebook(name: HelperName) -> None:
    namespace: dict[str, object] = {}
    exec(text_of([name]), namespace)  # noqa: S102
    assert {item for item in namespace if not item.startswith("_")} <= {"display", "get_ipython"}


def test_together_they_stand_once_in_one_order() -> None:
    whole = text_of(NAMES)
    assert whole == text_of(reversed(NAMES))
    assert all(whole.count(f"def {name}(") == 1 for name in NAMES)
    assert whole.index("import ") == 0
    assert text_of([]) == ""


def test_no_marks_of_kestras_template_engine() -> None:
    assert not any(mark in text_of(NAMES) for mark in ("{{", "{%", "{#", "}}", "%}", "kestra:/"))
