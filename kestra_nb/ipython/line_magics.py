"""Line magics, shell lines and help: the Python that does the same outside a kernel.

What each magic does is IPython 9's (``IPython/core/magics``). A magic that only shows something to the person at the
screen leaves a comment; one that nobody here knows leaves a comment and a finding.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from kestra_nb.ipython import installs
from kestra_nb.ipython.text import literal
from kestra_nb.model.notebook import Declared

if TYPE_CHECKING:
    from collections.abc import Callable

    from packaging.requirements import Requirement

    from kestra_nb.ipython.syntax import Special
    from kestra_nb.ipython.translation import Translation

#: They show or set something at the screen; without them the script does the same.
SHOWS_ONLY = frozenset(
    "alias alias_magic autoawait autocall automagic autosave bookmark clear cls code_wrap colors config connect_info debug "
    "dhist dirs doctest_mode edit gui hist history killbgscripts less logoff logon logstart logstate logstop lsmagic magic "
    "man more notebook page pastebin pdb pdef pdoc pfile pinfo pinfo2 pprint precision psearch psource pycat qtconsole "
    "quickref rehashx save subshell tb unalias unload_ext who who_ls whos xmode load_ext reload_ext autoreload aimport "
    "watermark skip_traceback nb_black tensorboard pylint flake8_on pycodestyle_on black lab_black blackcellmagic".split()
)
#: What a line asks that gives a value, and what it gives without a kernel.
_VALUES = {"pwd": "__import__('os').getcwd()", "who_ls": "sorted(globals())"}
_SHELL_ALIASES = frozenset("cat cp ldir lf lk ll ls lx mkdir mv rm rmdir touch head tail wget curl git echo".split())
#: Measuring magics that run a statement, with the options of each that take a value.
_MEASURES = {
    "prun": "lsTD", "lprun": "fmDTusz", "mprun": "fTc", "memit": "rtic", "scalene": "", "pyinstrument": "", "heat": "o",
    "snakeviz": "f", "viztracer": "p",
}  # fmt: skip
HARMLESS_EXTENSIONS = frozenset(
    "autoreload autotime line_profiler memory_profiler nb_black lab_black jupyter_black black tensorboard watermark "
    "pycodestyle_magic snakeviz ipython_autotime jupyter_ai_magics google.colab.data_table storemagic cudf.pandas "
    "heat scalene pyinstrument jupyterlab_pygments kestra_nb".split()
)
_AGG = 'import matplotlib; matplotlib.use("Agg")'
_PYLAB = (
    "import numpy; np = numpy\nfrom matplotlib import pylab, mlab, pyplot; plt = pyplot\n"
    "from pylab import *; from numpy import *"
)


def translate_line(special: Special, out: Translation) -> None:
    """Translate anything but a cell magic and append it."""
    if special.kind == "help":
        leave_out(special, out, f"{special.text}{special.name}", reason="help is for the screen")
    elif special.kind == "call":
        out.add(special.before + special.text, special.first)
    elif special.kind in {"shell", "capture"}:
        _shell(special, out, special.text)
    else:
        _magic(special, out)


def leave_out(special: Special, out: Translation, what: str, *, reason: str, quiet: bool = False) -> None:
    """Leave a comment where something stood that the script does without."""
    comment = "# " + what.replace("\n", " ").strip()
    if special.assigned:
        out.add(f"{special.before}None  {comment}", special.first)
    elif special.before:
        out.add(f"{special.before}pass  {comment}", special.first)
    else:
        out.add(comment, special.first)
    if not quiet:
        out.find("KNB105", "info", f"{_short(what)!r} is left out of the script: {reason}.", line=special.first)


def filled(text: str, out: Translation) -> str:
    """Give a literal of a text into which IPython would put Python values, wrapped in the helper when it would."""
    if "{" not in text and "$" not in text:
        return literal(text)
    out.helpers.add("_nb_fill")
    return f"_nb_fill({literal(text)})"


def _short(text: str) -> str:
    first = " ".join(text.split())
    return first if len(first) <= 60 else first[:57] + "..."


# --- shell lines ----------------------------------------------------------------------------------------------------


def _shell(special: Special, out: Translation, command: str) -> None:
    install = installs.read_install(command)
    if install is not None:
        declare(install, special.first, out)
        if not install.rest:
            leave_out(special, out, "!" + _without_secrets(command), reason="", quiet=True)
            return
        command = install.rest
    elif installs.only_shows(command):
        leave_out(special, out, "!" + command, reason="it only shows what is installed")
        return
    _notice_programs(command, special.first, out)
    call = "_nb_lines" if special.assigned else "_nb_sh"
    out.helpers.add("_nb_lines" if special.assigned else "_nb_sh")
    out.add(f"{special.before}{call}({literal(command.strip())})", special.first)


def _without_secrets(command: str) -> str:
    return installs.without_credentials(command.strip())


def _notice_programs(command: str, line: int, out: Translation) -> None:
    if match := re.match(r"\s*(?:sudo\s+)?(apt(?:-get)?|yum|dnf|apk|brew)\s+(?:-\S+\s+)*(?:install|add)\b", command):
        message = f"The line installs system packages with {match[1]!r} at every run, which needs root on the worker."
        out.find("KNB110", "warning", message, line=line, hint="Put them into the container image instead.")


def declare(install: installs.Install, line: int, out: Translation) -> None:
    """Take what a line installs as requirements of the notebook."""
    for wish in install.wishes:
        requirement = _parsed(wish.requirement)
        out.declared.append(
            Declared(
                text=wish.text,
                requirement=requirement,
                origin=f"{install.tool} line",
                location=out.at(line),
                removed=wish.removed,
            )
        )
        if wish.problem == "local":
            message = f"{wish.text!r} is a path on this machine, which a Kestra worker does not have."
            out.find("KNB107", "warning", message, line=line, hint="Publish it, or name its URL.")
        elif requirement is None and wish.problem != "file":
            message = f"{wish.text!r} does not say which distribution it installs (PEP 508)."
            out.find("KNB106", "warning", message, line=line, hint="Write 'name==version' or 'name @ URL'.")
    if install.index:
        message = "The line installs from an index of its own."
        out.find("KNB108", "info", message, line=line, hint="Kestra's workers need that index, and its credentials, too.")


def _parsed(text: str) -> Requirement | None:
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415  only when a line installs

    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


# --- magics ---------------------------------------------------------------------------------------------------------


def _magic(special: Special, out: Translation) -> None:
    name, text = special.name, special.text.strip()
    whole = f"%{name} {text}".strip()
    if name.startswith("kestra"):
        leave_out(special, out, whole, reason="", quiet=True)
    elif handler := _HANDLERS.get(name):
        handler(special, out, text)
    elif name in _MEASURES:
        _measured(special, out, _without_options(text, _MEASURES[name]))
    elif name in _SHELL_ALIASES:
        _shell(special, out, f"{name} {text}")
    elif name in SHOWS_ONLY or special.text == "?":
        leave_out(special, out, whole, reason="it is for the screen")
    else:
        leave_out(special, out, whole, reason="", quiet=True)
        message = f"'%{name}' is no magic that works outside a kernel; the script leaves it out."
        hint = "Write the line in Python, or tag the cell 'skip'."
        out.find("KNB103", "error", message, line=special.first, hint=hint)


def _value(special: Special, out: Translation, text: str) -> None:  # noqa: ARG001  one form for all
    out.add(f"{special.before}{_VALUES[special.name]}", special.first)


def _install(special: Special, out: Translation, text: str) -> None:
    _shell(special, out, f"{special.name} {text}")


def _system(special: Special, out: Translation, text: str) -> None:
    _shell(special, out, text)


def _load_ext(special: Special, out: Translation, text: str) -> None:
    module = text.split(" ")[0]
    out.runs.append(("extension", module, out.at(special.first)))
    quiet = module in HARMLESS_EXTENSIONS
    leave_out(special, out, f"%{special.name} {text}", reason="an extension needs a kernel", quiet=quiet)


def _matplotlib(special: Special, out: Translation, text: str) -> None:
    out.runs.append(("matplotlib", text.split(" ")[0], out.at(special.first)))
    if "--list" in text or text == "-l":
        leave_out(special, out, f"%matplotlib {text}", reason="it is for the screen")
    else:
        out.add(f"{special.before if not special.assigned else ''}{_AGG}  # %matplotlib {text}".rstrip(), special.first)


def _pylab(special: Special, out: Translation, text: str) -> None:
    out.runs.append(("matplotlib", text.split(" ")[0], out.at(special.first)))
    lines = [_AGG, *_PYLAB.split("\n")]
    if "--no-import-all" in text:
        lines = lines[:-1]
    out.add("\n".join(special.before + line for line in lines), special.first)


def _time(special: Special, out: Translation, text: str) -> None:
    if special.assigned:
        out.helpers.add("_nb_timed")
        out.add(f"{special.before}_nb_timed(lambda: {text})", special.first)
    else:
        out.helpers |= {"_nb_clock", "_nb_took"}
        indent = special.before
        out.add(f"{indent}_nb_start = _nb_clock()\n{indent}{text or 'pass'}\n{indent}_nb_took(_nb_start)", special.first)


def _timeit(special: Special, out: Translation, text: str) -> None:
    arguments, statement = timeit_arguments(text)
    indent = re.match(r"[ \t\f]*", special.before)[0] if special.assigned else special.before  # type: ignore[index]
    out.add(f"{indent}def _nb_repeat():\n{indent}    {statement or 'pass'}", special.first)
    call = f"_nb_timeit(_nb_repeat{arguments})"
    out.add(f"{special.before}{call}", special.first)
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
    out.add(f"{special.before}{statement or ('None' if special.assigned else 'pass')}", special.first)
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


def _env(special: Special, out: Translation, text: str) -> None:
    out.helpers.add("_nb_env")
    name, sign, value = (part.strip() for part in text.partition("=" if "=" in text else " "))
    arguments = ", ".join([literal(name)] * bool(name) + [filled(value, out)] * bool(sign))
    out.add(f"{special.before}_nb_env({arguments})", special.first)


def _run(special: Special, out: Translation, text: str) -> None:
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    flags = ""
    while words and words[0].startswith("-"):
        flag = words.pop(0)
        flags += {"-m": ", module=True", "-i": ", shared=True"}.get(flag, "")
    if not words:
        leave_out(special, out, f"%run {text}", reason="it names no script")
        return
    if "module" not in flags and not re.search(r"\.(?:py|ipy|ipynb)$|[{$]", words[0]):
        words[0] += ".py"
    out.helpers.add("_nb_run")
    if "module" not in flags:
        _note_run(words[0], special.first, out)
    arguments = ", ".join(filled(word, out) for word in words)
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
    leave_out(special, out, f"%store {text}", reason="the script has no store", quiet="-r" in text)
    if "-r" in text:
        message = "'%store -r' brings back values that only this machine has."
        hint = "Read them from a file or a parameter instead."
        out.find("KNB103", "error", message, line=special.first, hint=hint)


def _dotenv(special: Special, out: Translation, text: str) -> None:
    words = [word for word in text.split() if not word.startswith("-")]
    override = ", override=True" if re.search(r"(?:^|\s)-(?:o|-override)\b", text) else ""
    path = filled(words[0], out) if words else '".env"'
    out.add(f"{special.before}import dotenv; dotenv.load_dotenv({path}{override})", special.first)


_HANDLERS: dict[str, Callable[[Special, Translation, str], None]] = {
    "pwd": _value, "who_ls": _value, "pip": _install, "conda": _install, "mamba": _install, "micromamba": _install,
    "uv": _install, "sx": _system, "system": _system, "load_ext": _load_ext, "reload_ext": _load_ext,
    "matplotlib": _matplotlib, "pylab": _pylab, "time": _time, "timeit": _timeit, "cd": _cd, "env": _env,
    "set_env": _env, "run": _run, "xdel": _xdel, "store": _store, "dotenv": _dotenv,
}  # fmt: skip
