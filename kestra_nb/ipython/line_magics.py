"""Line magics, shell lines and help: the Python that does the same outside a kernel.

What each magic does is IPython 9's (``IPython/core/magics``). A magic that only shows something to the person at the
screen leaves a comment; one that nobody here knows leaves a comment and a finding.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kestra_nb.ipython.shell import filled, leave_out, shell_line
from kestra_nb.ipython.tables import known, measuring_options
from kestra_nb.ipython.text import literal, shell_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from kestra_nb.ipython.syntax import Special
    from kestra_nb.ipython.translation import Translation

#: What a line asks that gives a value, and what it gives without a kernel.
_VALUES = {"pwd": "__import__('os').getcwd()", "who_ls": "sorted(globals())"}
_AGG = 'import matplotlib; matplotlib.use("Agg")'
_PYLAB = (
    "import numpy; np = numpy\nfrom matplotlib import pylab, mlab, pyplot; plt = pyplot\n"
    "from pylab import *; from numpy import *"
)


def translate_line(special: Special, out: Translation) -> None:
    """Translate anything but a cell magic and append it."""
    if special.kind == "help":
        leave_out(special, out, reason="help is for the screen")
    elif special.kind == "call":
        out.add(special.before + special.text, special.first)
    elif special.kind in {"shell", "capture"}:
        shell_line(special, out, special.text)
    else:
        _magic(special, out)


def _magic(special: Special, out: Translation) -> None:
    name, text = special.name, special.text.strip()
    if name.startswith("kestra"):
        leave_out(special, out)
    elif handler := _HANDLERS.get(name):
        handler(special, out, text)
    elif (options := measuring_options(name)) is not None:
        _measured(special, out, _without_options(text, options))
    elif name in known("line", "shell"):
        shell_line(special, out, f"{name} {text}")
    elif name in known("line", "shows_only") or special.text == "?":
        leave_out(special, out, reason="it is for the screen")
    else:
        leave_out(special, out)
        message = f"'%{name}' is no magic that works outside a kernel; the script leaves it out."
        hint = "Write the line in Python, or tag the cell 'skip'."
        out.find("KNB103", "error", message, line=special.first, hint=hint)


def _value(special: Special, out: Translation, text: str) -> None:  # noqa: ARG001  one form for all
    out.add(f"{special.before}{_VALUES[special.name]}", special.first)


def _install(special: Special, out: Translation, text: str) -> None:
    shell_line(special, out, f"{special.name} {text}")


def _system(special: Special, out: Translation, text: str) -> None:
    shell_line(special, out, text)


def _load_ext(special: Special, out: Translation, text: str) -> None:
    module = text.partition(" ")[0]
    out.runs.append(("extension", module, out.at(special.first)))
    harmless = module in known("extensions", "harmless")
    leave_out(special, out, reason="" if harmless else "an extension needs a kernel")


def _matplotlib(special: Special, out: Translation, text: str) -> None:
    out.runs.append(("matplotlib", text.partition(" ")[0], out.at(special.first)))
    if "--list" in text or text == "-l":
        leave_out(special, out, reason="it is for the screen")
    else:
        out.add(f"{special.before if not special.assigned else ''}{_AGG}  # %matplotlib {text}".rstrip(), special.first)


def _pylab(special: Special, out: Translation, text: str) -> None:
    out.runs.append(("matplotlib", text.partition(" ")[0], out.at(special.first)))
    lines = [_AGG, *_PYLAB.split("\n")]
    if "--no-import-all" in text:
        lines = lines[:-1]
    out.add("\n".join(special.before + line for line in lines), special.first)


def _time(special: Special, out: Translation, text: str) -> None:
    if special.assigned:
        out.helpers.add("_nb_timed")
        out.add(f"{special.before}_nb_timed(lambda: {text})", special.first)
        return
    out.helpers |= {"_nb_clock", "_nb_took"}
    out.add(f"{special.before}_nb_start = _nb_clock()", special.first)
    _statement(text, special.before, special, out)
    out.add(f"{special.before}_nb_took(_nb_start)", special.first)


def _statement(text: str, indent: str, special: Special, out: Translation) -> None:
    """Append a statement that stands behind a magic, and may be another magic."""
    from kestra_nb.ipython import translate

    made = translate(text, out.at(special.first))
    out.take(made)
    lines = [line for line, _ in made.lines]
    if all(line.startswith("#") or not line for line in lines):
        lines.append("pass")
    for line in lines:
        out.add(indent + line, special.first)


def _timeit(special: Special, out: Translation, text: str) -> None:
    arguments, statement = timeit_arguments(text)
    indent = special.before[: len(special.before) - len(special.before.lstrip())]
    out.add(f"{indent}def _nb_repeat():", special.first)
    _statement(statement, f"{indent}    ", special, out)
    out.add(f"{special.before}_nb_timeit(_nb_repeat{arguments})", special.first)
    notice_timeit(special, out)


def notice_timeit(special: Special, out: Translation) -> None:
    """Say that a measurement does not repeat what it measures."""
    out.helpers.add("_nb_timeit")
    message = "The script runs what is measured once only, unless the line says how often."
    out.find("KNB112", "info", message, line=special.first)


def timeit_arguments(text: str) -> tuple[str, str]:
    """Split the line of ``%timeit`` into arguments for the helper and the statement."""
    arguments = ""
    while match := re.match(r"\s*-(?:(?P<name>[nrp])\s*(?P<value>\d+)|(?P<flag>[tcoqv]+))(?=\s|$)\s*", text):
        if match["name"] in {"n", "r"}:
            arguments += f", {'number' if match['name'] == 'n' else 'repeat'}={match['value']}"
        elif "q" in (match["flag"] or ""):
            arguments += ", quiet=True"
        text = text[match.end() :]
    return arguments, text.strip()


def _measured(special: Special, out: Translation, statement: str) -> None:
    if special.assigned:
        out.add(f"{special.before}{statement or 'None'}", special.first)
    else:
        _statement(statement, special.before, special, out)
    message = f"The script runs what '%{special.name}' measures without measuring it."
    out.find("KNB112", "info", message, line=special.first)


def _without_options(text: str, with_value: str) -> str:
    """Take the options in front of a statement away: ``-f name``, ``-q``."""
    while match := re.match(r"\s*-(?P<letter>[A-Za-z])(?P<glued>\S*)\s*", text):
        text = text[match.end() :]
        if match["letter"] in with_value and not match["glued"]:
            text = text.partition(" ")[2]
    return text.strip()


def _cd(special: Special, out: Translation, text: str) -> None:
    out.helpers.add("_nb_cd")
    path = text.removeprefix("-q").strip().strip("'\"")
    out.add(f"{special.before}_nb_cd({filled(path, out) if path else ''})", special.first)


def _popd(special: Special, out: Translation, text: str) -> None:  # noqa: ARG001  one form for all
    out.helpers.add("_nb_cd")
    out.add(f'{special.before}_nb_cd("-")', special.first)


def _env(special: Special, out: Translation, text: str) -> None:
    out.helpers.add("_nb_env")
    name, sign, value = text.partition("=" if "=" in text else " ")
    arguments = ", ".join([literal(name.strip())] * bool(name) + [filled(value.strip(), out)] * bool(sign))
    out.add(f"{special.before}_nb_env({arguments})", special.first)


def _run(special: Special, out: Translation, text: str) -> None:
    parts = shell_words(text)
    flags = ""
    while parts and parts[0].startswith("-"):
        flag = parts.pop(0)
        flags += {"-m": ", module=True", "-i": ", shared=True"}.get(flag, "")
    if not parts:
        leave_out(special, out, reason="it names no script")
        return
    if "module" not in flags and not re.search(r"\.(?:py|ipy|ipynb)$|[{$]", parts[0]):
        parts[0] += ".py"
    out.helpers.add("_nb_run")
    if "module" not in flags:
        _note_run(parts[0], special.first, out)
    arguments = ", ".join(filled(part, out) for part in parts)
    out.add(f"{special.before if not special.assigned else ''}_nb_run({arguments}{flags})", special.first)


def _note_run(path: str, line: int, out: Translation) -> None:
    if "{" in path or "$" in path:
        message = "The path of this '%run' is only known when it runs, so the script it names is not shipped."
        out.find("KNB143", "warning", message, line=line, hint="Write the path out.")
    else:
        out.runs.append(("run", path, out.at(line)))


def _xdel(special: Special, out: Translation, text: str) -> None:
    out.add(f"{special.before}del {text.removeprefix('-n').strip()}", special.first)


def _store(special: Special, out: Translation, text: str) -> None:
    leave_out(special, out, reason="" if "-r" in text else "the script has no store")
    if "-r" in text:
        message = "'%store -r' brings back values that only this machine has."
        hint = "Read them from a file or a parameter instead."
        out.find("KNB103", "error", message, line=special.first, hint=hint)


def _dotenv(special: Special, out: Translation, text: str) -> None:
    given = [word for word in text.split() if not word.startswith("-")]
    override = ", override=True" if re.search(r"(?:^|\s)-(?:o|-override)\b", text) else ""
    path = filled(given[0], out) if given else '".env"'
    out.add(f"{special.before}import dotenv; dotenv.load_dotenv({path}{override})", special.first)


_HANDLERS: dict[str, Callable[[Special, Translation, str], None]] = {
    "pwd": _value, "who_ls": _value, "pip": _install, "conda": _install, "mamba": _install, "micromamba": _install,
    "uv": _install, "sx": _system, "system": _system, "load_ext": _load_ext, "reload_ext": _load_ext,
    "matplotlib": _matplotlib, "pylab": _pylab, "time": _time, "timeit": _timeit, "cd": _cd, "pushd": _cd,
    "popd": _popd, "env": _env, "set_env": _env, "run": _run, "xdel": _xdel, "store": _store, "dotenv": _dotenv,
}  # fmt: skip
