"""Text that must pass Kestra's template engine unchanged; the engine itself judges the same forms in tests/kestra."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from kestra_nb.errors import FlowError
from kestra_nb.pebble import decoded, has_marks, is_carried, literal_source, protect, restore

if TYPE_CHECKING:
    from pathlib import Path

MARKED = 'first = 1\nprint(f"{{first}} {%s: 1} {# none #}")\n'
CLOSES = MARKED + 'text = "{% endverbatim %}"\n'
ONE_LINE_RAW = MARKED + "text = '{%- raw -%} {{ x }} {% endraw %}'\n"


@pytest.mark.parametrize("text", ["{{ x }}", "{% if %}", "{# c #}", "f'{{1}}'", "a\n{%", "${#array[@]}"])
def test_marks_are_seen(text: str) -> None:
    assert has_marks(text)


@pytest.mark.parametrize("text", ["{'a': {'b': 1}}", 'f"{x}"', "}}", "${x%.*}", "{ {", "%}"])
def test_what_only_resembles_a_mark_is_none(text: str) -> None:
    assert not has_marks(text)


@pytest.mark.parametrize("passes", [0, 1, 2])
def test_text_without_marks_stays_as_it_is(passes: int) -> None:
    assert protect("x = {'a': {'b': 1}}\n", passes=passes, python=True) == "x = {'a': {'b': 1}}\n"


def test_marks_in_text_that_is_never_rendered_stay() -> None:
    assert protect(MARKED, passes=0, python=True) == MARKED


def test_verbatim_has_no_line_end_beside_its_tags() -> None:
    assert protect(MARKED, passes=1, python=True) == "{% verbatim %}" + MARKED + "{% endverbatim %}"


def test_leading_white_space_stands_before_the_tag_that_would_eat_it() -> None:
    assert protect("\n\t {{ x }}", passes=1, python=False) == "\n\t {% verbatim %}{{ x }}{% endverbatim %}"


def test_a_value_that_is_rendered_twice_gets_its_tags_from_the_first_rendering() -> None:
    assert protect("{{ x }}", passes=2, python=False) == (
        "{{ '{% verbatim %}' }}{% verbatim %}{{ x }}{% endverbatim %}{{ '{% endverbatim %}' }}"
    )


def test_verbatim_inside_needs_no_literal() -> None:
    text = "a = '{% verbatim %}'\nb = '{% raw %}'\nc = '{% endraw %}'\n"
    assert literal_source(protect(text, passes=1, python=True)) is None


@pytest.mark.parametrize("text", [CLOSES, ONE_LINE_RAW, MARKED.replace("\n", "\r\n"), "x = 1\x0c\n", "x = '\x85'\n"])
def test_what_verbatim_or_a_block_cannot_hold_becomes_a_literal(text: str) -> None:
    written = protect(text, passes=1, python=True)
    assert literal_source(written) == text
    assert not has_marks(written)
    assert is_carried(written)


def test_two_renderings_of_python_need_the_literal() -> None:
    assert literal_source(protect(MARKED, passes=2, python=True)) == MARKED


@pytest.mark.parametrize("text", [CLOSES, ONE_LINE_RAW])
def test_other_text_than_python_is_refused_with_what_stands_in_the_way(text: str) -> None:
    with pytest.raises(FlowError, match="template engine cannot be kept") as caught:
        protect(text, passes=1, python=False)
    assert caught.value.code == "KNB402"
    assert "--ship" in caught.value.hint


def test_three_renderings_are_refused() -> None:
    with pytest.raises(FlowError, match="3 renderings"):
        protect("{{ x }}", passes=3, python=False)


@pytest.mark.parametrize(
    "text",
    [
        "# coding: latin-1\nname = 'é'\n",
        "#!/usr/bin/env python\n# -*- coding: ascii -*-\nname = 'é'\n",
        "# vim: set fileencoding=martian :\nx = 1\n",
    ],
)
def test_a_coding_cookie_that_is_not_utf8_needs_the_literal(text: str) -> None:
    assert decoded(text) != text
    assert literal_source(protect(text, passes=1, python=True)) == text


def test_a_coding_cookie_of_utf8_stays() -> None:
    text = "# -*- coding: utf-8 -*-\nname = 'é'\n"
    assert protect(text, passes=1, python=True) == text


def test_half_a_surrogate_pair_cannot_be_written_to_a_file() -> None:
    assert decoded("'\ud800'") is None


def test_a_script_that_is_such_a_literal_itself_travels_as_text() -> None:
    text = protect(CLOSES, passes=1, python=True)
    assert literal_source(protect(text, passes=1, python=True)) == text


def test_the_rows_of_the_literal_are_the_rows_of_the_script() -> None:
    written = protect(CLOSES, passes=1, python=True).split("\n")
    assert [row.removeprefix("_src = '''").replace("\\x7b", "{") for row in written[:3]] == CLOSES.split("\n")[:3]


TORTURE = (
    '"""Doc: \'\'\' {{ x }}"""\n# coding: latin-1\nfrom __future__ import annotations\n'
    "a = '\\\\ {% endverbatim %} {{{{ {#{%' \nb = '''x\\'''\n"
    'c = """kestra:///a \t\r\x0b\x00é\u2028\U0001f600 \'\'\'"""\n\''
)


