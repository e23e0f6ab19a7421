"""Shell lines, and what they install."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kestra_nb.ipython import installs
from kestra_nb.ipython.text import comment_out, literal
from kestra_nb.model.notebook import Declared

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from kestra_nb.ipython.syntax import Special
    from kestra_nb.ipython.translation import Translation

#: How much of a line a message repeats.
_SHOWN = 60


def shell_line(special: Special, out: Translation, command: str) -> None:
    """Translate a shell command; what it installs becomes requirements."""
    install = installs.read_install(command)
    if install is not None:
        declare(install, special.first, out)
        if not install.rest:
            leave_out(special, out)
            return
        command = install.rest
    elif installs.only_shows(command):
        leave_out(special, out, reason="it only shows what is installed")
        return
    _notice_programs(command, special.first, out)
    call = "_nb_lines" if special.assigned else "_nb_sh"
    out.helpers.add("_nb_lines" if special.assigned else "_nb_sh")
    out.add(f"{special.before}{call}({filled(command.strip(), out)})", special.first)


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
        out.find(
            "KNB108", "info", message, line=line, hint="Kestra's workers need that index, and its credentials, too."
        )


def _parsed(text: str) -> Requirement | None:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def leave_out(special: Special, out: Translation, *, reason: str = "") -> None:
    """Leave a comment where something stood that the script does without; a finding too when a reason is given."""
    what = installs.without_credentials(special.shown.replace("\n", " "))
    comment = comment_out(what)
    if special.assigned:
        out.add(f"{special.before}None  {comment}", special.first)
    elif special.before:
        out.add(f"{special.before}pass  {comment}", special.first)
    else:
        out.add(comment, special.first)
    if reason:
        out.find("KNB105", "info", f"{_short(what)!r} is left out of the script: {reason}.", line=special.first)


def filled(text: str, out: Translation) -> str:
    """Give a literal of a text into which IPython would put Python values, wrapped in the helper when it would."""
    if "{" not in text and "$" not in text:
        return literal(text)
    out.helpers.add("_nb_fill")
    return f"_nb_fill({literal(text)})"


def _short(text: str) -> str:
    whole = " ".join(text.split())
    return whole if len(whole) <= _SHOWN else whole[: _SHOWN - 3] + "..."
