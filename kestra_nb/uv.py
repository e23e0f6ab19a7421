"""uv as the resolver: the only way to an index for locks."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from packaging.version import Version

from kestra_nb import tables
from kestra_nb.errors import ResolveError
from kestra_nb.model.dependency import LockedFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from packaging.utils import NormalizedName

    from kestra_nb.model.plan import Target

SECONDS = 600
USERINFO = re.compile(r"(?<=//)[^/@\s]+@")
UNREACHABLE = re.compile(
    "error sending request|dns error|Failed to fetch|Could not connect|timed out|network was disabled"
)
YANKED = r"warning: `([^`=\[]+)[^`]*` is yanked(?: \(reason: \"?(.*?)\"?\))?\s"
DRAWING = re.compile(r"^[\s\u00d7\u2500-\u25ff]*(?:error:|hint:)?\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One ``[[packages]]`` of the ``pylock.toml`` that uv writes; addresses are without credentials.

    ``yanked``: the reason why the index took the version back (PEP 592), empty when it gives none; None if it did not.
    """

    name: NormalizedName
    version: Version
    marker: str = ""
    url: str = ""
    files: tuple[LockedFile, ...] = ()
    via: tuple[str, ...] = ()
    yanked: str | None = None


def compile_requirements(
    requirements: Sequence[str], target: Target, *, exclude_newer: str = "", offline: bool = False
) -> list[Package]:
    """Resolve requirements for a target with ``uv pip compile`` (measured with uv 0.13).

    uv's own settings and environment variables name the indexes, with their credentials; neither is read here.

    Raises:
        ResolveError: KNB250 no uv, KNB251 the index is out of reach, KNB257 no solution.
    """
    options = ["--python-version", target.python, "--python-platform", target.platform, "--no-header"]
    options += ["--exclude-newer", exclude_newer] if exclude_newer else []
    text = "".join(f"{line}\n" for line in requirements)
    answer, said = _run([*options, "--format", "pylock.toml", *(["--offline"] if offline else [])], text)
    try:
        commented, _ = _run([*options, "--format", "requirements.txt", "--no-strip-extras", "--offline"], text)
    except ResolveError:  # uv keeps no cache; the lock is whole without who asks for what
        commented = ""
    askers = _askers(commented)
    yanked = dict(re.findall(YANKED, said))
    return [package_of(row, askers, yanked) for row in tables.parse(answer).get("packages", ())]


@functools.cache
def command() -> tuple[str, ...]:
    """Give how uv is started: the module beside this Python first, then the program on PATH.

    Raises:
        ResolveError: There is none (KNB250).
    """
    from importlib.util import find_spec  # only here

    if find_spec("uv") is not None:
        return (sys.executable, "-m", "uv")
    found = shutil.which("uv")
    if found is None:
        message = "A lock for the target is made by uv, which is not installed."
        hint = "'pip install kestra-nb[lock]' brings it; without --lock the pins come from the environment."
        raise ResolveError(message, hint=hint, code="KNB250")
    return (found,)


def _run(options: Sequence[str], text: str) -> tuple[str, str]:
    """Run ``uv pip compile``; give what it wrote, and what it said beside that."""
    try:
        answer = subprocess.run(
            [*command(), "pip", "compile", "-", "--no-python-downloads", "--no-progress", "--color", "never", *options],
            input=text, capture_output=True, text=True, encoding="utf-8", timeout=SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"uv did not finish ({type(error).__name__})."
        raise ResolveError(message, code="KNB251") from error
    if answer.returncode == 0:
        return answer.stdout, answer.stderr
    lines = [DRAWING.sub("", line).strip() for line in answer.stderr.splitlines() if not line.startswith("warning:")]
    said = USERINFO.sub("", " ".join(lines).strip())
    if UNREACHABLE.search(said):
        message = "uv cannot reach the package index, so no lock was made for the target."
        hint = "Without --lock the pins come from the environment. uv says: " + said[:300]
        raise ResolveError(message, hint=hint, code="KNB251")
    sentence = re.sub(r"\s+", " ", said)[:600].rstrip(".")
    message = f"uv finds no set of versions for the target: {sentence}."
    raise ResolveError(message, code="KNB257")


def _askers(text: str) -> dict[str, tuple[str, ...]]:
    """Read who asks for each pin, from the ``# via`` comments of the requirements form."""
    askers: dict[str, list[str]] = {}
    names: list[str] = []
    for line in text.splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            names = askers.setdefault(re.split(r"[=\[ @]", line, maxsplit=1)[0], [])
        elif line.strip().startswith("#"):
            name = line.strip().lstrip("#").strip().removeprefix("via").strip()
            if name and name != "-r -":
                names.append(name)
    return {name: tuple(sorted(found)) for name, found in askers.items()}


def package_of(
    row: Mapping[str, Any], askers: Mapping[str, tuple[str, ...]], yanked: Mapping[str, str] | None = None
) -> Package:
    """Read one ``[[packages]]`` of uv's ``pylock.toml``."""
    rows = row.get("wheels") or ([row["sdist"]] if "sdist" in row else [])
    return Package(
        name=cast("NormalizedName", row["name"]),
        version=Version(row.get("version") or "0"),
        marker=row.get("marker", ""),
        url=_address(row),
        files=tuple(_file(item) for item in rows),
        via=askers.get(row["name"], ()),
        yanked=(yanked or {}).get(row["name"]),
    )


def _file(item: Mapping[str, Any]) -> LockedFile:
    place = USERINFO.sub("", item.get("url") or item.get("path") or "")
    name = item.get("name") or place.partition("#")[0].rpartition("/")[2]
    url = place if "://" in place and not place.startswith("file:") else ""
    return LockedFile(name=name, url=url, sha256=item.get("hashes", {}).get("sha256", ""), size=item.get("size"))


def _address(row: Mapping[str, Any]) -> str:
    if "vcs" in row:
        vcs = row["vcs"]
        folder = f"#subdirectory={vcs['subdirectory']}" if vcs.get("subdirectory") else ""
        return USERINFO.sub("", f"{vcs['type']}+{vcs['url']}@{vcs['commit-id']}{folder}")
    return USERINFO.sub("", row["archive"].get("url", "")) if "archive" in row else ""
