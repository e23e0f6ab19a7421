"""Names of distributions and requirements that pin one version, without packaging's parser.

Importing ``packaging.requirements`` costs as much CPU as scanning a notebook, and a pin has nothing to parse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet
    from packaging.utils import NormalizedName


def normalise(name: str) -> NormalizedName:
    """Give a name as PEP 503 writes it; the same as ``packaging.utils.canonicalize_name``."""
    text = name.lower().replace("_", "-").replace(".", "-")
    while "--" in text:
        text = text.replace("--", "-")
    return cast("NormalizedName", text)


class Pinned:
    """``name[extra]==1.0``, or the bare name: reads like packaging's ``Requirement`` (PEP 508), and equals it.

    Attributes:
        name: Normalised.
        extras: Names of extras.
        url: Always None; ``marker`` too.
    """

    __slots__ = ("_version", "extras", "marker", "name", "url")

    def __init__(self, name: NormalizedName, extras: Iterable[str] = (), version: str = "") -> None:
        self.name = name
        self.extras = set(extras)
        self.url = None
        self.marker = None
        self._version = version

    @property
    def specifier(self) -> SpecifierSet:
        """The version as a specifier, parsed when asked for."""
        from packaging.specifiers import SpecifierSet

        return SpecifierSet(f"=={self._version}" if self._version else "")

    def __str__(self) -> str:
        extras = f"[{','.join(sorted(self.extras))}]" if self.extras else ""
        return f"{self.name}{extras}" + (f"=={self._version}" if self._version else "")

    def __repr__(self) -> str:
        return f"<Pinned({str(self)!r})>"

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


def pinned(name: NormalizedName, extras: Iterable[str] = (), version: str = "") -> Requirement:
    """Give a pin as the requirement that it stands for."""
    return cast("Requirement", Pinned(name, extras, version))
