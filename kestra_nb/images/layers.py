"""What an image holds, out of the paths in its layers: no file of it is run or unpacked."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KEPT = re.compile(
    r".*/[^/]+\.dist-info/METADATA|.*/[^/]+\.egg-info(/PKG-INFO)?|(.*/)?bin/python[0-9.]*|(.*/)?ld-musl-[^/]*"
)
WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"


def kept_paths(layers: Iterable[Iterable[str]]) -> frozenset[str]:
    """Lay layers over each other and give the paths that matter here.

    Args:
        layers: The paths in each layer, the lowest first; a later layer removes by whiteouts (OCI image layer spec).
    """
    held: set[str] = set()
    for layer in layers:
        paths = [path.removeprefix("./").lstrip("/") for path in layer]
        for path in paths:
            folder, _, name = path.rpartition("/")
            if name.startswith(WHITEOUT):
                gone = folder if name == OPAQUE else f"{folder}/{name.removeprefix(WHITEOUT)}".lstrip("/")
                held = {kept for kept in held if kept != gone and not kept.startswith(f"{gone}/")}
        held.update(path for path in paths if KEPT.fullmatch(path))
    return frozenset(held)


def libc(paths: Iterable[str]) -> str:
    """Give ``musl`` or ``glibc``."""
    return "musl" if any("/ld-musl-" in f"/{path}" for path in paths) else "glibc"


def interpreter(paths: frozenset[str], search: str) -> tuple[str, str] | None:
    """Find what the command ``python`` starts.

    Args:
        paths: Of :func:`kept_paths`.
        search: The image's ``PATH``.

    Returns:
        Its prefix without the leading slash (``usr/local``) and its version as far as its name shows it (``3.11``), or
        None.
    """
    for folder in search.split(":"):
        prefix = str(PurePosixPath(folder).parent).lstrip("/")
        if f"{prefix}/bin/python".lstrip("/") in paths:
            versions = (path.rpartition("/python")[2] for path in paths if path.startswith(f"{prefix}/bin/python3."))
            return prefix, min(versions, key=len, default="")
    return None


def distributions(paths: Iterable[str], prefix: str, python: str) -> Mapping[NormalizedName, Version]:
    """Read names and versions off the metadata folders that an interpreter looks at, ``site-packages`` or Debian's."""
    folders = {f"{prefix}/lib/python{python}/site-packages"}
    if prefix == "usr":
        folders |= {"usr/lib/python3/dist-packages", f"usr/local/lib/python{python}/dist-packages"}
    held: dict[str, str] = {}
    for path in sorted(paths):
        folder, _, rest = path.partition("-packages/")
        entry = re.match(r"([^/]+)\.(dist|egg)-info", rest)
        if entry and f"{folder}-packages" in folders:
            name, _, version = entry[1].partition("-")
            held[name] = version.partition("-py")[0]
    return versions(held)


def versions(held: Mapping[str, str]) -> Mapping[NormalizedName, Version]:
    """Give names and versions in the forms of PEP 503 and PEP 440, sorted; what has no such version is left out."""
    read = ((canonicalize_name(name), _version(version)) for name, version in sorted(held.items()))
    return {name: version for name, version in read if version is not None}


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None
