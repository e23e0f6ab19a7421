"""Lines that install something: what they ask for, as requirements.

pip, ``python -m pip``, ``uv pip``, ``uv add``, conda, mamba and micromamba, in every form in which people type them
into cells. The rules are pip's own (its options that take a value, ``#egg=``, direct references of PEP 440) and conda's
match specifications.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from kestra_nb.ipython.tables import known
from kestra_nb.ipython.text import shell_words

Tool = Literal["pip", "conda"]

_PYTHON = (
    r"(?:\"?\{\s*sys\.executable\s*\}\"?|\$\{?sys\.executable\}?|[\w./~-]*python[\d.]*(?:\.exe)?|py(?:[ ]+-3[\d.]*)?)"
)
_COMMAND = re.compile(
    rf"""^\s*(?:sudo\s+(?:-[A-Z]\s+)?)?(?:[A-Z_]+=\S+\s+)*(?:yes\s*\|\s*)?(?:
    (?:{_PYTHON}\s+(?:-\w+\s+)*-m\s+)?(?P<uv>uv)\s+(?:pip\s+)?(?P<uv_verb>install|uninstall|add|remove)
    |(?:{_PYTHON}\s+(?:-\w+\s+)*-m\s+)?(?P<pip>[\w./~-]*pip[\d.]*)\s+(?:-[\w-]+\s+)*(?P<pip_verb>install|uninstall)
    |(?P<conda>conda|mamba|micromamba)\s+(?:-\w\s+\S+\s+)?(?P<conda_verb>install|remove|uninstall)
    )\b""",
    re.VERBOSE,
)
_OTHER_PIP = re.compile(
    rf"^\s*(?:{_PYTHON}\s+-m\s+)?(?:uv\s+)?(?:pip[\d.]*|conda|mamba|micromamba)\s+"
    r"(?:(?:list|freeze|show|check|info|config|cache|search|index|debug|help|env\s+list)\b|--version|-V|--help)"
)
_SEPARATOR = re.compile(r"""('[^']*'|"(?:\\.|[^"\\])*"|\\.)|(&&|\|\||;|\||\n)""")
_COMMENT = re.compile(r"""('[^']*'|"(?:\\.|[^"\\])*")|(?:(?<=\s)|^)\#.*$""")
_REDIRECT = re.compile(r"^(?:&|\d)?>{1,2}&?(?P<where>.*)$")
_CUT_REDIRECT = re.compile(r"(?<=[\w\]])(?:&|\d)?>{1,2}(?!=).*$")
_EGG = re.compile(r"egg=(?P<name>[A-Za-z0-9._-]+(?:\[[\w,. -]+\])?)")
_VCS = re.compile(r"^(?:git|hg|svn|bzr)\+")
_WHEEL = re.compile(
    r"(?P<name>[A-Za-z0-9_.]+)-(?P<version>[0-9][A-Za-z0-9_.!+]*)(?:-\d\w*)?-[\w.]+-[\w.]+-[\w.]+\.whl$"
)
_SDIST = re.compile(r"(?P<name>[A-Za-z0-9_.-]+?)-(?P<version>\d[\w.!+]*)\.(?:tar\.gz|zip|tar\.bz2)$")
_CONDA_SPEC = re.compile(r"^(?:[\w./-]+::)?(?P<name>[A-Za-z0-9_.-]+?)(?P<spec>(?:[=!<>~]=?|==).*)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One thing a line asks for.

    Attributes:
        text: As written, without credentials.
        requirement: The same as PEP 508 text; empty when it names no distribution (``-r file``, ``.``).
        removed: Whether it is to be uninstalled.
        problem: Why it cannot simply be fetched from an index; empty when it can.
    """

    text: str
    requirement: str = ""
    removed: bool = False
    problem: Literal["", "file", "local", "unnamed"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Install:
    """What is to be installed by a line.

    Attributes:
        rest: Commands of the line that are something else, to be kept; empty mostly.
        index: Whether the line names an index of its own.
    """

    tool: Tool
    wishes: tuple[Wish, ...]
    rest: str = ""
    index: bool = False


def read_install(command: str) -> Install | None:
    """Read a shell line, or that of ``%pip`` with the word ``pip`` in front; None when it installs nothing."""
    if "install" not in command and "add" not in command and "remove" not in command:
        return None
    kept: list[str] = []
    wishes: list[Wish] = []
    tool: Tool | None = None
    index = False
    dropping = False
    for part, separator in _parts(command):
        if separator == "|" and dropping:
            continue
        match = _COMMAND.match(part)
        dropping = match is not None
        if match is None:
            if part.strip():
                kept += [separator if kept else "", part.strip()]
            continue
        tool = "conda" if match["conda"] else "pip"
        words = _words(part[match.end() :])
        removed = (match["uv_verb"] or match["pip_verb"] or match["conda_verb"]) in {"uninstall", "remove"}
        read = _conda_wishes(words) if tool == "conda" else _pip_wishes(words)
        wishes += [_removed(wish) for wish in read] if removed else read
        index = index or (
            tool == "pip" and not known("pip", "index_options").isdisjoint(w.partition("=")[0] for w in words)
        )
    if tool is None:
        return None
    return Install(tool=tool, wishes=tuple(wishes), rest=" ".join(part for part in kept if part), index=index)


def only_shows(command: str) -> bool:
    """Tell whether a pip or conda line only shows something (``pip list``)."""
    return _OTHER_PIP.match(command) is not None


def without_credentials(url: str) -> str:
    """Take user name and password out of a URL."""
    return re.sub(r"(?<=//)[^/@\s]+@", "", url)


def _removed(wish: Wish) -> Wish:
    return Wish(text=wish.text, requirement=wish.requirement, removed=True, problem=wish.problem)


def _parts(command: str) -> list[tuple[str, str]]:
    """Split a line at ``&&``, ``||``, ``;`` and ``|``: each command with the sign in front of it."""
    command = _COMMENT.sub(lambda match: match[1] or "", command)
    parts = []
    separator, start = "", 0
    for match in _SEPARATOR.finditer(command):
        if match[2]:
            parts.append((command[start : match.start()], separator))
            separator, start = match[2], match.end()
    parts.append((command[start:], separator))
    return [(text, sign) for text, sign in parts if text.strip()]


def _words(text: str) -> list[str]:
    """Split into words as a shell does, and leave out redirections; ``numpy>=2`` is meant as it is read."""
    words: list[str] = []
    skip = False
    for word in shell_words(text):
        match = _REDIRECT.match(word)
        if skip or word == "&":
            skip = False
        elif match and not match["where"].startswith("="):
            skip = not match["where"]
        else:
            words.append(word if ";" in word or "@" in word else _CUT_REDIRECT.sub(_keep_versions, word))
    return _rejoined(words)


def _keep_versions(match: re.Match[str]) -> str:
    """Keep ``>1.2``, which people write for a version; leave out ``>/dev/null``."""
    return match[0] if re.match(r">\d[\w.*]*$", match[0]) else ""


def _rejoined(words: list[str]) -> list[str]:
    """Join what blanks tore apart: ``numpy == 1.26`` and ``name @ url``."""
    joined: list[str] = []
    for word in words:
        if joined and (
            re.match(r"^(?:[=<>!~]=|[<>])", word) or re.search(r"[=<>!~]=$|[<>@]$", joined[-1]) or word == "@"
        ):
            blank = " " if word == "@" or joined[-1].endswith("@") else ""
            joined[-1] += blank + word
        else:
            joined.append(word)
    return joined


def _pip_wishes(words: list[str]) -> list[Wish]:
    wishes = []
    queue = iter(words)
    for word in queue:
        name, equals, value = word.partition("=")
        if name in {"-r", "--requirement", "--requirements"}:
            wishes.append(Wish(text=f"-r {value or next(queue, '')}", problem="file"))
        elif word.startswith("-r"):
            wishes.append(Wish(text=f"-r {word[2:]}", problem="file"))
        elif name in {"-e", "--editable"}:
            wishes.append(_editable(value or next(queue, "")))
        elif name in known("pip", "value_options"):
            if not equals:
                next(queue, None)
        elif not word.startswith("-") and word != "--":
            wishes.append(_wish(word))
    return wishes


def _editable(target: str) -> Wish:
    wish = _wish(target)
    return Wish(text=f"-e {wish.text}", requirement=wish.requirement, problem=wish.problem)


def _wish(word: str) -> Wish:
    """Read one word of a pip line that is no option."""
    shown = without_credentials(word)
    name, at, url = shown.partition("@")
    if at and "://" in url and "://" not in name and not _VCS.match(name):
        return Wish(text=shown, requirement=f"{name.strip()} @ {url.strip()}")
    if _VCS.match(shown) or "://" in shown:
        return _from_url(shown)
    if shown.startswith((".", "/", "~")) or shown.endswith((".whl", ".tar.gz", ".zip")) or "\\" in shown:
        return _from_path(shown)
    if re.match(r"^[\w.-]+/[\w./-]+$", shown):
        return Wish(text=shown, problem="local")
    return Wish(text=shown, requirement=_spelled(shown))


def _spelled(text: str) -> str:
    """Mend what people write and pip once took: ``numpy=1.26``, a comma at the end."""
    text = text.rstrip(",")
    return re.sub(r"^([A-Za-z0-9._-]+(?:\[[^\]]*\])?)=(?=\d)", r"\1==", text)


def _from_url(url: str) -> Wish:
    bare, _, fragment = url.partition("#")
    file_name = bare.rstrip("/").rpartition("/")[2]
    plain = re.sub(r"@[^/]*$", "", file_name).removesuffix(".git")
    part = re.search(r"subdirectory=[^&]+", fragment)
    problem: Literal["", "unnamed"] = ""
    if match := _EGG.search(fragment) or _WHEEL.search(file_name) or _SDIST.search(file_name):
        name = match["name"]
    elif _VCS.match(url) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", plain):
        name, problem = plain, "unnamed"
    else:
        return Wish(text=url, problem="unnamed")
    return Wish(text=url, requirement=f"{name} @ {bare}{'#' + part[0] if part else ''}", problem=problem)


def _from_path(path: str) -> Wish:
    file_name = path.replace("\\", "/").rstrip("/").rpartition("/")[2]
    if match := _WHEEL.search(file_name) or _SDIST.search(file_name):
        return Wish(text=path, requirement=f"{match['name']}=={match['version']}", problem="local")
    return Wish(text=path, problem="local")


def _conda_wishes(words: list[str]) -> list[Wish]:
    wishes = []
    queue = iter(words)
    for word in queue:
        name, equals, value = word.partition("=")
        if name in {"--file", "-f"}:
            wishes.append(Wish(text=f"-r {value if equals else next(queue, '')}", problem="file"))
        elif name in known("conda", "value_options"):
            if not equals:
                next(queue, None)
        elif not word.startswith("-") and (match := _CONDA_SPEC.match(word)) and not _is_conda_own(match["name"]):
            wishes.append(Wish(text=word, requirement=match["name"] + _conda_version(match["spec"] or "")))
    return wishes


def _is_conda_own(name: str) -> bool:
    return name.lower() in known("conda", "own")


def _conda_version(spec: str) -> str:
    """Write conda's version as PEP 440: ``=1.2`` is ``==1.2.*``, a build after a second ``=`` is left out."""
    if match := re.fullmatch(r"=(?P<version>[\w.+!]+?)(?P<star>\.?\*)?(?:=.*)?", spec):
        return f"=={match['version']}" + ("" if spec.count("=") > 1 and not match["star"] else ".*")
    match = re.fullmatch(r"(?P<version>==[\w.+!*]+)(?:=.*)?", spec)
    return match["version"] if match else spec.partition("|")[0]
