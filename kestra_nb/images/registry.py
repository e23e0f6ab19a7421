"""A registry's own interface (OCI distribution spec): looking into an image without Docker, by its layers' paths."""

from __future__ import annotations

import datetime as dt
import re
import tarfile
from typing import TYPE_CHECKING, Any, cast

from kestra_nb.errors import StrategyError
from kestra_nb.images import layers
from kestra_nb.model.dependency import Image

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import IO

    import urllib3

    from kestra_nb.images.reference import Reference

HUB = "registry-1.docker.io"
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
PLATFORM = ("linux", "amd64")
SECONDS = 30.0
LOGIN = "wants a login"
OK, UNAUTHORIZED, NOT_FOUND = 200, 401, 404


def measure(place: Reference) -> Image:
    """Read the paths in an image's layers and tell what its Python can import.

    The platform is linux/amd64 where the image has several. Of every layer all bytes are fetched.

    Raises:
        StrategyError: The registry does not give the image (KNB320), or it has no Python (KNB321).
    """
    client = Client(place)
    digest, index = client.manifest(place.digest or place.tag)
    manifest = client.manifest(_chosen(index, place))[1] if "manifests" in index else index
    config = client.config(manifest["config"]["digest"])
    variables = dict(text.partition("=")[::2] for text in config.get("config", {}).get("Env") or ())
    paths = layers.kept_paths(client.paths(layer) for layer in manifest["layers"])
    found = layers.interpreter(paths, variables.get("PATH", "/usr/local/bin:/usr/bin:/bin"))
    if found is None:
        message = f"{str(place)!r} has no command python on its PATH."
        raise StrategyError(message, code="KNB321")
    prefix, python = found
    return Image(
        name=place.name,
        tag=place.tag,
        python=variables.get("PYTHON_VERSION", python),
        libc=layers.libc(paths),
        basis="measured",
        date=dt.datetime.now(tz=dt.timezone.utc).date().isoformat(),
        digest=digest,
        platforms=tuple(_platforms(index)) or (f"linux/{config.get('architecture', PLATFORM[1])}",),
        distributions=layers.distributions(paths, prefix, python),
        size=sum(int(layer["size"]) for layer in manifest["layers"]),
    )


def holds(place: Reference) -> bool:
    """Tell whether a registry has a tag.

    Raises:
        StrategyError: The registry cannot be asked (KNB320).
    """
    return Client(place).ask("HEAD", f"manifests/{place.tag}", allowed=(OK, NOT_FOUND)).status == OK


class Client:
    """One repository of one registry, read without a login; a token for anonymous readers is fetched when asked for."""

    def __init__(self, place: Reference) -> None:
        import urllib3

        host = place.host or HUB
        scheme = "http" if host.split(":")[0] in {"localhost", "127.0.0.1"} else "https"
        self._place, self._base = place, f"{scheme}://{host}/v2/{place.path}"
        self._token = ""
        self._pool = urllib3.PoolManager(timeout=SECONDS, retries=urllib3.Retry(3, status=0, redirect=5))

    def manifest(self, reference: str) -> tuple[str, Mapping[str, Any]]:
        """Give a manifest with its digest."""
        answer = self.ask("GET", f"manifests/{reference}")
        return answer.headers.get("Docker-Content-Digest", ""), answer.json()

    def config(self, digest: str) -> Mapping[str, Any]:
        """Give the image's configuration."""
        return cast("Mapping[str, Any]", self.ask("GET", f"blobs/{digest}").json())

    def paths(self, layer: Mapping[str, Any]) -> Iterator[str]:
        """Give the paths in a layer, reading it as it comes."""
        answer = self.ask("GET", f"blobs/{layer['digest']}", preload=False)
        try:
            with tarfile.open(fileobj=cast("IO[bytes]", answer), mode="r|*") as archive:
                yield from (member.name for member in archive)
        except tarfile.TarError as error:
            message = f"A layer of {str(self._place)!r} ({layer['mediaType']}) cannot be read here: {error}."
            raise StrategyError(message, hint="Measure it where Docker runs.", code="KNB320") from error
        finally:
            answer.close()

    def ask(
        self, method: str, path: str, *, preload: bool = True, allowed: tuple[int, ...] = (OK,)
    ) -> urllib3.BaseHTTPResponse:
        """Send one request, with a token of the registry's choice when it wants one."""
        answer = self._send(method, path, preload=preload)
        if answer.status == UNAUTHORIZED:
            self._token = self._new_token(answer.headers.get("WWW-Authenticate", ""))
            answer = self._send(method, path, preload=preload)
        if answer.status not in allowed:
            raise self._refused(f"answered {answer.status}" if answer.status != UNAUTHORIZED else LOGIN)
        return answer

    def _send(self, method: str, path: str, *, preload: bool) -> urllib3.BaseHTTPResponse:
        import urllib3

        headers = {"Accept": ", ".join(MANIFESTS), **({"Authorization": self._token} if self._token else {})}
        try:
            return self._pool.request(method, f"{self._base}/{path}", headers=headers, preload_content=preload)
        except urllib3.exceptions.HTTPError as error:
            message = f"cannot be reached ({str(getattr(error, 'reason', error)).rpartition(': ')[2]})"
            raise self._refused(message) from error

    def _new_token(self, challenge: str) -> str:
        """Answer a Bearer challenge (Docker's token authentication)."""
        asked = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        if not challenge.startswith("Bearer") or "realm" not in asked:
            raise self._refused(LOGIN)
        fields = {key: asked[key] for key in ("service", "scope") if key in asked}
        answer = self._pool.request("GET", asked["realm"], fields=fields)
        token = answer.json() if answer.status == OK else {}
        return f"Bearer {token.get('token') or token.get('access_token') or ''}"

    def _refused(self, why: str) -> StrategyError:
        hint = "Measure it where Docker is logged in." if why == LOGIN else ""
        return StrategyError(f"{str(self._place)!r} cannot be read: its registry {why}.", hint=hint, code="KNB320")


def _chosen(index: Mapping[str, Any], place: Reference) -> str:
    for entry in index["manifests"]:
        known = entry.get("platform", {})
        if (known.get("os"), known.get("architecture")) == PLATFORM:
            return str(entry["digest"])
    message = f"{str(place)!r} is not there for {'/'.join(PLATFORM)}."
    raise StrategyError(message, code="KNB320")


def _platforms(index: Mapping[str, Any]) -> Iterator[str]:
    for entry in index.get("manifests", ()):
        known = entry.get("platform", {})
        if known.get("os") == PLATFORM[0]:
            yield f"{known['os']}/{known['architecture']}"
