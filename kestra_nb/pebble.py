"""Text on its way through Kestra's template engine, Pebble.

Kestra renders an input file and a command once, and a value of ``env`` twice (measured on 1.3.31 and 2.0.0). In text
that is rendered ``{{ … }}`` is evaluated, ``{% … %}`` is executed and ``{# … #}`` vanishes; multi-line ``raw`` does not
exist, ``verbatim`` protects one pass, and markers of a one-line ``raw`` are taken out of the result as well.
"""

from __future__ import annotations

import ast
import re

from kestra_nb.errors import FlowError

_MARKS = re.compile(r"\{[{%#]")
_OPENING = re.compile(r"\{(?=[{%#])")
_TAG_OF_TEXT = re.compile(r"\{%-?\s*(?:end)?(?:verbatim|raw)\b")
_COOKIE = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_VERBATIM, _END = "{% verbatim %}", "{% endverbatim %}"
_SHIELD, _END_SHIELD = "{{ '{% verbatim %}' }}", "{{ '{% endverbatim %}' }}"
_LITERAL = "_src = '''"
_TAIL = """'''
# The text above is the script itself. It stands in a literal because Kestra would read something in it as its own;
# the rows of this file and of the script are the same.
__import__("linecache").cache[__file__] = len(_src), None, [row + "\\n" for row in _src.split("\\n")], __file__
exec(compile(_src, __file__, "exec"))
"""
_UTF8 = frozenset({"utf-8", "utf8", "utf-8-sig", "ascii", "us-ascii"})
#: What a YAML literal block carries unchanged, by PyYAML's and SnakeYAML's readers alike. U+0085, U+2028 and U+2029
#: are line ends to one of them, U+FEFF may be dropped; what is left out besides is not printable in YAML 1.1.
_CARRIED = re.compile(
    "[\\t\\n\\x20-\\x7e\\xa0-\\u2027\\u202a-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd\\U00010000-\\U0010ffff]*"
)
_NOT_CARRIED = re.compile(f"[^{_CARRIED.pattern[1:-2]}]")


def has_marks(text: str) -> bool:
    """Whether Pebble would find something of its own in ``text``."""
    return _MARKS.search(text) is not None


def is_carried(text: str) -> bool:
    """Whether a YAML literal block brings ``text`` over as it is, character by character."""
    return _CARRIED.fullmatch(text) is not None


def protect(text: str, *, passes: int, python: bool) -> str:
    """Write ``text`` so that it is ``text`` again after Pebble has rendered it ``passes`` times.

    Text without marks stays as it is; text that ``verbatim`` can hold is wrapped in it; other Python source becomes a
    literal that is compiled, whose rows are the rows of the source. Python source that a YAML literal block or Python's
    own decoding of the file would change becomes a literal as well.

    Args:
        text: What must arrive.
        passes: How often the slot is rendered, 0 for never.
        python: Whether it is Python source.

    Raises:
        FlowError: Text that is not Python holds tags of ``verbatim`` or ``raw`` itself.
    """
    if python and (not is_carried(text) or _is_decoded_otherwise(text)):
        return _as_literal(text)
    if passes == 0 or not has_marks(text):
        return text
    if _TAG_OF_TEXT.search(text) is None and (passes == 1 or not python):
        return _as_verbatim(text, passes)
    if python:
        return _as_literal(text)
    tag = _TAG_OF_TEXT.search(text)
    shown = tag.group() if tag else ""
    message = f"The text holds the template tag {shown!r}, which Kestra cannot be told to leave alone."
    raise FlowError(message, hint="Keep that text in a file that the flow uploads.", code="KNB402")


def restore(text: str, *, passes: int) -> str | None:
    """Give what a task receives for ``text`` that :func:`protect` wrote; None when it is none of its forms."""
    source = literal_source(text)
    if source is not None:
        return source
    if passes == 0 or not has_marks(text):
        return text
    head = text[: len(text) - len(text.lstrip("\n"))]
    opening, closing = _wrappers(passes)
    inner = text[len(head) :]
    if inner.startswith(opening) and inner.endswith(closing) and len(inner) >= len(opening) + len(closing):
        body = inner[len(opening) : len(inner) - len(closing)]
        return None if _TAG_OF_TEXT.search(body) else head + body
    return None


def literal_source(text: str) -> str | None:
    """Give the source that a literal written by :func:`protect` hands to ``compile``; None for any other text."""
    if not (text.startswith(_LITERAL) and text.endswith(_TAIL)):
        return None
    literal = text[len(_LITERAL) - 3 : len(text) - len(_TAIL) + 3]
    try:
        source = ast.literal_eval(literal)
    except (SyntaxError, ValueError):
        return None
    return source if isinstance(source, str) else None


def _wrappers(passes: int) -> tuple[str, str]:
    shields = passes - 1
    if shields > 1:
        message = f"Text with template marks cannot pass {passes} renderings."
        raise FlowError(message, code="KNB402")
    return _SHIELD * shields + _VERBATIM, _END + _END_SHIELD * shields


def _as_verbatim(text: str, passes: int) -> str:
    """Wrap without a line end beside a tag, so that it does not matter whether the engine trims one."""
    opening, closing = _wrappers(passes)
    body = text.lstrip("\n")
    return text[: len(text) - len(body)] + opening + body + closing


def _is_decoded_otherwise(text: str) -> bool:
    """Whether a coding cookie (PEP 263) makes Python read the file, which Kestra writes as UTF-8, as other text."""
    if text.isascii():
        return False
    for line in text.split("\n", 2)[:2]:
        cookie = _COOKIE.match(line)
        if cookie is not None:
            return cookie.group(1).lower().replace("_", "-") not in _UTF8
        if line.strip(" \t\f") and not line.lstrip(" \t\f").startswith("#"):
            return False
    return False


def _as_literal(text: str) -> str:
    body = text.replace("\\", "\\\\").replace("'''", "''\\'")
    if body.endswith("'"):
        body = body[:-1] + "\\'"
    body = _OPENING.sub(r"\\x7b", body)
    body = re.sub(r"kestra:(?=/)", r"kestra\\x3a", body)
    body = re.sub(r"([ \t])(?=\n|\Z)", lambda blank: f"\\x{ord(blank.group()):02x}", body)
    return _LITERAL + _NOT_CARRIED.sub(_escaped, body) + _TAIL


def _escaped(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004  one byte
