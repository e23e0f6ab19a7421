"""Python that does its best not to arrive: template marks, odd white space, addresses, tags of every kind."""

from __future__ import annotations

import random
from typing import Final

FRAGMENTS: Final = (
    "{{ x }}", "{{1}}", "{{ secret('X') }}", "{{", "}}", "{%", "%}", "{#", "#}", "{% if x %}", "{# gone #}", "{{{",
    "{%-", "-%}", "{% verbatim %}", "{% endverbatim %}", "{%- endverbatim -%}", "{% raw %}a{% endraw %}", "{% raw %}",
    "{% endraw %}", "{%raw%}{{ y }}{%endraw%}", "{{ '{% endverbatim %}' }}", "kestra:///nb/x.csv", "kestra://",
    "nsfile:///a.py", "file:///etc/passwd", '::{"outputs":{"a":1}}::', "##kestra:log:debug##", "\t", " ", "   ",
    "\u0085", "\u2028", "\u2029", "\ufeff", "\xa0", "\u3000", "🎉", "é", "\x1b[31m", "\x7f", "\\", "\\\\", "\\n",
    "\\x7b", "\\N{DASH}", "'", '"', "'''", '"""', "{", "}", "#", "%", "$", "${HOME}", "`id`", "&a", "*a",
    "!!python/object", "<<: *a", "- ", ": ", "|", ">", "---", "...", "\\r\\n", "a" * 300,
)  # fmt: skip
FIXED: Final = (
    "",
    "\n",
    "x = 1",
    "x = 1\n\n\n",
    "\n\nx = 1\n",
    "    \n\t\nx = 1\n",
    '"""A docstring with {{ marks }}."""\nfrom __future__ import annotations\nx: nowhere = 1\n',
    "# -*- coding: utf-8 -*-\nx = 'é'\n",
    "# kestra:///nb/x.csv\nu = 'kestra:///nb/x.csv'\n",
    "if True:\n\tx = 1\t \n\ty = '{{ x }}'   \n",
    "x = '" + "é{{" * 50_000 + "'\n",
    "x = 1\r\ny = '{{ 2 }}'\r\n",
    "x = 1\ry = 2\r",
    "\x0cx = 1\n",
    "{% verbatim %} = 1\n".replace("{% verbatim %}", "x"),
    "x = {{1} <= {1}: '{%s}' % 2}\n",
    "print(f'{{}}', f'{1:{2}}', '{{{0}}}'.format(3))\n",
)  # fmt: skip


def adversarial(count: int, seed: int = 5) -> list[str]:
    """So many scripts that Python compiles, the same for the same seed; the fixed ones first."""
    source = random.Random(seed)  # noqa: S311 - nothing secret
    found = list(FIXED)
    while len(found) < count:
        text = "".join(_statement(source) for _ in range(source.randint(1, 8)))
        if _compiles(text):
            found.append(text)
    return found[:count]


def _statement(source: random.Random) -> str:
    soup = "".join(source.choice(FRAGMENTS) for _ in range(source.randint(1, 12)))
    quote = source.choice(("'''", '"""'))
    return source.choice((
        f"# {soup}\n",
        f"x = {soup!r}\n",
        f"x = r{quote}{soup}{quote}\n",
        f"x = {quote}\n{soup}\n{soup}{quote}\n",
        f"x = f{quote}{soup}{quote}\n",
        f"if x:\n\tx = {soup!r}  \t\n",
        "x = {{1}, {2}}\n".replace("{1}, {2}", "1"),
        "\n",
    ))  # fmt: skip


def _compiles(text: str) -> bool:
    try:
        compile(text, "script", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True
