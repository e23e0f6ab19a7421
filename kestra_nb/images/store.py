"""Where the catalogue lies: the package's own data, and a file of the person's with what was measured."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name
from packaging.version import Version

from kestra_nb.errors import ConfigError
from kestra_nb.model.dependency import Image
from kestra_nb.model.plain import to_plain

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Mapping

PLATFORMS = ("linux/amd64", "linux/arm64")
"""What Kestra builds its public images for."""


@cache
def shipped() -> tuple[Image, ...]:
    """Read Kestra's public images as the package's data predicts them."""
    data = tomllib.loads((files("kestra_nb") / "data" / "images.toml").read_text(encoding="utf-8"))
    common = {"tag": "latest", "basis": "predicted", "date": data["date"], "platforms": PLATFORMS}
    return tuple(_image({**common, **row}) for row in data["image"])


def measured() -> tuple[Image, ...]:
    """Read the images that were measured on this machine; none when there is no such file.

    Raises:
        ConfigError: The file is not what :func:`remember` wrote.
    """
    path = place()
    if not path.is_file():
        return ()
    try:
        return tuple(_image(row) for row in json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, KeyError) as error:
        message = f"{str(path)!r} is not the list of measured images that kestra-nb wrote: {error}."
        raise ConfigError(message, hint="Remove it and measure the images again.") from error


def remember(image: Image) -> None:
    """Add an image to the file of measured ones, in place of an older answer for the same name and tag."""
    path = place()
    others = (old for old in measured() if (old.name, old.tag) != (image.name, image.tag))
    rows = sorted((*others, image), key=lambda item: (item.name, item.tag))
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as beside:
        json.dump([to_plain(row) for row in rows], beside, indent=1)
    Path(beside.name).replace(path)


def place() -> Path:
    """Give the path of the file with measured images (XDG base directories; ``LOCALAPPDATA`` on Windows)."""
    stated = os.environ.get("XDG_DATA_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(stated) if stated else Path.home() / ".local" / "share") / "kestra-nb" / "images.json"


def _image(row: Mapping[str, Any]) -> Image:
    held = {canonicalize_name(name): Version(version) for name, version in row["distributions"].items()}
    given = {key: value for key, value in row.items() if key not in {"asked", "platforms", "distributions"}}
    return Image(**given, platforms=tuple(row["platforms"]), distributions=held)
