"""For any text: what is written into a flow is what a task gets."""

from __future__ import annotations

import ast
import hashlib
from typing import TYPE_CHECKING, TypeVar

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kestra_nb.check import check
from kestra_nb.emit import content_sha256, emit, header_of
from kestra_nb.errors import FlowError
from kestra_nb.model.flow import PYTHON_COMMANDS, SCRIPT_NAME, Flow, Task, Verbatim
from kestra_nb.pebble import decoded, has_marks, literal_source, protect, restore
from kestra_nb.yaml_text import Commented, render
from tests.samples import case, sample_bundle

if TYPE_CHECKING:
    from collections.abc import Callable

PIECES = [
    "{{", "}}", "{%", "%}", "{#", "#}", "{", "x", "verbatim", "endverbatim", "raw", "endraw", "{% verbatim %}",
    "{% endverbatim %}", "{%-raw -%}", "{% endraw %}", "'", "''", "'''", '"', '"""', "\\", "\\x7b", "\n", "\n\n", "\r",
    "\r\n", "\t", " ", "  \n", ": ", " #", "- ", "#", "|", ">", "&a", "*a", "!", "%", "@", "`", "---", "...", "kestra://",
    "nsfile://", "file://", "\x00", "\x0c", "\x1b", "\x85", "\xa0", "\u2028", "\u2029", "\ufeff", "\ufffe", "é",
    "\u0301", "\U0001f600", "\U0010ffff", "# coding: latin-1", "# -*- coding: utf-8 -*-", "_src = '''", "yes", "1e3",
    'exec(compile(_src, __file__, "exec"))\n',
]  # fmt: skip
adversarial = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
texts = adversarial | st.text(st.characters(exclude_categories=["Cs"])) | st.builds(str.__add__, adversarial, st.text())
names = st.text(st.sampled_from("abyn019_. -:#é{}'\"*"), min_size=1, max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | names, inner, max_size=3),
    max_leaves=8,
)


T = TypeVar("T")


def tried(call: Callable[[], T]) -> T | str:
    """What the call gives, or the code of the error with which it refuses."""
    try:
        return call()
    except FlowError as error:
        return f"refused {error.code}"


def read_back(task: Task) -> dict[str, object]:
    text = emit(Flow(id="a", namespace="b", tasks=(task,))).yaml
    read: dict[str, object] = yaml.safe_load(text.encode())["tasks"][0]
    return read


@given(text=texts)
@example(text="\n {{ '''")
@example(text="  x\n\n\n")
@example(text="\ufeff# coding: cp1252\n{{")
def test_a_script_arrives_at_compile_as_it_was_written(text: str) -> None:
    task = Task(id="run", type=PYTHON_COMMANDS, input_files={SCRIPT_NAME: Verbatim(text, python=True)})
    if text.startswith(("kestra://", "nsfile://", "file://")):
        assert tried(lambda: read_back(task)) == "refused KNB404"
        return
    files = read_back(task)["inputFiles"]
    assert isinstance(files, dict)
    written = files[SCRIPT_NAME]
    source = literal_source(written)
    if source is None:
        rendered = restore(written, passes=1)
        assert rendered is not None
        source = decoded(rendered)
    assert source is not None
    assert hashlib.sha256(source.encode()).digest() == hashlib.sha256(text.encode()).digest()


@given(text=texts, passes=st.sampled_from([1, 2, 5]))
def test_the_literal_holds_nothing_that_anyone_would_change(text: str, passes: int) -> None:
    written = protect("{{" + text, passes=max(passes, 2), python=True)
    assert not has_marks(written)
    assert "kestra:/" not in written
    assert "\r" not in written
    assert all(row == row.rstrip(" \t") for row in written.split("\n"))
    ast.parse(written)
    assert literal_source(written) == "{{" + text


@given(text=texts, passes=st.sampled_from([0, 1, 2]))
def test_other_text_arrives_or_is_refused(text: str, passes: int) -> None:
    written = tried(lambda: protect(text, passes=passes, python=False))
    if written == "refused KNB402":
        assert "endverbatim" in text or "endraw" in text
    else:
        assert restore(written, passes=passes) == text


@given(text=texts)
def test_commands_and_variables_are_read_back_as_they_were_written(text: str) -> None:
    task = Task(id="run", type=PYTHON_COMMANDS, commands=(Verbatim(text),), env={"A": Verbatim(text)})
    read = tried(lambda: read_back(task))
    if isinstance(read, str):
        assert read in {"refused KNB402", "refused KNB404"}
        return
    assert read["commands"] == [protect(text, passes=1, python=False)]
    assert read["env"] == {"A": protect(text, passes=2, python=False)}


@given(value=st.dictionaries(texts | names, values, max_size=4))
def test_any_value_is_read_back_as_it_was_written(value: dict[str, object]) -> None:
    written = render(value).text
    assert yaml.safe_load(written.encode()) == (value or None)
    assert render(value).text == written


@given(text=texts, comment=texts)
def test_a_comment_stays_a_comment(text: str, comment: str) -> None:
    value = {"a": Commented(text, comment), "b": [{"c": Commented({"d": text}, comment)}]}
    written = render(value, blank_lines=True).text
    assert yaml.safe_load(written.encode()) == {"a": text, "b": [{"c": {"d": text}}]}


@given(text=texts.filter(lambda text: not text.startswith(("kestra://", "nsfile://", "file://"))))
@settings(max_examples=50)
def test_a_bundle_of_any_script_is_stable_knows_its_hash_and_passes_the_check(text: str) -> None:
    made = sample_bundle(case(text))
    assert sample_bundle(case(text)).yaml == made.yaml
    assert header_of(made.yaml)["content"] == content_sha256(made.yaml)[:16]
    assert [finding for finding in check(made) if finding.severity == "error"] == []
