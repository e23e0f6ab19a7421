"""References of container images."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kestra_nb.errors import StrategyError

REFERENCE = re.compile(
    r"(?:(?P<host>localhost|[a-z0-9.-]+\.[a-z0-9.-]+|[a-z0-9.-]+(?=:[0-9]+/))(?P<port>:[0-9]+)?/)?"
    r"(?P<path>[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An image in a registry.

    Attributes:
        name: As a flow names it, without tag and digest.
        host: The registry's host, with its port when stated; empty for Docker Hub.
        path: The repository within the registry.
        digest: ``sha256:…`` or empty.
    """

    name: str
    host: str
    path: str
    tag: str
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.name}@{self.digest}" if self.digest else f"{self.name}:{self.tag}"


def parse(text: str) -> Reference:
    """Read ``[registry/]name[:tag][@digest]``; the tag is ``latest`` when not given (Docker's rules).

    Raises:
        StrategyError: It is no reference.
    """
    found = REFERENCE.fullmatch(text)
    if found is None:
        message = f"{text!r} is no image; expected [registry/]name[:tag][@sha256:…]."
        raise StrategyError(message, hint="For example ghcr.io/kestra-io/pydata:latest", code="KNB320")
    host = (found["host"] or "") + (found["port"] or "")
    return Reference(
        name=f"{host}/{found['path']}" if host else found["path"],
        host=host,
        path=found["path"] if host or "/" in found["path"] else f"library/{found['path']}",
        tag=found["tag"] or "latest",
        digest=found["digest"] or "",
    )
