"""Text on its way through Kestra's template engine, Pebble.

Kestra renders an input file and a command once, and a value of ``env`` twice. In text that is rendered ``{{ … }}`` is
evaluated, ``{% … %}`` is executed and ``{# … #}`` vanishes; multi-line ``raw`` does not exist. One ``verbatim`` holds
for one pass: white space after its opening tag is dropped, its closing tag cannot stand inside, and the markers of a
``raw`` on one line are taken out of the result. All of this was measured on Kestra 1.3.31 and 2.0.0.
"""

from __future__ import annotations

import ast
import io
import re

from kestra_nb.errors import FlowError

_MARKS = re.compile(r"\{[{%#]")
_OPENING = re.compile(r"\{(?=[{%#])")
_UNPROTECTABLE = re.compile(r"\{%-?\s*endverbatim\s*-?%\}|\{%-*\s*raw\s*-*%\}.*\{%-*\s*endraw\s*-*%\}")
_VERBATIM, _END = "{% verbatim %}", "{% endverbatim %}"
_SHIELD, _END_SHIELD = "{{ '{% verbatim %}' }}", "{{ '{% endverbatim %}' }}"
_QUOTE = re.compile(r"'(?=''|'?\Z)")
_LITERAL = "_src = '''"
_TAIL = """'''
# The text above is the script itself. It stands in a literal because something in it would be changed on its way to the
# task otherwise; the rows of this file are the rows of the script.
__import__("linecache").cache[__file__] = len(_src), None, [row + "\\n" for row in _src.split("\\n")], __file__
exec(compile(_src, __file__, "exec"))
"""
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
    if python and (not is_carried(text) or decoded(text) != text or literal_source(text) is not None):
        return _as_literal(text)
    if passes == 0 or not has_marks(text):
        return text
    tag = _UNPROTECTABLE.search(text)
    if python and (tag is not None or passes > 1):
        return _as_literal(text)
    if tag is None:
        return _as_verbatim(text, passes)
    message = f"The text holds {tag.group()!r}, from which Kestra's template engine cannot be kept."
    raise FlowError(message, hint="Put it into a file beside the notebook and name that with --ship.", code="KNB402")


def restore(text: str, *, passes: int) -> str | None:
    """Give what ``text`` that :func:`protect` wrote is after its renderings; None when it is none of its forms."""
    if passes == 0 or not has_marks(text):
        return text
    inner = text.lstrip()
    head = text[: len(text) - len(inner)]
    opening, closing = _wrappers(passes)
    if inner.startswith(opening) and inner.endswith(closing) and len(inner) >= len(opening) + len(closing):
        body = inner[len(opening) : len(inner) - len(closing)]
        return None if _UNPROTECTABLE.search(body) else head + body
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


def decoded(text: str) -> str | None:
    """Give what Python reads from a UTF-8 file with ``text``, by its coding cookie (PEP 263); None if it cannot."""
    import tokenize

    try:
        data = text.encode()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except (SyntaxError, UnicodeError, LookupError):
        return None


def _wrappers(passes: int) -> tuple[str, str]:
    shields = passes - 1
    if shields > 1:
        message = f"Text with template marks cannot pass {passes} renderings."
        raise FlowError(message, code="KNB402")
    return _SHIELD * shields + _VERBATIM, _END + _END_SHIELD * shields


def _as_verbatim(text: str, passes: int) -> str:
    """Wrap without a line end beside a tag; leading white space, which the opening tag would eat, stands before it."""
    opening, closing = _wrappers(passes)
    body = text.lstrip()
    return text[: len(text) - len(body)] + opening + body + closing


def _as_literal(text: str) -> str:
    body = _QUOTE.sub(r"\\'", text.replace("\\", "\\\\"))
    body = _OPENING.sub(r"\\x7b", body)
    body = re.sub(r"kestra:(?=/)", r"kestra\\x3a", body)
    body = re.sub(r"([ \t])(?=\n|\Z)", lambda blank: f"\\x{ord(blank.group()):02x}", body)
    return _LITERAL + _NOT_CARRIED.sub(_escaped, body) + _TAIL


def _escaped(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004  one byte