def handed_to_compile(wrapper: str) -> str:
    """Run the wrapper and give what it hands to ``compile``."""
    handed: list[str] = []

    def listen(source: str, filename: str, mode: str) -> Any:  # noqa: ANN401  as compile itself
        handed.append(source)
        return compile("", filename, mode)

    exec(compile(wrapper, "main.py", "exec"), {"compile": listen, "__file__": "main.py"})  # noqa: S102
    assert len(handed) == 1
    return handed[0]


@pytest.mark.parametrize("text", [TORTURE, CLOSES, "{{'", "{{''", "{{'''", "{{\\", "{{ ", "{{\n\n", "'''\\'''{%"])
def test_compile_gets_the_very_text(text: str) -> None:
    wrapper = protect(text, passes=2, python=True)
    assert handed_to_compile(wrapper) == text
    assert "kestra:/" not in wrapper
    assert not any(row.endswith((" ", "\t")) for row in wrapper.split("\n"))


def run(path: Path, text: str) -> subprocess.CompletedProcess[str]:
    path.write_bytes(text.encode())
    return subprocess.run(
        [sys.executable, path.name], cwd=path.parent, capture_output=True, text=True, encoding="utf-8", check=False
    )


def test_a_literal_runs_as_the_script_would(tmp_path: Path) -> None:
    script = (
        '"""The docstring."""\nfrom __future__ import annotations\nimport inspect\n\n\n'
        'def twice(x: Never) -> str:\n    return f"{{{x}}}" * 2\n\n\n'
        'if __name__ == "__main__":\n    print(__doc__, twice(2), inspect.getsource(twice))\n'
        '    text = "{% endverbatim %}"\n    1 / 0\n'
    )
    plain = run(tmp_path / "main.py", script)
    literal = run(tmp_path / "main.py", protect(script, passes=1, python=True))
    assert literal.stdout == plain.stdout
    assert literal.stdout.startswith("The docstring. {2}{2} def twice")
    assert literal.returncode == plain.returncode == 1
    place = [line for line in plain.stderr.splitlines() if "main.py" in line or "1 / 0" in line]
    assert [line for line in literal.stderr.splitlines() if "main.py" in line or "1 / 0" in line][-2:] == place
    assert "line 13" in place[0]


@pytest.mark.parametrize("passes", [1, 2])
@pytest.mark.parametrize("text", ["{{ x }}", "\n\n {% y %}\n", "no marks", ""])
def test_restore_undoes_protect(text: str, passes: int) -> None:
    assert restore(protect(text, passes=passes, python=False), passes=passes) == text


def test_restore_knows_what_protect_never_writes() -> None:
    assert restore("{{ x }}", passes=1) is None
    assert restore("{% verbatim %}{% endverbatim %}{{ x }}{% endverbatim %}", passes=1) is None
    assert restore("{% verbatim %}", passes=1) is None
    assert restore("{{ x }}", passes=0) == "{{ x }}"


def test_only_a_whole_literal_counts() -> None:
    head, tail = "_src = '''", "'''" + protect(CLOSES, passes=1, python=True).split("'''")[-1]
    assert literal_source(head + "x" + tail) == "x"
    assert literal_source(head + "x") is None
    assert literal_source(head + "x''' + y + '''x" + tail) is None
    assert literal_source(head + "\\N{nothing}" + tail) is None
