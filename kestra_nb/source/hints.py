"""Cheap looks at a text that tell whether a costly look is worth while; no means no.

The modules that look closely are imported only when one of these says yes, so that an ordinary notebook pays neither
for their patterns nor for syntax trees.
"""

from __future__ import annotations

import re

_PERSON = (
    "input(", "getpass", "exit(", "quit(", ".show(", "colab", "ipywidgets", "interact", "localhost", "127.0.0.", "open",
     "load", "read", "fromfile", "genfromtxt", "get_ipython", "Out[", "In[", "ipyleaflet", "bqplot", "ipympl",
    "ipycanvas", "anywidget", "ipyvolume",
)  # fmt: skip
_MAY_BE_HISTORY = re.compile(r"(?<![\w.])_(?:\d+|i+|oh|ih|dh|_)?(?!\w)")
_SECRET = (
    "pass", "pwd", "secret", "key", "token", "credential", "conn", "://", "akia", "ghp_", "gho_", "ghu_", "ghs_",
    "ghr_", "github_pat", "glpat", "sk-", "xox", "hf_", "aiza", "begin", "eyj", "sg.",
)  # fmt: skip


def may_need_a_person(text: str) -> bool:
    """Tell whether a cell may do what ``headless`` looks for."""
    return any(hint in text for hint in _PERSON) or ("_" in text and _MAY_BE_HISTORY.search(text) is not None)


def may_hold_secrets(text: str) -> bool:
    """Tell whether a cell may hold what ``secrets`` looks for."""
    lower = text.lower()
    return any(hint in lower for hint in _SECRET)
