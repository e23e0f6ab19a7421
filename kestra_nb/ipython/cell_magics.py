"""Cell magics: the Python that does the same outside a kernel."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from kestra_nb.ipython import text as texts
from kestra_nb.ipython.line_magics import notice_timeit, timeit_arguments
from kestra_nb.ipython.shell import filled
from kestra_nb.ipython.tables import known
from kestra_nb.ipython.text import comment_out, literal, shell_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from kestra_nb.ipython.syntax import Special
    from kestra_nb.ipython.translation import Translation


def translate_cell(special: Special, out: Translation, inner: Callable[[Special], Translation]) -> None:
    """Translate a cell magic with its whole cell.

    Args:
        special: Of kind ``cell``.
        out: What is appended to.
        inner: Translates the body of a magic as Python.
    """
    name = special.name
    if name.startswith("kestra"):
        _body(special, out, inner, f"# %%{name}")
    elif name == "time":
        _time(special, out, inner)
    elif name == "timeit":
        _timeit(special, out, inner)
    elif name == "capture":
        _capture(special, out, inner)
    elif name in known("cell", "measures"):
        _body(special, out, inner, f"# %%{name} {special.text}".rstrip())
        message = f"The script runs what '%%{name}' measures without measuring it."
        out.find("KNB112", "info", message, line=special.first)
    elif name in known("cell", "options"):
        _body(special, out, inner, comment_out(special.shown))
        out.find("KNB105", "info", f"'%%{name}' is left out of the script: it is for the screen.", line=special.first)
    elif name in {"writefile", "file"}:
        _writefile(special, out)
    elif name in known("cell", "programs"):
        _program(special, out)
    else:
        _unknown(special, out)


def _unknown(special: Special, out: Translation) -> None:
    whole = special.shown if special.is_bare else f"{special.shown}\n{special.body}"
    out.add_block(comment_out(whole), special.first)
    if special.name in known("cell", "shows_only"):
        message = f"The '%%{special.name}' cell is left out of the script: it is for the screen."
        out.find("KNB105", "info", message, line=special.first)
        return
    message = f"'%%{special.name}' is no magic that works outside a kernel; the script leaves the cell out."
    hint = "Write the cell in Python, or tag it 'skip'."
    out.find("KNB104", "error", message, line=special.first, hint=hint)


def _body(special: Special, out: Translation, inner: Callable[[Special], Translation], head: str) -> None:
    out.add(head, special.first)
    translated = inner(special)
    out.lines += translated.lines
    out.take(translated)


def _time(special: Special, out: Translation, inner: Callable[[Special], Translation]) -> None:
    out.helpers |= {"_nb_clock", "_nb_took"}
    _body(special, out, inner, "_nb_start = _nb_clock()")
    out.add("_nb_took(_nb_start)", special.last)


def _indented(special: Special, out: Translation, inner: Callable[[Special], Translation], first: str = "") -> None:
    translated = inner(special)
    lines = texts.indent([text for text, _ in translated.lines])
    if first:
        out.add(f"    {first}", special.first)
    out.lines += [(text, line) for text, (_, line) in zip(lines, translated.lines, strict=True)]
    out.take(translated)
    out.add("    pass", special.last)


def _timeit(special: Special, out: Translation, inner: Callable[[Special], Translation]) -> None:
    arguments, setup = timeit_arguments(special.text)
    out.add("def _nb_repeat():", special.first)
    _indented(special, out, inner, setup)
    out.add(f"_nb_timeit(_nb_repeat{arguments})", special.last)
    notice_timeit(special, out)


def _capture(special: Special, out: Translation, inner: Callable[[Special], Translation]) -> None:
    out.helpers.add("_nb_capture")
    parts = special.text.split()
    name = next((word for word in parts if word.isidentifier()), "")
    flags = [f"{kind}=False" for kind, word in (("out", "--no-stdout"), ("err", "--no-stderr")) if word in parts]
    out.add(f"with _nb_capture({', '.join(flags)}){f' as {name}' if name else ''}:", special.first)
    _indented(special, out, inner)


def _writefile(special: Special, out: Translation) -> None:
    parts = shell_words(special.text)
    append = "-a" in parts or "--append" in parts
    paths = [word for word in parts if word not in {"-a", "--append"}]
    if not paths:
        _unknown(special, out)
        return
    out.helpers.add("_nb_write")
    if "{" not in paths[0] and "$" not in paths[0]:
        out.runs.append(("writefile", paths[0], out.at(special.first)))
    _call(special, out, f"_nb_write({filled(paths[0], out)}, ", ', "a")' if append else ")")


def _program(special: Special, out: Translation) -> None:
    parts = shell_words(special.text)
    keep: dict[str, str] = {}
    flags = []
    command = [] if special.name == "script" else [special.name]
    if special.name in {"!", "system", "sx"}:  # these go on when a command fails
        command, flags = ["sh"], ["check=False"]
    queue = iter(parts)
    for word in queue:
        name, equals, value = word.partition("=")
        if name in {"--out", "--err", "--proc"}:
            keep[name.strip("-")] = value if equals else next(queue, "")
        elif word == "--no-raise-error":
            flags.append("check=False")
        elif word == "--bg":
            message = "The script waits for the program: a task has no background."
            out.find("KNB144", "warning", message, line=special.first)
        else:
            command.append(word)
    if not command:
        _unknown(special, out)
        return
    _notice_program(command[0], special, out)
    out.helpers.add("_nb_script")
    names = [keep.get("out", ""), keep.get("err", "")]
    flags += [f"{kind}=True" for kind, name in zip(("out", "err"), names, strict=True) if name]
    before = f"{names[0] or '_'}, {names[1] or '_'} = " if any(names) else ""
    _call(
        special,
        out,
        f"{before}_nb_script({filled(shlex.join(command), out)}, ",
        "".join(f", {flag}" for flag in flags) + ")",
    )


def _notice_program(program: str, special: Special, out: Translation) -> None:
    if program not in {"sh", "bash", "python", "python3"}:
        message = f"The cell needs the program {program!r} where the task runs."
        out.find("KNB111", "info", message, line=special.first, hint="Choose a container image that has it.")


def _call(special: Special, out: Translation, before: str, after: str) -> None:
    """Write a call whose argument is the body, line by line where the text allows it."""
    lines = special.body.split("\n")
    if lines[-1] == "":
        lines = lines[:-1]
    block = texts.block_literal(lines)
    if block is None:
        out.add(before + literal("\n".join(lines) + "\n") + after, special.first)
        return
    out.add_block("\n".join([before + block[0], *block[1:-1]]), special.first)
    out.add(block[-1] + after, special.last)
