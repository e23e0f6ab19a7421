"""Requirements that an author wrote into a file beside the notebook."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement

from kestra_nb import tables
from kestra_nb.ipython import installs
from kestra_nb.model.finding import Finding, Location
from kestra_nb.model.notebook import Declared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Found = tuple[list[Declared], list[Finding]]
COMMENT = re.compile(r"(?:^|\s)#.*$")
HASHES = re.compile(r"\s--hash[= ]\S+")
PIN_ONLY = ("-c", "--constraint")


def read(folder: Path, name: str) -> Found:
    """Read a requirements file (pip's format) or a pyproject.toml.

    A line that does not parse is a finding with its place; the rest is read. ``-r`` is followed inside the folder.

    Args:
        folder: The notebook's folder.
        name: The file's path relative to it.
    """
    found: Found = ([], [])
    if name.endswith(".toml"):
        _pyproject(folder / name, name, found)
    else:
        _requirements(folder, name, found, set())
    return found


def _requirements(folder: Path, name: str, found: Found, seen: set[str]) -> None:
    seen.add(name)
    for number, line in _lines(_text(folder / name)):
        place = Location(path=name, line=number)
        word, _, rest = line.partition(" ")
        if word in {"-r", "--requirement"} or word.startswith("--requirement="):
            nested = (folder / name).parent / (rest or word.partition("=")[2]).strip()
            _nested(folder, nested, found, seen, place)
        elif word in PIN_ONLY or (word.startswith("-") and word not in {"-e", "--editable"}):
            continue
        else:
            _one(line, name, place, found)


def _nested(folder: Path, path: Path, found: Found, seen: set[str], place: Location) -> None:
    try:
        name = path.resolve().relative_to(folder.resolve()).as_posix()
    except (ValueError, OSError, RuntimeError):
        found[1].append(_finding(f"{path.name!r} lies outside the notebook's folder and was not read.", place))
        return
    if name not in seen and path.is_file():
        _requirements(folder, name, found, seen)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Give the logical lines with their numbers: continued lines joined, comments and hashes left out."""
    gathered, first = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        first = first or number
        gathered += COMMENT.sub("", line).rstrip("\\").rstrip() + " "
        if not line.endswith("\\"):
            logical = HASHES.sub("", gathered).strip()
            if logical:
                yield first, logical
            gathered, first = "", 0


def _one(line: str, name: str, place: Location, found: Found) -> None:
    """Read one requirement; what is no PEP 508 line may still be one of pip's forms."""
    origin = name.rpartition("/")[2]
    text = installs.without_credentials(line)
    try:
        requirement = Requirement(_spelled(line, text))
    except InvalidRequirement:
        found[1].append(_finding(f"{text!r} is no requirement that names a distribution (PEP 508).", place))
        return
    found[0].append(Declared(text=text, requirement=requirement, origin=origin, location=place))


def _spelled(line: str, text: str) -> str:
    """Write pip's own forms (``-e``, an address, a wheel's path) as PEP 508; the rest as it is."""
    if not line.startswith("-e ") and "/" not in text.partition("@")[0]:
        return text
    install = installs.read_install(f"pip install {line}")
    return next((wish.requirement for wish in install.wishes if wish.requirement), "") if install is not None else text


def _pyproject(path: Path, name: str, found: Found) -> None:
    text = _text(path)
    try:
        data = tables.parse(text)
        project: Any = data.get("project", {})
        lines = [str(line) for line in project.get("dependencies", ())]
        poetry: Any = data.get("tool", {}).get("poetry", {}).get("dependencies", {})
        lines += [_poetry(key, value) for key, value in poetry.items() if key != "python"]
    except (ValueError, AttributeError, TypeError) as error:
        found[1].append(_finding(f"{name!r} cannot be read: {error}.", Location(path=name)))
        return
    for line in lines:
        bare = re.split(r"[\s<>=!~;\[@]", line, maxsplit=1)[0]
        number = next((count for count, row in enumerate(text.splitlines(), start=1) if bare in row), 1)
        _one(line, name, Location(path=name, line=number), found)


def _poetry(name: str, value: object) -> str:
    """Write Poetry's form as PEP 508; its ``^1.2`` is at least 1.2 and below the next left-most number."""
    version = value.get("version", "*") if isinstance(value, dict) else str(value)
    if version == "*":
        return name
    if version.startswith("^"):
        lower = version[1:]
        parts = lower.split(".")
        place = next((index for index, part in enumerate(parts) if part != "0"), len(parts) - 1)
        upper = ".".join([*parts[:place], str(int(parts[place]) + 1)])
        return f"{name}>={lower},<{upper}"
    if version.startswith("~") and not version.startswith("~="):
        return f"{name}~={version[1:]}.0" if version.count(".") == 0 else f"{name}~={version[1:]}"
    return f"{name}{version}" if version[0] in "<>=!~" else f"{name}=={version}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return ""


def _finding(message: str, place: Location) -> Finding:
    hint = "Write 'name==version' or 'name @ URL'."
    return Finding(code="KNB215", severity="warning", message=message, hint=hint, location=place)
